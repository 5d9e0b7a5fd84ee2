"""Loudness from `LevelFeatures`.

ITU-R BS.1770-4 (integrated loudness, true peak), EBU R 128 and Tech 3341 (momentary and short-term loudness),
EBU Tech 3342 (loudness range), ReplayGain 2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tracktion.results.loudness import Loudness

if TYPE_CHECKING:
    from tracktion.features.level import LevelFeatures
    from tracktion.features.stream import Features

__all__ = ["estimate_loudness", "loudness_range", "loudness_series"]

OFFSET = -0.691
ABSOLUTE_GATE = -70.0
RELATIVE_GATE = -10.0
RANGE_GATE = -20.0
RANGE_PERCENTILES = (10.0, 95.0)
REPLAYGAIN_REFERENCE = -18.0
MOMENTARY_SECONDS, SHORT_TERM_SECONDS, STEP_SECONDS = 0.4, 3.0, 0.1


def estimate_loudness(features: Features) -> tuple[Loudness | None, dict[str, str]]:
    """Loudness of the whole recording.

    Parameters
    ----------
    features
        With `level`.

    Returns
    -------
    loudness, notes
        None with the reason under ``loudness`` for silence and for less than 0.4 s.
    """
    level = features.level
    if level is None:
        return None, {"loudness": "no level features were extracted"}
    if level.frames == 0:
        return None, {"loudness": "there is no sample"}
    blocks = _windows(level, MOMENTARY_SECONDS)
    if len(blocks) == 0:
        return None, {"loudness": f"shorter than one gating block of {MOMENTARY_SECONDS} s"}
    integrated = _gated(blocks[:: _hops(level, STEP_SECONDS)])
    if integrated is None or level.sample_peak <= 0.0:
        return None, {"loudness": f"silence: nothing above {ABSOLUTE_GATE:.0f} LUFS"}
    short_term = _windows(level, SHORT_TERM_SECONDS)
    return Loudness(
        integrated=integrated,
        range=loudness_range(_lufs(short_term[:: _hops(level, STEP_SECONDS)])),
        true_peak=20.0 * math.log10(level.true_peak),
        sample_peak=20.0 * math.log10(level.sample_peak),
        replaygain_gain=REPLAYGAIN_REFERENCE - integrated,
        replaygain_peak=level.sample_peak,
        momentary_max=float(_lufs(blocks.max())),
        short_term_max=float(_lufs(short_term.max())) if len(short_term) else None,
    ), {}


def loudness_series(
    level: LevelFeatures, *, window_seconds: float, step_seconds: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Loudness over time.

    Parameters
    ----------
    level
        Level features.
    window_seconds
        0.4 for momentary, 3.0 for short-term loudness.
    step_seconds
        Distance between values; a multiple of 10 ms.

    Returns
    -------
    times, lufs
        Ends of the windows in seconds and LUFS, -inf for digital silence [both shape (n,)].
    """
    step = _hops(level, step_seconds)
    power = _windows(level, window_seconds)[::step]
    ends = _hops(level, window_seconds) + step * np.arange(len(power))
    return np.asarray(ends * level.hop_seconds, np.float64), _lufs(power)


def loudness_range(short_term_lufs: NDArray[np.float64]) -> float | None:
    """Loudness range in LU by EBU Tech 3342; None when nothing passes the absolute gate.

    Parameters
    ----------
    short_term_lufs
        Short-term loudness, LUFS, at 10 Hz [shape (n,)].
    """
    loud = short_term_lufs[short_term_lufs >= ABSOLUTE_GATE]
    if len(loud) == 0:
        return None
    gate = _lufs(np.mean(_power(loud))) + RANGE_GATE
    low, high = np.percentile(loud[loud >= gate], RANGE_PERCENTILES)
    return float(high - low)


def _hops(level: LevelFeatures, seconds: float) -> int:
    return max(1, round(seconds / level.hop_seconds))


def _windows(level: LevelFeatures, seconds: float) -> NDArray[np.float64]:
    """Mean power of windows of `seconds` at every hop."""
    width = _hops(level, seconds)
    if len(level.energies) < width:
        return np.empty(0)
    total = np.concatenate([[0.0], np.cumsum(level.energies)])
    power = (total[width:] - total[:-width]) / (width * level.hop)
    # The difference of sums leaves rounding errors of loud parts in silence.
    return np.where(power > total[-1] * 1e-15, power, 0.0)


def _lufs(power: NDArray[np.float64] | np.floating[Any]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.asarray(OFFSET + 10.0 * np.log10(power))


def _power(lufs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10.0 ** ((lufs - OFFSET) / 10.0))


def _gated(power: NDArray[np.float64]) -> float | None:
    """Integrated loudness of gating blocks, or None when none passes the absolute gate."""
    lufs = _lufs(power)
    loud = lufs > ABSOLUTE_GATE
    if not loud.any():
        return None
    gate = float(_lufs(power[loud].mean())) + RELATIVE_GATE
    return float(_lufs(power[loud & (lufs > gate)].mean()))
