"""Which tracks mix well, and in which order: keys around the wheel, tempi within reach of a pitch fader.

Moods close by.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

import numpy as np

from tracktion.errors import UsageError
from tracktion.results.catalogue import Track
from tracktion.results.key import Key
from tracktion.results.match import FieldScore, Match

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tracktion.results.catalogue import AnalysisSummary
    from tracktion.results.key import Rule
    from tracktion.storage import Storage

__all__ = ["compatible_tracks", "mixing_order"]

MULTIPLES = (1.0, 2.0, 0.5)
"""Tempo relations that mix: the same, double and half."""

OTHER_TEMPO = 0.8
"""Worth of half and double tempo beside the same."""

MOST = 100_000
"""Analyses that are compared, at most."""

SWEEPS = 40
"""Times that all stretches of an order are tried, at most; ten are usual."""


def compatible_tracks(
    storage: Storage, track: Track | int, *, rule: Rule, tempo_tolerance: float, limit: int
) -> list[Match]:
    """See `Matcher.compatible`."""
    if not 0 <= tempo_tolerance < 0.3:
        raise UsageError(f"tempo_tolerance must be between 0 and 0.3, not {tempo_tolerance}")
    start = _stored(storage, track)
    summary = _summaries(storage, [start]).get(start.audio_identity or "")
    if summary is None:
        raise UsageError(f"track {start.id} has no analysis in this storage; analyse it first")
    keys = None if summary.key is None else [key.index for key in Key.from_index(summary.key).compatible(rule)]
    ranges = None
    if summary.bpm:
        low, high = 1 - tempo_tolerance, 1 + tempo_tolerance
        ranges = [(summary.bpm * m * low, summary.bpm * m * high) for m in MULTIPLES]
    if keys is None and ranges is None:
        return []
    others = storage.find_analyses(bpm_ranges=ranges, keys=keys, limit=MOST)
    others = [other for other in others if other.identity != summary.identity]
    whys = [_why(summary, other, tempo_tolerance) for other in others]
    scores = [math.prod(part.score for part in why) for why in whys]
    matches: dict[int, Match] = {}
    least = -1.0  # what the last of `limit` tracks has: tracks are read from the best on, and no more than are needed
    for place in sorted(range(len(others)), key=lambda place: -scores[place]):
        if scores[place] < least:
            break
        for found in storage.find_by_identifier(audio_identity=others[place].identity):
            if found.id is not None and found.id != start.id:
                matches.setdefault(found.id, Match(found, scores[place], whys[place]))
        least = scores[place] if least < 0 and len(matches) >= limit else least
    return sorted(matches.values(), key=lambda match: (-match.score, match.track.id or 0))[:limit]


def _why(one: AnalysisSummary, two: AnalysisSummary, tolerance: float) -> tuple[FieldScore, ...]:
    out = []
    if one.key is not None and two.key is not None:
        first, second = Key.from_index(one.key), Key.from_index(two.key)
        out.append(FieldScore("key", 1.0 if one.key == two.key else 0.9, f"{first.camelot} and {second.camelot}"))
    if one.bpm and two.bpm:
        away = tempo_distance(one.bpm, two.bpm)
        worth = 1.0 if abs(math.log2(two.bpm / one.bpm)) < 0.5 else OTHER_TEMPO
        note = f"{one.bpm:.1f} and {two.bpm:.1f} BPM"
        out.append(FieldScore("tempo", worth * (1 - 0.5 * min(away / max(tolerance, 1e-6), 1.0)), note))
    if None not in (one.valence, one.arousal, two.valence, two.arousal):
        apart = math.dist((one.valence or 0.0, one.arousal or 0.0), (two.valence or 0.0, two.arousal or 0.0))
        out.append(FieldScore("mood", 1 - apart / (2 * math.sqrt(8)), f"{apart:.2f} apart"))
    return tuple(out)


def tempo_distance(one: float, two: float) -> float:
    """Relative difference of two tempi, half and double being the same."""
    octaves = math.log2(two / one)
    return float(2 ** min(abs(octaves - shift) for shift in (-1, 0, 1)) - 1)


def mixing_order(storage: Storage, tracks: Iterable[Track | int]) -> list[Track]:
    """See `Matcher.sequence`."""
    stored = [_stored(storage, track) for track in tracks]
    summaries = _summaries(storage, stored)
    first = [track for track in stored[:1] if track.audio_identity not in summaries]
    rest = stored[len(first) :]
    known = [track for track in rest if track.audio_identity in summaries]
    unknown = [track for track in rest if track.audio_identity not in summaries]
    if len(known) < 3:
        return first + known + unknown
    costs = _costs([summaries[track.audio_identity or ""] for track in known])
    order = _improved(_nearest(costs), costs)
    return first + [known[place] for place in order] + unknown


def _costs(summaries: list[AnalysisSummary]) -> NDArray[np.float64]:
    """Price of each transition: steps around the wheel beyond one, and tempo in units of six per cent."""
    bpm = np.array([summary.bpm or np.nan for summary in summaries])
    octaves = np.log2(bpm[None, :] / bpm[:, None])
    away = np.min([np.abs(octaves - shift) + 0.02 * abs(shift) for shift in (-1, 0, 1)], axis=0) / math.log2(1.06)
    places = [Key.from_index(s.key).camelot if s.key is not None else "" for s in summaries]
    wheel = np.array([int(place[:-1]) if place else 0 for place in places])
    minor = np.array([place.endswith("A") for place in places])
    steps = np.abs(wheel[None, :] - wheel[:, None])
    steps = np.minimum(steps, 12 - steps) + 0.5 * (minor[None, :] != minor[:, None])
    steps = np.where((wheel[None, :] == 0) | (wheel[:, None] == 0), 2.0, steps)
    return np.asarray(np.nan_to_num(away, nan=1.0) + np.maximum(steps - 0.5, 0.5 * steps), dtype=np.float64)


def _nearest(costs: NDArray[np.float64]) -> list[int]:
    left = np.ones(len(costs), dtype=bool)
    order = [0]
    left[0] = False
    while left.any():
        row = np.where(left, costs[order[-1]], np.inf)
        order.append(int(row.argmin()))
        left[order[-1]] = False
    return order


def _improved(order: list[int], costs: NDArray[np.float64]) -> list[int]:
    """Reverse stretches while that makes the way shorter (2-opt), the first track staying where it is."""
    path = np.array(order)
    for _ in range(SWEEPS):
        changes = [_reversed_once(path, first, costs) for first in range(1, len(path) - 1)]
        if not any(changes):
            break
    return [int(place) for place in path]


def _reversed_once(path: NDArray[np.int64], first: int, costs: NDArray[np.float64]) -> bool:
    """Reverse the stretch from `first` whose reversal saves most, if one does."""
    lasts = path[first + 1 :]
    before, begin = path[first - 1], path[first]
    gain = costs[before, lasts] - costs[before, begin]
    gain[:-1] += costs[begin, lasts[1:]] - costs[lasts[:-1], lasts[1:]]
    best = int(gain.argmin())
    if gain[best] >= -1e-9:
        return False
    path[first : first + best + 2] = path[first : first + best + 2][::-1].copy()
    return True


def _stored(storage: Storage, track: Track | int) -> Track:
    try:
        track_id = track.id if isinstance(track, Track) else operator.index(track)
    except TypeError as error:
        raise UsageError(f"a track is a Track or its id, not {type(track).__name__}") from error
    found = None if track_id is None else storage.get_track(track_id)
    if found is None:
        raise UsageError(f"there is no track {track_id} in this storage")
    return found


def _summaries(storage: Storage, tracks: Iterable[Track]) -> dict[str, AnalysisSummary]:
    identities = [track.audio_identity for track in tracks if track.audio_identity]
    if not identities:
        return {}
    return {summary.identity: summary for summary in storage.find_analyses(identities=identities)}
