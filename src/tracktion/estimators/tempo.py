"""From beats to one tempo: its rivals, its steadiness, its course."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracktion.estimators.network import Activations
from tracktion.results.rhythm import TempoCandidate

__all__ = ["HIGHEST_BPM", "LOWEST_BPM", "candidates", "fold", "stability", "tempo_curve"]

FloatArray = NDArray[np.float64]

LOWEST_BPM, HIGHEST_BPM = 30.0, 300.0
RELATIONS = {"1": 1.0, "2": 2.0, "1/2": 0.5, "3/2": 1.5, "2/3": 2 / 3, "3": 3.0, "1/3": 1 / 3}
CURVE_BEATS = 8


def candidates(bpm: float, heard: Activations) -> tuple[TempoCandidate, ...]:
    """The tempo and its relatives, weighted by what the network's tempo head gives to each (within 4 %)."""
    found = []
    for relation, factor in RELATIONS.items():
        tempo = bpm * factor
        if LOWEST_BPM <= tempo <= HIGHEST_BPM:
            near = np.abs(np.log(heard.bpm / tempo)) < 0.05
            found.append((relation, tempo, float(heard.tempo[near].sum()) + 1e-6))
    total = max(1.0, sum(weight for *_, weight in found))
    first, *rest = found
    top = max(first[2], *(weight for *_, weight in rest)) if rest else first[2]
    ranked = [(first[0], first[1], top), *sorted(rest, key=lambda c: -c[2])]
    total = max(1.0, sum(weight for *_, weight in ranked))
    return tuple(TempoCandidate(tempo, weight / total, relation) for relation, tempo, weight in ranked)


def fold(bpm: float, bpm_range: tuple[float, float]) -> float | None:
    """The relative of `bpm` by a power of two (or else three) that lies in the range, or None."""
    low, high = bpm_range
    for factor in (1.0, 2.0, 0.5, 4.0, 0.25, 3.0, 1 / 3, 1.5, 2 / 3):
        if low <= bpm * factor <= high:
            return bpm * factor
    return None


def stability(times: FloatArray) -> float:
    """1 for even beats, falling to 0 as their intervals wander by a fifth or more."""
    if len(times) < 4:
        return 0.0
    intervals = np.diff(times)
    wander = float(np.median(np.abs(intervals / np.median(intervals) - 1.0)))
    return float(np.clip(1.0 - 10.0 * wander, 0.0, 1.0))


def tempo_curve(times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Times in seconds and BPM there, over eight beats each."""
    span = min(CURVE_BEATS, len(times) - 1)
    if span < 1:
        return np.empty(0), np.empty(0)
    bpm = 60.0 * span / (times[span:] - times[:-span])
    return (times[span:] + times[:-span]) / 2, np.clip(bpm, LOWEST_BPM, HIGHEST_BPM)
