"""Memory that gets short: caches give way first, then work slows down; never silently."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tracktion.results.base import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["MemoryMonitor", "MemoryReport"]

logger = logging.getLogger("tracktion")

MEGABYTE = 2**20


class _Shrinking(Protocol):
    def shrink(self, fraction: float = 0.5) -> int: ...


@dataclass(frozen=True, slots=True)
class MemoryReport(Result):
    """One look at the process's memory.

    Attributes
    ----------
    resident_mb, limit_mb
        Resident memory now, after what was given up, and the limit; MiB.
    over
        Whether it is above the limit.
    given_up
        Entries that the caches gave up at this look.
    slowdown
        Factor by which batches should be smaller or fewer at a time; 1 is full speed.
    """

    resident_mb: float
    limit_mb: float
    over: bool
    given_up: int
    slowdown: float


class MemoryMonitor:
    """Watches resident memory while there is work, and makes room when it passes the limit.

    Above the limit, `check` lets every registered cache give up its least recently used half, collects garbage, and
    looks again; while that does not help, `slowdown` grows to 2, 4, 8, which batches follow. Each such event is
    logged as a warning and given to `on_pressure`. Below 90 % of the limit all goes back to normal.

    Parameters
    ----------
    limit_mb
        MiB of resident memory.
    caches
        Whatever has ``shrink(fraction)``; kept by weak reference.
    interval
        `check` looks at most this often, seconds; in between it returns the last report.
    on_pressure
        Called with the `MemoryReport` when something was given up or slowed down.
    resident
        Returns resident bytes; psutil by default.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        limit_mb: float = 2048.0,
        *,
        caches: Iterable[_Shrinking] = (),
        interval: float = 1.0,
        on_pressure: Callable[[MemoryReport], None] | None = None,
        resident: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit_mb * MEGABYTE
        self._caches: weakref.WeakSet[_Shrinking] = weakref.WeakSet(caches)
        self._interval = interval
        self._on_pressure = on_pressure
        self._resident = resident or _resident()
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = -float("inf")
        self._slowdown = 1.0
        self._last: MemoryReport | None = None

    def register(self, cache: _Shrinking) -> None:
        """Let one more cache give way."""
        self._caches.add(cache)

    @property
    def slowdown(self) -> float:
        """1 at full speed, up to 8 while memory is short: divide batch sizes and workers by it."""
        return self._slowdown

    def check(self) -> MemoryReport:
        """Look, and make room where needed. Cheap enough to call before every piece of work."""
        with self._lock:
            now = self._clock()
            if self._last is not None and now - self._looked < self._interval:
                return self._last
            self._looked = now
            report = self._last = self._look()
        if report.given_up or report.slowdown > 1:
            logger.warning(
                "memory is short: %.0f of %.0f MiB resident; caches gave up %d entries, slowed down by %g",
                report.resident_mb,
                report.limit_mb,
                report.given_up,
                report.slowdown,
            )
            if self._on_pressure is not None:
                self._on_pressure(report)
        return report

    def _look(self) -> MemoryReport:
        resident = self._resident()
        given_up = 0
        if resident > self._limit:
            given_up = sum(cache.shrink(0.5) for cache in list(self._caches))
            gc.collect()
            resident = self._resident()
        over = resident > self._limit
        if over:
            self._slowdown = min(2 * self._slowdown, 8.0)
        elif resident < 0.9 * self._limit:
            self._slowdown = 1.0
        return MemoryReport(resident / MEGABYTE, self._limit / MEGABYTE, over, given_up, self._slowdown)


def _resident() -> Callable[[], int]:
    import psutil

    process = psutil.Process()
    return lambda: int(process.memory_info().rss)
