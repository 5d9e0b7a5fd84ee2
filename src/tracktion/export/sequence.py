"""An order of tracks in which each mixes well into the next: keys that agree, tempi that are close."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracktion.errors import UsageError
from tracktion.export.model import ExportTrack, checked_tracks
from tracktion.results.base import FloatArray, Result
from tracktion.results.key import Key, Rule

__all__ = ["SetOrder", "suggest_order"]

_UNKNOWN = 0.5
_TEMPO_UNIT = math.log2(1.06)
"""A change of tempo by six percent, about what pitch faders reach, costs as much as an incompatible key."""
_MAX_ROUNDS = 50
_EXACT = 9
"""Up to so many tracks the best order is found, by dynamic programming over subsets (Held and Karp)."""
_RULES: tuple[tuple[float, Rule], ...] = ((0.0, "strict"), (0.25, "camelot"), (0.5, "fuzzy"))


@dataclass(frozen=True, slots=True, eq=False)
class SetOrder(Result):
    """A suggested order.

    Attributes
    ----------
    order
        Positions in the given sequence, in playing order.
    costs
        Of each transition: 0 (same key, same tempo) upwards; 1 is as bad as an incompatible key or 6 % of tempo.
    """

    order: tuple[int, ...]
    costs: tuple[float, ...] = ()

    @property
    def total(self) -> float:
        """Sum of all transitions."""
        return math.fsum(self.costs)


def suggest_order(tracks: Sequence[ExportTrack], *, first: int | None = None) -> SetOrder:
    """Order tracks for a set.

    Parameters
    ----------
    tracks
        With `bpm` and `key`; where one is unknown, a middling cost is assumed.
    first
        Position of the track to begin with; None leaves it open.

    Returns
    -------
    SetOrder
        The same for the same tracks, every time.

    Raises
    ------
    UsageError
        When there is no track at `first`.

    Notes
    -----
    Up to nine tracks: the best order. More: nearest neighbours from several beginnings, improved by turning round
    stretches and moving tracks (2-opt and Or-opt) until nothing gets better; a good order, not always the best.
    """
    listed = checked_tracks(tracks)
    n = len(listed)
    if first is not None and not 0 <= first < n:
        raise UsageError(f"no track at position {first}")
    if n < 2:
        return SetOrder(tuple(range(n)))
    cost = transition_costs(listed)
    if n <= _EXACT:
        best = _exact(cost, first)
        return SetOrder(tuple(best), tuple(float(cost[a, b]) for a, b in itertools.pairwise(best)))
    beginnings = [first] if first is not None else sorted({0, *np.linspace(0, n - 1, min(n, 12)).astype(int).tolist()})
    paths = [_improved(_nearest(cost, start), cost, fixed_start=first is not None) for start in beginnings]
    best = min(paths, key=lambda path: (_length(path, cost), path))
    return SetOrder(tuple(best), tuple(float(cost[a, b]) for a, b in itertools.pairwise(best)))


def transition_costs(tracks: Sequence[ExportTrack]) -> FloatArray:
    """Cost of playing one track after another [shape (n, n)], symmetric."""
    keys = [track.key_object for track in tracks]
    key_cost = np.array([[_key_cost(a, b) for b in keys] for a in keys])
    bpm = np.array([track.bpm for track in tracks], dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        octaves = np.abs(np.log2(bpm[:, None] / bpm[None, :]))
    folded = np.minimum(octaves, np.abs(octaves - 1.0) + 0.25 * _TEMPO_UNIT)
    tempo_cost = np.where(np.isfinite(folded), folded / _TEMPO_UNIT, _UNKNOWN)
    return np.asarray(key_cost + tempo_cost, dtype=np.float64)


def _key_cost(a: Key | None, b: Key | None) -> float:
    """0 same, 0.25 a neighbour of the Camelot wheel, 0.5 two steps or a diagonal, 1 anything else."""
    if a is None or b is None:
        return _UNKNOWN
    for cost, rule in _RULES:
        reach = {(x.index, y.index) for x in (a, b) for y in x.compatible(rule)}
        if (a.index, b.index) in reach or (b.index, a.index) in reach:
            return cost
    return 1.0


def _exact(cost: FloatArray, first: int | None) -> list[int]:
    n = len(cost)
    best: dict[tuple[int, int], tuple[float, int]] = {(1 << i, i): (0.0, -1) for i in range(n) if first in {None, i}}
    for size in range(1, n):
        for visited, last in [state for state in best if state[0].bit_count() == size]:
            so_far = best[visited, last][0]
            for new in range(n):
                if visited >> new & 1:
                    continue
                state, total = (visited | 1 << new, new), so_far + float(cost[last, new])
                if state not in best or total < best[state][0]:
                    best[state] = (total, last)
    visited = (1 << n) - 1
    last = min((best[visited, i][0], i) for i in range(n) if (visited, i) in best)[1]
    path = []
    while last >= 0:
        path.append(last)
        visited, last = visited ^ 1 << last, best[visited, last][1]
    return path[::-1]


def _nearest(cost: FloatArray, start: int) -> list[int]:
    path, left = [start], set(range(len(cost))) - {start}
    while left:
        here = path[-1]
        path.append(min(left, key=lambda i: (cost[here, i], i)))
        left.remove(path[-1])
    return path


def _length(path: Sequence[int], cost: FloatArray) -> float:
    return float(cost[list(path[:-1]), list(path[1:])].sum())


def _improved(path: list[int], cost: FloatArray, *, fixed_start: bool) -> list[int]:
    for _ in range(_MAX_ROUNDS):
        better = _turned(path, cost, int(fixed_start)) or _moved(path, cost, int(fixed_start))
        if better is None:
            break
        path = better
    return path


def _turned(path: list[int], cost: FloatArray, low: int) -> list[int] | None:
    """The best reversal of a stretch, if one shortens the path."""
    order = np.array(path)
    n, best, choice = len(path), -1e-9, None
    for i in range(low, n - 1):
        before = cost[order[i - 1], order[i]] if i else 0.0
        ends = np.arange(i + 1, n)
        after = np.append(cost[order[ends[:-1]], order[ends[:-1] + 1]], 0.0)
        joined = cost[order[i - 1], order[ends]] if i else np.zeros(len(ends))
        gains = joined + np.append(cost[order[i], order[ends[:-1] + 1]], 0.0) - before - after
        at = int(gains.argmin())
        if gains[at] < best:
            best, choice = float(gains[at]), (i, int(ends[at]))
    if choice is None:
        return None
    i, j = choice
    return [*path[:i], *path[i : j + 1][::-1], *path[j + 1 :]]


def _moved(path: list[int], cost: FloatArray, low: int) -> list[int] | None:
    """The best move of one track to another place, if one shortens the path."""
    best, choice = _length(path, cost) - 1e-9, None
    for i in range(low, len(path)):
        rest = [*path[:i], *path[i + 1 :]]
        base, item = _length(rest, cost), path[i]
        for j in range(low, len(rest) + 1):
            left = cost[rest[j - 1], item] if j else 0.0
            right = cost[item, rest[j]] if j < len(rest) else 0.0
            gap = cost[rest[j - 1], rest[j]] if 0 < j < len(rest) else 0.0
            total = base + left + right - gap
            if total < best:
                best, choice = total, [*rest[:j], item, *rest[j:]]
    return choice
