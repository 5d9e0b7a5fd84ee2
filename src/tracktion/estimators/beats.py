"""Beats and bars from activations."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from tracktion._core.beats import bar_path, beat_path
from tracktion.features.tap import FRAME_RATE

__all__ = ["METRES", "SHORTEST", "costs", "decode_bars", "decode_beats", "interval_prior"]

FloatArray = NDArray[np.float64]

SHORTEST, LONGEST = 10, 100
"""Frames between beats: 300 to 30 BPM."""
REACH = 8
STIFFNESS = 60.0
FREE_FRAMES = 0.7
ODDS_SHIFT = 1.5
METRES = (2, 3, 4, 5, 6)
METRE_WEIGHTS = (-0.3, -0.02, 0.0, -0.5, -0.5)
"""Log prior per beat of each metre: without it, bars of two explain every bar of four."""


@functools.cache
def costs() -> NDArray[np.float32]:
    """Cost of a change of interval; half a frame or so is free, because intervals are whole frames."""
    change = np.abs(np.arange(-REACH, REACH + 1))[:, None]
    interval = np.arange(SHORTEST, LONGEST + 1)[None, :]
    cost = STIFFNESS * np.maximum(0.0, change - FREE_FRAMES) / interval
    return np.ascontiguousarray(cost, np.float32)


def interval_prior(bpm: FloatArray, weight: FloatArray) -> NDArray[np.float32]:
    """Log prior per beat for each interval.

    Parameters
    ----------
    bpm
        Tempi, ascending [shape (n,)].
    weight
        Log weight of each tempo, per frame [shape (n,)].
    """
    intervals = np.arange(SHORTEST, LONGEST + 1)
    at = np.interp(np.log(60.0 * FRAME_RATE / intervals), np.log(bpm), weight)
    return (at * intervals).astype(np.float32)


def decode_beats(odds: NDArray[np.float32], prior: NDArray[np.float32]) -> NDArray[np.int32]:
    """Frames of the beats.

    Parameters
    ----------
    odds
        Log odds of a beat per frame.
    prior
        From `interval_prior`.
    """
    return beat_path((odds + np.float32(ODDS_SHIFT)).astype(np.float32), prior, SHORTEST, costs())


def decode_bars(odds: FloatArray, *, slip: float = 6.0, change: float = 10.0) -> tuple[NDArray[np.int32], int]:
    """(position in the bar of each beat, beats per bar of most).

    Parameters
    ----------
    odds
        Log odds that each beat is a downbeat.
    slip, change
        What a jump within the metre, and to another metre, costs.
    """
    if len(odds) == 0:
        return np.empty(0, np.int32), 0
    metres = np.array(METRES, np.int32)
    states = bar_path(odds.astype(np.float32), metres, np.array(METRE_WEIGHTS, np.float32), slip, change)
    start = np.concatenate([[0], np.cumsum(metres)[:-1]])
    owner = np.searchsorted(start, states, side="right") - 1
    metre = int(metres[np.bincount(owner).argmax()])
    return (states - start[owner]).astype(np.int32), metre
