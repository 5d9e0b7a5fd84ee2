"""CSV for spreadsheets and JSON for programs."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tracktion.errors import CorruptError, UnreadableError
from tracktion.export.model import Collection, ExportTrack, checked_tracks
from tracktion.export.xmltools import number, write_text

__all__ = ["read_csv", "read_json", "write_csv", "write_json"]

SCHEMA = 1
_TEXTS = ("path", "artist", "title", "album", "genre", "key")
_COLUMNS = (*_TEXTS[:5], "year", "track_number", "duration", "sample_rate", "bpm", "key")
_NUMBERS = {"year": int, "track_number": int, "duration": float, "sample_rate": int, "bpm": float}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(tracks: Iterable[ExportTrack], path: str | os.PathLike[str], *, formulas: bool = False) -> Collection:
    """Write a table of tracks (UTF-8, comma, header); Camelot codes stand beside the keys.

    Excel takes it for UTF-8 when it is opened by *Data > From Text/CSV*, not by a double click.

    Parameters
    ----------
    tracks
        What to write.
    path
        File to write, in one move.
    formulas
        False puts ``'`` before text that a spreadsheet would take for a formula: tags come from strangers.
    """
    listed = checked_tracks(tracks)
    lines = [_line((*_COLUMNS, "camelot"))]
    for track in listed:
        key = track.key_object
        row = [getattr(track, name) for name in _COLUMNS]
        lines.append(_line([_cell(value, formulas=formulas) for value in (*row, key.camelot if key else "")]))
    write_text(path, "".join(lines))
    return Collection(tuple(listed))


def _line(cells: Sequence[str]) -> str:
    """A row; csv puts both kinds of line break in quotation marks only where both end its lines."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: Any, *, formulas: bool) -> str:
    text = str(value)
    dangerous = isinstance(value, str) and text.startswith((*_FORMULA, "'")) and not formulas
    return f"'{text}" if dangerous else text


def read_csv(path: str | os.PathLike[str]) -> Collection:
    """Read what `write_csv` wrote, also after a spreadsheet saved it with semicolons or tabs; it has no grids and cues.

    Raises
    ------
    UnreadableError, CorruptError
        When it cannot be read, or has no column ``path``.
    """
    text = _read(path)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        if "path" in (rows.fieldnames or ()):
            return Collection(tuple(_track(row) for row in rows))
    except csv.Error as error:
        raise CorruptError(f"no table: {error}", file=os.fsdecode(path), stage="import") from error
    raise CorruptError("no column 'path'", file=os.fsdecode(path), stage="import")


def _track(row: dict[str, str]) -> ExportTrack:
    values: dict[str, Any] = {name: _text(row.get(name) or "") for name in _TEXTS}
    for name, kind in _NUMBERS.items():
        values[name] = kind(number(row.get(name)))
    return ExportTrack(**values)


def _text(cell: str) -> str:
    """Inverse of `_cell` for text."""
    return cell[1:] if cell.startswith(tuple(f"'{character}" for character in (*_FORMULA, "'"))) else cell


def write_json(tracks: Iterable[ExportTrack], path: str | os.PathLike[str]) -> Collection:
    """Write tracks with grids and cues as one JSON document."""
    listed = checked_tracks(tracks)
    document = {"schema": SCHEMA, "tracks": [track.to_dict() for track in listed]}
    write_text(path, json.dumps(document, ensure_ascii=True, allow_nan=False, indent=1) + "\n")
    return Collection(tuple(listed))


def read_json(path: str | os.PathLike[str]) -> Collection:
    """Inverse of `write_json`.

    Raises
    ------
    UnreadableError, CorruptError
        When it cannot be read, or is something else.
    """
    try:
        document = json.loads(_read(path))
        return Collection(tuple(ExportTrack.from_dict(track) for track in document["tracks"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptError(f"no exported tracks: {error}", file=os.fsdecode(path), stage="import") from error


def _read(path: str | os.PathLike[str]) -> str:
    try:
        return Path(os.fsdecode(path)).read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise UnreadableError(error.strerror or str(error), file=os.fsdecode(path), stage="import") from error
