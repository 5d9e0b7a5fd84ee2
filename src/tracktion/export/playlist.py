"""Extended M3U playlists in UTF-8 (M3U8)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from tracktion.errors import UnreadableError
from tracktion.export.model import Collection, ExportTrack, Skipped, located_tracks
from tracktion.export.xmltools import number, write_text

__all__ = ["read_m3u8", "write_m3u8"]

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")


def write_m3u8(tracks: Iterable[ExportTrack], path: str | os.PathLike[str], *, relative: bool = False) -> Collection:
    """Write a playlist.

    Parameters
    ----------
    tracks
        In playing order.
    path
        File to write, in one move.
    relative
        Paths relative to the playlist's folder, so that both can be moved together.

    Returns
    -------
    Collection
        What was written; `skipped` holds paths with line breaks, which the format cannot hold.
    """
    target = Path(os.fsdecode(path)).absolute()
    lines, written, skipped = ["#EXTM3U"], [], []
    for track in located_tracks(tracks):
        if len(track.path.splitlines()) != 1:
            skipped.append(Skipped(track.path, "its path has a line break"))
            continue
        where = os.path.relpath(track.path, target.parent) if relative else track.path
        name = " ".join(f"{track.artist} - {track.title}".split()) if track.artist else " ".join(track.title.split())
        seconds = round(track.duration) if track.duration else -1
        lines += [f"#EXTINF:{seconds},{name}", f"./{where}" if where.startswith("#") else where]
        written.append(track)
    write_text(target, "\n".join(lines) + "\n")
    return Collection(tuple(written), {target.stem: tuple(range(len(written)))}, tuple(skipped))


def read_m3u8(path: str | os.PathLike[str]) -> Collection:
    """Read a playlist; relative paths are made absolute from its folder, and `skipped` holds addresses of streams.

    Raises
    ------
    UnreadableError
        When it cannot be read.
    """
    target = Path(os.fsdecode(path)).absolute()
    try:
        text = target.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise UnreadableError(error.strerror or str(error), file=str(target), stage="import") from error
    tracks: list[ExportTrack] = []
    skipped: list[Skipped] = []
    seconds, artist, title = 0.0, "", ""
    for line in text.split("\n"):
        entry = line.rstrip("\r")
        if entry.startswith("#EXTINF:"):
            length, _, name = entry.removeprefix("#EXTINF:").partition(",")
            seconds = max(0.0, number(length.split(" ")[0]))
            artist, dash, title = name.partition(" - ")
            artist, title = (artist, title) if dash else ("", name)
        elif entry.strip() and not entry.startswith("#"):
            where = _path(entry, target.parent)
            if where is None:
                skipped.append(Skipped(entry, "no file but an address"))
            else:
                tracks.append(ExportTrack(path=where, title=title, artist=artist, duration=seconds))
            seconds, artist, title = 0.0, "", ""
    return Collection(tuple(tracks), {target.stem: tuple(range(len(tracks)))}, tuple(skipped))


def _path(entry: str, folder: Path) -> str | None:
    """The file that an entry names; None for what lies elsewhere."""
    if entry.lower().startswith("file://"):
        path = os.fsdecode(unquote_to_bytes(urlsplit(entry).path))
        return path[1:] if _DRIVE.match(path[1:]) else path
    if _ADDRESS.match(entry):
        return None
    return entry if _DRIVE.match(entry) else os.path.normpath(folder / entry)
