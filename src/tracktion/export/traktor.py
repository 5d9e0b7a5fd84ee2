"""Traktor NML, the collection format of Native Instruments Traktor Pro (version 19).

Written from public descriptions of the format. Times are milliseconds from the first sample that Traktor decodes; a
grid is one marker (a cue of type 4) for each stretch of constant tempo, and Traktor counts bars of four from it.
"""

from __future__ import annotations

import itertools
import os
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal
from xml.etree.ElementTree import Element, SubElement

from tracktion.errors import CorruptError
from tracktion.export.model import (
    Collection,
    Cue,
    CueKind,
    ExportTrack,
    GridAnchor,
    Offset,
    Skipped,
    add_playlist,
    located_tracks,
    offset_of,
)
from tracktion.export.model import shifted as _shifted
from tracktion.export.rekordbox import key_name
from tracktion.export.xmltools import (
    clean,
    fixed,
    from_milliseconds,
    integer,
    milliseconds,
    nested,
    number,
    parse,
    save,
)
from tracktion.results.key import Key

__all__ = ["read_traktor", "write_traktor"]

_CUE_TYPES: dict[CueKind, int] = {"cue": 0, "fade_in": 1, "fade_out": 2, "load": 3, "loop": 5}
_KINDS: dict[int, CueKind] = {value: kind for kind, value in _CUE_TYPES.items()}
_GRID = 4
_SEPARATOR = "/:"
_MOUNTED = re.compile("/Volumes/([^/]+)(?=/)")
_HOMES = "/Users/"
"""What lies there on a Mac is on the system disk, which has a name too; so have others, below ``/Volumes``."""

_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_BAR = 4
_NAMESPACE = uuid.UUID("b0d1d3f5-5c4c-5b0e-9a39-6f4f6d2b7d11")
_HOT_CUES = 8


def write_traktor(
    tracks: Iterable[ExportTrack],
    path: str | os.PathLike[str],
    *,
    playlist: str | None = None,
    volume: str = "",
    offset_seconds: Offset | Literal["auto"] = "auto",
) -> Collection:
    """Write a Traktor collection.

    Parameters
    ----------
    tracks
        What to write.
    path
        File to write, in one move.
    playlist
        Name of a playlist of all tracks in this order; None for none.
    volume
        Name of the volume of paths that begin neither with a drive letter nor with ``/Volumes/name/``: that of a Mac's
        system disk (``Macintosh HD``).
    offset_seconds
        Added to all times: by how much a target's times are later than ours. A number, a function of a track's path,
        or ``"auto"`` to look into each MP3 (see `tracktion.export.offsets`).

    Returns
    -------
    Collection
        What was written; `skipped` holds tracks whose paths are no text and cannot stand in XML.

    Raises
    ------
    UsageError
        When `tracks` holds something else than tracks.
    """
    listed, skipped = [], []
    for track in located_tracks(tracks):
        if clean(track.path) == track.path:
            listed.append(track)
        else:
            skipped.append(Skipped(track.path, "its path has characters that XML cannot hold"))
    root = Element("NML", VERSION="19")
    SubElement(root, "HEAD", COMPANY="www.native-instruments.com", PROGRAM="Traktor")
    SubElement(root, "MUSICFOLDERS")
    collection = SubElement(root, "COLLECTION", ENTRIES=str(len(listed)))
    for track in listed:
        _write_track(collection, _shifted(track, offset_of(offset_seconds, track.path, "traktor")), volume)
    SubElement(root, "SETS", ENTRIES="0")
    _write_playlists(root, playlist, [_key(track.path, volume) for track in listed])
    save(root, path, standalone=' standalone="no"')
    names = {playlist: tuple(range(len(listed)))} if playlist else {}
    return Collection(tuple(listed), names, tuple(skipped))


