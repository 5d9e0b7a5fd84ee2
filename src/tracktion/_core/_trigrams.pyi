"""Inverted index over trigrams and words of folded texts."""

import numpy as np
from numpy.typing import NDArray

TERMS: int
"""Terms: 37³ trigrams, then 131 072 places for words by hash."""
SEGMENT: int
"""Rows of a segment, at most."""
SCRATCH: int
"""Length of the scratch of a search, uint16; all zeros before and after."""

def segment(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], first: int, last: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    """Return inverted lists of the rows ``first`` to ``last - 1``.

    Text of row i is ``data[offsets[i]:offsets[i + 1]]``, of which four fields (parted by ``|``) are read. List of
    term t is ``postings[starts[t]:starts[t + 1]]``: row numbers from `first` on, ascending.

    Raises
    ------
    ValueError
        Rows or offsets do not fit.
    """

def masses(data: NDArray[np.uint8], offsets: NDArray[np.int64], weights: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the sum of the weights of all terms of each row, at most 65 535.

    Raises
    ------
    ValueError
        Weights or offsets do not fit.
    """

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
    """Return the rows that share the most weight with `query`, and Dice overlaps, the best first.

    Lists of the segments ``starts[k]`` (first posting ``bases[k]``, first row ``first[k]``) are read for exact
    words, then for trigrams of unknown words, then for others, rare ones first, until `budget` rows are read; the
    best `wide` rows are compared in full, and at most `keep` returned. Ties go to the lower row.
    `lean` says that `masses` were made with these `weights`, which lets most rows be passed over at once.

    Raises
    ------
    ValueError
        The arrays do not fit together.
    """
