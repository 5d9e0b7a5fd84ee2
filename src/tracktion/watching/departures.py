"""Deletions that wait to be told: a file that is gone here may turn up elsewhere, and then it was moved."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracktion.results.catalogue import FileRecord

__all__ = ["Departures"]

MARGIN_SECONDS = 0.5


@dataclass(slots=True)
class Departure:
    """Rows that were marked together, when, and from when on they are told (monotonic seconds)."""

    rows: Sequence[FileRecord]
    since: float
    due: float | None = None


class Departures:
    """Holds deletions back for one scan of everything that began after them, and until what it found can have settled.

    Whether they still stand is asked of the journal when they are told; here is only how long to wait.

    Parameters
    ----------
    tell
        Called with rows.
    quiet_seconds
        How long a file must stand still to be taken.
    """

    def __init__(self, tell: Callable[[Sequence[FileRecord]], None], quiet_seconds: float) -> None:
        self._tell = tell
        self._quiet_seconds = quiet_seconds
        self._waiting: deque[Departure] = deque()

    def add(self, rows: Sequence[FileRecord], now: float) -> None:
        """Hold these back."""
        if rows:
            self._waiting.append(Departure(rows, now))

    def look(self, now: float, scanned_from: float) -> None:
        """Tell what is due; `scanned_from` is when the last complete scan began."""
        for departure in self._waiting:
            if departure.due is None and scanned_from >= departure.since:
                departure.due = now + self._quiet_seconds + MARGIN_SECONDS
        while self._waiting and (due := self._waiting[0].due) is not None and due <= now:
            self._tell(self._waiting.popleft().rows)

    def tell_all(self) -> None:
        """Wait no longer."""
        while self._waiting:
            self._tell(self._waiting.popleft().rows)
