"""Decimation, the pitches that stand out of a spectrum, and affine layers."""

import numpy as np
from numpy.typing import NDArray

def decimate(samples: NDArray[np.float32], taps: NDArray[np.float32], factor: int, out: NDArray[np.float32]) -> None:
    """Write every `factor`-th sample of the filtered signal: ``out[i] = sum_k taps[k] * samples[i * factor + k]``.

    `samples` [shape (n,)] must reach as far as the last output [shape (m,)] needs. Each output is the same, to the bit,
    however the signal is cut into calls.
    """

def pitch_peaks(
    magnitudes: NDArray[np.float32],
    low: NDArray[np.int32],
    high: NDArray[np.int32],
    first: int,
    last: int,
    gate: float,
    contrast: float,
    origin: float,
    per_octave: float,
    out: NDArray[np.float32],
) -> None:
    """Lay the peaks of each row of `magnitudes` [shape (frames, bins)] into pitch bins `out` [shape (frames, width)].

    A peak is a bin `first` ≤ k < `last` whose magnitude is a local maximum, above `gate`, and more than `contrast`
    times the mean magnitude of its neighbourhood: for the eight bins of group g, the groups `low[g]` ≤ i < `high[g]`
    (bins beyond the last whole group are left out). Its frequency, in bins, is refined by a parabola through the
    logarithms of three magnitudes; it counts with the natural logarithm of its excess over `contrast`, shared linearly
    by the two pitch bins around ``per_octave * log2(frequency) - origin``.
    """

def affine(
    x: NDArray[np.float32],
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    add: bool,
    rectify: bool,
    out: NDArray[np.float32],
) -> None:
    """Write ``x @ weights + bias`` to `out`, or add it to what is there; negative values become 0 if `rectify`.

    `x` [shape (rows, inputs)] has contiguous rows, which may overlap each other. `weights` [shape (inputs, outputs
    rounded up to 32)] and `bias` are padded with zeros; `out` [shape (rows, outputs)] is not. Each output is summed in
    the order of the inputs, by one thread.
    """
