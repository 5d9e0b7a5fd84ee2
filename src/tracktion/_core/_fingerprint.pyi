"""Fingerprint kernels."""

import numpy as np
from numpy.typing import NDArray

def band_energies(magnitude: NDArray[np.float32], edges: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return sums of squared magnitudes over the bins ``edges[b]`` to ``edges[b + 1] - 1`` [shape (frames, bands)].

    Raises
    ------
    ValueError
        Edges fall or lie outside the bins.
    """

def bit_errors(
    a: NDArray[np.uint32], b: NDArray[np.uint32], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the differing bits of ``a[offset + k]`` and ``b[k]``, and how many k exist in both, by offset."""
