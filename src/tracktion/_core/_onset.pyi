"""Log-spaced bands of a spectrum and a fine-grained attack envelope.

Both write the upper halves of float32 values (8 bits of precision over the whole range) as uint16.
"""

import numpy as np
from numpy.typing import NDArray

def bands(
    magnitude: NDArray[np.float32],
    first: NDArray[np.int32],
    count: NDArray[np.int32],
    weights: NDArray[np.float32],
    out: NDArray[np.uint16],
) -> None:
    """Write weighted sums over bins of `magnitude` [shape (frames, bins)] to `out` [shape (frames, bands)].

    Band b covers ``count[b]`` bins from ``first[b]``; `weights` holds the weights of all bands, one after another.
    """

def pulse(samples: NDArray[np.float32], box: float, out: NDArray[np.uint16]) -> float:
    """Write the attack envelope of hops of 63 samples in three bands to `out` [shape (hops, 3)].

    `samples` [shape (63 * hops + 1,)] begins with the last sample of the block before, `box` is what the call for the
    block before returned (0 at first). Columns: absolute sum (below about 200 Hz), root of the squared differences
    between sums of 7 samples (below about 2 kHz), root of the squared differences between samples (above).
    """
