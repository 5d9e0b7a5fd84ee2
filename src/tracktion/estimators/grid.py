"""Beat grids: straight lines through beats."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from tracktion.results.rhythm import GridSegment

if TYPE_CHECKING:
    from tracktion.estimators.stretches import Stretch

__all__ = ["Line", "evened", "fit_line", "loop_line", "regress", "segments", "subframe"]

FloatArray = NDArray[np.float64]

SPAN_BEATS = 16
BELL_FRAMES, REACH_FRAMES, SHIFTS, LEASH_FRAMES = 1.5, 4, 4, 3
EVENNESS, LEAST_WEIGHT = 0.4, 0.02
TOLERANCE_SECONDS = 0.06
TOLERANCE_SHARE = 0.15
WHOLE_BEATS = 0.02
"""A loop whose beats fill it to within this share fills it exactly."""


class Line(NamedTuple):
    """Beats at ``offset + k * period``.

    Attributes
    ----------
    period, offset
        Seconds.
    share
        Part of the given beats that lie on the line, by weight.
    """

    period: float
    offset: float
    share: float


def subframe(frames: NDArray[np.int32], odds: NDArray[np.float32], frame_rate: float) -> FloatArray:
    """Beat times in seconds: where the smoothed probability is highest near each beat's frame.

    The mean under a bell around the beat becomes the bell's next middle (mean shift; Cheng 1995), so that a hair's
    breadth between two frames does not decide: the same music in another encoding gives the same beats.
    """
    if len(frames) == 0:
        return np.empty(0)
    margin = REACH_FRAMES + LEASH_FRAMES
    probability = np.pad(1.0 / (1.0 + np.exp(-odds.astype(np.float64))), margin)
    place = frames.astype(np.float64)
    for _ in range(SHIFTS):
        around = np.rint(place).astype(np.intp)[:, None] + np.arange(-REACH_FRAMES, REACH_FRAMES + 1)
        bell = np.exp(-0.5 * ((around - place[:, None]) / BELL_FRAMES) ** 2)
        mass = probability[around + margin] * bell
        mean = (mass * around).sum(axis=1) / np.maximum(mass.sum(axis=1), 1e-12)
        place = np.clip(mean, frames - LEASH_FRAMES, frames + LEASH_FRAMES)
    return np.asarray(np.maximum(place / frame_rate, 0.0), np.float64)


def evened(times: FloatArray, weights: FloatArray) -> FloatArray:
    """Beats of a free tempo, each drawn to where its neighbours expect it, the more the less sure it is.

    Least squares that charges a change of the interval (Whittaker 1923): where a soft onset could be at two places,
    its neighbours decide, and not the noise of an encoder.

    Parameters
    ----------
    times
        Seconds [shape (n,)].
    weights
        How sure each of them is, 0 to 1 [shape (n,)].
    """
    count = len(times)
    if count < 3:
        return times
    step = np.array([1.0, -2.0, 1.0])
    upper = np.zeros((3, count))
    for lag in range(3):
        products = step[: 3 - lag] * step[lag:]
        for first, value in enumerate(products):
            upper[2 - lag, first + lag : count - 2 + first + lag] += EVENNESS * value
    sure = weights + LEAST_WEIGHT
    upper[2] += sure
    return np.asarray(solveh_banded(upper, sure * times), np.float64)


def fit_line(times: FloatArray, weights: FloatArray) -> Line | None:
    """Fit a constant tempo, growing from the steadiest stretch; beats half a period off, or none, do not disturb it.

    Parameters
    ----------
    times
        Beats, seconds [shape (n,)].
    weights
        How sure each of them is, 0 to 1 [shape (n,)].

    Returns
    -------
    Line or None
        None for fewer than 8 beats, or when no line holds even a few of them.
    """
    count = len(times)
    if count < 8:
        return None
    span = min(SPAN_BEATS, count - 1)
    slopes = (times[span:] - times[:-span]) / span
    period = float(np.median(slopes))
    low = int(np.argmin(np.abs(slopes - period)))
    high = low + span + 1
    offset = float(np.median(times[low:high] - period * np.arange(high - low)))
    while True:
        for _ in range(3):
            inside, number = _members(times[low:high], period, offset)
            if inside.sum() < 4:
                return None
            period, offset = regress(number[inside], times[low:high][inside], weights[low:high][inside])
        if low == 0 and high == count:
            break
        grow = max(4, (high - low) // 2)
        low, high = max(0, low - grow), min(count, high + grow)
    return _through(times, weights, period, offset)


def loop_line(times: FloatArray, weights: FloatArray, duration: float) -> Line | None:
    """The line of a loop: as many beats as nearly fill it fill it exactly; None where none do.

    Loops are cut to whole beats, so that their length says their tempo more precisely than a few beats do (Font and
    Serra, "Tempo estimation for music loops and a simple confidence measure", ISMIR 2016).

    Parameters
    ----------
    times
        Beats, seconds, two or more [shape (n,)].
    weights
        How sure each of them is, 0 to 1 [shape (n,)].
    duration
        Seconds.
    """
    period, offset = regress(np.arange(len(times), dtype=np.float64), times, weights)
    beats = round(duration / period)
    if beats < 1 or abs(duration / (beats * period) - 1.0) > WHOLE_BEATS:
        return None
    offset += (period - duration / beats) * (len(times) - 1) / 2
    return _through(times, weights, duration / beats, offset)


def _through(times: FloatArray, weights: FloatArray, period: float, offset: float) -> Line:
    """A line, and how much of the beats it holds."""
    inside, _ = _members(times, period, offset)
    return Line(period, offset, float(weights[inside].sum() / max(float(weights.sum()), 1e-9)))


def regress(x: FloatArray, y: FloatArray, weights: FloatArray) -> tuple[float, float]:
    """(slope, intercept) by weighted least squares."""
    total = float(weights.sum()) + 1e-12
    middle, height = float(weights @ x) / total, float(weights @ y) / total
    slope = float(weights @ ((x - middle) * (y - height))) / max(float(weights @ (x - middle) ** 2), 1e-12)
    return slope, height - slope * middle


def _members(times: FloatArray, period: float, offset: float) -> tuple[NDArray[np.bool_], FloatArray]:
    """Which beats lie on the line, and their numbers."""
    number = np.round((times - offset) / period)
    distance = times - offset - number * period
    return np.abs(distance) < min(TOLERANCE_SHARE * period, TOLERANCE_SECONDS), number


SEGMENT_TOLERANCE_SECONDS = 0.03
SEGMENT_BEATS = 8
HAIR_SECONDS = 0.003
"""A grid that begins so little before the file begins with it; else it begins with the next beat, rather than late."""


class _Piece(NamedTuple):
    """Beats `low` to `high`, without the latter, that one segment holds."""

    low: int
    high: int
    period: float
    straight: bool


def segments(
    times: FloatArray,
    position: NDArray[np.int32],
    metre: int,
    duration: float,
    held: tuple[Stretch, ...] = (),
) -> tuple[GridSegment, ...]:
    """Stretches of constant tempo, and between them as many segments as hold the beats.

    Parameters
    ----------
    times
        Beats, seconds, within the file.
    position
        Their positions in the bar, 0 for downbeats.
    metre
        Beats per bar, 0 when unknown.
    duration
        Seconds; where the last segment ends.
    held
        Where the beats lie on lines.
    """
    if len(times) < 2:
        return ()
    made: list[GridSegment] = []
    for piece in _pieces(times, held):
        low, period, begins = piece.low, piece.period, not made
        extended = begins and piece.straight
        offset = _from_begin(held[0].offset) if extended else float(times[low])
        downs = np.flatnonzero(position[low : piece.high + 1] == 0)
        made.append(
            GridSegment(
                start=0.0 if begins else made[-1].end,
                end=_end(times, piece, duration),
                bpm=60.0 / period,
                first_beat=offset % period if extended else offset,
                beats_per_bar=metre,
                first_downbeat=_first_downbeat(downs, metre, before=int(offset // period) if extended else 0),
            )
        )
    return tuple(made)


def _pieces(times: FloatArray, held: tuple[Stretch, ...]) -> Iterator[_Piece]:
    """What the segments are made of, in order."""
    last, at = len(times) - 1, 0
    for stretch in held:
        yield from _bent(times, at, stretch.low)
        yield _Piece(stretch.low, stretch.high, stretch.period, straight=True)
        at = stretch.high
    if held and at == last:
        yield _Piece(last, last + 1, held[-1].period, straight=False)
    yield from _bent(times, at, last)


def _bent(times: FloatArray, low: int, high: int) -> Iterator[_Piece]:
    """Pieces from beat `low` to beat `high` of a tempo that is not constant."""
    borders = [low + border for border in _breaks(times[low : high + 1])] if low < high else []
    for first, behind in itertools.pairwise(borders):
        yield _Piece(first, behind, float((times[behind] - times[first]) / (behind - first)), straight=False)


def _end(times: FloatArray, piece: _Piece, duration: float) -> float:
    """Where the segment of a piece ends, seconds: at the next beat, or where that would be if it came in time."""
    last = len(times) - 1
    if piece.high > last or (piece.high == last and not piece.straight):
        return duration
    return float(min(times[piece.high], times[piece.high - 1] + piece.period) if piece.straight else times[piece.high])


def _from_begin(offset: float) -> float:
    return 0.0 if -HAIR_SECONDS < offset < 0 else offset


def _first_downbeat(downs: NDArray[np.int64], metre: int, *, before: int) -> int:
    """Which beat of the segment is the first downbeat, with so many beats before the first that was heard."""
    return int((downs[0] + before) % metre) if len(downs) and metre else 0


def _breaks(times: FloatArray) -> list[int]:
    """Indices of beats at which the tempo changes: each stretch as long as a line holds its beats."""
    borders, low, last = [0], 0, len(times) - 1
    while low < last:
        high, step = low + 1, SEGMENT_BEATS  # two beats are always on a line
        while step and high < last:
            wish = min(high + step, last)
            if _holds(times[low : wish + 1]):
                high, step = wish, step * 2
            elif high > low + 1:
                break
            else:
                step //= 2
        borders.append(high)
        low = high
    return borders


def _holds(times: FloatArray) -> bool:
    line = np.linspace(times[0], times[-1], len(times))
    return bool(np.abs(line - times).max() <= SEGMENT_TOLERANCE_SECONDS)
