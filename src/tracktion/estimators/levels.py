"""Which metrical level is the beat: the pulse that was heard, or one of half or twice its tempo.

Pulses at several levels fit a piece equally well (eighths, beats, half notes), and the choice between them is the
classical error of the field (Gouyon et al., "An experimental comparison of audio tempo induction algorithms", 2006).
What tells them apart is the order of the sounds within the bar: how alike the music is to itself after a quarter of a
beat, a beat, a bar. So the onsets in four bands, and what the network holds to be beats and downbeats, are correlated
with themselves and each other at such lags; a small scorer that training/rhythm/levels.py fitted to rendered music
compares the levels. It does not know the tempo itself: that is left to the network's tempo head.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tracktion.estimators.network import Activations, compression, weights
from tracktion.estimators.tempo import HIGHEST_BPM, LOWEST_BPM
from tracktion.features.tap import FRAME_RATE

__all__ = [
    "FACTORS",
    "SCORED",
    "correlations",
    "held",
    "level_odds",
    "pulses",
    "repetition",
    "reweighted",
    "straightened",
]

FACTORS = (0.5, 1.0, 2.0)
"""The levels, as factors of the tempo that was heard."""
GROUPS = ((0, 12), (12, 30), (30, 50), (50, 72))
"""Bands: bass drum, body of the snare drum and voices, their brightness, cymbals."""
STARTS = np.array([low for low, _ in GROUPS])
WIDTHS = np.array([high - low for low, high in GROUPS], np.float32)
AUTO_LAGS = np.arange(1, 33) / 4
CROSS_LAGS = np.arange(17) / 4
"""In beats."""
PAIRS = tuple((i, j) for i in range(len(GROUPS)) for j in range(i + 1, len(GROUPS)))
SCORED = (len(GROUPS) + 2) * len(AUTO_LAGS) + len(PAIRS) * len(CROSS_LAGS)
OVERLAP_FRAMES = 8
"""Lags that leave fewer frames to compare say nothing."""
CHUNK, BLOCK = 8192, 8192
NEAR = 0.05
HELD_FLOOR = 1e-4
Floats = NDArray[np.float32]


def level_odds(
    bands: NDArray[np.uint16], heard: Activations, beats: NDArray[np.float64], bpm: float
) -> NDArray[np.float64]:
    """Probability of each level in `FACTORS` [shape (3,)]; 0 for one outside the tempi that there are.

    Parameters
    ----------
    bands
        `RhythmFeatures.bands` [shape (frames, 72)].
    heard
        What the network made of them.
    beats
        The decoded beats, in frames [shape (n,)].
    bpm
        The tempo that they have.
    """
    w = weights()
    hidden = np.maximum(repetition(bands, heard, beats, bpm) @ w["levels_w"].T + w["levels_b"], 0)
    logits = hidden @ w["levels_score"] + w["levels_prior"] + held(heard, bpm)
    logits[[not LOWEST_BPM <= bpm * factor <= HIGHEST_BPM for factor in FACTORS]] = -np.inf
    odds = np.exp(logits - logits.max())
    return np.asarray(odds / odds.sum(), np.float64)


def repetition(bands: NDArray[np.uint16], heard: Activations, beats: NDArray[np.float64], bpm: float) -> Floats:
    """What the scorer compares: the correlations at the lags of each level [shape (3, SCORED)]."""
    period = 60.0 * FRAME_RATE / bpm
    return correlations(straightened(pulses(bands, heard), beats, period), [period / factor for factor in FACTORS])


def straightened(signals: Floats, beats: NDArray[np.float64], period: float) -> Floats:
    """The signals by a clock that ticks with the beats, `period` to each: a change of tempo blurs no lag.

    Parameters
    ----------
    signals
        From `pulses` [shape (signals, frames)].
    beats
        Where the beats are, in frames, ascending [shape (n,)].
    period
        Frames from beat to beat, before the first beat and behind the last one too.
    """
    frames = signals.shape[1]
    before = np.arange(int(beats[0] / period), 0, -1) * period
    behind = np.arange(1, int((frames - 1 - beats[-1]) / period) + 1) * period
    places = np.concatenate([beats[0] - before, beats, beats[-1] + behind])
    ticks = np.arange(period * (len(places) - 1))
    at, every = np.interp(ticks, period * np.arange(len(places)), places), np.arange(frames)
    return _normal(np.array([np.interp(at, every, signal) for signal in signals], np.float32))


def held(heard: Activations, bpm: float) -> NDArray[np.float64]:
    """Logarithm of what the tempo head gives to each level [shape (3,)]."""
    return np.log([heard.tempo[near].sum() + HELD_FLOOR for near in _near(heard, bpm)])


def reweighted(heard: Activations, bpm: float, odds: NDArray[np.float64]) -> Activations:
    """The same, with what the tempo head gives to the levels shared out among them as `odds` say."""
    tempo, near = heard.tempo.copy(), _near(heard, bpm)
    total = float(sum(tempo[where].sum() for where in near))
    for where, share in zip(near, odds, strict=True):
        if where.any():
            part = tempo[where] + HELD_FLOOR / where.sum()
            tempo[where] = part * (share * total / part.sum())
    return replace(heard, tempo=tempo)


def _near(heard: Activations, bpm: float) -> list[NDArray[np.bool_]]:
    return [np.abs(np.log(heard.bpm / (bpm * factor))) < NEAR for factor in FACTORS]


def pulses(bands: NDArray[np.uint16], heard: Activations) -> Floats:
    """Rises of level in four groups of bands, beats, downbeats, each of mean 0 and variance 1 [shape (6, frames)]."""
    frames, table = len(bands), compression(bands)
    out = np.empty((len(GROUPS) + 2, frames), np.float32)
    for begin in range(0, frames, CHUNK):
        before, end = max(0, begin - 1), min(frames, begin + CHUNK)
        level = table[bands[before:end] & 0x7FFF]
        rise = level[1:] - level[:-1]
        np.maximum(rise, 0, out=rise)
        out[: len(GROUPS), before + 1 : end] = (np.add.reduceat(rise, STARTS, axis=1) / WIDTHS).T
    out[: len(GROUPS), :1] = 0
    for row, odds in ((-2, heard.beat), (-1, heard.downbeat)):
        out[row] = 1 / (1 + np.exp(-odds))
    return _normal(out)


def _normal(signals: Floats) -> Floats:
    """The same, in place, each of mean 0 and variance 1."""
    signals -= signals.mean(axis=1, keepdims=True)
    signals /= np.sqrt(np.square(signals).mean(axis=1, keepdims=True)) + np.float32(1e-9)
    return signals


def correlations(signals: Floats, periods: list[float]) -> Floats:
    """How alike the signals are to themselves and each other at lags of so many beats [shape (periods, SCORED)].

    Parameters
    ----------
    signals
        From `pulses`.
    periods
        Frames from beat to beat, for each level.
    """
    frames = signals.shape[1]
    reach = int(max(periods) * AUTO_LAGS[-1]) + 2
    auto, cross = _by_lag(signals, reach)
    shared = np.maximum(frames - np.arange(reach + 1), 1)
    auto, cross = auto / shared, cross / shared
    limit = frames - OVERLAP_FRAMES
    rows = [
        np.concatenate([_at(auto, period * AUTO_LAGS, limit).ravel(), _at(cross, period * CROSS_LAGS, limit).ravel()])
        for period in periods
    ]
    return np.array(rows, np.float32)


def _by_lag(signals: Floats, reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of products at lags 0 to `reach`: of each signal, and of each pair, in both directions halved.

    Block by block, so that hours of music take no more memory than minutes.
    """
    size = scipy.fft.next_fast_len(BLOCK + reach + 1, real=True)
    first, second = (list(side) for side in zip(*PAIRS, strict=True))
    spectra: NDArray[np.complex128] = np.zeros((len(signals) + len(PAIRS), size // 2 + 1), np.complex128)
    for begin in range(0, signals.shape[1], BLOCK):
        now = np.conj(scipy.fft.rfft(signals[:, begin : begin + BLOCK], size))
        later = scipy.fft.rfft(signals[:, begin : begin + BLOCK + reach + 1], size)
        spectra[: len(signals)] += now * later
        spectra[len(signals) :] += (now[first] * later[second] + now[second] * later[first]) / 2
    sums = scipy.fft.irfft(spectra, size)[:, : reach + 1]
    return sums[: len(signals)], sums[len(signals) :]


def _at(values: NDArray[np.float64], lags: NDArray[np.float64], limit: int) -> NDArray[np.float64]:
    """Values between whole lags; 0 where too little is left to compare."""
    low = lags.astype(int)
    part = lags - low
    return np.where(low + 1 < limit, values[:, low] * (1 - part) + values[:, low + 1] * part, 0.0)
