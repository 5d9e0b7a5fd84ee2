"""Features → key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracktion.results.key import KEY_NAMES, Key, KeyCandidate, KeySegment

if TYPE_CHECKING:
    from tracktion.features.stream import Features

__all__ = ["estimate_key"]

PROFILES = np.array(
    [
        [1.0, 0.1, 0.42, 0.1, 0.55, 0.45, 0.1, 0.82, 0.1, 0.42, 0.1, 0.35],
        [1.0, 0.1, 0.4, 0.6, 0.1, 0.45, 0.1, 0.8, 0.38, 0.12, 0.3, 0.28],
    ]
)


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
    tonal = features.tonal
    if tonal is None:
        return None, {"key": "no tonal features were made"}
    if features.unanswerable is not None:
        return None, {"key": features.unanswerable}
    scores = _correlations(tonal.chroma.mean(axis=0, dtype=np.float64))
    if scores is None:
        return None, {"key": "no pitch stands out of the noise"}
    weights = np.exp(12 * (scores - scores.max()))
    weights /= weights.sum()
    order = np.argsort(-weights, kind="stable")
    ranked = tuple(KeyCandidate(KEY_NAMES[i], float(weights[i])) for i in order[:6])
    best = Key.from_index(int(order[0]))
    key = Key(
        best.tonic,
        best.mode,
        confidence=ranked[0].probability,
        second=ranked[1],
        margin=ranked[0].probability - ranked[1].probability,
        candidates=ranked,
        tuning_hz=tonal.tuning_hz,
        over_time=(KeySegment(0.0, features.duration, best.name, ranked[0].probability),),
    )
    return key, {}


def _correlations(chroma: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Correlation with the profile of each key [shape (24,)]; None when the chroma is flat or empty."""
    centred = chroma - chroma.mean()
    size = float(np.linalg.norm(centred))
    if size < 0.1 * float(np.linalg.norm(chroma)) or size < 0.2:
        return None
    profiles = np.concatenate([[np.roll(profile, k) for k in range(12)] for profile in PROFILES])
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    result: NDArray[np.float64] = profiles @ centred / size
    return result
