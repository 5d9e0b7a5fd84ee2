"""Twin of ``_chroma``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["affine", "decimate", "pitch_peaks"]

GROUP = 8
COLUMNS = 32


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
    """Lay the peaks of each row of magnitudes into pitch bins."""
    frames, bins = magnitudes.shape
    if len(out) != frames:
        raise ValueError("out must have one row per frame of magnitudes")
    groups = bins // GROUP
    if len(low) != groups or len(high) != groups:
        raise ValueError("low and high must have one entry per group of eight bins")
    if not 1 <= first <= last <= groups * GROUP - 1:
        raise ValueError("first and last must leave a bin on either side, within whole groups")
    if contrast <= 0:
        raise ValueError("contrast must be positive")
    if np.any(low < 0) or np.any(low >= high) or np.any(high > groups):
        raise ValueError("neighbourhoods must hold a group and lie within the spectrum")
    if out.size == 0:
        return
    out[:] = 0
    sums = np.zeros((frames, groups + 1))
    grouped = magnitudes[:, : groups * GROUP].reshape(frames, groups, GROUP)
    np.cumsum(grouped.sum(axis=2, dtype=np.float64), axis=1, out=sums[:, 1:])
    mean = ((sums[:, high] - sums[:, low]) / (GROUP * (high - low))).astype(np.float32).repeat(GROUP, axis=1)
    middle = magnitudes[:, first:last]
    before, after = magnitudes[:, first - 1 : last - 1], magnitudes[:, first + 1 : last + 1]
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


def affine(
    x: NDArray[np.float32],
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    add: bool,
    rectify: bool,
    out: NDArray[np.float32],
) -> None:
    """Write ``x @ weights + bias`` to `out`, or add it."""
    (rows, inputs), (_, padded), outputs = x.shape, weights.shape, out.shape[1]
    if len(weights) != inputs:
        raise ValueError("weights must have one row per column of x")
    if padded % COLUMNS or not padded - COLUMNS < outputs <= padded:
        raise ValueError("weights must have the columns of out, padded to a multiple of 32")
    if len(bias) != padded:
        raise ValueError("bias must be as long as the weights are wide")
    if len(out) != rows:
        raise ValueError("out must have the rows of x")
    if rows == 0 or outputs == 0 or inputs == 0:
        raise ValueError("there must be rows, inputs and outputs")
    if inputs > 1 and x.strides[1] != x.itemsize:
        raise ValueError("rows of x must be contiguous")
    made = x @ weights[:, :outputs] + bias[:outputs]
    if add:
        made += out
    out[:] = np.maximum(made, 0) if rectify else made
