"""Stretches of constant tempo in a piece whose tempo changes: a medley, a mix, a song with a faster second part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracktion.estimators.grid import regress

__all__ = ["Stretch", "common_bpm", "on_stretches", "stretches"]

FloatArray = NDArray[np.float64]

LEAST_BEATS = 24
STRAIGHT_SECONDS = 0.006
"""Root mean square distance from a line: beats of machines stay within 5 ms of it as they are heard, those of players
are 8 to 15 ms away over so many beats."""
END_SECONDS = 0.010
SAME_TEMPO, APART_BEATS = 0.005, 4
COMMON_SHARE = 0.5
"""Part of the beats from which on the stretches speak for the piece."""


class Stretch(NamedTuple):
    """Beats `low` to `high`, without the latter, at ``offset + k * period``.

    Attributes
    ----------
    low, high
        Indices of beats.
    offset, period
        Seconds.
    """

    low: int
    high: int
    offset: float
    period: float

    def line(self) -> FloatArray:
        """Its beats on the line, seconds [shape (high - low,)]."""
        return np.asarray(self.offset + self.period * np.arange(self.high - self.low), np.float64)


def stretches(times: FloatArray) -> tuple[Stretch, ...]:
    """Find all that are at least `LEAST_BEATS` long, the straightest first, each as long as it stays straight.

    Parameters
    ----------
    times
        Beats, seconds [shape (n,)].

    Returns
    -------
    tuple of Stretch
        In order; no beat is in two of them.
    """
    if len(times) < LEAST_BEATS:
        return ()
    spread = _spread_of_windows(times)
    free, found = [(0, len(times))], []
    while free:
        first, last = free.pop()
        windows = spread[first : max(first, last - LEAST_BEATS + 1)]
        if len(windows) == 0 or windows.min() > STRAIGHT_SECONDS:
            continue
        low = first + int(windows.argmin())
        low, high = _grown(times, low, low + LEAST_BEATS, first, last)
        found.append(_fitted(times, low, high))
        free += [(first, low), (high, last)]
    return _joined(times, sorted(found))


def on_stretches(times: FloatArray, found: tuple[Stretch, ...]) -> FloatArray:
    """The beats, those of a stretch on its line, still in order."""
    placed = times.copy()
    for stretch in found:
        placed[stretch.low : stretch.high] = stretch.line()
    return np.maximum.accumulate(placed)


def common_bpm(found: tuple[Stretch, ...], beats: int) -> float | None:
    """The tempo that most beats have; None where stretches hold fewer than half of the `beats`.

    The mean over a song at 120 and then 128 BPM would be a tempo that is nowhere in it.
    """
    lengths = np.array([stretch.high - stretch.low for stretch in found])
    if lengths.sum() < COMMON_SHARE * beats or not found:
        return None
    periods = np.array([stretch.period for stretch in found])
    alike = np.abs(np.log(periods[:, None] / periods)) < SAME_TEMPO
    most = alike[int((alike * lengths).sum(axis=1).argmax())]
    return float(60.0 / np.average(periods[most], weights=lengths[most]))


def _spread_of_windows(times: FloatArray) -> FloatArray:
    """Distance of every `LEAST_BEATS` beats from their line [shape (n - LEAST_BEATS + 1,)]."""
    windows = np.lib.stride_tricks.sliding_window_view(times, LEAST_BEATS)
    windows = windows - windows.mean(axis=1, keepdims=True)
    x = np.arange(LEAST_BEATS) - (LEAST_BEATS - 1) / 2
    slope = windows @ x / (x @ x)
    return np.asarray(np.sqrt(np.mean((windows - slope[:, None] * x) ** 2, axis=1)), np.float64)


def _joined(times: FloatArray, found: list[Stretch]) -> tuple[Stretch, ...]:
    """Neighbours on one line as one: a stray beat between them does not part them."""
    joined: list[Stretch] = []
    for stretch in found:
        before = joined[-1] if joined else None
        if before and stretch.low - before.high < APART_BEATS and _straight(_distance(times, before.low, stretch.high)):
            joined[-1] = _fitted(times, before.low, stretch.high)
        else:
            joined.append(stretch)
    return tuple(joined)


def _grown(times: FloatArray, low: int, high: int, first: int, last: int) -> tuple[int, int]:
    """Both ends moved outward within `first` and `last`, in steps that double with success and halve without."""
    for side in (-1, 1):
        step = LEAST_BEATS
        while step:
            wish = (max(first, low - step), high) if side < 0 else (low, min(last, high + step))
            distance = _distance(times, *wish)
            if wish != (low, high) and _straight(distance) and max(distance[0], distance[-1]) <= END_SECONDS:
                (low, high), step = wish, 2 * step
            else:
                step //= 2
    return low, high


def _straight(distance: FloatArray) -> bool:
    return bool(np.sqrt(np.mean(distance**2)) <= STRAIGHT_SECONDS)


def _distance(times: FloatArray, low: int, high: int) -> FloatArray:
    """How far these beats are from their line, seconds [shape (high - low,)]."""
    return np.abs(_fitted(times, low, high).line() - times[low:high])


def _fitted(times: FloatArray, low: int, high: int) -> Stretch:
    """The line through these beats by least squares."""
    period, offset = regress(np.arange(high - low, dtype=np.float64), times[low:high], np.ones(high - low))
    return Stretch(low, high, offset, period)
