"""What a search gives: tracks with probabilities and the reasons for them."""

from __future__ import annotations

from dataclasses import dataclass

from tracktion.results.base import Result
from tracktion.results.catalogue import Track

__all__ = ["Duplicates", "FieldScore", "Match", "MatchItem"]


@dataclass(frozen=True, slots=True)
class FieldScore(Result):
    """How well one field fits, 0 to 1.

    Attributes
    ----------
    field
        ``title``, ``artist``, ``version``, ``guests``, ``album``, ``duration``, ``year``, ``words`` (how much of the
        question is explained), ``spelling`` (letter by letter, case aside), or the identifier that decided.
    score
        0 to 1.
    note
        What lies behind the number, for people; may be empty.
    """

    field: str
    score: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Match(Result):
    """A track that the question may mean.

    Attributes
    ----------
    track
        The track as stored; ``track.id`` is its id in the storage.
    score
        Probability, 0 to 1, that it is the recording that was asked for.
    why
        Fields that were compared, the weightiest first.
    """

    track: Track
    score: float
    why: tuple[FieldScore, ...] = ()

    def _repr_html_(self) -> str:
        from tracktion.display import match_html

        return match_html(self)


@dataclass(frozen=True, slots=True)
class MatchItem(Result):
    """The answer to one of many questions.

    Attributes
    ----------
    index
        Place of the question among those given, from 0.
    matches
        As from ``Matcher.search``.
    error
        Why there is no answer, or None.
    """

    index: int
    matches: tuple[Match, ...] = ()
    error: str | None = None

    @property
    def best(self) -> Match | None:
        """The likeliest track, or None."""
        return self.matches[0] if self.matches else None


@dataclass(frozen=True, slots=True)
class Duplicates(Result):
    """Tracks that are one recording.

    Attributes
    ----------
    tracks
        Two or more, by ascending id.
    reason
        ``audio`` (the same samples), ``fingerprint`` (sounds the same), ``identifier`` (same ISRC or MBID) or
        ``metadata``.
    score
        Probability, 0 to 1, of the weakest link.
    """

    tracks: tuple[Track, ...]
    reason: str
    score: float
