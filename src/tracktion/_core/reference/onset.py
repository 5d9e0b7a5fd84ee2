"""Twin of `_onset`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["bands"]


def _half(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    return ((values.astype(np.float32).view(np.uint32) + np.uint32(0x8000)) >> np.uint32(16)).astype(np.uint16)


def bands(
    magnitude: NDArray[np.float32],
    first: NDArray[np.int32],
    count: NDArray[np.int32],
    weights: NDArray[np.float32],
    reach: int,
    share: float,
    out: NDArray[np.uint16],
) -> None:
    """See _onset.pyi."""
    frames, bins = magnitude.shape
    if not len(first) == len(count) == out.shape[1] or len(out) != frames:
        raise ValueError("first, count and out must agree on the number of bands, out and magnitude on the frames")
    if not 0 <= reach <= 1024 or not 0 <= share <= 1:
        raise ValueError("reach must be 0 to 1024 bands, share 0 to 1")
    if bins < 4:
        raise ValueError("the spectrum must have four bins or more")
    if np.any(first < 0) or np.any(count < 0) or np.any(first + count > bins):
        raise ValueError("a band reaches beyond the spectrum")
    if len(weights) != count.sum():
        raise ValueError("weights must have one entry per bin of each band")
    if len(weights) == 0:
        return
    matrix = np.zeros((bins, len(first)), np.float32)
    start = 0
    for band, (low, size) in enumerate(zip(first, count, strict=True)):
        matrix[low : low + size, band] = weights[start : start + size]
        start += int(size)
    levels = magnitude @ matrix
    around = np.lib.stride_tricks.sliding_window_view(np.pad(levels, ((0, 0), (reach, reach))), 2 * reach + 1, axis=1)
    out[:] = _half(np.ascontiguousarray(levels + np.float32(share) * around.max(axis=2)))
