"""NumPy twin of ``_loudness``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

__all__ = ["peaks", "weighted_energy"]

LONGEST = 32


def weighted_energy(
    block: NDArray[np.float32],
    coefficients: NDArray[np.float64],
    weights: NDArray[np.float64],
    hop: int,
    fill: int,
    partial: float,
    state: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Energy of each hop after two biquads per channel, summed over channels; see the stub of the kernel."""
    frames, channels = block.shape
    if channels < 1:
        raise ValueError("block must have at least one channel")
    if coefficients.shape != (10,) or weights.shape != (channels,) or state.shape != (channels, 4):
        raise ValueError("coefficients, weights or state do not fit the block")
    if hop < 1 or not 0 <= fill < hop:
        raise ValueError("hop must be positive and fill less than hop")
    if frames == 0:
        return np.empty(fill // hop), partial, state.copy()
    y = block.astype(np.float64)
    after = np.empty_like(state)
    for biquad in (0, 1):
        b = coefficients[5 * biquad : 5 * biquad + 3]
        a = np.concatenate([[1.0], coefficients[5 * biquad + 3 : 5 * biquad + 5]])
        delays = slice(2 * biquad, 2 * biquad + 2)
        y, end = lfilter(b, a, y, axis=0, zi=state[:, delays].T)
        after[:, delays] = end.T
    after[np.abs(after) < 1e-30] = 0.0
    power = (y * y) @ weights
    hops = (fill + frames) // hop
    owner = (fill + np.arange(frames)) // hop
    energies = np.asarray(np.bincount(owner, weights=power, minlength=hops + 1), np.float64)
    energies[0] += partial
    return energies[:hops], float(energies[hops]), after


def peaks(samples: NDArray[np.float32], taps: NDArray[np.float32], gain: float, floor: float) -> tuple[float, float]:
    """Sample peak and true peak, without skipping anything; see the stub of the kernel."""
    length = taps.shape[1]
    if length % 2 or not 2 <= length <= LONGEST:
        raise ValueError(f"taps must have an even length of at most {LONGEST}")
    if gain < 0:
        raise ValueError("gain must not be negative")
    frames, channels = samples.shape
    if frames == 0 or channels == 0:
        return 0.0, floor
    sample = float(np.abs(samples).max())
    best = max(sample, floor)
    if frames >= length and len(taps):
        windows = np.lib.stride_tricks.sliding_window_view(samples, length, axis=0)
        best = max(best, float(np.abs(windows @ taps.T).max()))
    return sample, best
