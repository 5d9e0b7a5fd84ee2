"""Which track a file is: by its audio, its tags, its name, and last by how it sounds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tracktion.errors import FileError
from tracktion.results.match import FieldScore, Match

if TYPE_CHECKING:
    from tracktion.matcher import Matcher
    from tracktion.storage import Storage

__all__ = ["match_file"]

SURE = 0.9
"""Score from which no other way is tried."""


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
        name = "/".join(os.fsdecode(path).replace("\\", "/").split("/")[-3:])
        _keep(found, matcher.search(name, duration=tags.duration if tags else None, limit=limit))
    if not _sure(found):
        _keep(found, _by_sound(storage, path))
    return sorted(found.values(), key=lambda match: (-match.score, match.track.id or 0))[:limit]


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
