"""What a file says about itself."""

from __future__ import annotations

from dataclasses import dataclass

from tracktion.results.base import Result

__all__ = ["Tags"]


@dataclass(frozen=True, slots=True, eq=False)
class Tags(Result):
    """Tags as read, untrusted; None where the file says nothing.

    Attributes
    ----------
    artist, title, album, albumartist, genre
        Text, cut to the tag limit.
    year
        Year of release.
    track
        Track number.
    bpm
        Beats per minute as tagged.
    key
        Key as tagged, in whatever notation.
    duration
        Seconds as the container claims.
    isrc, mbid
        International Standard Recording Code; MusicBrainz recording id.
    """

    artist: str | None = None
    title: str | None = None
    album: str | None = None
    albumartist: str | None = None
    genre: str | None = None
    year: int | None = None
    track: int | None = None
    bpm: float | None = None
    key: str | None = None
    duration: float | None = None
    isrc: str | None = None
    mbid: str | None = None
