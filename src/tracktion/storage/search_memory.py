"""Candidates from the memory home: a `TextIndex` beside the rows, kept in step with every commit."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from tracktion.matching.index import KEEP, TextIndex

if TYPE_CHECKING:
    from tracktion.matching.text import NormalisedTrack
    from tracktion.results.catalogue import Candidate
    from tracktion.storage.memory_tracks import MemoryTracks

__all__ = ["candidates", "index_of"]

_lock = threading.Lock()
_indexes: weakref.WeakKeyDictionary[MemoryTracks, TextIndex] = weakref.WeakKeyDictionary()


def index_of(storage: MemoryTracks) -> TextIndex:
    """Return the index of `storage`; the first call builds it (about a second for 100 000 rows)."""
    index = _indexes.get(storage)
    if index is None:
        with _lock:
            index = _indexes.get(storage)
            if index is None:
                index = TextIndex()
                storage.listen(index.apply)
                index.load(storage.iter_search())
                _indexes[storage] = index
    return index


def candidates(storage: MemoryTracks, query: NormalisedTrack, *, limit: int = KEEP) -> list[Candidate]:
    """Return tracks whose searchable text is like ``query.search``, likeliest first."""
    snapshot, rows = index_of(storage).search(query.search, keep=min(limit, storage.count_tracks()))
    return storage.get_candidates(snapshot.ids[rows].tolist())
