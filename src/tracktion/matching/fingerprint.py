"""Which recordings sound the same: an index over fingerprints, and the proof by bit error at the right offset."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracktion._core.fingerprint import bit_errors
from tracktion.features.fingerprint import CODE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tracktion.storage import Storage

__all__ = ["FingerprintHit", "FingerprintIndex", "compare_codes", "index_of"]

SPARSE = 4
"""One code in so many is looked up: those that a hash chooses, the same ones in every recording."""

TRIED = 24
"""Recordings that are compared in full, the ones with most common codes at one offset."""

COMMON = 2000
"""Codes that more entries than this share say nothing."""

SAME = 0.20
"""Bit error below which two recordings are the same: 999 of 1000 re-encodings stay below, and another mix of the same
backing tracks is at 0.23, other music above 0.33 (``python -m benchmarks.duplicates``)."""

SHORTEST = 8.0
"""Seconds that must overlap."""

VARIETY = 12
"""Different codes that the overlap must hold; a held chord or silence proves nothing."""


@dataclass(frozen=True, slots=True)
class FingerprintHit:
    """A recording that sounds the same.

    Attributes
    ----------
    identity
        Its audio identity.
    score
        Probability-like, 0 to 1: 1 for no differing bit, 0.5 at the threshold.
    offset
        Seconds by which the other one starts later in it; negative: earlier.
    seconds
        Length of what is alike.
    """

    identity: str
    score: float
    offset: float
    seconds: float


def decoded(data: bytes) -> NDArray[np.uint32]:
    """Codes from bytes; an incomplete end is ignored."""
    return np.frombuffer(data[: len(data) // 4 * 4], dtype="<u4").astype(np.uint32)


def compare_codes(a: NDArray[np.uint32], b: NDArray[np.uint32], offsets: NDArray[np.int64]) -> tuple[float, int, int]:
    """Return the least bit error, its offset and the number of codes in common; 0.5 when nothing is proven."""
    errors, lengths = bit_errors(a, b, offsets)
    least = min(SHORTEST * CODE_RATE, 0.7 * min(len(a), len(b)))
    rates = np.where(lengths >= max(least, VARIETY), errors / np.maximum(lengths * 32, 1), 0.5)
    if not len(rates):
        return 0.5, 0, 0
    best = int(rates.argmin())
    offset, length = int(offsets[best]), int(lengths[best])
    if rates[best] < SAME:
        first = max(0, -offset)
        if len(np.unique(b[first : first + length])) < VARIETY:
            return 0.5, offset, length
    return float(rates[best]), offset, length


_Run = tuple["NDArray[np.uint32]", "NDArray[np.int64]"]
"""Codes, ascending, and where each stands: ``number of the recording << 16 | place``."""


class FingerprintIndex:
    """Fingerprints by identity; safe to search from many threads, added to by one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._identities: list[str] = []
        self._codes: list[NDArray[np.uint32]] = []
        self._pending: list[_Run] = []
        self._runs: list[_Run] = []

    def __len__(self) -> int:
        return len(self._identities)

    def add(self, identity: str, data: bytes) -> None:
        """Add the fingerprint of a recording."""
        codes = decoded(data)
        chosen = np.flatnonzero(_chosen(codes))
        with self._lock:
            number = len(self._identities)
            self._identities.append(identity)
            self._codes.append(codes)
            self._pending.append((codes[chosen], (np.int64(number) << 16) | chosen.astype(np.int64)))

    def search(self, data: bytes, *, threshold: float = SAME) -> list[FingerprintHit]:
        """Return the recordings that sound the same as this fingerprint, the likest first."""
        codes = decoded(data)
        if len(codes) < VARIETY:
            return []
        hits = []
        for number, offsets in self._candidates(codes):
            rate, offset, length = compare_codes(self._codes[number], codes, offsets)
            if rate < threshold:
                score = 1.0 - 0.5 * rate / SAME
                hits.append(FingerprintHit(self._identities[number], score, offset / CODE_RATE, length / CODE_RATE))
        hits.sort(key=lambda hit: -hit.score)
        return hits

    def _candidates(self, codes: NDArray[np.uint32]) -> list[tuple[int, NDArray[np.int64]]]:
        entries = self._lookup(codes)
        if not len(entries):
            return []
        votes, counts = np.unique(entries >> 2, return_counts=True)
        order = np.argsort(-counts, kind="stable")[: 8 * TRIED]
        found: dict[int, list[int]] = {}
        for vote in votes[order].tolist():
            number, offset = vote >> 16, ((vote & 0xFFFF) << 2) - 0x20000
            if number in found or len(found) < TRIED:
                found.setdefault(number, []).append(offset)
        spread = np.arange(-3, 7)
        return [
            (number, np.unique((np.array(offsets[:6])[:, None] + spread).ravel())) for number, offsets in found.items()
        ]

    def _lookup(self, codes: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Pairs of recording and offset, ``number << 18 | offset + 0x20000``, one for each common code."""
        runs = self._sorted()
        at = np.flatnonzero(_chosen(codes))
        lows = [np.searchsorted(keys, codes[at], "left") for keys, _ in runs]
        counts = [np.searchsorted(keys, codes[at], "right") - low for (keys, _), low in zip(runs, lows, strict=True)]
        telling = sum(counts, np.zeros(len(at), dtype=np.int64)) <= COMMON
        found = [np.zeros(0, dtype=np.int64)]
        for (_, places), low, shared in zip(runs, lows, counts, strict=True):
            count = np.where(telling, shared, 0)
            starts = np.cumsum(count) - count
            entries = places[np.arange(int(count.sum())) - np.repeat(starts - low, count)]
            offsets = (entries & 0xFFFF) - np.repeat(at, count)
            found.append(((entries >> 16) << 18) | (offsets + 0x20000))
        return np.concatenate(found)

    def _sorted(self) -> list[_Run]:
        """Runs whose lengths at least halve: to search after every addition sorts each code a few times only."""
        with self._lock:
            if self._pending:
                runs, new = list(self._runs), _merged(self._pending)
                while runs and len(runs[-1][0]) <= 2 * len(new[0]):
                    new = _merged([runs.pop(), new])
                self._runs, self._pending = [*runs, new], []
            return self._runs


def _merged(runs: list[_Run]) -> _Run:
    keys = np.concatenate([run[0] for run in runs])
    places = np.concatenate([run[1] for run in runs])
    order = np.argsort(keys, kind="stable")
    return keys[order], places[order]


def _chosen(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    mixed = codes * np.uint32(2654435761)
    return np.asarray((mixed >> np.uint32(20)) % np.uint32(SPARSE) == 0)


_building = threading.Lock()
_indexes: weakref.WeakKeyDictionary[Any, tuple[int, FingerprintIndex]] = weakref.WeakKeyDictionary()


def index_of(storage: Storage) -> FingerprintIndex:
    """Return an index over the fingerprints of `storage`; made anew when their number has changed."""
    with _building:
        count = storage.count_fingerprints()
        known = _indexes.get(storage)
        if known is not None and known[0] == count:
            return known[1]
        index = FingerprintIndex()
        for identity, fingerprint, _ in storage.iter_fingerprints():
            index.add(identity, fingerprint)
        _indexes[storage] = len(index), index
        return index
