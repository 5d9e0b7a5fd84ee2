"""Any sample rate → `MONO_RATE`, as a stream, without delay: output sample 0 lies at input sample 0.

44.1 kHz, the rate of most music, is halved by our own half-band filter at a quarter of the general resampler's cost;
every other rate goes through soxr.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import soxr

from tracktion._core.halve import halve
from tracktion.features.tap import MONO_RATE, FloatBlock

__all__ = ["Halver", "Resampler", "resampler"]

PAIRS = 16
KAISER_BETA = 6.5


class Resampler(Protocol):
    """Takes mono samples as they come and gives those at the new rate."""

    def push(self, block: FloatBlock) -> FloatBlock:
        """Return what is ready; valid until the next push."""
        ...

    def finish(self) -> FloatBlock:
        """Return the rest."""
        ...


class Same:
    """The rate is right already."""

    def push(self, block: FloatBlock) -> FloatBlock:
        """Return `block`."""
        return block

    def finish(self) -> FloatBlock:
        """Return nothing."""
        return np.empty(0, np.float32)


class Soxr:
    """Any ratio, by libsoxr."""

    def __init__(self, sample_rate: int) -> None:
        self._stream = soxr.ResampleStream(sample_rate, MONO_RATE, 1, dtype="float32", quality="MQ")

    def push(self, block: FloatBlock) -> FloatBlock:
        """Resample `block`."""
        ready: FloatBlock = self._stream.resample_chunk(block)
        return ready

    def finish(self) -> FloatBlock:
        """Flush."""
        rest: FloatBlock = self._stream.resample_chunk(np.empty(0, np.float32), last=True)
        return rest


class Halver:
    """Half the rate by a linear-phase half-band filter (Kaiser window, 63 taps, 65 dB beyond 12.6 kHz at 44.1 kHz)."""

    def __init__(self) -> None:
        self._taps = half_band(PAIRS)
        self._held = np.zeros(2 * PAIRS - 1, np.float32)
        self._buffer = np.empty(0, np.float32)
        self._out = np.empty(0, np.float32)

    def push(self, block: FloatBlock) -> FloatBlock:
        """Resample `block` and hold back what the filter still needs."""
        needed = len(self._held) + len(block)
        if len(self._buffer) < needed:
            self._buffer = np.empty(needed, np.float32)
            self._out = np.empty(needed // 2 + 1, np.float32)
        samples = self._buffer[:needed]
        samples[: len(self._held)] = self._held
        samples[len(self._held) :] = block
        count = max(0, (needed - (4 * PAIRS - 3)) // 2)
        out = self._out[:count]
        halve(samples, self._taps, out)
        self._held = samples[2 * count :].copy()
        return out

    def finish(self) -> FloatBlock:
        """Flush: the rest, as if silence followed."""
        remaining = (len(self._held) - (2 * PAIRS - 1) + 1) // 2
        if remaining <= 0:
            return np.empty(0, np.float32)
        return self.push(np.zeros(4 * PAIRS, np.float32))[:remaining].copy()


def half_band(pairs: int) -> FloatBlock:
    """Taps of a half-band low-pass on one side of its centre, nearest first [shape (pairs,)]; their sum is 1/4."""
    offsets = 2 * np.arange(pairs) + 1
    window = np.kaiser(4 * pairs + 1, KAISER_BETA)[2 * pairs + offsets]
    taps = np.sin(np.pi * offsets / 2) / (np.pi * offsets) * window
    scaled: FloatBlock = (taps * (0.25 / taps.sum())).astype(np.float32)
    return scaled


def resampler(sample_rate: int) -> Resampler:
    """Return the cheapest one for `sample_rate` in Hz."""
    if sample_rate == MONO_RATE:
        return Same()
    return Halver() if sample_rate == 2 * MONO_RATE else Soxr(sample_rate)
