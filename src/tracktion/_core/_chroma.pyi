"""Decimation, and the pitches that stand out of a spectrum."""

import numpy as np
from numpy.typing import NDArray

def decimate(samples: NDArray[np.float32], taps: NDArray[np.float32], factor: int, out: NDArray[np.float32]) -> None:
    """Write every `factor`-th sample of the filtered signal: ``out[i] = sum_k taps[k] * samples[i * factor + k]``.

    `samples` [shape (n,)] must reach as far as the last output [shape (m,)] needs. Each output is summed in the same
    order however the signal is cut into calls.
    """

def pitch_peaks(
    spectrum: NDArray[np.complex64],
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
    """Lay the peaks of each spectrum [shape (frames, bins)] into pitch bins `out` [shape (frames, width)].

    A peak is a bin `first` ≤ k < `last` whose magnitude is a local maximum, above `gate`, and more than `contrast`
    times the mean magnitude of the bins `low[k]` ≤ i < `high[k]`. Its frequency, in bins, is refined by a parabola
    through the logarithms of three magnitudes; it counts with the logarithm of its excess over `contrast`, shared linearly by the
    two pitch bins around ``per_octave * log2(frequency) - origin``.
    """
