"""Rekordbox XML, the exchange format of Pioneer DJ (AlphaTheta), version 1.0.0.

Written from the vendor's public list of elements and attributes ("XML format list for sharing playlists"). Times are
seconds as decimals from the first sample that Rekordbox decodes; see the how-to guide on exports about MP3.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePath
from typing import Literal
from urllib.parse import quote, unquote_to_bytes
from xml.etree.ElementTree import Element, SubElement

from tracktion.errors import CorruptError, UsageError
from tracktion.export.model import (
    Collection,
    Cue,
    CueKind,
    ExportTrack,
    GridAnchor,
    Offset,
    add_playlist,
    located_tracks,
    offset_of,
)
from tracktion.export.model import shifted as _shifted
from tracktion.export.xmltools import clean, fixed, integer, nested, number, parse, save
from tracktion.results.key import Key
from tracktion.version import __version__

__all__ = ["read_rekordbox", "write_rekordbox"]

_KINDS: dict[str, str] = {
    ".mp3": "MP3 File",
    ".m4a": "M4A File",
    ".aac": "M4A File",
    ".wav": "WAV File",
    ".aif": "AIFF File",
    ".aiff": "AIFF File",
    ".flac": "FLAC File",
    ".ogg": "OGG File",
}
_CUE_TYPES: tuple[CueKind, ...] = ("cue", "fade_in", "fade_out", "load", "loop")
_PREFIX = "file://localhost"
_DRIVE = re.compile(r"/[A-Za-z]:[/\\]")
_HOT_CUES = 8


def write_rekordbox(
    tracks: Iterable[ExportTrack],
    path: str | os.PathLike[str],
    *,
    playlist: str | None = None,
    key_notation: Literal["id3", "camelot", "open_key"] = "id3",
    offset_seconds: Offset | Literal["auto"] = "auto",
) -> Collection:
    """Write a Rekordbox XML file.

    Parameters
    ----------
    tracks
        What to write.
    path
        File to write, in one move.
    playlist
        Name of a playlist of all tracks in this order; None for none.
    key_notation
        How keys are spelled.
    offset_seconds
        Added to all times: by how much a target's times are later than ours. A number, a function of a track's path,
        or ``"auto"`` to look into each MP3 (see `tracktion.export.offsets`).

    Returns
    -------
    Collection
        What was written.

    Raises
    ------
    UsageError
        When `tracks` holds something else than tracks, or the notation does not exist.
    """
    if key_notation not in {"id3", "camelot", "open_key"}:
        raise UsageError(f"key_notation must be 'id3', 'camelot' or 'open_key', not {key_notation!r}")
    listed = located_tracks(tracks)
    root = Element("DJ_PLAYLISTS", Version="1.0.0")
    SubElement(root, "PRODUCT", Name="tracktion", Version=__version__, Company="")
    collection = SubElement(root, "COLLECTION", Entries=str(len(listed)))
    for number_, track in enumerate(listed, 1):
        _write_track(
            collection, number_, _shifted(track, offset_of(offset_seconds, track.path, "rekordbox")), key_notation
        )
    lists = SubElement(root, "PLAYLISTS")
    top = SubElement(lists, "NODE", Type="0", Name="ROOT", Count="1" if playlist else "0")
    if playlist:
        node = SubElement(top, "NODE", Name=clean(playlist), Type="1", KeyType="0", Entries=str(len(listed)))
        for number_ in range(1, len(listed) + 1):
            SubElement(node, "TRACK", Key=str(number_))
    save(root, path)
    return Collection(tuple(listed), {playlist: tuple(range(len(listed)))} if playlist else {})


def _write_track(parent: Element, track_id: int, track: ExportTrack, notation: str) -> None:
    key = track.key_object
    element = SubElement(
        parent,
        "TRACK",
        TrackID=str(track_id),
        Name=clean(track.title),
        Artist=clean(track.artist),
        Album=clean(track.album),
        Genre=clean(track.genre),
        Kind=_KINDS.get(PurePath(track.path).suffix.lower(), "Unknown File"),
        TotalTime=str(round(track.duration)),
        TrackNumber=str(track.track_number),
        Year=str(track.year),
        AverageBpm=fixed(track.bpm),
        SampleRate=str(track.sample_rate),
        Location=_location(track.path),
        Tonality=getattr(key, notation) if key else "",
    )
    for anchor in track.grid:
        SubElement(
            element,
            "TEMPO",
            Inizio=fixed(anchor.seconds),
            Bpm=fixed(anchor.bpm),
            Metro=f"{anchor.beats_per_bar}/4",
            Battito=str(anchor.beat_in_bar),
        )
    for cue in track.cues:
        mark = SubElement(element, "POSITION_MARK", Name=clean(cue.name), Type=str(_CUE_TYPES.index(cue.kind)))
        mark.set("Start", fixed(cue.seconds))
        if cue.kind == "loop":
            mark.set("End", fixed(cue.seconds + cue.length))
        mark.set("Num", str(cue.hot if cue.hot is not None and cue.hot < _HOT_CUES else -1))


def _location(path: str) -> str:
    text = path.replace("\\", "/") if re.match(r"[A-Za-z]:[/\\]|\\\\", path) else path
    return _PREFIX + quote(os.fsencode(text if text.startswith("/") else f"/{text}"), safe="/:")


def _path(location: str) -> str:
    text = os.fsdecode(unquote_to_bytes(location.removeprefix(_PREFIX).removeprefix("file://")))
    if text.startswith("//"):  # a share of a Windows server
        return text.replace("/", "\\")
    return text[1:] if _DRIVE.match(text) else text


def read_rekordbox(path: str | os.PathLike[str], *, offset_seconds: Offset | Literal["auto"] = "auto") -> Collection:
    """Read a Rekordbox XML file: what `write_rekordbox` wrote, or what Rekordbox exported.

    Parameters
    ----------
    path
        The file.
    offset_seconds
        Taken off all times; as when it was written.

    Notes
    -----
    The format keeps durations in whole seconds.

    Raises
    ------
    CorruptError
        When it is no Rekordbox XML.
    UnreadableError
        When it cannot be read.
    """
    root = parse(path)
    collection = root.find("COLLECTION")
    if root.tag != "DJ_PLAYLISTS" or collection is None:
        raise CorruptError("no Rekordbox XML", file=os.fsdecode(path), stage="import")
    elements = collection.findall("TRACK")
    tracks = [_read_track(element) for element in elements]
    tracks = [_shifted(track, -offset_of(offset_seconds, track.path, "rekordbox")) for track in tracks]
    by_id = {element.get("TrackID", ""): i for i, element in enumerate(elements)}
    by_location = {element.get("Location", ""): i for i, element in enumerate(elements)}
    playlists: dict[str, tuple[int, ...]] = {}
    for folder, node in nested(root.findall("PLAYLISTS/NODE"), "NODE"):
        if node.get("Type") == "1":
            index = by_location if node.get("KeyType") == "1" else by_id
            keys = [entry.get("Key", "") for entry in node.findall("TRACK")]
            add_playlist(playlists, node.get("Name", ""), folder, (index[key] for key in keys if key in index))
    return Collection(tuple(tracks), playlists)


def _read_track(element: Element) -> ExportTrack:
    grid = [
        GridAnchor(
            number(tempo.get("Inizio")),
            number(tempo.get("Bpm")),
            integer((tempo.get("Metro") or "4/4").split("/")[0]) or 4,
            integer(tempo.get("Battito")) or 1,
        )
        for tempo in element.findall("TEMPO")
    ]
    return ExportTrack(
        path=_path(element.get("Location", "")),
        title=element.get("Name", ""),
        artist=element.get("Artist", ""),
        album=element.get("Album", ""),
        genre=element.get("Genre", ""),
        year=integer(element.get("Year")),
        track_number=integer(element.get("TrackNumber")),
        duration=number(element.get("TotalTime")),
        sample_rate=integer(element.get("SampleRate")),
        bpm=number(element.get("AverageBpm")),
        key=key_name(element.get("Tonality", "")),
        grid=tuple(anchor for anchor in grid if anchor.bpm > 0),
        cues=tuple(_read_cue(mark) for mark in element.findall("POSITION_MARK")),
    )


def _read_cue(mark: Element) -> Cue:
    kind = integer(mark.get("Type"))
    hot = integer(mark.get("Num", "-1"))
    cue = Cue(
        seconds=number(mark.get("Start")),
        name=mark.get("Name", ""),
        kind=_CUE_TYPES[kind] if 0 <= kind < len(_CUE_TYPES) else "cue",
        hot=hot if hot >= 0 else None,
    )
    return replace(cue, length=max(0.0, number(mark.get("End")) - cue.seconds)) if cue.kind == "loop" else cue


def key_name(text: str) -> str:
    """The name of a key in any usual spelling; empty when it is none."""
    try:
        return Key.parse(text).name if text.strip() else ""
    except UsageError:
        return ""
