"""An inverted index in memory: which rows of a million may be what a question means.

Rows are kept as folded text (`NormalisedTrack.search`) and indexed in segments of at most 65 536 by their words and
by the trigrams of their words. A search reads the lists of the question's exact words and rarest trigrams, adds up
weights (inverse document frequency), and compares the best few hundred rows in full.

Rows that change are appended as new small segments and the old ones marked dead; small segments are merged, and the
whole is built anew when it has grown by half or a quarter of it is dead. Searching threads work on a snapshot; the
first that meets changes takes them in, and others wait for it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from tracktion._core.trigrams import SCRATCH, SEGMENT, TERMS, masses, search, segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["BUDGET", "KEEP", "WIDE", "TextIndex"]

BUDGET = 50_000
"""Postings that one search reads, at most, beyond its rarest term."""

WIDE = 160
"""Rows whose full overlap is computed, when the budget did not suffice for all terms."""

KEEP = 40
"""Rows that are scored."""

SMALL_SEGMENTS = 8
WEIGHT_SCALE = 9.0


@dataclass(frozen=True, slots=True, eq=False)
class _Snapshot:
    """Everything that a search reads; never changed once it is visible."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    ids: NDArray[np.int64]
    alive: NDArray[np.uint8]
    masses: NDArray[np.uint16]
    starts: NDArray[np.uint32]
    bases: NDArray[np.int64]
    first: NDArray[np.int64]
    postings: NDArray[np.uint16]
    frequency: NDArray[np.uint32]
    weights: NDArray[np.uint8]
    ascending: int
    """Rows at the beginning whose ids ascend."""
    lean: bool = False
    """Whether the masses were made with these weights."""


