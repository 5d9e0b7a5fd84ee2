"""The cache in this process's memory."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

from cachetools import TLRUCache

from tracktion.cache.flights import AsyncFlights, Flights
from tracktion.cache.forks import renewed_in_children
from tracktion.cache.protocol import DEFAULT, MISSING, CacheStats, Ttl, seconds_of
from tracktion.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["LRUCache"]

T = TypeVar("T")


def _expiry(_key: str, entry: tuple[Any, float], now: float) -> float:
    return now + entry[1]


class LRUCache:
    """Keeps the most recently used values, each for its time. Values are kept as they are: give immutable ones.

    Parameters
    ----------
    maxsize
        Entries.
    ttl
        Seconds that an entry is kept when `set` does not say; None: until it is evicted.
    clock
        Monotonic seconds; tests give their own.
    patience
        Seconds that `get_or_compute` waits for another thread before it computes by itself.

    Examples
    --------
    >>> cache = LRUCache(maxsize=2)
    >>> cache.get_or_compute("a", lambda: 1), cache.get("a"), cache.get("b")
    (1, 1, MISSING)
    """

    def __init__(
        self,
        maxsize: int = 10_000,
        *,
        ttl: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        patience: float = 60.0,
    ) -> None:
        if maxsize < 1:
            raise UsageError(f"maxsize must be at least 1, not {maxsize}")
        self._ttl, self._clock = ttl, clock
        self._entries: TLRUCache[str, tuple[Any, float]] = TLRUCache(maxsize, ttu=_expiry, timer=clock)
        self._lock = threading.Lock()
        self._flights = Flights(patience)
        self._async_flights = AsyncFlights()
        self._hits = self._misses = self._evictions = 0
        renewed_in_children(self)

    def after_fork(self) -> None:
        """See `tracktion.cache.forks`; entries that a thread was just changing are given up."""
        if self._lock.locked():
            self._entries = TLRUCache(self._entries.maxsize, ttu=_expiry, timer=self._clock)
        self._lock = threading.Lock()
        self._flights.after_fork()
        self._async_flights.after_fork()

    def get(self, key: str, /) -> Any:
        """See `Cache.get`."""
        with self._lock:
            try:
                value = self._entries[key][0]
            except KeyError:
                self._misses += 1
                return MISSING
            self._hits += 1
            return value

    def set(self, key: str, value: Any, /, *, ttl: Ttl = DEFAULT) -> None:
        """See `Cache.set`."""
        seconds = seconds_of(ttl, self._ttl)
        with self._lock:
            self._entries.expire()
            if key not in self._entries and len(self._entries) >= self._entries.maxsize:
                self._entries.popitem()
                self._evictions += 1
            self._entries[key] = value, math.inf if seconds is None else seconds

    def delete(self, key: str, /) -> None:
        """See `Cache.delete`."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """See `Cache.clear`."""
        with self._lock:
            self._entries.clear()

    def get_or_compute(self, key: str, compute: Callable[[], T], /, *, ttl: Ttl = DEFAULT) -> T:
        """See `Cache.get_or_compute`."""
        value = self.get(key)
        if value is not MISSING:
            found: T = value
            return found
        return self._flights.fly(key, lambda: self._computed(key, compute, ttl))

    def _computed(self, key: str, compute: Callable[[], T], ttl: Ttl) -> T:
        # Somebody may have landed between our look and our take-off.
        with self._lock:
            entry = self._entries.get(key)
        if entry is not None:
            landed: T = entry[0]
            return landed
        value = compute()
        self.set(key, value, ttl=ttl)
        return value

    async def get_or_compute_async(self, key: str, compute: Callable[[], Awaitable[T]], /, *, ttl: Ttl = DEFAULT) -> T:
        """See `Cache.get_or_compute_async`."""
        value = self.get(key)
        if value is not MISSING:
            found: T = value
            return found

        async def work() -> T:
            computed = await compute()
            self.set(key, computed, ttl=ttl)
            return computed

        return await self._async_flights.fly(key, work)

    def shrink(self, fraction: float = 0.5) -> int:
        """See `Cache.shrink`."""
        with self._lock:
            self._entries.expire()
            count = math.ceil(len(self._entries) * min(max(fraction, 0.0), 1.0))
            for _ in range(count):
                self._entries.popitem()
            self._evictions += count
            return count

    def stats(self) -> CacheStats:
        """See `Cache.stats`."""
        with self._lock:
            self._entries.expire()
            return CacheStats(self._hits, self._misses, len(self._entries), self._evictions)

    def close(self) -> None:
        """Forget everything."""
        self.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
