"""Downmix with statistics, windowed framing, magnitudes: what each block passes through first."""

import numpy as np
from numpy.typing import NDArray

def downmix(block: NDArray[np.float32], out: NDArray[np.float32], stats: NDArray[np.float64]) -> None:
    """Write the mean of the channels of `block` [shape (n, channels)] to `out` [shape (n,)] and add to `stats`.

    `stats` [shape (5,)]: peak of all channels, frames, sum of `out`, sum of squares of `out`, mean over channels of the
    sum of squares.
    """

def frame(samples: NDArray[np.float32], hop: int, window: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Write windowed frames, `hop` samples apart, to `out` [shape (frames, len(window))]."""

def magnitude(spectrum: NDArray[np.complex64], out: NDArray[np.float32]) -> None:
    """Write the absolute values of `spectrum` to `out`, both [shape (frames, bins)]."""
