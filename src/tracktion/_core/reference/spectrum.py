"""Twin of ``_spectrum``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["downmix"]


def downmix(block: NDArray[np.float32], out: NDArray[np.float32], stats: NDArray[np.float64]) -> None:
    """Write the mean of the channels to `out` and add to `stats`."""
    if len(out) != len(block):
        raise ValueError("out must have one sample per frame of block")
    if len(stats) != 4:
        raise ValueError("stats must have 4 entries")
    if block.size == 0:
        return
    np.mean(block, axis=1, dtype=np.float32, out=out)
    stats[0] += len(block)
    stats[1] += float(np.sum(out, dtype=np.float64))
    stats[2] += float(np.sum(np.square(out, dtype=np.float64)))
    stats[3] += float(np.sum(np.square(block, dtype=np.float64))) / block.shape[1]
