"""Pitches over time, tuned: long windows over a decimated signal, spectral peaks that stand out, semitones.

The shared magnitude frames (93 ms) cannot tell bass notes apart, so this tap makes its own: the mono signal is
decimated to 5 512.5 Hz and cut into windows of 0.74 s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracktion._core.chroma import decimate, pitch_peaks
from tracktion._core.stft import stft_magnitude, stft_tables
from tracktion.features.rows import Rows, halve_precision, widen
from tracktion.features.tap import MONO_RATE, FloatBlock, Tap

__all__ = ["LOWEST_PITCH", "PITCHES", "TonalFeatures", "TonalTap"]

LOWEST_PITCH = 24
"""MIDI number of the first pitch, C1."""
PITCHES = 72
"""Six octaves of semitones, C1 to B6."""

FACTOR = 4
RATE = MONO_RATE / FACTOR
TAPS = 80
CUTOFF_HZ = 2500.0
KAISER_BETA = 5.6
WINDOW = 4096
HOP = 1024
BATCH = 48
PER_SEMITONE = 5
FINE = (PITCHES + 2) * PER_SEMITONE
GATE = 0.05
CONTRAST = 2.0
SPREAD_SEMITONES = 0.7
CHUNK = 1024


@dataclass(frozen=True, slots=True, eq=False)
class TonalFeatures:
    """What a recording sounds like in pitches.

    Attributes
    ----------
    pitches
        How far each semitone stands out of the spectrum around it, natural logarithm, 0 where it does not
        [shape (n, `PITCHES`), from `LOWEST_PITCH` up], tuning corrected.
    hop_seconds
        Seconds between frames, each the mean of two windows of 0.74 s; frame i is centred on
        ``(i + 0.25) * hop_seconds``.
    tuning_hz
        Frequency of the A above middle C, Hz, within half a semitone of 440.
    tuning_strength
        How well the peaks agree on that tuning, 0 (evenly spread, as in noise) to 1.
    """

    pitches: NDArray[np.float32]
    hop_seconds: float
    tuning_hz: float
    tuning_strength: float

    @property
    def times(self) -> NDArray[np.float64]:
        """Centres of the frames, seconds [shape (n,)]."""
        return (np.arange(len(self.pitches), dtype=np.float64) + 0.25) * self.hop_seconds

    @property
    def chroma(self) -> NDArray[np.float32]:
        """Sums over octaves [shape (n, 12), C first]."""
        folded: NDArray[np.float32] = self.pitches.reshape(-1, PITCHES // 12, 12).sum(axis=1)
        return folded


class TonalTap(Tap):
    """Makes `TonalFeatures` from mono samples; see `Tap`."""

    def __init__(self, *, sample_rate: int, channels: int) -> None:
        super().__init__(sample_rate=sample_rate, channels=channels)
        self._taps = _low_pass()
        self._window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
        self._low, self._high = _neighbourhoods()
        self._origin = -(12 * PER_SEMITONE * math.log2(RATE / WINDOW / 440.0) + (69 - LOWEST_PITCH + 1) * PER_SEMITONE)
        self._mono = np.zeros(TAPS // 2, np.float32)
        self._samples = np.zeros(WINDOW + (BATCH - 1) * HOP, np.float32)
        self._filled = WINDOW // 2
        self._count = 0
        self._analysed = 0
        self._rows = Rows(FINE, np.uint16)
        self._tables = stft_tables(WINDOW)
        self._magnitudes = np.empty((BATCH, WINDOW // 2 + 1), np.float32)
        self._peaks = np.empty((BATCH, FINE), np.float32)

    def push_mono(self, block: FloatBlock) -> None:
        """Take samples at 22 050 Hz [shape (n,)]."""
        mono = np.concatenate([self._mono, block])
        n = max(0, (len(mono) - TAPS) // FACTOR + 1)
        low = np.empty(n, np.float32)
        decimate(mono, self._taps, FACTOR, low)
        self._mono = mono[n * FACTOR :].copy()
        self._count += n
        start = 0
        while start < n:
            take = min(len(self._samples) - self._filled, n - start)
            self._samples[self._filled : self._filled + take] = low[start : start + take]
            self._filled += take
            start += take
            if self._filled == len(self._samples):
                self._analyse()

    def finish(self) -> TonalFeatures:
        """Return the features of all samples."""
        self.push_mono(np.zeros(TAPS // 2, np.float32))
        rows = (1 + self._count // HOP + 1) // 2 if self._count else 0
        while 2 * rows > self._analysed:
            self._samples[self._filled :] = 0
            self._analyse()
        fine = self._rows.done()[:rows]
        tuning, strength = _tuning(fine)
        return TonalFeatures(
            pitches=_semitones(fine, tuning),
            hop_seconds=2 * HOP / RATE,
            tuning_hz=440.0 * 2.0 ** (tuning / 12),
            tuning_strength=strength,
        )

    def _analyse(self) -> None:
        magnitudes = self._magnitudes
        stft_magnitude(self._samples, HOP, self._window, *self._tables, magnitudes)
        first, last = 8, WINDOW // 2 - 8
        place = self._origin, 12.0 * PER_SEMITONE
        pitch_peaks(magnitudes, self._low, self._high, first, last, GATE, CONTRAST, *place, self._peaks)
        self._rows.append(halve_precision(0.5 * (self._peaks[::2] + self._peaks[1::2])))
        self._analysed += BATCH
        rest = len(self._samples) - BATCH * HOP
        self._samples[:rest] = self._samples[BATCH * HOP :]
        self._filled = max(0, self._filled - BATCH * HOP)


def _low_pass() -> NDArray[np.float32]:
    """Kaiser-windowed low-pass of `TAPS` taps at `CUTOFF_HZ` of `MONO_RATE`, unit gain at 0 Hz."""
    place = np.arange(TAPS) - (TAPS - 1) / 2
    taps = np.sinc(2 * CUTOFF_HZ / MONO_RATE * place) * np.kaiser(TAPS, KAISER_BETA)
    scaled: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return scaled


def _neighbourhoods() -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What each group of eight bins is compared with: a fifth of its frequency each way, at least three groups."""
    groups = WINDOW // 2 // 8
    centre = np.arange(groups)
    reach = np.maximum(3, np.rint(centre / 5)).astype(int)
    low, high = np.maximum(0, centre - reach), np.minimum(groups, centre + reach + 1)
    return low.astype(np.int32), high.astype(np.int32)


