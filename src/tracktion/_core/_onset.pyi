"""Levels of bands of a spectrum."""

import numpy as np
from numpy.typing import NDArray

def bands(
    magnitude: NDArray[np.float32],
    first: NDArray[np.int32],
    count: NDArray[np.int32],
    weights: NDArray[np.float32],
    reach: int,
    share: float,
    out: NDArray[np.uint16],
) -> None:
    """Write weighted sums over bins of `magnitude` [shape (frames, bins)] to `out` [shape (frames, bands)].

    What is written are the upper halves of float32 values, rounded: 8 bits of precision over the whole range.

    Band b covers ``count[b]`` bins from ``first[b]``; `weights` holds the weights of all bands, one after another.
    There must be four bins or more. To each level, `share` of the highest within `reach` bands on either side is added.
    """
