"""Which track a file is: by its audio, its tags, its name, and last by how it sounds."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from tracktion.errors import FileError
from tracktion.results.match import FieldScore, Match

if TYPE_CHECKING:
    from tracktion.matcher import Matcher
    from tracktion.storage import Storage

__all__ = ["facts_of_name", "match_file"]

SURE = 0.9
"""Score from which no other way is tried."""


_PLACE = re.compile(
    r"""(?:\d{1,2}-)?\d{1,2}\s*[-._)\]]+\s+(?=\S)  # 03 - , 1-03. ,  3)
    | (?:\d-)?0\d\s+(?=[^-\s]) | \d-\d\d\s+(?=[^-\s])  # 03 , 1-12
    | (?:[A-F]\d|\d{1,3}[ABdm]?)\s*[-.]\s+(?=\S.*\s-\s)  # sides of records, keys and tempi, before artist and title
    """,
    re.VERBOSE,
)
"""What stands before artist and title in names of files."""


def facts_of_name(stem: str) -> dict[str, str]:
    """Artist and title as the name of a file says them, without its suffix; numbers of tracks in front are neither.

    Examples
    --------
    >>> facts_of_name("03 - Ann - One")
    {'artist': 'Ann', 'title': 'One'}
    """
    name = stem
    for _ in range(3):
        place = _PLACE.match(name)
        name = name[place.end() :] if place else name
    artist, dash, title = name.partition(" - ")
    return {"artist": artist.strip(), "title": title.strip()} if dash and title.strip() else {"title": name}


def match_file(matcher: Matcher, storage: Storage, path: Any, limit: int) -> list[Match]:
    """See `Matcher.match_file`."""
    from tracktion.audio import audio_identity, read_tags

    identity = audio_identity(path)
    same = storage.find_by_identifier(audio_identity=identity)
    if same:
        return [Match(track, 1.0, (FieldScore("audio_identity", 1.0, "the same audio"),)) for track in same[:limit]]
    found: dict[int, Match] = {}
    try:
        tags = read_tags(path)
    except FileError:
        tags = None
    if tags is not None and (tags.title or tags.isrc or tags.mbid):
        _keep(
            found,
            matcher.search(
                title=tags.title,
                artist=tags.artist or tags.albumartist,
                album=tags.album,
                duration=tags.duration,
                year=tags.year,
                isrc=tags.isrc,
                mbid=tags.mbid,
                limit=limit,
            ),
        )
    if not _sure(found):
        name = _name_of(path)
        if name is not None:
            _keep(found, matcher.search(name, duration=tags.duration if tags else None, limit=limit))
    if not _sure(found):
        _keep(found, _by_sound(storage, path))
    return sorted(found.values(), key=lambda match: (-match.score, match.track.id or 0))[:limit]


def _name_of(path: Any) -> str | None:
    """The end of a path; None for bytes and for file objects without a name."""
    named = path if isinstance(path, str | os.PathLike) else getattr(path, "name", None)
    if not isinstance(named, str | os.PathLike):
        return None
    return "/".join(os.fsdecode(named).replace("\\", "/").split("/")[-3:])


def _sure(found: dict[int, Match]) -> bool:
    return any(match.score >= SURE for match in found.values())


def _keep(found: dict[int, Match], matches: list[Match]) -> None:
    for match in matches:
        if match.track.id is not None and (match.track.id not in found or found[match.track.id].score < match.score):
            found[match.track.id] = match


def _by_sound(storage: Storage, path: Any) -> list[Match]:
    from tracktion.audio import open_audio
    from tracktion.features.stream import extract_features
    from tracktion.matching.fingerprint import index_of

    index = index_of(storage)
    if not len(index):
        return []
    with open_audio(path) as audio:
        features = extract_features(
            audio.blocks(), sample_rate=audio.sample_rate, channels=audio.channels, kinds=("fingerprint",)
        )
    matches = []
    for hit in index.search(features.fingerprint.data):
        for track in storage.find_by_identifier(audio_identity=hit.identity):
            why = (FieldScore("fingerprint", hit.score, f"{hit.seconds:.0f} s alike, offset {hit.offset:.1f} s"),)
            matches.append(Match(track, hit.score, why))
    return matches