class _Growing:
    """An array that is appended to; what was handed out stays as it was."""

    def __init__(self, dtype: Any) -> None:
        self._array: NDArray[Any] = np.zeros(0, dtype=dtype)
        self.size = 0

    def append(self, values: NDArray[Any]) -> NDArray[Any]:
        need = self.size + len(values)
        if need > len(self._array):
            grown = np.empty(max(need, len(self._array) + len(self._array) // 8), dtype=self._array.dtype)
            grown[: self.size] = self._array[: self.size]
            self._array = grown
        self._array[self.size : need] = values
        self.size = need
        return self._array[:need]

    def without(self, places: list[int]) -> NDArray[Any]:
        """Put 0 at these places, of a copy: what was handed out stays as it was."""
        self._array = self._array.copy()
        self._array[places] = 0
        return self._array[: self.size]


class TextIndex:
    """Rows of folded text by id, searchable at any time from many threads.

    Parameters
    ----------
    rows
        ``(id, search)`` to begin with; ascending ids take the least memory.
    """

    def __init__(self, rows: Iterable[tuple[int, str]] = ()) -> None:
        self._lock = threading.Lock()
        self._local = threading.local()
        self._pending: dict[int, str | None] = {}
        self._snapshot = self._build(iter(rows))

    def __len__(self) -> int:
        snapshot = self._current()
        return int(snapshot.alive.sum())

    def load(self, rows: Iterable[tuple[int, str]]) -> None:
        """Begin anew with these rows; to be called before others search. Changes that came meanwhile stay noted."""
        self._snapshot = self._build(iter(rows))

    def apply(self, changes: Iterable[tuple[int, str | None]]) -> None:
        """Take note of rows that are new, other than before, or gone (None); the next search sees them."""
        with self._lock:
            self._pending.update(changes)

    def search(
        self, query: str, *, keep: int = KEEP, wide: int = WIDE, budget: int = BUDGET
    ) -> tuple[_Snapshot, NDArray[np.int32]]:
        """Return a snapshot and the places in it of the rows that are likest to `query`, the likest first.

        Parameters
        ----------
        query
            Folded words; whatever is not ``a``-``z`` or ``0``-``9`` parts them.
        keep, wide, budget
            Rows to return; rows to compare in full; postings to read.
        """
        snapshot = self._current()
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = np.zeros(SCRATCH, dtype=np.uint16)
        s = snapshot
        rows, _ = search(
            np.frombuffer(query.encode("ascii", "replace"), dtype=np.uint8),
            s.data,
            s.offsets,
            s.starts,
            s.bases,
            s.postings,
            s.frequency,
            s.weights,
            s.masses,
            s.alive,
            s.first,
            budget,
            wide,
            keep,
            scratch,
            s.lean,
        )
        return snapshot, rows

    def _current(self) -> _Snapshot:
        if self._pending:
            with self._lock:
                if self._pending:  # emptied last, so that no other thread takes the old snapshot for the new one
                    self._snapshot = self._changed(self._snapshot, self._pending)
                    self._pending = {}
        return self._snapshot

    # --- building -------------------------------------------------------------------------------------------------

    def _build(self, rows: Iterator[tuple[int, str]]) -> _Snapshot:
        self._data, self._offsets, self._ids = _Growing(np.uint8), _Growing(np.int64), _Growing(np.int64)
        self._alive, self._masses, self._postings = _Growing(np.uint8), _Growing(np.uint16), _Growing(np.uint16)
        self._offsets.append(np.zeros(1, dtype=np.int64))
        empty = np.zeros(0, dtype=np.int64)
        snapshot = _Snapshot(
            data=self._data.append(np.zeros(0, dtype=np.uint8)),
            offsets=self._offsets.append(empty),
            ids=self._ids.append(empty),
            alive=self._alive.append(np.zeros(0, dtype=np.uint8)),
            masses=self._masses.append(np.zeros(0, dtype=np.uint16)),
            starts=np.zeros((0, TERMS + 1), dtype=np.uint32),
            bases=np.zeros(1, dtype=np.int64),
            first=np.zeros(1, dtype=np.int64),
            postings=self._postings.append(np.zeros(0, dtype=np.uint16)),
            frequency=np.zeros(TERMS, dtype=np.uint32),
            weights=np.ones(TERMS, dtype=np.uint8),
            ascending=0,
        )
        self._dead = 0
        self._place: dict[int, int] = {}
        parts: list[NDArray[np.uint32]] = []
        while chunk := list(islice(rows, SEGMENT)):
            snapshot = self._append(snapshot, chunk, parts)
        snapshot = replace(snapshot, starts=np.stack(parts) if parts else snapshot.starts)
        snapshot = _weighted(snapshot)
        self._masses.size = 0
        self._built = len(snapshot.ids)
        sums = self._masses.append(masses(snapshot.data, snapshot.offsets, snapshot.weights))
        return replace(snapshot, masses=sums, lean=True)

    def _append(self, old: _Snapshot, rows: list[tuple[int, str]], parts: list[NDArray[np.uint32]]) -> _Snapshot:
        """Add one segment of rows; their starts go to `parts`, weights and masses are left as they were."""
        texts = [text for _, text in rows]
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        begin = len(old.ids)
        ids = self._ids.append(np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows)))
        offsets = self._offsets.append(old.offsets[-1] + np.cumsum(lengths))
        data = self._data.append(np.frombuffer("".join(texts).encode("ascii", "replace"), dtype=np.uint8))
        starts, postings = segment(data, offsets, begin, len(ids))
        parts.append(starts)
        base = self._postings.size
        ascending = old.ascending
        if ascending == begin:
            new = ids[max(begin - 1, 0) :]
            if bool((np.diff(new) > 0).all()):
                ascending = len(ids)
        for place in range(max(begin, ascending), len(ids)):
            self._place[int(ids[place])] = place
        return replace(
            old,
            data=data,
            offsets=offsets,
            ids=ids,
            alive=self._alive.append(np.ones(len(rows), dtype=np.uint8)),
            first=np.append(old.first, len(ids)),
            bases=np.append(old.bases[: len(old.first) - 1], [base, base]),
            postings=self._postings.append(postings),
            frequency=old.frequency + np.diff(starts),
            ascending=ascending,
        )

    # --- changing -------------------------------------------------------------------------------------------------

    def _changed(self, old: _Snapshot, pending: dict[int, str | None]) -> _Snapshot:
        dying = []
        for track_id, text in list(pending.items()):
            place = self._find(old, track_id)
            if place is not None and old.alive[place]:
                if text is not None and text.encode("ascii", "replace") == _text_at(old, place):
                    del pending[track_id]
                else:
                    dying.append(place)
                    self._place.pop(track_id, None)
        if not pending:
            return old
        if dying:  # in a copy: who searches the old snapshot still meets the old rows
            old = replace(old, alive=self._alive.without(dying))
            self._dead += len(dying)
        rows = sorted((track_id, text) for track_id, text in pending.items() if text is not None)
        total = len(old.ids) + len(rows)
        if total > 1.5 * self._built + 4096 or self._dead > total // 4 + 4096:
            kept = [*_alive_rows(old), *rows]
            return self._build(iter(sorted(kept)))
        parts = [old.starts]
        snapshot = old
        for begin in range(0, len(rows), SEGMENT):
            fresh: list[NDArray[np.uint32]] = []
            snapshot = self._append(snapshot, rows[begin : begin + SEGMENT], fresh)
            parts.append(fresh[0][None])
        snapshot = replace(snapshot, starts=np.concatenate(parts))
        if rows:
            snapshot = self._merged(snapshot)
            snapshot = _weighted(snapshot)
            begin = self._masses.size
            tail = snapshot.offsets[begin:] - snapshot.offsets[begin]
            data = snapshot.data[snapshot.offsets[begin] :]
            sums = self._masses.append(masses(data, tail, snapshot.weights))
            snapshot = replace(snapshot, masses=sums, lean=False)
        return snapshot

    def _merged(self, old: _Snapshot) -> _Snapshot:
        """Make one segment of the last ones when they are many and small."""
        sizes = np.diff(old.first)
        last = len(sizes)
        begin = last
        while begin > 0 and old.first[last] - old.first[begin - 1] <= SEGMENT:
            begin -= 1
        if last - begin <= SMALL_SEGMENTS:
            return old
        starts, postings = segment(old.data, old.offsets, int(old.first[begin]), int(old.first[last]))
        base = self._postings.size
        return replace(
            old,
            starts=np.concatenate([old.starts[:begin], starts[None]]),
            first=np.append(old.first[: begin + 1], old.first[last]),
            bases=np.append(old.bases[:begin], [base, base]),
            postings=self._postings.append(postings),
        )

    def _find(self, snapshot: _Snapshot, track_id: int) -> int | None:
        place = self._place.get(track_id)
        if place is not None:
            return place
        ids = snapshot.ids[: snapshot.ascending]
        place = int(np.searchsorted(ids, track_id))
        return place if place < len(ids) and ids[place] == track_id else None


def _weighted(snapshot: _Snapshot) -> _Snapshot:
    rows = len(snapshot.ids)
    idf = np.log((rows + 1.0) / (snapshot.frequency + 0.5))
    return replace(snapshot, weights=np.clip(idf * WEIGHT_SCALE, 1, 127).astype(np.uint8))


def _text_at(snapshot: _Snapshot, place: int) -> bytes:
    return snapshot.data[int(snapshot.offsets[place]) : int(snapshot.offsets[place + 1])].tobytes()


def _alive_rows(snapshot: _Snapshot) -> Iterator[tuple[int, str]]:
    data = snapshot.data.tobytes()
    offsets = snapshot.offsets.tolist()
    for place in np.flatnonzero(snapshot.alive).tolist():
        yield int(snapshot.ids[place]), data[offsets[place] : offsets[place + 1]].decode("ascii")
