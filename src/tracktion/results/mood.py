"""Mood."""

from __future__ import annotations

from dataclasses import dataclass, field

from tracktion.results.base import Result

__all__ = ["EMOTIONS", "Mood"]

EMOTIONS = ("joyful_activation", "power", "calmness", "tenderness", "nostalgia", "solemnity", "tension", "sadness")


@dataclass(frozen=True, slots=True, eq=False)
class Mood(Result):
    """What listeners tend to feel.

    Attributes
    ----------
    valence
        -1 (negative) to 1 (positive).
    arousal
        -1 (calm) to 1 (excited).
    tags
        Probability, 0 to 1, that a listener feels each of `EMOTIONS`.
    energy, danceability
        0 to 1.
    confidence
        0 to 1 for each of ``valence``, ``arousal``, ``energy``, ``danceability`` and each tag.
    """

    valence: float
    arousal: float
    tags: dict[str, float] = field(default_factory=dict)
    energy: float = 0.0
    danceability: float = 0.0
    confidence: dict[str, float] = field(default_factory=dict)
