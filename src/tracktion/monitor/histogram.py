"""A bounded histogram of durations: relative error 2.5 %, whatever the number of values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Histogram"]

SMALLEST = 1e-7
GROWTH = 1.05
_SCALE = 1.0 / math.log(GROWTH)
BUCKETS = int(math.log(1e5 / SMALLEST) * _SCALE) + 2
"""From 0.1 µs to 28 hours; about 570 counts."""


class Histogram:
    """Counts values in buckets whose borders grow by 5 %.

    Not thread-safe by itself; `PerformanceMonitor` holds a lock.
    """

    __slots__ = ("_counts", "count", "largest", "smallest", "total")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.smallest = math.inf
        self.largest = 0.0

    def add(self, seconds: float) -> None:
        """Count one value."""
        bucket = 0 if seconds <= SMALLEST else min(BUCKETS - 1, 1 + int(math.log(seconds / SMALLEST) * _SCALE))
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.count += 1
        self.total += seconds
        self.smallest = min(self.smallest, seconds)
        self.largest = max(self.largest, seconds)

    def quantile(self, fraction: float) -> float:
        """Return the value below which `fraction` of all lie, within 2.5 %; 0 when there are none."""
        if not self.count:
            return 0.0
        wanted = max(1, math.ceil(fraction * self.count))
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= wanted:
                middle: float = SMALLEST * GROWTH ** (bucket - 0.5)
                return min(max(middle, self.smallest), self.largest)
        return self.largest

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Yield ``(upper border in seconds, count up to it)`` of the buckets in use, as exporters want them."""
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            yield SMALLEST * GROWTH**bucket, seen
