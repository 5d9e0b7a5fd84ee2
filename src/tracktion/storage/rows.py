"""From what callers give to the rows that every home keeps, and back."""

from __future__ import annotations

import json
import math
import operator
import re
import zlib
from numbers import Real
from typing import TYPE_CHECKING, Any

from tracktion.errors import StorageCorruptError, UsageError
from tracktion.results.catalogue import Track

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "TRACK_FIELDS",
    "Row",
    "analysis_key",
    "chunked",
    "clean_text",
    "cleaned",
    "demand_bytes",
    "demand_limit",
    "demand_name",
    "demand_search",
    "demand_text",
    "demand_whole",
    "dump_json",
    "existing_row",
    "fingerprint_row",
    "known_after",
    "known_id",
    "load_json",
    "merged",
    "next_id",
    "plain",
    "plain_id",
    "row_checksum",
    "summary_of",
    "text_checksum",
    "to_row",
    "track_of",
    "whole_number",
    "with_changes",
]

TRACK_FIELDS = ("id", "title", "artist", "album", "duration", "year", "isrc", "mbid", "audio_identity", "extra")
TEXT_LIMIT = 65_536
MAX_ID = 2**63 - 1
NAME_BYTES = 800
"""Bytes of a text by which something is looked up: three of them fit into one entry of PostgreSQL's indexes."""

ISRC_LIMIT, MBID_LIMIT = 64, 256
"""Characters beyond which a value is no identifier, whatever a tag says."""

Row = tuple[Any, ...]
"""Values in the order of `TRACK_FIELDS`, cleaned; ``extra`` is JSON text or None."""

_PLAIN = frozenset({int, str, bytes})
_FIELD_SET = frozenset(TRACK_FIELDS)
_UNSTORABLE = re.compile("[\x00\x1f\ud800-\udfff]")
_YEAR = re.compile(r"\s*(\d{4})\b")
_NUMBERED = {name: place for place, name in enumerate(TRACK_FIELDS)}


def clean_text(value: Any, name: str) -> str | None:
    """Return storable text, or None for what says nothing."""
    if value is None:
        return None
    if not isinstance(value, str):
        value = _as_text(value, name)
    value = value.strip()
    if not value:
        return None
    if len(value) > TEXT_LIMIT:
        value = value[:TEXT_LIMIT]
    if not value.isascii() or "\x00" in value or "\x1f" in value:
        value = _UNSTORABLE.sub("\ufffd", value)
    return value if type(value) is str else str(value)


def _as_text(value: Any, name: str) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if _is_nan(value):
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(f"{name} must be text, not {type(value).__name__}")
    return str(value)


def _is_nan(value: Any) -> bool:
    return isinstance(value, Real) and math.isnan(value)


def whole_number(value: Any, name: str) -> int | None:
    """Return a whole number, which may come as text or float; None for what says nothing."""
    if value is None:
        return None
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            return int(value)
        except ValueError:
            raise UsageError(f"{name} must be a whole number, not {value[:40]!r}") from None
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        if _is_nan(value):
            return None
        if isinstance(value, float) and value.is_integer():
            return int(value)
        raise UsageError(f"{name} must be a whole number, not {value!r:.40}") from None


def _track_id(value: Any) -> int | None:
    number = whole_number(value, "id")
    if number is not None and not 0 <= number <= MAX_ID:
        raise UsageError(f"id must be between 0 and 2**63 - 1, not {number}")
    return number


def _duration(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool):
            raise TypeError
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"duration must be seconds, not {value!r:.40}") from None
    if math.isnan(seconds) or seconds == 0:
        return None
    if seconds < 0 or math.isinf(seconds):
        raise UsageError(f"duration must be positive and finite, not {seconds}")
    return seconds


def _year(value: Any) -> int | None:
    if isinstance(value, str):
        match = _YEAR.match(value)
        if match:
            return int(match.group(1)) or None
    year = whole_number(value, "year")
    if year is not None and not -9999 <= year <= 9999:
        raise UsageError(f"year must have at most four digits, not {year}")
    return year or None


def _isrc(value: Any) -> str | None:
    text = clean_text(value, "isrc")
    code = text.replace("-", "").replace(" ", "").upper() if text else ""
    return code if 0 < len(code) <= ISRC_LIMIT else None


def _mbid(value: Any) -> str | None:
    text = clean_text(value, "mbid")
    return text.lower() if text and len(text) <= MBID_LIMIT else None


def _identity(value: Any) -> str | None:
    text = clean_text(value, "audio_identity")
    return demand_name(text, "audio_identity") if text else None


def _extra(value: Any) -> str | None:
    if not value:
        return None
    if not isinstance(value, dict):
        raise UsageError(f"extra must be a dict, not {type(value).__name__}")
    return dump_json(value)


