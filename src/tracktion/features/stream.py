"""The one pass over the audio: source blocks → mono at 22 050 Hz → magnitude frames → taps.

Whatever the size of the blocks that come in, the work is done on fixed blocks (65 536 source samples, 128 frames), so
the features do not depend on it, to the bit.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracktion._core.spectrum import downmix
from tracktion._core.stft import stft_magnitude, stft_tables
from tracktion.errors import UsageError
from tracktion.features.resample import resampler
from tracktion.features.tap import HOP, WINDOW, FloatBlock, Tap

__all__ = ["KINDS", "FeatureExtractor", "Features", "extract_features"]

SOURCE_BLOCK = 65536
FRAME_BLOCK = 128
KINDS: dict[str, str] = {
    "rhythm": "tracktion.features.rhythm:RhythmTap",
    "tonal": "tracktion.features.tonal:TonalTap",
    "timbre": "tracktion.features.timbre:TimbreTap",
    "level": "tracktion.features.level:LevelTap",
    "fingerprint": "tracktion.features.fingerprint:FingerprintTap",
}
"""Kind of features → the tap that makes them."""

SILENCE = 10 ** (-75 / 20)
"""RMS below which there is nothing to analyse; 16-bit dither lies below it."""
CANCELLED = 10 ** (-50 / 20)
"""RMS of the mono mix relative to the channels below which the channels cancel each other."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Frame-rate features of one recording; None where they were not asked for.

    Attributes
    ----------
    duration
        Seconds.
    sample_rate, channels
        Of the source.
    rhythm, tonal, timbre, level, fingerprint
        What the taps of `KINDS` made.
    silent
        No channel holds more than silence or a constant.
    antiphase
        The channels hold sound, and their mean does not.
    """

    duration: float
    sample_rate: int
    channels: int
    rhythm: Any = None
    tonal: Any = None
    timbre: Any = None
    level: Any = None
    fingerprint: Any = None
    silent: bool = False
    antiphase: bool = False

    @property
    def unanswerable(self) -> str | None:
        """Why no estimator can say anything, or None."""
        if self.duration == 0:
            return "there is no sample"
        if self.silent:
            return "silence, or a constant"
        if self.antiphase:
            return "the channels cancel each other (antiphase), so that their mean is silent"
        return None


class FeatureExtractor:
    """Takes blocks of samples and makes features.

    Parameters
    ----------
    sample_rate
        Hz.
    channels
        Number of channels.
    kinds
        Which features to make; keys of `KINDS`.
    """

    def __init__(self, *, sample_rate: int, channels: int, kinds: Iterable[str] = tuple(KINDS)) -> None:
        wanted = list(kinds)
        if unknown := set(wanted) - set(KINDS):
            raise UsageError(f"no such features: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
        self.sample_rate, self.channels = sample_rate, channels
        self._taps = {kind: _tap(kind, sample_rate, channels) for kind in wanted}
        self._source = [t for t in self._taps.values() if _listens(t, "push_source")]
        self._mono = [t for t in self._taps.values() if _listens(t, "push_mono")]
        self._magnitude = [t for t in self._taps.values() if _listens(t, "push_magnitude")]
        self._pending = np.empty((SOURCE_BLOCK, channels), np.float32)
        self._filled = 0
        self._mix = np.empty(SOURCE_BLOCK, np.float32)
        self._stats = np.zeros(4)
        needs_mono = bool(self._mono or self._magnitude)
        self._resampler = resampler(sample_rate) if needs_mono else None
        self._frames = FrameStream(self._magnitude) if self._magnitude else None

    @property
    def seconds(self) -> float:
        """Seconds pushed so far."""
        return (float(self._stats[0]) + self._filled) / self.sample_rate

    def push(self, block: FloatBlock) -> None:
        """Take the next samples.

        Parameters
        ----------
        block
            float32, finite, full scale ±1 [shape (n, channels)].

        Raises
        ------
        UsageError
            When the shape does not fit.
        """
        if block.ndim != 2 or block.shape[1] != self.channels:
            raise UsageError(f"a block must have shape (n, {self.channels}), not {block.shape}")
        block = np.ascontiguousarray(block, np.float32)
        start = 0
        while start < len(block):
            if self._filled == 0 and len(block) - start >= SOURCE_BLOCK:
                self._work(block[start : start + SOURCE_BLOCK])
                start += SOURCE_BLOCK
                continue
            take = min(SOURCE_BLOCK - self._filled, len(block) - start)
            self._pending[self._filled : self._filled + take] = block[start : start + take]
            self._filled += take
            start += take
            if self._filled == SOURCE_BLOCK:
                self._filled = 0
                self._work(self._pending)

    def finish(self) -> Features:
        """Return the features of all that was pushed."""
        if self._filled:
            rest, self._filled = self._pending[: self._filled], 0
            self._work(rest)
        if self._resampler is not None:
            self._feed_mono(self._resampler.finish())
        if self._frames is not None:
            self._frames.finish()
        silent, antiphase = _quiet(self._stats)
        made = {kind: tap.finish() for kind, tap in self._taps.items()}
        return Features(
            duration=float(self._stats[0]) / self.sample_rate,
            sample_rate=self.sample_rate,
            channels=self.channels,
            silent=silent,
            antiphase=antiphase,
            **made,
        )

    def _work(self, block: FloatBlock) -> None:
        mix = self._mix[: len(block)]
        downmix(block, mix, self._stats)
        for tap in self._source:
            tap.push_source(block)
        if self._resampler is not None:
            self._feed_mono(self._resampler.push(mix))

    def _feed_mono(self, mono: FloatBlock) -> None:
        if len(mono) == 0:
            return
        for tap in self._mono:
            tap.push_mono(mono)
        if self._frames is not None:
            self._frames.push(mono)


class FrameStream:
    """Cuts mono samples into overlapping windows and hands out their magnitudes, block by block.

    Parameters
    ----------
    taps
        Who gets them.
    """

    def __init__(self, taps: list[Tap]) -> None:
        self._taps = taps
        self._window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
        self._span = (FRAME_BLOCK - 1) * HOP + WINDOW
        self._samples = np.zeros(8 * self._span, np.float32)
        self._filled = WINDOW // 2
        self._count = 0
        self._emitted = 0
        self._tables = stft_tables(WINDOW)
        self._magnitudes = np.empty((FRAME_BLOCK, WINDOW // 2 + 1), np.float32)

    def push(self, mono: FloatBlock) -> None:
        """Take samples [shape (n,)]."""
        self._count += len(mono)
        start = 0
        while start < len(mono):
            take = min(len(self._samples) - self._filled, len(mono) - start)
            self._samples[self._filled : self._filled + take] = mono[start : start + take]
            self._filled += take
            start += take
            self._drain()

    def finish(self) -> None:
        """Emit the frames that reach beyond the end, padded with zeros."""
        total = 1 + self._count // HOP if self._count else 0
        missing = total - self._emitted
        if missing <= 0:
            return
        need = (missing - 1) * HOP + WINDOW
        rest = np.zeros(max(need, self._filled), np.float32)
        rest[: self._filled] = self._samples[: self._filled]
        for start in range(0, missing, FRAME_BLOCK):
            self._emit(rest[start * HOP :], min(FRAME_BLOCK, missing - start))

    def _drain(self) -> None:
        at = 0
        while self._filled - at >= self._span:
            self._emit(self._samples[at:], FRAME_BLOCK)
            at += FRAME_BLOCK * HOP
        if at:
            keep = self._filled - at
            self._samples[:keep] = self._samples[at : self._filled].copy()
            self._filled = keep

    def _emit(self, samples: FloatBlock, frames: int) -> None:
        magnitudes = self._magnitudes[:frames]
        stft_magnitude(samples, HOP, self._window, *self._tables, magnitudes)
        for tap in self._taps:
            tap.push_magnitude(magnitudes)
        self._emitted += frames


def extract_features(
    blocks: Iterable[FloatBlock], *, sample_rate: int, channels: int, kinds: Iterable[str] = tuple(KINDS)
) -> Features:
    """Run the whole pass over `blocks`; see `FeatureExtractor`."""
    extractor = FeatureExtractor(sample_rate=sample_rate, channels=channels, kinds=kinds)
    for block in blocks:
        extractor.push(block)
    return extractor.finish()


def split(samples: FloatBlock, frames: int) -> Iterator[FloatBlock]:
    """Cut samples [shape (n, channels)] into blocks of `frames`."""
    for start in range(0, len(samples), frames):
        yield samples[start : start + frames]


def _tap(kind: str, sample_rate: int, channels: int) -> Tap:
    module, name = KINDS[kind].split(":")
    tap: Tap = getattr(importlib.import_module(module), name)(sample_rate=sample_rate, channels=channels)
    return tap


def _listens(tap: Tap, push: str) -> bool:
    return getattr(type(tap), push) is not getattr(Tap, push)


def _quiet(stats: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[bool, bool]:
    """(silent, antiphase) from the running sums of `downmix`."""
    count, total, mono_squares, squares = (float(v) for v in stats)
    if count == 0:
        return True, False
    mean = total / count
    mono = math.sqrt(max(0.0, mono_squares / count - mean * mean))
    every = math.sqrt(max(0.0, squares / count))
    if every < SILENCE or (mono < SILENCE and abs(mean) > 0.9 * every):
        return True, False
    return False, mono < max(SILENCE, CANCELLED * every) and abs(mean) <= 0.9 * every
