"""From beats to one tempo: its rivals, its steadiness, its course."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracktion.estimators.network import Activations
from tracktion.results.rhythm import TempoCandidate

__all__ = [
    "HIGHEST_BPM",
    "LOWEST_BPM",
    "Reading",
    "candidates",
    "evidence",
    "fold",
    "probability",
    "readings",
    "stability",
    "tempo_curve",
]

FloatArray = NDArray[np.float64]

LOWEST_BPM, HIGHEST_BPM = 30.0, 300.0
RELATIONS = {"1": 1.0, "2": 2.0, "1/2": 0.5, "3/2": 1.5, "2/3": 2 / 3, "3": 3.0, "1/3": 1 / 3}
CURVE_BEATS = 8
NEAR = 0.05


class Reading(NamedTuple):
    """A relative of the tempo, and what the network's tempo head gives to it."""

    relation: str
    bpm: float
    weight: float


def readings(bpm: float, heard: Activations) -> list[Reading]:
    """The tempo, then its relatives, each with the weight of the tempi within 5 %."""
    found = []
    for relation, factor in RELATIONS.items():
        tempo = bpm * factor
        if LOWEST_BPM <= tempo <= HIGHEST_BPM:
            near = np.abs(np.log(heard.bpm / tempo)) < NEAR
            found.append(Reading(relation, tempo, float(heard.tempo[near].sum()) + 1e-6))
    return found


def candidates(found: list[Reading]) -> tuple[TempoCandidate, ...]:
    """Ranked readings; the chosen tempo stays first, with no less weight than any other."""
    first, *rest = found
    top = max(reading.weight for reading in found)
    ranked = [first._replace(weight=top), *sorted(rest, key=lambda reading: -reading.weight)]
    total = max(1.0, sum(reading.weight for reading in ranked))
    return tuple(TempoCandidate(r.bpm, r.weight / total, r.relation) for r in ranked)


def evidence(found: list[Reading], strength: float, share: float) -> FloatArray:
    """What the confidence is computed from [shape (5,), the first is 1].

    Parameters
    ----------
    found
        From `readings`.
    strength
        Mean probability of a beat at the beats.
    share
        Part of the beats that lie on a line of constant tempo.
    """
    first, *rest = found
    rival = max((reading.weight for reading in rest), default=0.0)
    margin = float(np.clip(np.log((first.weight + 1e-3) / (rival + 1e-3)), -5.0, 5.0))
    return np.array([1.0, first.weight, margin, strength, share])


def probability(coefficients: NDArray[np.float32], values: FloatArray) -> float:
    """Logistic regression."""
    return float(1.0 / (1.0 + np.exp(-float(coefficients @ values))))


def fold(bpm: float, bpm_range: tuple[float, float]) -> float | None:
    """The relative of `bpm` by a power of two that lies in the range and is a tempo, or None."""
    low, high = max(bpm_range[0], LOWEST_BPM), min(bpm_range[1], HIGHEST_BPM)
    return next(
        (bpm * factor for factor in (1.0, 2.0, 0.5, 4.0, 0.25, 8.0, 0.125) if low <= bpm * factor <= high), None
    )


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
