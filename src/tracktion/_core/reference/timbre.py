"""NumPy twin of ``_timbre``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["band_powers"]

LANES = 16


def band_powers(
    magnitude: NDArray[np.float32],
    first: NDArray[np.int32],
    width: NDArray[np.int32],
    weights: NDArray[np.float32],
    offset: int,
    per_slot: int,
    slots: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Weighted power of each band of each frame; see the stub of the kernel."""
    frames, bins = magnitude.shape
    if len(width) != len(first) or len(first) == 0 or bins == 0 or slots.shape[1] != bins:
        raise ValueError("first, width, slots and magnitude do not fit each other")
    if (first < 0).any() or (width < 1).any() or (width > bins - first).any():
        raise ValueError("a band reaches beyond the bins")
    padded = (width + LANES - 1) // LANES * LANES
    if len(weights) != padded.sum():
        raise ValueError(f"weights must have {padded.sum()} values, each band padded to a multiple of {LANES}")
    if offset < 0 or per_slot < 1 or (frames > 0 and (offset + frames - 1) // per_slot >= len(slots)):
        raise ValueError("the frames do not fit the slots")
    bank = np.zeros((len(first), bins), np.float32)
    start = 0
    for b, (low, count) in enumerate(zip(first, width, strict=True)):
        bank[b, low : low + count] = weights[start : start + count]
        start += padded[b]
    np.add.at(slots, (offset + np.arange(frames)) // per_slot, magnitude)
    return np.ascontiguousarray(np.square(magnitude) @ bank.T, np.float32)
