"""What files say about themselves: read within bounds, written without risk."""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from tracktion.audio.chunks import chunks, ogg_layout, wave_layout
from tracktion.audio.id3 import Id3Text, read_id3
from tracktion.audio.limits import Limits
from tracktion.audio.mp3 import find_frames, id3v2_size
from tracktion.audio.sniff import sniff
from tracktion.audio.source import QuietReader, Source, SourceLike, open_source
from tracktion.errors import CorruptError, TracktionError, UnreadableError
from tracktion.results.tags import Tags

__all__ = ["LEAKED", "mutagen_class", "mutagen_kind", "read_tags", "translated"]

LEAKED = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    MemoryError,
    ArithmeticError,
    TypeError,
    AttributeError,
    RuntimeError,
    AssertionError,
    struct.error,
)
"""What mutagen raises for hostile data, besides its own errors."""

_HEADROOM_BYTES = 4 << 20
_MAX_INFO_BYTES = 1 << 16
_ID3V1 = struct.Struct("3s30s30s30s4s30sB")
_INFO_NAMES = {
    b"INAM": "title",
    b"IART": "artist",
    b"IPRD": "album",
    b"ICRD": "date",
    b"IGNR": "genre",
    b"ITRK": "tracknumber",
    b"IPRT": "tracknumber",
}
"""Chunks of a LIST of type INFO in WAV."""
_OLD_GENRE = re.compile(r"\((\d{1,3}|RX|CR)\)(.*)|(\d{1,3})", re.ASCII | re.DOTALL)
_NAMES: Mapping[str, tuple[str, ...]] = {
    "artist": ("tpe1", "\xa9art", "artist", "author"),
    "title": ("tit2", "\xa9nam", "title"),
    "album": ("talb", "\xa9alb", "wm/albumtitle", "album"),
    "albumartist": ("tpe2", "aart", "wm/albumartist", "albumartist", "album artist", "album_artist"),
    "genre": ("tcon", "\xa9gen", "wm/genre", "genre"),
    "year": ("tdrc", "tyer", "\xa9day", "wm/year", "date", "year", "originaldate"),
    "track": ("trck", "trkn", "wm/tracknumber", "tracknumber", "track"),
    "bpm": ("tbpm", "tmpo", "wm/beatsperminute", "bpm", "tempo"),
    "key": ("tkey", "----:com.apple.itunes:initialkey", "wm/initialkey", "initialkey", "initial_key", "key"),
    "isrc": ("tsrc", "----:com.apple.itunes:isrc", "wm/isrc", "isrc"),
    "mbid": (
        "musicbrainz_trackid",
        "musicbrainz track id",
        "musicbrainz release track id",
        "----:com.apple.itunes:musicbrainz track id",
        "musicbrainz/track id",
    ),
}
"""Names that a field may have, those of the container's own standard first: they are what we and others write."""


def read_tags(source: SourceLike, *, limits: Limits | None = None, follow_symlinks: bool = True) -> Tags:
    """Read artist, title, tempo, key and the like from the file's own tags.

    Tags are data from strangers: texts are cut to `Limits.max_text` characters, and keep control and bidirectional
    characters (escape them where you show them).

    Parameters
    ----------
    source
        A path, the bytes of a file, or a binary file object.
    limits
        Bounds; `Limits()` by default. Of larger tag blocks only the first `Limits.max_tag_bytes` are looked at.
    follow_symlinks
        Whether a path that is a symbolic link may be opened.

    Returns
    -------
    Tags
        With None for what the file does not say; all None for a file without tags.

    Raises
    ------
    CorruptError
        The tags are damaged.
    UnreadableError, TooBigError, UsageError
        As for `open_audio`.
    """
    limits = limits or Limits()
    with open_source(source, limits=limits, follow_symlinks=follow_symlinks) as opened:
        found: dict[str, str] = {}
        leading: dict[str, str] = {}
        duration = None
        kind, start = sniff(opened)
        at = 0
        while at < start:  # some files have several
            size = id3v2_size(opened.read_at(at, 10)) or start - at
            _add_id3(leading, read_id3(opened.read_at(at, min(size, limits.max_tag_bytes))))
            at += size
        if kind == "unknown":  # MPEG audio and AAC have no tags of their own
            found, leading = leading, {}
        inner = opened.window(start)
        if kind in ("wav", "aiff"):
            duration = _add_chunks(found, inner, kind, limits)
        elif kind == "dsf":
            at = int.from_bytes(inner.read_at(20, 8), "little")
            _add_id3(found, _id3_at(inner, at, limits))
        elif kind == "unknown":
            duration = _add_tail(found, opened, limits)
        else:
            duration = _add_mutagen(found, inner, mutagen_kind(inner, kind), limits)
        return _tags((found, leading), duration, limits)


