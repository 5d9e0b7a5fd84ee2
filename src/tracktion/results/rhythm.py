"""Tempo, beats and the beat grid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from tracktion.results.base import ArrayResult, FloatArray, Result, frozen_array

__all__ = ["BeatGrid", "Beats", "GridSegment", "Rhythm", "Tempo", "TempoCandidate"]


@dataclass(frozen=True, slots=True, eq=False)
class TempoCandidate(Result):
    """One reading of the tempo.

    Attributes
    ----------
    bpm
        Beats per minute.
    weight
        Share of the evidence, 0 to 1; the weights of all candidates add up to at most 1.
    relation
        Its relation to the first candidate: ``"1"``, ``"2"``, ``"1/2"``, ``"3/2"``, ``"2/3"``, ``"3"``, ``"1/3"`` or
        ``"other"``.
    """

    bpm: float
    weight: float
    relation: str = "other"


@dataclass(frozen=True, slots=True, eq=False)
class Tempo(ArrayResult):
    """The tempo of a piece.

    Attributes
    ----------
    bpm
        Beats per minute, 30 to 300, never rounded.
    confidence
        Probability, 0 to 1, that `bpm` is the tempo that listeners tap, within 4 %.
    candidates
        Ranked readings, the first of which is `bpm`.
    stability
        0 (wandering) to 1 (as from a machine).
    curve_times, curve_bpm
        Tempo over time: seconds [shape (n,)] and BPM [shape (n,)].
    """

    bpm: float
    confidence: float
    candidates: tuple[TempoCandidate, ...] = ()
    stability: float = 0.0
    curve_times: FloatArray = field(default_factory=lambda: frozen_array([]))
    curve_bpm: FloatArray = field(default_factory=lambda: frozen_array([]))

    def __repr__(self) -> str:
        others = ", ".join(f"{c.bpm:.2f} ({c.weight:.0%})" for c in self.candidates[1:3])
        return f"Tempo({self.bpm:.2f} BPM, confidence {self.confidence:.2f}{', or ' + others if others else ''})"


@dataclass(frozen=True, slots=True, eq=False)
class Beats(ArrayResult):
    """Moments at which listeners tap.

    Attributes
    ----------
    times
        Seconds from the first decoded sample, ascending [shape (n,)].
    confidence
        0 to 1: expected share of these beats that lie within 70 ms of a true one.
    """

    times: FloatArray
    confidence: float = 0.0

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        if not len(self):
            return "Beats(none)"
        return f"Beats({len(self)}, {self.times[0]:.3f} s to {self.times[-1]:.3f} s, confidence {self.confidence:.2f})"


@dataclass(frozen=True, slots=True, eq=False)
class GridSegment(Result):
    """A stretch of constant tempo: beats at ``first_beat + k * 60 / bpm`` while below `end`.

    Attributes
    ----------
    start, end
        Seconds; segments follow each other without gap.
    bpm
        Beats per minute.
    first_beat
        Seconds; the first beat at or after `start`.
    beats_per_bar
        Beats in a bar; 0 when unknown.
    first_downbeat
        Which beat of the segment is the first beat of a bar (0 is `first_beat`); 0 when unknown.
    """

    start: float
    end: float
    bpm: float
    first_beat: float
    beats_per_bar: int = 0
    first_downbeat: int = 0

    def beats(self) -> FloatArray:
        """Beat times in seconds [shape (n,)]."""
        period = 60.0 / self.bpm
        count = max(0, int(np.ceil((self.end - self.first_beat) / period - 1e-9)))
        return frozen_array(self.first_beat + period * np.arange(count))


@dataclass(frozen=True, slots=True, eq=False)
class BeatGrid(Result):
    """Beats as segments of constant tempo, the form in which DJ software keeps them.

    Attributes
    ----------
    segments
        One for machine-made music; more where the tempo changes.
    """

    segments: tuple[GridSegment, ...]

    @property
    def constant(self) -> bool:
        """True when one tempo holds for the whole piece."""
        return len(self.segments) == 1

    @property
    def beats_per_bar(self) -> int | None:
        """Beats in a bar of the longest segment; None when unknown."""
        longest = max(self.segments, key=lambda s: s.end - s.start, default=None)
        return (longest.beats_per_bar or None) if longest else None

    def beats(self) -> FloatArray:
        """All beat times in seconds [shape (n,)]."""
        return frozen_array(np.concatenate([s.beats() for s in self.segments]) if self.segments else [])

    def shifted(self, seconds: float) -> BeatGrid:
        """The same grid, `seconds` later (negative: earlier)."""
        return BeatGrid(
            tuple(
                replace(s, start=s.start + seconds, end=s.end + seconds, first_beat=s.first_beat + seconds)
                for s in self.segments
            )
        )

    def doubled(self) -> BeatGrid:
        """Twice the tempo: a beat between each two."""
        return BeatGrid(tuple(_doubled(s, first=i == 0) for i, s in enumerate(self.segments)))

    def halved(self) -> BeatGrid:
        """Half the tempo: every second beat, counted from the first downbeat."""
        return BeatGrid(tuple(_halved(s) for s in self.segments))

    def __repr__(self) -> str:
        parts = ", ".join(f"{s.bpm:.3f} BPM from {s.first_beat:.3f} s" for s in self.segments[:3])
        return f"BeatGrid({parts}{', …' if len(self.segments) > 3 else ''})"


def _doubled(segment: GridSegment, *, first: bool) -> GridSegment:
    """One of its new beats may lie between the last beat of the segment before and its own first."""
    between = segment.first_beat - 30.0 / segment.bpm
    before = not first and between >= segment.start - 1e-9
    return replace(
        segment,
        bpm=segment.bpm * 2,
        first_beat=between if before else segment.first_beat,
        first_downbeat=segment.first_downbeat * 2 + before,
    )


def _halved(segment: GridSegment) -> GridSegment:
    odd = segment.first_downbeat % 2
    return replace(
        segment,
        bpm=segment.bpm / 2,
        first_beat=segment.first_beat + odd * 60.0 / segment.bpm,
        first_downbeat=segment.first_downbeat // 2,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm(Result):
    """All that the rhythm estimator found; what is None has its reason in `notes`."""

    tempo: Tempo | None = None
    beats: Beats | None = None
    downbeats: Beats | None = None
    grid: BeatGrid | None = None
    notes: dict[str, str] = field(default_factory=dict)
