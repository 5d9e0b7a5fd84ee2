"""Downmix with statistics: what each block passes through first."""

import numpy as np
from numpy.typing import NDArray

def downmix(block: NDArray[np.float32], out: NDArray[np.float32], stats: NDArray[np.float64]) -> None:
    """Write the mean of the channels of `block` [shape (n, channels)] to `out` [shape (n,)] and add to `stats`.

    `stats` [shape (4,)]: frames, sum of `out`, sum of squares of `out`, mean over channels of the sum of squares.
    """
