"""An inverted index in memory: which rows of a million may be what a question means.

Rows are kept as folded text (`NormalisedTrack.search` and the album) and indexed in segments of 65 536 by their words and by the
trigrams of their words. A search reads the lists of the question's exact words and rarest trigrams, adds up weights, and
compares the best few hundred rows in full.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from tracktion._core.trigrams import SCRATCH, SEGMENT, TERMS, masses, search, segment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["BUDGET", "KEEP", "TextIndex"]

BUDGET = 200_000
"""Postings that one search reads, about."""

WIDE = 512
"""Rows whose full overlap is computed."""

KEEP = 48
"""Rows that are scored."""


class TextIndex:
    """Rows of folded text, searchable at any time; safe to search from many threads, changed by one at a time.

    Attributes
    ----------
    ids
        int64, (rows,): id of each row.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._local = threading.local()
        self._rows = 0
        self._indexed = 0
        self._data = np.zeros(0, dtype=np.uint8)
        self._offsets = np.zeros(1, dtype=np.int64)
        self.ids = np.zeros(0, dtype=np.int64)
        self._alive = np.zeros(0, dtype=np.uint8)
        self._place: dict[int, int] = {}
        self._clear()

    def _clear(self) -> None:
        self._starts = np.zeros((0, TERMS + 1), dtype=np.uint32)
        self._postings = np.zeros(0, dtype=np.uint16)
        self._bases = np.zeros(1, dtype=np.int64)
        self._first = np.zeros(1, dtype=np.int64)
        self._frequency = np.zeros(TERMS, dtype=np.uint32)
        self._weights = np.ones(TERMS, dtype=np.uint8)
        self._masses = np.zeros(0, dtype=np.uint16)
        self._indexed = 0

    def __len__(self) -> int:
        return int(self._alive.sum())

    def extend(self, ids: Iterable[int], texts: list[str], durations: Iterable[float], years: Iterable[int]) -> None:
        """Append rows; `texts` are ``search|album``, pure ASCII."""
        with self._lock:
            lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
            data = np.frombuffer("".join(texts).encode("ascii", "replace"), dtype=np.uint8)
            self._data = np.concatenate([self._data, data])
            self._offsets = np.concatenate([self._offsets, self._offsets[-1] + np.cumsum(lengths)])
            self.ids = np.concatenate([self.ids, np.fromiter(ids, dtype=np.int64, count=len(texts))])
            self._alive = np.concatenate([self._alive, np.ones(len(texts), dtype=np.uint8)])

    def build(self) -> None:
        rows = len(self.ids)
        starts, postings, first, bases = [], [], [0], [0]
        for begin in range(0, rows, SEGMENT):
            s, p = segment(self._data, self._offsets, begin, min(begin + SEGMENT, rows))
            starts.append(s)
            postings.append(p)
            first.append(min(begin + SEGMENT, rows))
            bases.append(bases[-1] + len(p))
        self._starts = np.stack(starts)
        self._postings = np.concatenate(postings)
        self._first = np.array(first)
        self._bases = np.array(bases)
        self._frequency = np.diff(self._starts.astype(np.int64), axis=1).sum(axis=0).astype(np.uint32)
        idf = np.log((rows + 1) / (self._frequency + 0.5))
        self._weights = np.clip(idf * 9, 1, 127).astype(np.uint8)
        self._masses = masses(self._data, self._offsets, self._weights)

    def search(self, query: str, *, keep: int = KEEP, wide: int = WIDE, budget: int = BUDGET) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = np.zeros(SCRATCH, dtype=np.uint16)
        return search(
            np.frombuffer(query.encode("ascii", "replace"), dtype=np.uint8), self._data, self._offsets, self._starts, self._bases, self._postings,
            self._frequency, self._weights, self._masses, self._alive, self._first, budget, wide, keep, scratch,
        )
