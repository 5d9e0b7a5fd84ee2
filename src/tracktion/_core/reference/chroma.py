"""Twin of ``_chroma``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["decimate", "pitch_peaks"]


def decimate(samples: NDArray[np.float32], taps: NDArray[np.float32], factor: int, out: NDArray[np.float32]) -> None:
    """Write every `factor`-th sample of the filtered signal to `out`."""
    if factor < 1:
        raise ValueError("factor must be positive")
    if len(taps) < 1:
        raise ValueError("there must be taps")
    if len(out) == 0:
        return
    if (len(out) - 1) * factor + len(taps) > len(samples):
        raise ValueError("not enough samples for the output")
    windows = np.lib.stride_tricks.sliding_window_view(samples, len(taps))[::factor][: len(out)]
    np.einsum("nk,k->n", windows, taps, out=out)


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
    """Lay the peaks of each spectrum into pitch bins."""
    frames, bins = spectrum.shape
    if len(out) != frames:
        raise ValueError("out must have one row per frame of spectrum")
    if len(low) != bins or len(high) != bins:
        raise ValueError("low and high must have one entry per bin")
    if not 1 <= first <= last <= bins - 1:
        raise ValueError("first and last must leave a bin on either side")
    if contrast <= 0:
        raise ValueError("contrast must be positive")
    if np.any(low < 0) or np.any(low >= high) or np.any(high > bins):
        raise ValueError("neighbourhoods must hold a bin and lie within the spectrum")
    if out.size == 0:
        return
    out[:] = 0
    size = np.abs(spectrum)
    sums = np.zeros((frames, bins + 1))
    np.cumsum(size, axis=1, dtype=np.float64, out=sums[:, 1:])
    mean = ((sums[:, high] - sums[:, low]) / (high - low)).astype(np.float32)
    middle = size[:, first:last]
    before, after = size[:, first - 1 : last - 1], size[:, first + 1 : last + 1]
    floor = mean[:, first:last] * np.float32(contrast)
    rows, columns = np.nonzero((middle > before) & (middle >= after) & (middle > gate) & (middle > floor))
    tiny = np.float32(1e-20)
    la, lb, lc = (np.log(part[rows, columns] + extra) for part, extra in ((before, tiny), (middle, 0), (after, tiny)))
    bend = la - 2 * lb + lc
    shift = np.divide(0.5 * (la - lc), bend, out=np.zeros_like(bend), where=bend < -1e-6)
    place = per_octave * np.log2(columns + first + shift.astype(np.float64)) - origin
    j = np.floor(place).astype(np.intp)
    part = (place - j).astype(np.float32)
    value = np.log(middle[rows, columns] / floor[rows, columns])
    keep = (j >= 0) & (j + 1 < out.shape[1])
    np.add.at(out, (rows[keep], j[keep]), ((1 - part) * value)[keep])
    np.add.at(out, (rows[keep], j[keep] + 1), (part * value)[keep])
