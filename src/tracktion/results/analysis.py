"""The answer to one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracktion.errors import UsageError
from tracktion.results.base import Result
from tracktion.results.key import Key
from tracktion.results.loudness import Loudness
from tracktion.results.mood import Mood
from tracktion.results.rhythm import BeatGrid, Beats, Tempo
from tracktion.results.structure import Structure
from tracktion.results.tags import Tags

if TYPE_CHECKING:
    from typing import Self

__all__ = ["SCHEMA", "Analysis"]

SCHEMA = 1


@dataclass(frozen=True, slots=True, eq=False)
class Analysis(Result):
    """What the Analyzer heard.

    An answer that we do not have is None in its place, with the reason under its name in `notes`.

    Attributes
    ----------
    source
        What was analysed, as text (a path's undecodable bytes are kept as surrogates); None for arrays and streams.
    duration
        Decoded seconds.
    sample_rate, channels
        Of the source; Hz and count.
    tempo, beats, downbeats, grid
        Rhythm; see `Tempo`, `Beats`, `BeatGrid`.
    key, mood, loudness, structure
        See `Key`, `Mood`, `Loudness`, `Structure`.
    fingerprint
        Acoustic fingerprint of the recording, for `Matcher.duplicates`.
    identity
        Id of the encoded audio itself, unchanged by retagging and renaming; None for arrays and streams.
    tags
        What the file says about itself.
    format, codec, decoder
        Container, coding, and what decoded it.
    notes
        Code to sentence: why a result is None, and what was odd about the file (``truncated``,
        ``duration_mismatch``, ...).
    versions
        ``library``, ``algorithm`` and decoder versions behind these numbers.
    schema
        Version of this layout.
    """

    duration: float
    sample_rate: int
    channels: int
    source: str | None = None
    tempo: Tempo | None = None
    beats: Beats | None = None
    downbeats: Beats | None = None
    grid: BeatGrid | None = None
    key: Key | None = None
    mood: Mood | None = None
    loudness: Loudness | None = None
    structure: Structure | None = None
    fingerprint: bytes | None = None
    identity: str | None = None
    tags: Tags | None = None
    format: str | None = None
    codec: str | None = None
    decoder: str | None = None
    notes: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    schema: int = SCHEMA

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Inverse of `to_dict`.

        Raises
        ------
        UsageError
            When the data were written by a newer schema than this library knows, or are no analysis.
        """
        schema = data.get("schema", SCHEMA) if isinstance(data, Mapping) else SCHEMA
        if isinstance(schema, int) and schema > SCHEMA:
            raise UsageError(f"analysis has schema {schema}, this library reads up to {SCHEMA}: update tracktion")
        return super(Analysis, cls).from_dict(data)

    @property
    def truncated(self) -> bool:
        """True when the audio ended before its header said."""
        return "truncated" in self.notes

    @property
    def damaged(self) -> bool:
        """True when the audio ended early, or parts of it could not be decoded."""
        return not {"truncated", "repaired"}.isdisjoint(self.notes)

    def plot(self, kind: str = "overview", ax: Any = None) -> Any:
        """Draw with matplotlib (extra ``plot``); see `tracktion.plot`."""
        from tracktion.plot import plot_analysis

        return plot_analysis(self, kind=kind, ax=ax)

    def _repr_html_(self) -> str:
        from tracktion.display import analysis_html

        return analysis_html(self)

    def __repr__(self) -> str:
        tempo = f"{self.tempo.bpm:.2f} BPM ({self.tempo.confidence:.2f})" if self.tempo else "no tempo"
        key = f"{self.key.name} ({self.key.confidence:.2f})" if self.key else "no key"
        parts = [f"{self.duration:.1f} s", tempo, key]
        if self.mood:
            parts.append(f"valence {self.mood.valence:+.2f}, arousal {self.mood.arousal:+.2f}")
        if self.loudness:
            parts.append(f"{self.loudness.integrated:.1f} LUFS")
        if self.notes:
            parts.append("notes: " + ", ".join(sorted(self.notes)))
        return f"Analysis({self.source!r}: {'; '.join(parts)})" if self.source else f"Analysis({'; '.join(parts)})"
