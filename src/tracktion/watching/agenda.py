"""When which folder is looked at: each once, at its earliest time, and slow ones less often."""

from __future__ import annotations

import heapq

__all__ = ["Agenda"]

SPACING_SECONDS = 0.1


class Agenda:
    """Folders by the time of their next look (monotonic seconds)."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, bytes]] = []
        self._due: dict[bytes, float] = {}
        self._spacing: dict[bytes, float] = {}

    def add(self, path: bytes, when: float) -> None:
        """Look at `path` at that time, unless an earlier one is noted."""
        before = self._due.get(path)
        if before is None or when < before:
            self._due[path] = when
            heapq.heappush(self._heap, (when, path))

    def next_due(self) -> float:
        """When the next look is due; infinity when none is."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else float("inf")

    def take(self) -> bytes:
        """Take the next folder, after `next_due` has told that there is one."""
        _, path = heapq.heappop(self._heap)
        del self._due[path]
        return path

    def forget(self, path: bytes) -> None:
        """The folder is gone."""
        self._due.pop(path, None)

    def looked(self, path: bytes, seconds: float) -> None:
        """A look took so long: the next one that a hint asks for waits four times that, when it is much."""
        if seconds > SPACING_SECONDS / 4:
            self._spacing[path] = 4 * seconds
        else:
            self._spacing.pop(path, None)

    def spacing(self, path: bytes) -> float:
        """Seconds to leave between two looks."""
        return self._spacing.get(path, 0.0)
