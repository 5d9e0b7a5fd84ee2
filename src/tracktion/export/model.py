"""What DJ software knows of a track: the common ground of all export formats."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from tracktion.errors import UsageError
from tracktion.export.offsets import Target, decoder_offset
from tracktion.matching.files import facts_of_name
from tracktion.results.base import FloatArray, Result, frozen_array
from tracktion.results.key import Key
from tracktion.results.rhythm import BeatGrid, GridSegment

if TYPE_CHECKING:
    from tracktion.results.analysis import Analysis

__all__ = ["Collection", "Cue", "CueKind", "ExportTrack", "GridAnchor", "Offset", "Skipped", "shifted"]

CueKind = Literal["cue", "fade_in", "fade_out", "load", "loop"]
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_ROOTED = re.compile(r"/|[A-Za-z]:[/\\]|\\\\")

Offset = float | Callable[[str], float]
"""Seconds by which a target's time is later than ours, or a function from a path to them."""


@dataclass(frozen=True, slots=True, eq=False)
class GridAnchor(Result):
    """From here on beats come at one tempo: at ``seconds + k * 60 / bpm`` until the next anchor.

    Attributes
    ----------
    seconds
        A beat.
    bpm
        Beats per minute.
    beats_per_bar
        Beats in a bar.
    beat_in_bar
        Which beat of its bar this one is, from 1.
    """

    seconds: float
    bpm: float
    beats_per_bar: int = 4
    beat_in_bar: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Cue(Result):
    """A marked place.

    Attributes
    ----------
    seconds
        Where.
    name
        Its label.
    kind
        ``cue``, ``fade_in``, ``fade_out``, ``load`` or ``loop``.
    hot
        Number of the pad, from 0; None for a memory cue.
    length
        Seconds, of a loop.
    """

    seconds: float
    name: str = ""
    kind: CueKind = "cue"
    hot: int | None = None
    length: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class ExportTrack(Result):
    """One track on its way to or from another program.

    Attributes
    ----------
    path
        Of the file, as text (undecodable bytes as surrogates).
    title, artist, album, genre
        Text; empty when unknown.
    year, track_number
        0 when unknown.
    duration
        Seconds.
    sample_rate
        Hz; 0 when unknown.
    bpm
        Mean tempo for lists; 0 when unknown.
    key
        One of `tracktion.results.key.KEY_NAMES`; empty when unknown.
    grid, cues
        Beat grid and marked places, ascending.
    """

    path: str
    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int = 0
    track_number: int = 0
    duration: float = 0.0
    sample_rate: int = 0
    bpm: float = 0.0
    key: str = ""
    grid: tuple[GridAnchor, ...] = ()
    cues: tuple[Cue, ...] = ()

    @classmethod
    def from_analysis(
        cls, analysis: Analysis, path: str | os.PathLike[str] | None = None, *, cues: bool = True
    ) -> Self:
        """Take from an analysis what other programs can use; where tags have no title, the name of the file tells.

        Parameters
        ----------
        analysis
            Result of the Analyzer.
        path
            File of the track; default ``analysis.source``.
        cues
            Mark the first beat of the first bar (a load point and hot cue 1) and the starts of sections.

        Raises
        ------
        UsageError
            When neither `path` nor ``analysis.source`` names a file, or there is no analysis.
        """
        if analysis is None:
            raise UsageError(f"{path}: there is no analysis to export; a failed item of a batch has none")
        where = os.fsdecode(path) if path is not None else analysis.source
        if where is None:
            raise UsageError("an export needs the path of the file; this analysis was made from samples")
        if _ADDRESS.match(where):
            raise UsageError(f"an export needs the path of a file of this machine, not {where}")
        tags = analysis.tags
        named = {} if tags and tags.title else facts_of_name(Path(where).stem)
        grid = _anchors(analysis.grid) if analysis.grid else ()
        return cls(
            path=str(Path(where).absolute()),
            title=(tags and tags.title) or named["title"],
            artist=(tags and tags.artist) or named.get("artist", ""),
            album=(tags and tags.album) or "",
            genre=(tags and tags.genre) or "",
            year=(tags and tags.year) or 0,
            track_number=(tags and tags.track) or 0,
            duration=float(analysis.duration),
            sample_rate=int(analysis.sample_rate),
            bpm=float(analysis.tempo.bpm) if analysis.tempo else 0.0,
            key=analysis.key.name if analysis.key else "",
            grid=grid,
            cues=_cues(analysis) if cues else (),
        )

    @property
    def key_object(self) -> Key | None:
        """The key as `Key`; None when unknown."""
        return Key.parse(self.key) if self.key else None

    def beats(self) -> FloatArray:
        """Beat times of the grid from the first anchor to the end of the track, seconds [shape (n,)]."""
        ends = [*(anchor.seconds for anchor in self.grid[1:]), self.duration]
        runs = []
        for anchor, end in zip(self.grid, ends, strict=True):
            count = max(0, int(np.ceil((end - anchor.seconds) * anchor.bpm / 60.0 - 1e-6)))
            runs.append(anchor.seconds + 60.0 / anchor.bpm * np.arange(count))
        return frozen_array(np.concatenate(runs) if runs else [])

    def beat_grid(self) -> BeatGrid | None:
        """The grid as the Analyzer's `BeatGrid`; None without anchors."""
        if not self.grid:
            return None
        starts = [0.0, *(anchor.seconds for anchor in self.grid[1:])]
        ends = [*starts[1:], max(self.duration, self.grid[-1].seconds)]
        return BeatGrid(
            tuple(
                GridSegment(
                    start=start,
                    end=end,
                    bpm=anchor.bpm,
                    first_beat=anchor.seconds,
                    beats_per_bar=anchor.beats_per_bar,
                    first_downbeat=(1 - anchor.beat_in_bar) % anchor.beats_per_bar,
                )
                for anchor, start, end in zip(self.grid, starts, ends, strict=True)
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class Skipped(Result):
    """A track that a format cannot hold, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Collection(Result):
    """What was read from another program's file, or written to it.

    Attributes
    ----------
    tracks
        In the file's order.
    playlists
        Name to indices into `tracks`. Where two folders have lists of one name, the later one is ``folder/name``.
    skipped
        Tracks that were left out.
    """

    tracks: tuple[ExportTrack, ...] = ()
    playlists: dict[str, tuple[int, ...]] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()


def add_playlist(playlists: dict[str, tuple[int, ...]], name: str, folder: str, places: Iterable[int]) -> None:
    """Add a playlist; of two with one name, the later one is named with its folder, and with a number if need be."""
    if name in playlists:
        full = f"{folder}/{name}" if folder else name
        numbered = (f"{full} ({number})" for number in itertools.count(len(playlists) + 1))
        name = full if full not in playlists else next(new for new in numbered if new not in playlists)
    playlists[name] = tuple(places)


def shifted(track: ExportTrack, seconds: float) -> ExportTrack:
    """The same track with grid and cues `seconds` later; what would fall before 0 moves on by whole beats or to 0."""
    if not seconds:
        return track
    grid = tuple(replace(anchor, seconds=anchor.seconds + seconds) for anchor in track.grid)
    if grid and grid[0].seconds < 0:
        grid = (_moved_on(grid[0]), *grid[1:])
    cues = tuple(replace(cue, seconds=max(0.0, cue.seconds + seconds)) for cue in track.cues)
    return replace(track, grid=grid, cues=cues)


def offset_of(offset: Offset | Literal["auto"], path: str, target: Target) -> float:
    """The offset for one file, seconds."""
    if offset == "auto":
        return decoder_offset(path, target)
    return float(offset(path)) if callable(offset) else float(offset)


def _moved_on(anchor: GridAnchor) -> GridAnchor:
    beats = int(np.ceil(-anchor.seconds * anchor.bpm / 60))
    place = (anchor.beat_in_bar - 1 + beats) % anchor.beats_per_bar + 1
    return replace(anchor, seconds=anchor.seconds + beats * 60 / anchor.bpm, beat_in_bar=place)


def _anchors(grid: BeatGrid) -> tuple[GridAnchor, ...]:
    anchors = []
    for segment in grid.segments:
        bar = segment.beats_per_bar or 4
        anchor = GridAnchor(
            seconds=float(segment.first_beat),
            bpm=float(segment.bpm),
            beats_per_bar=bar,
            beat_in_bar=-segment.first_downbeat % bar + 1,
        )
        anchors.append(_moved_on(anchor) if anchor.seconds < 0 else anchor)
    return tuple(anchors)


def _cues(analysis: Analysis) -> tuple[Cue, ...]:
    downbeats = analysis.downbeats.times if analysis.downbeats is not None else np.empty(0)
    cues = []
    if len(downbeats):
        cues += [Cue(float(downbeats[0]), "Load", "load"), Cue(float(downbeats[0]), "Start", hot=0)]
    if analysis.structure is not None:
        starts = [segment.start for segment in analysis.structure.segments[1:]]
        cues += [Cue(_nearest(downbeats, start), f"Section {i}") for i, start in enumerate(starts, 2)]
    return tuple(sorted(cues, key=lambda cue: cue.seconds))


def _nearest(moments: FloatArray, seconds: float) -> float:
    """The nearest of `moments` when one lies within a second, else `seconds` itself."""
    if not len(moments):
        return float(seconds)
    best = float(moments[np.argmin(np.abs(moments - seconds))])
    return best if abs(best - seconds) < 1.0 else float(seconds)


def located_tracks(tracks: Iterable[ExportTrack]) -> Sequence[ExportTrack]:
    """`checked_tracks` with absolute paths: a relative one would be looked for from where the export lies."""
    return [
        replace(track, path=str(Path(track.path).absolute())) if track.path and not _ROOTED.match(track.path) else track
        for track in checked_tracks(tracks)
    ]


def checked_tracks(tracks: Iterable[ExportTrack]) -> Sequence[ExportTrack]:
    """All tracks, when they are tracks."""
    listed = list(tracks)
    for track in listed:
        if not isinstance(track, ExportTrack):
            raise UsageError(f"exports take ExportTrack (see ExportTrack.from_analysis), not {type(track).__name__}")
    return listed
