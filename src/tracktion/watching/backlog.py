"""What waits to be worked on: how many rows are ready, deletions to be told, and rows to be tried alone."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracktion.results.catalogue import FileRecord

__all__ = ["Backlog", "Suspects"]


class Backlog:
    """How much there is to do; the scanner adds, the worker takes, others wait.

    The rows are in the journal; here is only their number, so a million pending files cost nothing.
    """

    def __init__(self, *, settling: Callable[[], bool], batch_size: int, batch_seconds: float) -> None:
        self._condition = threading.Condition()
        self._settling = settling
        self._batch_size = batch_size
        self._batch_seconds = batch_seconds
        self._ready = 0
        self._added = 0
        self._since = 0.0
        self._stopping = False
        self._hurry = False
        self.deletions: deque[FileRecord] = deque()
        """Rows of files that are gone, for the handler to be told."""

    @property
    def ready(self) -> int:
        """About how many rows wait; never too few."""
        return self._ready

    @property
    def added(self) -> int:
        """How often rows were added; asked before rows are claimed."""
        return self._added

    @property
    def stopping(self) -> bool:
        """Whether work is to end."""
        return self._stopping

    def add(self, count: int) -> None:
        """There are `count` more."""
        with self._condition:
            if count > 0 and self._ready == 0:
                self._since = time.monotonic()
            self._ready += count
            self._added += 1
            self._condition.notify_all()

    def add_deletions(self, records: Sequence[FileRecord]) -> None:
        """The handler is to be told that these are gone."""
        self.deletions.extend(records)
        self.add(0)

    def take(self, count: int, asked: int, added: int) -> None:
        """`count` were claimed; when fewer than `asked` could be, and none `added` since, there are no more."""
        with self._condition:
            last = count < asked and added == self._added
            self._ready = 0 if last else max(1, self._ready - count)
            self._since = time.monotonic()

    def stop(self) -> None:
        """End all waiting."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    def hurry(self) -> None:
        """Nothing more will come: batches go as they are."""
        with self._condition:
            self._hurry = True
            self._condition.notify_all()

    def wait(self, seconds: float) -> None:
        """Pause, but not for longer than until something happens."""
        with self._condition:
            if not self._stopping and seconds > 0:
                self._condition.wait(seconds)

    def pause(self, seconds: float) -> None:
        """Pause whatever happens, except a stop."""
        deadline = time.monotonic() + seconds
        with self._condition:
            while not self._stopping and (left := deadline - time.monotonic()) > 0:
                self._condition.wait(left)

    def due(self) -> bool:
        """Whether a batch should go: it is full, or nothing more is on its way, or it has waited long enough."""
        if self._ready <= 0:
            return False
        if self._hurry:
            return True
        waited = time.monotonic() - self._since
        return self._ready >= self._batch_size or not self._settling() or waited >= self._batch_seconds


class Suspects:
    """Rows to be tried again alone, those first that were tried least.

    Whoever ends the process again and again then meets another row each time: only a row that ends it itself uses up
    its attempts.
    """

    def __init__(self) -> None:
        self._by_attempts: dict[int, deque[tuple[float, FileRecord]]] = {}

    def __len__(self) -> int:
        return sum(map(len, list(self._by_attempts.values())))

    def add(self, record: FileRecord, *, delay_seconds: float = 0.0) -> None:
        """Put a row at the end of those that were tried as often."""
        rows = self._by_attempts.setdefault(record.attempts, deque())
        rows.append((time.monotonic() + delay_seconds, record))

    def take(self) -> FileRecord | None:
        """Take the next row whose time has come; None when there is none."""
        now = time.monotonic()
        for attempts in sorted(self._by_attempts):
            rows = self._by_attempts[attempts]
            if rows and rows[0][0] <= now:
                return rows.popleft()[1]
        return None

    def ids(self) -> set[int | None]:
        """Return the ids of all rows."""
        return {record.id for rows in self._by_attempts.values() for _, record in rows}