def _tuning(fine: NDArray[np.uint16]) -> tuple[float, float]:
    """Mean deviation from 440 Hz in semitones, -0.5 to 0.5, and how concentrated the deviations are, 0 to 1."""
    weights = np.zeros(FINE)
    for start in range(0, len(fine), CHUNK):
        weights += widen(fine[start : start + CHUNK]).sum(axis=0, dtype=np.float64)
    total = float(weights.sum())
    if total <= 0:
        return 0.0, 0.0
    vector = complex(np.sum(weights * np.exp(2j * np.pi * np.arange(FINE) / PER_SEMITONE))) / total
    # Sharing a peak between two bins pulls the mean towards the middle of the circle by this factor, on average.
    full = np.sinc(1 / PER_SEMITONE) ** 2
    return float(np.angle(vector) / (2 * np.pi)), min(1.0, abs(vector) / full)


def _semitones(fine: NDArray[np.uint16], tuning: float) -> NDArray[np.float32]:
    """Fine bins gathered into semitones around the tuning."""
    centres = (np.arange(PITCHES) + 1 + tuning) * PER_SEMITONE
    distance = np.abs(np.arange(FINE)[:, None] - centres[None, :]) / PER_SEMITONE
    weights = np.where(distance < SPREAD_SEMITONES, np.cos(0.5 * np.pi * distance / SPREAD_SEMITONES) ** 2, 0.0)
    out = np.empty((len(fine), PITCHES), np.float32)
    for start in range(0, len(fine), CHUNK):
        out[start : start + CHUNK] = widen(fine[start : start + CHUNK]) @ weights.astype(np.float32)
    return out