_CLEANERS = {
    "id": _track_id,
    "title": lambda value: clean_text(value, "title"),
    "artist": lambda value: clean_text(value, "artist"),
    "album": lambda value: clean_text(value, "album"),
    "duration": _duration,
    "year": _year,
    "isrc": _isrc,
    "mbid": _mbid,
    "audio_identity": _identity,
    "extra": _extra,
}


def cleaned(name: str, value: Any) -> Any:
    """Return the value of a field of a track as it is kept, or raise `UsageError`."""
    return _CLEANERS[name](value)


def to_row(track: Track | Mapping[str, Any], number: int) -> Row:
    """Return the row of what a caller gave as item `number`.

    Raises
    ------
    UsageError
        Names the item and the field.
    """
    try:
        if isinstance(track, Track):
            return _from_values({name: getattr(track, name) for name in TRACK_FIELDS})
        if not hasattr(track, "keys"):
            raise UsageError(f"a track must be a mapping or a Track, not {type(track).__name__}")
        return _from_values(track)
    except UsageError as error:
        raise UsageError(f"track number {number}: {error.reason}") from None


def _from_values(values: Mapping[str, Any]) -> Row:
    get = values.get
    extra = get("extra")
    if not _FIELD_SET.issuperset(values):
        others = {str(name): values[name] for name in values if name not in _FIELD_SET}
        if extra and not isinstance(extra, dict):
            _extra(extra)
        extra = dict(extra or {}) | {name: value for name, value in others.items() if not _is_unknown(value)}
    number, year, isrc, mbid, identity = get("id"), get("year"), get("isrc"), get("mbid"), get("audio_identity")
    return (
        None if number is None else _track_id(number),
        clean_text(get("title"), "title"),
        clean_text(get("artist"), "artist"),
        clean_text(get("album"), "album"),
        _duration(get("duration")),
        None if year is None else _year(year),
        None if isrc is None else _isrc(isrc),
        None if mbid is None else _mbid(mbid),
        None if identity is None else _identity(identity),
        _extra(extra) if extra else None,
    )


def _is_unknown(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value) or _is_nan(value)


def merged(old: Row, new: Row) -> Row:
    """Return `old` overwritten by what `new` knows."""
    extra = new[-1]
    if extra is not None and old[-1] is not None and extra != old[-1]:
        extra = dump_json(json.loads(old[-1]) | json.loads(extra))
    fields = tuple(o if n is None else n for o, n in zip(old[1:-1], new[1:-1], strict=True))
    return (old[0], *fields, old[-1] if extra is None else extra)


def with_changes(old: Row, changes: Mapping[str, Any]) -> Row:
    """Return `old` with fields set, None included."""
    values = list(old)
    for name, value in changes.items():
        if name == "id" or name not in _NUMBERED:
            raise UsageError(f"a track has no field {name!r} that can be changed")
        values[_NUMBERED[name]] = cleaned(name, value)
    return tuple(values)


def track_of(row: Sequence[Any]) -> Track:
    """Return the object for a row."""
    extra = row[9]
    return Track(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], json.loads(extra) if extra else {}
    )


def demand_text(text: str, what: str) -> str:
    """Return `text`, or raise `UsageError` for what not every home can keep: NUL, lone surrogates."""
    if not isinstance(text, str):
        raise UsageError(f"{what} must be text, not {type(text).__name__}")
    if _UNSTORABLE.search(text.replace("\x1f", "")):
        raise UsageError(f"{what} must not hold NUL or lone surrogates")
    return text


def demand_name(text: str, what: str) -> str:
    """Return a text that something is stored under, or raise `UsageError` for what not every home can look up."""
    if len(demand_text(text, what).encode()) > NAME_BYTES:
        raise UsageError(f"{what} must have at most {NAME_BYTES} bytes in UTF-8")
    return text


def demand_bytes(data: bytes, what: str) -> bytes:
    """Return `data`, or raise `UsageError` for what is no bytes: of a number, ``bytes()`` would make zeros."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise UsageError(f"{what} must be bytes, not {type(data).__name__}")
    return bytes(data)


def fingerprint_row(identity: str, fingerprint: bytes, duration: float) -> tuple[str, bytes, float]:
    """Return what is kept of a fingerprint, or raise `UsageError`."""
    seconds = cleaned("duration", duration)
    return demand_name(identity, "identity"), demand_bytes(fingerprint, "a fingerprint"), seconds or 0.0


def demand_limit(limit: int, what: str = "limit") -> int:
    """Return a number of rows that every home can take, or raise `UsageError`."""
    number = whole_number(limit, what)
    if number is None or number < 0:
        raise UsageError(f"{what} must be a whole number from 0 on, not {limit!r:.40}")
    return min(number, MAX_ID)


def known_id(number: int) -> int:
    """Return an id to look up; one that no home could give is -1, which no row has."""
    found = plain_id(number)
    return found if 0 <= found <= MAX_ID else -1


def known_after(number: int) -> int:
    """Return the id after which to read on, as every home can compare it with those it gave."""
    return min(max(plain_id(number), -1), MAX_ID)


def plain_id(number: int) -> int:
    """Return a whole number of any kind as int, or raise `UsageError`."""
    try:
        return operator.index(number)
    except TypeError:
        raise UsageError(f"an id is a whole number, not {number!r:.40}") from None


def next_id(last: int, count: int = 1) -> int:
    """Return the id after the last one given out, and make sure that there are `count`."""
    if last > MAX_ID - count:
        raise UsageError(f"no ids are left: {last} was given out, and 2**63 - 1 is the last")
    return last + 1


def row_checksum(row: Sequence[Any]) -> int:
    """CRC-32 of the values, so that a damaged file is noticed where the database's format would not notice."""
    return zlib.crc32(repr(tuple(row)).encode("utf-8", "surrogatepass"))


