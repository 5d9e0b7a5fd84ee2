"""Features → key: a small network on tuned pitches, its confidence calibrated, and keys through the piece.

The network (`tracktion.estimators.tonal_network`) gives 24 logits for the whole and for each moment. Those of the whole
decide; those of the moments are joined to stretches by a Viterbi search in which changing the key costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracktion.estimators.tonal_network import load_model, log_softmax
from tracktion.results.key import KEY_NAMES, Key, KeyCandidate, KeySegment

if TYPE_CHECKING:
    from tracktion.features.stream import Features
    from tracktion.features.tonal import TonalFeatures

__all__ = ["estimate_key"]

MIN_SECONDS = 1.5
"""Shorter recordings have no key."""
MIN_SALIENCE = 0.5
"""Mean over frames of the summed pitches below which nothing stands out of the noise."""
MAX_PAUSE_SECONDS = 4.0
"""Longer stretches without pitches are passed over: they have no key, and would dilute that of the music."""
MIN_STRENGTH = 0.12
"""Agreement on a tuning below which a key must be likely on its own: noise, drums, or music out of tune."""
FLOOR_WITHOUT_TUNING = 0.5
"""Probability that a key needs there."""
MIN_SEGMENT_SECONDS = 8.0
TEMPER_PER_SECOND = 0.32
"""Weight of the log probabilities of a second of frames: these are far from independent."""
CHANGE_COST = 4.0
"""What a change of key costs, in the same measure."""
SEGMENT_WEIGHT = 4.0
"""Frames that the confidence of a segment counts as."""

Floats = NDArray[np.float64]


def estimate_key(features: Features) -> tuple[Key | None, dict[str, str]]:
    """Estimate the key of a recording.

    Parameters
    ----------
    features
        With tonal features.

    Returns
    -------
    key, notes
        The key, or None with the reason under ``"key"`` in the notes.
    """
    tonal: TonalFeatures | None = features.tonal
    if tonal is None:
        return None, {"key": "no tonal features were made"}
    frames = _sounding(tonal)
    passed_over = (len(tonal.pitches) - len(frames)) * tonal.hop_seconds
    pitches = tonal.pitches if passed_over == 0 else tonal.pitches[frames]
    reason = features.unanswerable or _atonal(pitches, features.duration - passed_over)
    if reason is not None:
        return None, {"key": reason}
    model = load_model()
    piece, moments = model.log_chances(pitches)
    begins = np.asarray(frames[:: model.every][: len(moments)] * tonal.hop_seconds, np.float64)
    chances = np.exp(piece)
    order = np.argsort(-chances, kind="stable")
    best = Key.from_index(int(order[0]))
    tuned = tonal.tuning_strength >= MIN_STRENGTH
    if chances[order[0]] < (model.floor if tuned else FLOOR_WITHOUT_TUNING):
        why = "no key is likely" if tuned else "its pitches agree on no tuning, as in noise"
        return None, {"key": f"{why}: the best, {best.name}, has a probability of {chances[order[0]]:.2f}"}
    ranked = tuple(KeyCandidate(KEY_NAMES[i], float(chances[i])) for i in order[:6])
    key = Key(
        best.tonic,
        best.mode,
        confidence=ranked[0].probability,
        second=ranked[1],
        margin=ranked[0].probability - ranked[1].probability,
        candidates=ranked,
        tuning_hz=tonal.tuning_hz,
        over_time=_segments(moments, begins, model.every * tonal.hop_seconds, features.duration, best.index),
    )
    return key, {}


def _sounding(tonal: TonalFeatures) -> NDArray[np.intp]:
    """Frames outside of long pauses: indices [shape (n,)]."""
    heard = np.flatnonzero(tonal.pitches.sum(axis=1) >= MIN_SALIENCE)
    edges = np.concatenate([[-1], heard, [len(tonal.pitches)]])
    kept = np.ones(len(tonal.pitches), bool)
    for i in np.flatnonzero(np.diff(edges) - 1 > MAX_PAUSE_SECONDS / tonal.hop_seconds):
        kept[edges[i] + 1 : edges[i + 1]] = False
    return np.flatnonzero(kept)


def _atonal(pitches: NDArray[np.float32], seconds: float) -> str | None:
    """Why there can be no key, or None."""
    if len(pitches) == 0 or float(pitches.sum(axis=1).mean()) < MIN_SALIENCE:
        return "no pitch stands out of the noise"
    if seconds < MIN_SECONDS:
        return f"{seconds:.2f} s are too short for a key (at least {MIN_SECONDS} s)"
    return None


def _segments(
    moments: Floats, begins: Floats, frame_seconds: float, duration: float, home: int
) -> tuple[KeySegment, ...]:
    """Stretches of one key from log probabilities [shape (n, 24)] and begins in seconds [shape (n,)] of frames."""
    path = _viterbi(TEMPER_PER_SECOND * frame_seconds * moments, CHANGE_COST, home)
    edges = np.flatnonzero(np.diff(path)) + 1
    starts = [0, *edges.tolist()]
    ends = [*edges.tolist(), len(path)]
    shortest = MIN_SEGMENT_SECONDS / frame_seconds
    runs: list[list[int]] = []
    for start, end in zip(starts, ends, strict=True):
        if runs and (end - start < shortest or path[start] == runs[-1][2]):
            runs[-1][1] = end
        else:
            runs.append([start, end, int(path[start])])
    if len(runs) > 1 and runs[0][1] - runs[0][0] < shortest:
        runs[1][0] = 0
        del runs[0]
    found = []
    for index, (start, end, key) in enumerate(runs):
        chance = log_softmax(SEGMENT_WEIGHT * moments[start:end].mean(axis=0))
        found.append(
            KeySegment(
                0.0 if index == 0 else float(begins[start]),
                duration if index == len(runs) - 1 else float(begins[end]),
                KEY_NAMES[key],
                float(np.exp(chance[key])),
            )
        )
    return tuple(found)


def _viterbi(scores: Floats, cost: float, home: int) -> NDArray[np.intp]:
    """Best path through scores [shape (n, 24)] where each change costs the same and the home key is a little ahead."""
    count = len(scores)
    total = scores[0].copy()
    total[home] += cost / 2
    back = np.empty((count, scores.shape[1]), np.intp)
    everyone = np.arange(scores.shape[1])
    for i in range(1, count):
        leader = int(np.argmax(total))
        stay = total >= total[leader] - cost
        back[i] = np.where(stay, everyone, leader)
        total = np.where(stay, total, total[leader] - cost) + scores[i]
    path = np.empty(count, np.intp)
    path[-1] = int(np.argmax(total))
    for i in range(count - 1, 0, -1):
        path[i - 1] = back[i, path[i]]
    return path
