"""Comparison of a question with rows of metadata."""

import numpy as np
from numpy.typing import NDArray

FEATURES: int
"""Numbers that describe a pair."""
SLOTS: int
"""Places of the lexicon, a power of two."""

def word_hash(word: NDArray[np.uint8]) -> int:
    """Return the 32-bit hash of a folded word (FNV-1a over letters as small numbers)."""

def compare(
    question: NDArray[np.uint8],
    duration: float,
    year: int,
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int32],
    durations: NDArray[np.float32],
    years: NDArray[np.int32],
    hashes: NDArray[np.uint32],
    weights: NDArray[np.uint8],
    classes: NDArray[np.uint8],
    hidden: NDArray[np.float32],
    bias: NDArray[np.float32],
    out: NDArray[np.float32],
    last: float,
    cap: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return features [shape (rows, FEATURES)] and logits of some rows.

    Parameters
    ----------
    question
        ``Query.record``: segments with role letters, parted by ``|``.
    duration, year
        Seconds and year asked for; not positive: unknown.
    data, offsets, rows
        Text of row i is ``data[offsets[i]:offsets[i + 1]]``: ``title|versions|artist,artist|guests|album``.
    durations, years
        Of every row, or empty: unknown.
    hashes, weights, classes
        The lexicon: open addressing by hash, weights in 1/200, kinds (1 noise, 2 version, 8 cover).
    hidden, bias, out, last
        The network; `hidden` has shape (FEATURES, units), at most 64 units.
    cap
        Logit that pairs with a wrong artist, title or version do not reach.

    Raises
    ------
    ValueError
        The arrays do not fit together.
    """