def _write_playlists(root: Element, playlist: str | None, keys: Sequence[str]) -> None:
    top = SubElement(SubElement(root, "PLAYLISTS"), "NODE", TYPE="FOLDER", NAME="$ROOT")
    nodes = SubElement(top, "SUBNODES", COUNT="1" if playlist else "0")
    if not playlist:
        return
    node = SubElement(nodes, "NODE", TYPE="PLAYLIST", NAME=clean(playlist))
    identity = uuid.uuid5(_NAMESPACE, "\n".join((playlist, *keys))).hex
    entries = SubElement(node, "PLAYLIST", ENTRIES=str(len(keys)), TYPE="LIST", UUID=identity)
    for key in keys:
        SubElement(SubElement(entries, "ENTRY"), "PRIMARYKEY", TYPE="TRACK", KEY=key)


def _write_track(parent: Element, track: ExportTrack, volume: str) -> None:
    entry = SubElement(parent, "ENTRY", TITLE=clean(track.title), ARTIST=clean(track.artist))
    where = _location(track.path, volume)
    SubElement(entry, "LOCATION", DIR=where[1], FILE=where[2], VOLUME=where[0], VOLUMEID=where[0])
    SubElement(entry, "ALBUM", TRACK=str(track.track_number), TITLE=clean(track.album))
    SubElement(entry, "MODIFICATION_INFO", AUTHOR_TYPE="user")
    key = track.key_object
    info = SubElement(entry, "INFO", GENRE=clean(track.genre), KEY=key.open_key if key else "")
    info.set("PLAYTIME", str(round(track.duration)))
    info.set("PLAYTIME_FLOAT", fixed(track.duration))
    if track.year:
        info.set("RELEASE_DATE", f"{track.year}/1/1")
    if track.bpm:
        SubElement(entry, "TEMPO", BPM=fixed(track.bpm), BPM_QUALITY="100.000000")
    if key:
        SubElement(entry, "MUSICAL_KEY", VALUE=str(key.index))
    for anchor in _from_bars(track.grid):
        mark = _mark(entry, "AutoGrid", _GRID, anchor.seconds, 0.0, None)
        SubElement(mark, "GRID", BPM=fixed(anchor.bpm))
    for cue in track.cues:
        _mark(entry, cue.name or "n.n.", _CUE_TYPES[cue.kind], cue.seconds, cue.length, cue.hot)


def _mark(entry: Element, name: str, kind: int, seconds: float, length: float, hot: int | None) -> Element:
    return SubElement(
        entry,
        "CUE_V2",
        NAME=clean(name),
        DISPL_ORDER="0",
        TYPE=str(kind),
        START=milliseconds(seconds),
        LEN=milliseconds(length),
        REPEATS="-1",
        HOTCUE=str(hot if hot is not None and hot < _HOT_CUES else -1),
    )


def _from_bars(grid: Sequence[GridAnchor]) -> tuple[GridAnchor, ...]:
    """The grid with each marker on the first beat of a bar, if it has one: Traktor counts bars from there."""
    moved = []
    for anchor, later in itertools.zip_longest(grid, grid[1:]):
        beats = (1 - anchor.beat_in_bar) % anchor.beats_per_bar
        on_bar = replace(anchor, seconds=anchor.seconds + beats * 60.0 / anchor.bpm, beat_in_bar=1)
        moved.append(on_bar if later is None or on_bar.seconds < later.seconds else anchor)
    return tuple(moved)


def _location(path: str, volume: str) -> tuple[str, str, str]:
    """Volume, folder and file as NML spells them."""
    if _DRIVE.match(path):
        volume, path = path[:2], path[2:].replace("\\", "/")
    elif mounted := _MOUNTED.match(path):
        volume, path = mounted[1], path[mounted.end(1) :]
    parts = path.strip("/").split("/")
    folders = "".join(f"{_SEPARATOR}{part}" for part in parts[:-1]) + _SEPARATOR
    return clean(volume), folders, parts[-1]


def _key(path: str, volume: str) -> str:
    return "".join(_location(path, volume))