def existing_row(values: Sequence[Any], checksum: int | None, what: str) -> Row:
    """Return `values` as a row after comparing the checksum (None: written by other hands, not checked)."""
    row = tuple(values)
    if checksum is not None and row_checksum(row) != checksum:
        raise StorageCorruptError(f"{what} is damaged; restore a copy, or rebuild the catalogue by a fresh scan")
    return row


def demand_whole(row: Sequence[Any], what: str) -> None:
    """Raise `StorageCorruptError` unless the last value of `row` is None or the checksum of those before it."""
    if row[-1] is not None and row_checksum(row[:-1]) != row[-1]:
        raise StorageCorruptError(f"{what} is damaged; restore a copy, or rebuild the catalogue by a fresh scan")


def text_checksum(text: str) -> int:
    """CRC-32 of a text."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def demand_search(track_id: int, search: str, checksum: int | None) -> None:
    """Raise `StorageCorruptError` when a track's searchable text is not what it was."""
    if checksum is not None and text_checksum(search) != checksum:
        raise StorageCorruptError(
            f"the searchable text of track {track_id} is damaged; call rebuild_search(), which makes it anew"
        )


def plain(value: Any) -> Any:
    """Return a value as the database will give it back, since its checksum is made before."""
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if hasattr(value, "__index__"):
        return operator.index(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def dump_json(value: Any) -> str:
    """Return compact JSON text in ASCII (lone surrogates and NUL round trip as escapes); never NaN.

    Raises
    ------
    UsageError
        The value has parts that are not plain JSON types.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"only plain, finite JSON types can be stored: {error}") from None


def load_json(text: str, checksum: int | None, what: str) -> Any:
    """Inverse of `dump_json`, with the text's checksum compared."""
    if checksum is None or zlib.crc32(text.encode()) == checksum:
        try:
            return json.loads(text)
        except ValueError:
            pass
    raise StorageCorruptError(f"{what} is damaged; delete it and analyse again")


def chunked(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lists of at most `size` items."""
    chunk: list[Any] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


_TONICS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def key_number(name: str | None) -> int | None:
    """Return ``'F# minor'`` as 0-11 (major, from C) or 12-23 (minor); None when it is no key."""
    parts = name.split() if name else []
    if len(parts) != 2 or parts[0][:1] not in _TONICS or parts[1] not in {"major", "minor"}:
        return None
    tonic = (
        _TONICS[parts[0][0]] + parts[0].count("#") + parts[0].count("♯") - parts[0][1:].count("b") - parts[0].count("♭")
    )
    return tonic % 12 + (12 if parts[1] == "minor" else 0)


def summary_of(analysis: Mapping[str, Any]) -> tuple[float | None, int | None, float | None, float | None]:
    """Return ``(bpm, key, valence, arousal)`` of an analysis in plain form, None for what it lacks."""

    def part(outer: str, inner: str) -> Any:
        found = analysis.get(outer)
        return found.get(inner) if isinstance(found, dict) else None

    def number(value: Any) -> float | None:
        return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None

    name = part("key", "name")
    if name is None and part("key", "tonic") is not None:
        name = f"{part('key', 'tonic')} {part('key', 'mode')}"
    key = key_number(name) if isinstance(name, str) else None
    return number(part("tempo", "bpm")), key, number(part("mood", "valence")), number(part("mood", "arousal"))


def analysis_key(identity: str, version: str, parameters_key: str) -> tuple[str, str, str]:
    """Return what an analysis is stored under, or raise `UsageError`."""
    names = {"identity": identity, "version": version, "parameters_key": parameters_key}
    for name, value in names.items():
        demand_name(value, name)
    return identity, version, parameters_key


def plain_analysis(analysis: Any) -> dict[str, Any]:
    """Return an analysis, object or mapping, in plain form."""
    plain = analysis.to_dict() if hasattr(analysis, "to_dict") else analysis
    if not isinstance(plain, dict):
        raise UsageError(f"an analysis must be a dict or have to_dict(), not {type(analysis).__name__}")
    return plain
