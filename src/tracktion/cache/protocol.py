"""The contract of a cache. `tracktion.testing.CacheConformance` checks it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar, runtime_checkable

from tracktion.results.base import Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["DEFAULT", "MISSING", "Cache", "CacheStats", "Missing", "Ttl", "seconds_of"]

T = TypeVar("T")


class Missing:
    """The answer that there is no value; None is a value."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing("MISSING")
DEFAULT: Final = Missing("DEFAULT")
"""Stands for the time-to-live that the cache was made with."""

Ttl = float | None | Missing
"""Seconds; None never expires; `DEFAULT`."""


def seconds_of(ttl: Ttl, default: float | None) -> float | None:
    """Return the seconds that an entry is kept; None, for ever, also for what is no finite number."""
    seconds = default if isinstance(ttl, Missing) else ttl
    return seconds if seconds is not None and math.isfinite(seconds) else None


@dataclass(frozen=True, slots=True)
class CacheStats(Result):
    """What a cache has done since it was made.

    Attributes
    ----------
    hits, misses
        Answers of `Cache.get`.
    size
        Entries now; -1 where counting is not possible.
    evictions
        Entries given up for room.
    errors
        Times that a remote cache failed or answered rubbish, and was passed over.
    open
        Whether the breaker is open: the remote cache is not asked for the moment.
    """

    hits: int
    misses: int
    size: int
    evictions: int = 0
    errors: int = 0
    open: bool = False

    @property
    def hit_rate(self) -> float:
        """Hits of all answers, 0 to 1."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


@runtime_checkable
class Cache(Protocol):
    """Values by text keys, for a while. Any method may be called from any thread; none raises for the cache's sake."""

    def get(self, key: str, /) -> Any:
        """Return the value, or `MISSING`."""
        ...

    def set(self, key: str, value: Any, /, *, ttl: Ttl = DEFAULT) -> None:
        """Keep a value for `ttl` seconds; for ever when they are None, infinite or NaN."""
        ...

    def delete(self, key: str, /) -> None:
        """Forget one."""
        ...

    def clear(self) -> None:
        """Forget all of this cache's own."""
        ...

    def get_or_compute(self, key: str, compute: Callable[[], T], /, *, ttl: Ttl = DEFAULT) -> T:
        """Return the value; compute and keep it when it is missing.

        Threads that ask for one key at the same time wait for the one that computes it. What `compute` raises is
        raised to all of them, and nothing is kept.
        """
        ...

    async def get_or_compute_async(self, key: str, compute: Callable[[], Awaitable[T]], /, *, ttl: Ttl = DEFAULT) -> T:
        """Return the value as `get_or_compute` does, for coroutines: those of one event loop wait for one."""
        ...

    def shrink(self, fraction: float = 0.5) -> int:
        """Give up the least recently used `fraction` of what lies in this process's memory; return how many."""
        ...

    def stats(self) -> CacheStats:
        """Return counts."""
        ...

    def close(self) -> None:
        """Give back connections; again is harmless."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...