def _tags(blocks: Sequence[Mapping[str, str]], duration: float | None, limits: Limits) -> Tags:
    """Take each field from the first block that has it."""

    def text(field: str) -> str | None:
        value = next((block[name] for block in blocks for name in _NAMES[field] if block.get(name)), None)
        return value[: limits.max_text].strip("\0") or None if value is not None else None

    bpm = _number(text("bpm"))
    track = _number(text("track"))
    return Tags(
        artist=text("artist"),
        title=text("title"),
        album=text("album"),
        albumartist=text("albumartist"),
        genre=text("genre"),
        year=_year(text("year")),
        track=int(track) if track is not None and 0 < track < 1e6 else None,
        bpm=bpm if bpm is not None and 0 < bpm < 1e4 else None,
        key=text("key"),
        duration=duration if duration is not None and math.isfinite(duration) and duration >= 0 else None,
        isrc=text("isrc"),
        mbid=text("mbid"),
    )


def _number(text: str | None) -> float | None:
    match = re.match(r"\s*(\d{1,9}(?:[.,]\d{1,9})?)", text or "", re.ASCII)
    return float(match[1].replace(",", ".")) if match else None


def _year(text: str | None) -> int | None:
    match = re.search(r"(?<!\d)(\d{4})(?!\d)", (text or "")[:64], re.ASCII)
    return int(match[1]) if match and int(match[1]) > 0 else None


def _add_id3(found: dict[str, str], text: Id3Text) -> None:
    for name, value in text.frames.items():
        found.setdefault(name.lower(), _genre(value) if name == "TCON" else value)
    for name, value in text.user.items():
        found.setdefault(name, value)
    if "http://musicbrainz.org" in text.ids:
        found.setdefault("musicbrainz_trackid", text.ids["http://musicbrainz.org"])


def _genre(text: str) -> str:
    """A genre in words: ID3 knows them by numbers too, alone or before a refinement."""
    match = _OLD_GENRE.fullmatch(text)
    if match is None:
        return text
    number, words = match[1] or match[3], (match[2] or "").strip()
    if words or not number.isdigit():
        return words or {"RX": "Remix", "CR": "Cover"}[number]
    return _numbered_genre(int(number)) or text


def _numbered_genre(number: int) -> str:
    genres: list[str] = importlib.import_module("mutagen.id3").TCON.GENRES
    return genres[number] if number < len(genres) else ""


def _id3_at(source: Source, at: int, limits: Limits) -> Id3Text:
    size = id3v2_size(source.read_at(at, 10)) if at > 0 else 0
    return read_id3(source.read_at(at, min(size, limits.max_tag_bytes)))


def _add_chunks(found: dict[str, str], source: Source, kind: str, limits: Limits) -> float | None:
    endian: Literal["<", ">"] = "<" if kind == "wav" and source.read_at(0, 4) != b"RIFX" else ">"
    info: dict[str, str] = {}
    for chunk in chunks(source, endian):
        if chunk.name in (b"id3 ", b"ID3 "):
            _add_id3(found, _id3_at(source, chunk.start, limits))
        elif chunk.name == b"LIST" and kind == "wav" and source.read_at(chunk.start, 4) == b"INFO":
            end = chunk.start + min(chunk.size, limits.max_tag_bytes)
            info = _info(source.window(chunk.start - 8, end), endian) | info
    for name, value in info.items():
        found.setdefault(name, value)
    if kind == "aiff":
        return None
    layout = wave_layout(source)
    return layout.declared_seconds if layout else None


def _info(source: Source, endian: Literal["<", ">"]) -> dict[str, str]:
    """Texts of a LIST of type INFO, from its first byte."""
    found: dict[str, str] = {}
    for chunk in chunks(source, endian):
        if chunk.name in _INFO_NAMES:
            raw = source.read_at(chunk.start, min(chunk.size, _MAX_INFO_BYTES)).split(b"\0")[0]
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                text = raw.decode("latin-1")
            found.setdefault(_INFO_NAMES[chunk.name], text.strip())
    return found


