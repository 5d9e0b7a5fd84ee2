"""NumPy twin of ``_fingerprint``."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["band_energies", "bit_errors"]


def band_energies(magnitude: NDArray[np.float32], edges: NDArray[np.int32]) -> NDArray[np.float32]:
    """Sums of squared magnitudes over bins; see the stub of the kernel."""
    bounds = edges.tolist()
    if len(bounds) < 2 or bounds[0] < 0 or bounds[-1] > magnitude.shape[1]:
        raise ValueError("edges must lie within the bins")
    if any(b < a for a, b in pairwise(bounds)):
        raise ValueError("edges must not fall")
    power = magnitude.astype(np.float64) ** 2
    sums = [power[:, a:b].sum(axis=1) for a, b in pairwise(bounds)]
    return np.stack(sums, axis=1).astype(np.float32)


def bit_errors(
    a: NDArray[np.uint32], b: NDArray[np.uint32], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Differing bits by offset; see the stub of the kernel."""
    errors = np.zeros(len(offsets), dtype=np.int64)
    lengths = np.zeros(len(offsets), dtype=np.int64)
    if not len(a) or not len(b):
        return errors, lengths
    for place, offset in enumerate(offsets.tolist()):
        first, last = max(0, -offset), min(len(b), len(a) - offset)
        if last > first:
            different = a[offset + first : offset + last] ^ b[first:last]
            errors[place] = int(np.unpackbits(different.view(np.uint8)).sum())
            lengths[place] = last - first
    return errors, lengths
