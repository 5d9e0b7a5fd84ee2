"""The searchable text of an SQL home in the memory of this process: a search takes a millisecond instead of twenty.

The index only proposes: rows are read from the home before they are compared, so no answer is older than the home. What
is written through the same storage object is followed at once, and rows that other processes add are seen within
`LOOK_SECONDS`. Rows that others change are found by their new names after the next reading of everything.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from tracktion.errors import StorageError
from tracktion.matching.index import TextIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["ResidentIndex"]

LOOK_SECONDS = 1.0
READ_ALL_SECONDS = 600.0


class ResidentIndex:
    """A `TextIndex` beside a home, kept in step with it; safe to use from many threads.

    Parameters
    ----------
    storage
        An SQL home.
    look_seconds, read_all_seconds
        Least times between two looks for rows of others, and between two readings of all rows.
    """

    def __init__(
        self, storage: Any, *, look_seconds: float = LOOK_SECONDS, read_all_seconds: float = READ_ALL_SECONDS
    ) -> None:
        self._storage = storage
        self._look_seconds = look_seconds
        self._read_all_seconds = read_all_seconds
        self._lock = threading.Lock()
        self._index: TextIndex | None = None
        self._revision = 0
        self._edition = ""
        self._last = -1
        self._next_look = 0.0
        self._next_reading = 0.0
        self._reader: threading.Thread | None = None

    def search(self, query: str, *, keep: int) -> tuple[Any, NDArray[Any]]:
        """See `TextIndex.search`; the first call reads all rows (about a second for 100 000)."""
        return self._current().search(query, keep=keep)

    def edition(self) -> str:
        """Name the index as it is; it is brought up to date first, as for a search."""
        self._current()
        return self._edition

    def _current(self) -> TextIndex:
        if self._index is None or self._storage.revision != self._revision or time.monotonic() >= self._next_look:
            with self._lock:
                return self._caught_up(self._index)
        return self._index

    def _caught_up(self, index: TextIndex | None) -> TextIndex:
        now = time.monotonic()
        if index is not None and self._storage.revision == self._revision and now < self._next_look:
            return index  # another thread did it while this one waited
        revision, changed = self._storage.changes_since(self._revision)
        if index is None or changed is None:
            index = self._index = TextIndex(self._rows(-1))
            self._edition = uuid.uuid4().hex
            self._next_reading = now + self._read_all_seconds
        else:
            news = [*self._rows(self._last), *self._looked_up(changed)]
            if news:
                index.apply(news)
                self._edition = uuid.uuid4().hex
        self._revision, self._next_look = revision, now + self._look_seconds
        if now >= self._next_reading and (self._reader is None or not self._reader.is_alive()):
            self._next_reading = now + self._read_all_seconds
            self._reader = threading.Thread(target=self._read_all, name="tracktion-resident", daemon=True)
            self._reader.start()
        return index

    def _rows(self, after: int) -> Iterator[tuple[int, str]]:
        for track_id, _, search in self._storage.iter_normalised(after=after if after >= 0 else None):
            self._last = max(self._last, track_id)
            yield track_id, search

    def _looked_up(self, track_ids: set[int]) -> Iterator[tuple[int, str | None]]:
        if track_ids:
            found = {candidate.track.id: candidate.search for candidate in self._storage.get_candidates(track_ids)}
            yield from ((track_id, found.get(track_id)) for track_id in track_ids)

    def _read_all(self) -> None:
        """Read everything while others go on searching; what changed meanwhile is looked up once more."""
        revision = self._storage.revision
        try:
            index = TextIndex((track_id, search) for track_id, _, search in self._storage.iter_normalised())
            with self._lock:
                self._index, self._revision = index, min(revision, self._revision)
                self._edition = uuid.uuid4().hex
        except StorageError:
            pass  # the next reading comes
