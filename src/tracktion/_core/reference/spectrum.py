"""Twin of ``_spectrum``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["downmix", "frame", "magnitude"]


def downmix(block: NDArray[np.float32], out: NDArray[np.float32], stats: NDArray[np.float64]) -> None:
    """Write the mean of the channels to `out` and add to `stats`."""
    if len(out) != len(block):
        raise ValueError("out must have one sample per frame of block")
    if len(stats) != 5:
        raise ValueError("stats must have 5 entries")
    if block.size == 0:
        return
    np.mean(block, axis=1, dtype=np.float32, out=out)
    stats[0] = max(stats[0], float(np.max(np.abs(block))))
    stats[1] += len(block)
    stats[2] += float(np.sum(out, dtype=np.float64))
    stats[3] += float(np.sum(np.square(out, dtype=np.float64)))
    stats[4] += float(np.sum(np.square(block, dtype=np.float64))) / block.shape[1]


def frame(samples: NDArray[np.float32], hop: int, window: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Write windowed frames, `hop` samples apart, to `out`."""
    if hop < 1:
        raise ValueError("hop must be positive")
    frames, width = out.shape
    if width != len(window):
        raise ValueError("out must be as wide as the window")
    if frames == 0 or width == 0:
        return
    if (frames - 1) * hop + width > len(samples):
        raise ValueError("not enough samples for the frames")
    np.multiply(np.lib.stride_tricks.sliding_window_view(samples, width)[::hop][:frames], window, out=out)


def magnitude(spectrum: NDArray[np.complex64], out: NDArray[np.float32]) -> None:
    """Write the absolute values of `spectrum` to `out`."""
    if out.shape != spectrum.shape:
        raise ValueError("out must have the shape of spectrum")
    np.abs(spectrum, out=out)