def read_traktor(path: str | os.PathLike[str], *, offset_seconds: Offset | Literal["auto"] = "auto") -> Collection:
    """Read a Traktor collection: what `write_traktor` wrote, or what Traktor exported.

    Parameters
    ----------
    path
        The file.
    offset_seconds
        Taken off all times; as when it was written.

    Notes
    -----
    The format knows bars of four beats only, no sample rate, and of a date of release we keep the year.

    Raises
    ------
    CorruptError
        When it is no NML.
    UnreadableError
        When it cannot be read.
    """
    root = parse(path)
    collection = root.find("COLLECTION")
    if root.tag != "NML" or collection is None:
        raise CorruptError("no Traktor NML", file=os.fsdecode(path), stage="import")
    tracks: list[ExportTrack] = []
    index: dict[str, int] = {}
    for entry in collection.findall("ENTRY"):
        where = entry.find("LOCATION")
        if where is None:
            continue
        key = where.get("VOLUME", "") + where.get("DIR", "") + where.get("FILE", "")
        index[key] = len(tracks)
        track = _read_track(entry, where)
        tracks.append(_shifted(track, -offset_of(offset_seconds, track.path, "traktor")))
    playlists: dict[str, tuple[int, ...]] = {}
    for folder, node in nested(root.findall("PLAYLISTS/NODE"), "SUBNODES/NODE"):
        if node.get("TYPE") == "PLAYLIST":
            keys = [element.get("KEY", "") for element in node.iterfind("PLAYLIST/ENTRY/PRIMARYKEY")]
            add_playlist(playlists, node.get("NAME", ""), folder, (index[key] for key in keys if key in index))
    return Collection(tuple(tracks), playlists)


def _read_track(entry: Element, where: Element) -> ExportTrack:
    album, info, tempo, key = (_find(entry, tag) for tag in ("ALBUM", "INFO", "TEMPO", "MUSICAL_KEY"))
    bpm = number(tempo.get("BPM"))
    marks = entry.findall("CUE_V2")
    grid = [_read_anchor(mark, bpm) for mark in marks if integer(mark.get("TYPE")) == _GRID]
    value = integer(key.get("VALUE", "-1"))
    return ExportTrack(
        path=_read_path(where),
        title=entry.get("TITLE", ""),
        artist=entry.get("ARTIST", ""),
        album=album.get("TITLE", ""),
        genre=info.get("GENRE", ""),
        year=integer((info.get("RELEASE_DATE") or "0").split("/")[0]),
        track_number=integer(album.get("TRACK")),
        duration=number(info.get("PLAYTIME_FLOAT") or info.get("PLAYTIME")),
        bpm=bpm,
        key=Key.from_index(value).name if 0 <= value < 24 else key_name(info.get("KEY", "")),
        grid=tuple(anchor for anchor in grid if anchor.bpm > 0),
        cues=tuple(_read_cue(mark) for mark in marks if integer(mark.get("TYPE")) != _GRID),
    )


def _find(entry: Element, tag: str) -> Element:
    found = entry.find(tag)
    return Element(tag) if found is None else found


def _read_path(where: Element) -> str:
    volume, path = where.get("VOLUME", ""), where.get("DIR", "").replace(_SEPARATOR, "/") + where.get("FILE", "")
    if re.fullmatch(r"[A-Za-z]:", volume):
        return volume + path
    return f"/Volumes/{volume}{path}" if volume and not path.startswith(_HOMES) else path


def _read_anchor(mark: Element, bpm: float) -> GridAnchor:
    grid = mark.find("GRID")
    own = number(grid.get("BPM")) if grid is not None else 0.0
    return GridAnchor(from_milliseconds(mark.get("START")), own or bpm, _BAR, 1)


def _read_cue(mark: Element) -> Cue:
    hot = integer(mark.get("HOTCUE", "-1"))
    name = mark.get("NAME", "")
    return Cue(
        seconds=from_milliseconds(mark.get("START")),
        name="" if name == "n.n." else name,
        kind=_KINDS.get(integer(mark.get("TYPE")), "cue"),
        hot=hot if hot >= 0 else None,
        length=from_milliseconds(mark.get("LEN")),
    )
