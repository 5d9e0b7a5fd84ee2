"""File rows as stored: read with their checksum compared, changed with it kept right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tracktion.errors import StorageCorruptError
from tracktion.results.catalogue import FILE_STATES, FileRecord
from tracktion.storage.file_rows import EARLIEST, FILE_FIELDS, signed, unsigned
from tracktion.storage.rows import plain, row_checksum
from tracktion.storage.schema import files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

__all__ = ["STORED_FILE", "change_files", "file_checksum", "record_of", "stored_values"]

STORED_FILE = sa.select(*(files.c[name] for name in (*FILE_FIELDS, "checksum")))
"""What `record_of` takes."""

_STATE, _ID = (FILE_FIELDS.index(name) for name in ("state", "id"))
_LEAST = {"device": 0, "inode": 0, "mtime_ns": EARLIEST, "ctime_ns": EARLIEST}
"""Numbers that may be beyond the range of databases, each with its least value."""

_FOLDED = [(FILE_FIELDS.index(name), least) for name, least in _LEAST.items()]


def stored_values(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as the database gives them back."""
    return {name: signed(plain(value)) if name in _LEAST else plain(value) for name, value in changes.items()}


def file_checksum(values: Mapping[str, Any]) -> int:
    """Return the checksum of a row of stored values."""
    return row_checksum([values[name] for name in FILE_FIELDS])


def record_of(stored: Sequence[Any]) -> FileRecord:
    """Return the object for a row of `STORED_FILE`, or raise `StorageCorruptError`."""
    *row, checksum = stored
    if row[_STATE] not in FILE_STATES or (checksum is not None and row_checksum(row) != checksum):
        raise StorageCorruptError(f"the row of file {row[_ID]} is damaged; delete it, and the next scan makes it anew")
    for place, least in _FOLDED:
        row[place] = unsigned(row[place], least)
    return FileRecord(*row)


def change_files(
    connection: Connection, condition: sa.ColumnElement[bool], changes: Mapping[str, Any], *, checksums: bool
) -> int:
    """Set stored values in the rows that fulfil `condition`; return how many there were."""
    if not checksums:
        return int(connection.execute(sa.update(files).where(condition).values(**changes)).rowcount)
    rows = []
    for found in connection.execute(STORED_FILE.where(condition)).all():
        record_of(found)
        values = dict(zip(FILE_FIELDS, found, strict=False)) | dict(changes)
        rows.append({"row_id": values["id"], "row_checksum": file_checksum(values)})
    if rows:
        change = sa.update(files).where(files.c.id == sa.bindparam("row_id"))
        connection.execute(change.values(**changes, checksum=sa.bindparam("row_checksum")), rows)
    return len(rows)
