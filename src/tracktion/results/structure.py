"""Structure."""

from __future__ import annotations

from dataclasses import dataclass, field

from tracktion.results.base import ArrayResult, FloatArray, Result, frozen_array

__all__ = ["Segment", "Structure"]


@dataclass(frozen=True, slots=True, eq=False)
class Segment(Result):
    """A section; `novelty` (0 to 1) says how strongly its start stands out."""

    start: float
    end: float
    novelty: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Structure(ArrayResult):
    """Where things begin and end, in seconds.

    Attributes
    ----------
    head_silence, tail_silence
        Seconds of silence at the beginning and at the end.
    intro_end, outro_start
        Seconds; None when there is no intro or outro.
    segments
        Sections without gap over the whole piece.
    energy_times, energy
        For drawing: seconds [shape (n,)] and level 0 to 1 [shape (n,)].
    """

    head_silence: float = 0.0
    tail_silence: float = 0.0
    intro_end: float | None = None
    outro_start: float | None = None
    segments: tuple[Segment, ...] = ()
    energy_times: FloatArray = field(default_factory=lambda: frozen_array([]))
    energy: FloatArray = field(default_factory=lambda: frozen_array([]))

    def __repr__(self) -> str:
        count = len(self.segments)
        parts = [f"{count} segment{'' if count == 1 else 's'}"]
        parts += [f"intro to {self.intro_end:.1f} s"] if self.intro_end is not None else []
        parts += [f"outro from {self.outro_start:.1f} s"] if self.outro_start is not None else []
        return f"Structure({', '.join(parts)}, silence {self.head_silence:.2f} s and {self.tail_silence:.2f} s)"