def _add_tail(found: dict[str, str], source: Source, limits: Limits) -> float | None:
    """What stands behind the frames of MPEG audio: APEv2 and ID3v1."""
    tail = source.size
    last = source.read_at(tail - 128, 128)
    old: dict[str, str] = {}
    if last[:3] == b"TAG":
        tail -= 128
        _, title, artist, album, year, comment, genre = _ID3V1.unpack(last)
        for name, raw in (("title", title), ("artist", artist), ("album", album), ("year", year)):
            old[name] = raw.split(b"\0")[0].decode("latin-1").strip()
        old["genre"] = _numbered_genre(genre)
        if comment[28] == 0 and comment[29]:  # version 1.1
            old["track"] = str(comment[29])
    if source.read_at(tail - 32, 8) == b"APETAGEX":
        _add_mutagen(found, source, "apev2", limits)
    for name, value in old.items():
        found.setdefault(name, value)
    walk = find_frames(source)
    if walk is None or walk.info is None or walk.info.frames is None:
        return None
    return walk.info.frames * walk.header.samples / walk.header.sample_rate


class _Budgeted(QuietReader):
    """A file of which no more than so many bytes may be read in all, in no more than so many calls."""

    def __init__(self, source: Source, budget: int) -> None:
        super().__init__(source)
        self._size = source.size
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        wanted = self._size - self.tell() if size < 0 else size
        self._budget -= min(max(wanted, 0), self._size) + 16
        if self._budget < 0:
            raise OSError("tags larger than the limit (Limits.max_tag_bytes)")
        return super().read(max(0, wanted))

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = super().seek(offset, whence)
        if position < 0:
            raise OSError("no such place in the file")
        return position


def mutagen_kind(source: Source, kind: str) -> str:
    """Key of `_CLASSES` for a file of `kind`."""
    return f"ogg {ogg_layout(source).codec}" if kind == "ogg" else kind


_CLASSES = {
    "flac": "mutagen.flac:FLAC",
    "ogg vorbis": "mutagen.oggvorbis:OggVorbis",
    "ogg opus": "mutagen.oggopus:OggOpus",
    "ogg flac": "mutagen.oggflac:OggFLAC",
    "ogg speex": "mutagen.oggspeex:OggSpeex",
    "mp4": "mutagen.mp4:MP4",
    "asf": "mutagen.asf:ASF",
    "ape": "mutagen.monkeysaudio:MonkeysAudio",
    "wavpack": "mutagen.wavpack:WavPack",
    "musepack": "mutagen.musepack:Musepack",
    "tta": "mutagen.trueaudio:TrueAudio",
    "tak": "mutagen.tak:TAK",
    "optimfrog": "mutagen.optimfrog:OptimFROG",
    "dsdiff": "mutagen.dsdiff:DSDIFF",
    "apev2": "mutagen.apev2:APEv2",
    "wav": "mutagen.wave:WAVE",
    "aiff": "mutagen.aiff:AIFF",
    "dsf": "mutagen.dsf:DSF",
}


def mutagen_class(kind: str) -> Any:
    """Class of mutagen for a kind of file; None if it has none."""
    if kind not in _CLASSES:
        return None
    module, name = _CLASSES[kind].split(":")
    return getattr(importlib.import_module(module), name)


@contextlib.contextmanager
def translated(source_name: str) -> Iterator[None]:
    """Turn whatever mutagen raises into `CorruptError`, or `UnreadableError` where the system said no."""
    from mutagen import MutagenError

    try:
        yield
    except TracktionError:
        raise
    except (*LEAKED, MutagenError) as error:
        system = next((e for e in (error, *error.args) if isinstance(e, OSError) and e.errno), None)
        if system is not None:
            raise UnreadableError(system.strerror or str(system), file=source_name, stage="tags") from error
        reason = f"damaged tags: {str(error) or type(error).__name__}"
        raise CorruptError(reason, file=source_name, stage="tags") from error


def _add_mutagen(found: dict[str, str], source: Source, kind: str, limits: Limits) -> float | None:
    loader = mutagen_class(kind)
    if loader is None:
        return None
    source.seek(0)
    with translated(source.name):
        file = loader(_Budgeted(source, limits.max_tag_bytes + _HEADROOM_BYTES))
        tags = file if kind == "apev2" else file.tags
        for name in list(tags.keys()) if tags is not None else ():
            value = _first(tags[name])
            if value:
                found.setdefault(str(name).lower(), value)
        length = getattr(getattr(file, "info", None), "length", None)
    return float(length) if isinstance(length, (int, float)) else None


def _first(value: Any) -> str:
    """First value of a tag as text; empty for pictures and the like."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, tuple):
        value = value[0] if value else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    kept = getattr(value, "value", value)
    if isinstance(kept, bool) or not isinstance(kept, (str, int, float)):
        text = getattr(value, "text", None)
        kept = text[0] if isinstance(text, list) and text else ""
    return str(kept).split("\0")[0] if isinstance(kept, str) else str(kept)
