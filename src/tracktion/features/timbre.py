"""How a recording sounds, frame by frame and in slots of a second.

Mel band powers at 50 frames per second carry colour, level and onsets; the mean spectrum of each slot, in which notes
stand still, carries what needs fine resolution: contrast and flatness per octave, peaks, roughness.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracktion._core.timbre import band_powers
from tracktion.features.rows import Rows, halve_precision, widen
from tracktion.features.tap import MONO_RATE, WINDOW, FloatBlock, Tap

__all__ = ["BANDS", "OCTAVES", "SLOT_COLUMNS", "SLOT_FRAMES", "TimbreFeatures", "TimbreTap", "band_hz"]

BANDS = 40
SLOT_FRAMES = 50
BINS = WINDOW // 2 + 1
LANES = 16
BATCH = 64
OCTAVES = 7
SLOT_COLUMNS = (
    *(f"peak{i}" for i in range(OCTAVES)),
    *(f"valley{i}" for i in range(OCTAVES)),
    *(f"flatness{i}" for i in range(OCTAVES)),
    "tonal_share",
    "peaks",
    "tonal",
    "roughness",
)
"""Names of the columns of `TimbreFeatures.slots`."""

LOWEST_OCTAVE_HZ = 62.5
QUANTILE = 0.15
ROUGH_PEAKS = 20
TINY = 1e-9
CHUNK = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class TimbreFeatures:
    """Material of mood and structure.

    Attributes
    ----------
    halves
        Mean power of `BANDS` mel bands, 50 frames per second: upper halves of float32 [shape (n, BANDS), uint16]; read
        them as `bands`.
    slots
        `SLOT_COLUMNS` of each slot of `SLOT_FRAMES` frames [shape (ceil(n / SLOT_FRAMES), columns), float32]: natural
        logarithms of the mean of the strongest and of the weakest bins of each octave from 62.5 Hz up and of its
        flatness; share of magnitude in peaks; their number; their strength; roughness (Sethares).
    """

    halves: NDArray[np.uint16]
    slots: NDArray[np.float32]

    def bands(self, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """Powers of frames `start` to `stop` [shape (stop - start, BANDS)]; hours of music are read in parts."""
        return widen(self.halves[start:stop])

    def power(self) -> NDArray[np.float32]:
        """Mean power of each frame over its bands [shape (n,)]."""
        parts = [self.bands(i, i + CHUNK).mean(axis=1) for i in range(0, len(self.halves), CHUNK)]
        return np.concatenate([np.empty(0, np.float32), *parts])


@functools.cache
def _edges_hz() -> NDArray[np.float64]:
    low, high = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (40.0, 10_000.0))
    return np.asarray(700.0 * (10.0 ** (np.linspace(low, high, BANDS + 2) / 2595.0) - 1.0))


def band_hz() -> NDArray[np.float64]:
    """Centre of each band, Hz [shape (BANDS,)]."""
    return _edges_hz()[1:-1]


@functools.cache
def _bank() -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """First bin, number of bins and padded weights (unit sum) of each triangular mel band."""
    hz = np.arange(BINS) * (MONO_RATE / WINDOW)
    first, width, weights = [], [], []
    for low, middle, high in zip(_edges_hz(), _edges_hz()[1:], _edges_hz()[2:], strict=False):
        triangle = np.clip(np.minimum((hz - low) / (middle - low), (high - hz) / (high - middle)), 0.0, None)
        used = np.flatnonzero(triangle)
        first.append(used[0])
        width.append(len(used))
        weights.append(np.pad(triangle[used] / triangle.sum(), (0, -len(used) % LANES)))
    return np.array(first, np.int32), np.array(width, np.int32), np.concatenate(weights).astype(np.float32)


class TimbreTap(Tap):
    """Makes `TimbreFeatures` from magnitude frames; see `Tap`."""

    def __init__(self, *, sample_rate: int, channels: int) -> None:
        super().__init__(sample_rate=sample_rate, channels=channels)
        self._bands = Rows(BANDS, np.uint16)
        self._slots: list[NDArray[np.float32]] = []
        # Room for the slots that one block of frames may begin after the last batch.
        self._sums = np.zeros((BATCH + 4, BINS), np.float32)
        self._frames = 0

    def push_magnitude(self, block: FloatBlock) -> None:
        """Take frames [shape (m, 1025)], at most 128."""
        self._bands.append(halve_precision(band_powers(block, *_bank(), self._frames, SLOT_FRAMES, self._sums)))
        self._frames += len(block)
        if self._frames >= BATCH * SLOT_FRAMES:
            self._slots.append(slot_columns(self._sums[:BATCH] / np.float32(SLOT_FRAMES)))
            self._frames -= BATCH * SLOT_FRAMES
            rest = self._sums[BATCH:].copy()
            self._sums[:] = 0
            self._sums[: len(rest)] = rest

    def finish(self) -> TimbreFeatures:
        """Return the features of all frames."""
        whole, partial = divmod(self._frames, SLOT_FRAMES)
        rest = self._sums[: whole + (partial > 0)] / np.float32(SLOT_FRAMES)
        if partial:
            rest[-1] *= np.float32(SLOT_FRAMES / partial)
        return TimbreFeatures(
            halves=self._bands.done(),
            slots=np.concatenate([np.empty((0, len(SLOT_COLUMNS)), np.float32), *self._slots, slot_columns(rest)]),
        )


def slot_columns(spectra: NDArray[np.float32]) -> NDArray[np.float32]:
    """`SLOT_COLUMNS` of mean magnitude spectra.

    Parameters
    ----------
    spectra
        Shape (slots, 1025). The columns do not depend on the gain, except for peaks and valleys, which it shifts.
    """
    out = np.empty((len(spectra), len(SLOT_COLUMNS)), np.float32)
    if len(spectra) == 0:
        return out
    hz = np.arange(BINS, dtype=np.float64) * (MONO_RATE / WINDOW)
    for octave in range(OCTAVES):
        low = LOWEST_OCTAVE_HZ * 2.0**octave
        first, last = np.searchsorted(hz, (low, 2 * low))
        ordered = np.sort(spectra[:, first:last], axis=1)
        count = max(1, int(QUANTILE * (last - first)))
        power = np.square(ordered)
        out[:, octave] = np.log(ordered[:, -count:].mean(axis=1) + TINY)
        out[:, OCTAVES + octave] = np.log(ordered[:, :count].mean(axis=1) + TINY)
        mean_log = np.log(power + TINY**2).mean(axis=1)
        out[:, 2 * OCTAVES + octave] = mean_log - np.log(power.mean(axis=1) + TINY**2)
    _peak_columns(spectra, hz, out[:, 3 * OCTAVES :])
    return out


def _peak_columns(spectra: NDArray[np.float32], hz: NDArray[np.float64], out: NDArray[np.float32]) -> None:
    first, last = np.searchsorted(hz, (80.0, 5000.0))
    reach = 15
    total = np.cumsum(np.pad(spectra, ((0, 0), (reach + 1, reach)), mode="edge"), axis=1, dtype=np.float64)
    around = ((total[:, 2 * reach + 1 :] - total[:, : -2 * reach - 1])[:, first:last] / (2 * reach + 1) + TINY).astype(
        np.float32
    )
    a = spectra[:, first:last]
    peak = (a > spectra[:, first - 1 : last - 1]) & (a >= spectra[:, first + 1 : last + 1])
    ratio = a / around
    standing = np.where(peak & (ratio > 1.3), a, np.float32(0.0))
    whole = a.sum(axis=1) + TINY
    out[:, 0] = np.where(peak & (ratio > 1.5), a, 0.0).sum(axis=1) / whole
    out[:, 1] = (peak & (ratio > 2.0)).sum(axis=1)
    loudness = np.sqrt(np.square(a).mean(axis=1, keepdims=True)) + TINY
    strength = np.where(peak, np.clip(ratio - 1.2, 0.0, None) * np.sqrt(a / loudness), 0.0)
    out[:, 2] = np.log(strength.sum(axis=1) + 1e-3)
    out[:, 3] = _roughness(standing, hz[first:last])


def _roughness(standing: NDArray[np.floating], hz: NDArray[np.float64]) -> NDArray[np.floating]:
    """Dissonance of the strongest peaks of each row, per unit of their power (Sethares 1993)."""
    best = np.argpartition(standing, -ROUGH_PEAKS, axis=1)[:, -ROUGH_PEAKS:]
    level, at = np.take_along_axis(standing, best, axis=1), hz.astype(np.float32)[best]
    first, second = np.triu_indices(ROUGH_PEAKS, 1)
    lower = np.minimum(at[:, first], at[:, second])
    x = 0.24 / (0.0207 * lower + 18.96) * np.abs(at[:, first] - at[:, second])
    rough = level[:, first] * level[:, second] * (np.exp(-3.5 * x) - np.exp(-5.75 * x))
    return np.asarray(2.0 * rough.sum(axis=1) / (np.square(level).sum(axis=1) + TINY))
