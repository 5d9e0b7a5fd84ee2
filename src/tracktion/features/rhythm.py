"""What the rhythm estimator hears: levels of 72 log-spaced bands, 50 times per second."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracktion._core.onset import bands
from tracktion.features.rows import Rows, widen
from tracktion.features.tap import FRAME_RATE, MONO_RATE, WINDOW, FloatBlock, Tap

__all__ = ["BANDS", "Filterbank", "RhythmFeatures", "RhythmTap", "filterbank", "levels", "widen"]

BANDS = 72
LOWEST_HZ = 31.5
BANDS_PER_OCTAVE = 10
MASK_BANDS, MASK_SHARE = 12, 0.1
"""A loud band hides what is so much quieter within an octave and a bit: an encoder leaves its noise there, which would
otherwise decide between beats that are nearly as good as each other."""


class Filterbank(NamedTuple):
    """Triangles on a frequency axis; see `tracktion._core.onset.bands`."""

    first: NDArray[np.int32]
    width: NDArray[np.int32]
    weights: NDArray[np.float32]


@functools.cache
def filterbank() -> Filterbank:
    """Triangular filters of unit sum, ten per octave but never closer than one bin."""
    width = MONO_RATE / WINDOW
    edges = [LOWEST_HZ]
    while len(edges) < BANDS + 2:
        edges.append(max(edges[-1] + width, edges[-1] * 2 ** (1 / BANDS_PER_OCTAVE)))
    hz = np.arange(WINDOW // 2 + 1) * width
    first, count, weights = [], [], []
    for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False):
        triangle = np.maximum(0.0, np.minimum((hz - low) / (middle - low), (high - hz) / (high - middle)))
        used = np.flatnonzero(triangle)
        first.append(used[0])
        count.append(len(used))
        weights.append(triangle[used] / triangle.sum())
    return Filterbank(np.array(first, np.int32), np.array(count, np.int32), np.concatenate(weights).astype(np.float32))


def levels(magnitude: FloatBlock, out: NDArray[np.uint16]) -> None:
    """Write levels of `magnitude` [shape (n, bins)] to `out` [shape (n, `BANDS`)], as upper halves of float32."""
    bank = filterbank()
    bands(magnitude, bank.first, bank.width, bank.weights, MASK_BANDS, MASK_SHARE, out)


@dataclass(frozen=True, slots=True, eq=False)
class RhythmFeatures:
    """Frame-rate material of the rhythm estimator.

    Attributes
    ----------
    bands
        Magnitude per band, with a tenth of the highest around it, 50 frames per second, frame i centred on i / 50 s;
        upper halves of float32 [shape (frames, 72), uint16].
    """

    bands: NDArray[np.uint16]

    @property
    def seconds(self) -> float:
        """Length covered by the frames."""
        return len(self.bands) / FRAME_RATE


class RhythmTap(Tap):
    """Collects `RhythmFeatures`."""

    def __init__(self, *, sample_rate: int, channels: int) -> None:
        super().__init__(sample_rate=sample_rate, channels=channels)
        self._bands = Rows(BANDS, np.uint16)

    def push_magnitude(self, block: FloatBlock) -> None:
        """Band levels."""
        levels(block, self._bands.extend(len(block)))

    def finish(self) -> RhythmFeatures:
        """Return all that was collected."""
        return RhythmFeatures(bands=self._bands.done())
