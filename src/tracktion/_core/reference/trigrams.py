"""NumPy twin of ``_trigrams``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracktion._core.reference.words import gram_terms, word_term, words_of

__all__ = ["SCRATCH", "SEGMENT", "TERMS", "masses", "search", "segment"]

GRAMS = 37**3
TERMS = GRAMS + 131072
SEGMENT = 65536
SCRATCH = 2 * SEGMENT + 2 + (TERMS + 15) // 16
QUERY_TERMS = 512
KEEP = 768
FIELDS = 4


def _terms(text: bytes, fields: int | None) -> list[int]:
    """Trigrams and words in order, as often as they stand there."""
    if fields is not None:
        text = b"|".join(text.split(b"|")[:fields])
    out: list[int] = []
    for word in words_of(text):
        out += gram_terms(word)
        out.append(word_term(word))
    return out


def _texts(data: NDArray[np.uint8], offsets: NDArray[np.int64], first: int, last: int) -> list[bytes]:
    raw, places = data.tobytes(), offsets.tolist()
    return [raw[places[row] : places[row + 1]] for row in range(first, last)]


def segment(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], first: int, last: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    """Inverted lists of some rows; see the stub of the kernel."""
    if first < 0 or last < first or last - first > SEGMENT or last >= len(offsets):
        raise ValueError("rows must lie within the offsets, at most one segment of them")
    if offsets[first] < 0 or offsets[last] > len(data):
        raise ValueError("offsets must lie within the data")
    lists: dict[int, list[int]] = {}
    for row, text in enumerate(_texts(data, offsets, first, last)):
        for term in sorted(set(_terms(text, FIELDS))):
            lists.setdefault(term, []).append(row)
    starts = np.zeros(TERMS + 1, dtype=np.uint32)
    for term, rows in lists.items():
        starts[term + 1] = len(rows)
    postings = [row for term in sorted(lists) for row in lists[term]]
    return np.cumsum(starts, dtype=np.uint32), np.array(postings, dtype=np.uint16)


def masses(data: NDArray[np.uint8], offsets: NDArray[np.int64], weights: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Sum of the weights of the terms of each row; see the stub of the kernel."""
    if len(weights) != TERMS or len(offsets) < 1 or offsets[-1] > len(data):
        raise ValueError("weights or offsets do not fit")
    sums = [sum(int(weights[t]) for t in _terms(text, FIELDS)) for text in _texts(data, offsets, 0, len(offsets) - 1)]
    return np.minimum(np.array(sums, dtype=np.int64), 65535).astype(np.uint16)


def _ranked(query: bytes, frequency: NDArray[np.uint32]) -> list[int]:
    """Terms once each: exact words, trigrams of words that no row has, the rest; the rare ones first."""
    order: dict[int, bool] = {}
    for word in words_of(query):
        missing = frequency[word_term(word)] == 0
        for term in (*gram_terms(word), word_term(word)):
            if term not in order and len(order) < QUERY_TERMS:
                order[term] = bool(missing)
    return sorted(order, key=lambda t: (0 if t >= GRAMS else 1 if order[t] else 2, int(frequency[t])))


def search(
    query: NDArray[np.uint8],
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    starts: NDArray[np.uint32],
    bases: NDArray[np.int64],
    postings: NDArray[np.uint16],
    frequency: NDArray[np.uint32],
    weights: NDArray[np.uint8],
    masses: NDArray[np.uint16],
    alive: NDArray[np.uint8],
    first: NDArray[np.int64],
    budget: int,
    wide: int,
    keep: int,
    scratch: NDArray[np.uint16],
    lean: bool = False,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Best rows by weighted overlap of terms; see the stub of the kernel."""
    del lean  # only a matter of speed
    segments = len(starts)
    if starts.shape[1] != TERMS + 1 or len(frequency) != TERMS or len(weights) != TERMS:
        raise ValueError("tables must have one entry for each term")
    if len(bases) < segments or len(first) < segments + 1 or len(scratch) < SCRATCH:
        raise ValueError("segments or scratch do not fit")
    if first[segments] > min(len(masses), len(alive)) or first[segments] >= len(offsets):
        raise ValueError("rows do not fit")
    keep = max(0, min(keep, KEEP))
    wide = max(keep, min(wide, KEEP))
    if not keep or not segments or not len(postings) or not len(query):
        return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
    terms = _ranked(query.tobytes(), frequency)
    mass = np.float32(sum(int(weights[t]) for t in terms))
    sums = np.zeros(int(first[segments]), dtype=np.int64)
    spent, used, skipped = 0, 0, 0
    for term in terms:
        rows_of = int(frequency[term])
        if not rows_of:
            continue
        if used and spent + rows_of > budget:
            skipped += 1
            continue
        spent, used = spent + rows_of, used + 1
        for part in range(segments):
            base = int(bases[part])
            rows = postings[base + int(starts[part, term]) : base + int(starts[part, term + 1])]
            sums[int(first[part]) + rows.astype(np.int64)] += min(max(int(weights[term]), 1), 127)
    met = np.flatnonzero((sums > 0) & (alive[: len(sums)] > 0))
    rough = sums[met].astype(np.float32) / (mass + masses[met].astype(np.float32))
    order = np.lexsort((met, -rough))
    if not skipped:
        best = order[:keep]
        return met[best].astype(np.int32), (np.float32(2) * rough[best]).astype(np.float32)
    chosen = met[order[:wide]]
    known = set(terms)
    texts = [data[offsets[row] : offsets[row + 1]].tobytes() for row in chosen.tolist()]
    overlap = [sum(int(weights[t]) for t in _terms(text, FIELDS) if t in known) for text in texts]
    full = np.float32(2) * np.array(overlap, dtype=np.float32) / (mass + masses[chosen].astype(np.float32))
    order = np.lexsort((chosen, -full))[:keep]
    return chosen[order].astype(np.int32), full[order].astype(np.float32)
