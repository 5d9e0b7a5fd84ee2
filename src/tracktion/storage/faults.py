"""From a database driver's errors to ours: whose fault, and what to do."""

from __future__ import annotations

import sqlite3

from sqlalchemy import exc

from tracktion.errors import (
    StorageBusyError,
    StorageCorruptError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
    UsageError,
)

__all__ = ["lost_connection", "retryable", "translate"]

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_MISMATCH}
_UNWRITABLE = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
}

_SIGNS = ("no such table", "no such column", "has no column", "malformed", "decode to UTF-8")
"""What SQLite says without a code of its own when the schema or a text is damaged."""

_IN_THE_WAY = {"40001", "40P01", "23505"}
"""PostgreSQL's states of a transaction that would do at another try: serialisation, deadlock, and a unique value that
somebody committed after we looked for it."""

_DATA = {"22", "54"}
"""Classes of PostgreSQL's states: data exceptions, limits of the program (an index entry of 2704 bytes)."""

UNSTORABLE = "the database cannot hold a value that it was given"
FULL = "no space left for the catalogue; free some and go on: everything that was committed is kept"
DAMAGED = (
    "the catalogue's file is damaged; restore a copy, or move it away and let a fresh scan rebuild it (`check` of the "
    "storage lists what is wrong)"
)
SEARCH_DAMAGED = (
    "the search index of the catalogue is damaged; open it with check='none', call rebuild_search(), and then check()"
)
BUSY = "others kept the catalogue locked for longer than the time limit; try again, or give a larger timeout"


def translate(error: Exception, place: str) -> StorageError | UsageError:
    """Return our error for what SQLAlchemy, sqlite3 or psycopg raised.

    A `UsageError` is for values that the database cannot hold, which it will not do at another try either.
    """
    original = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    if isinstance(original, sqlite3.Error):
        return _sqlite(original, place)
    if isinstance(original, exc.TimeoutError):
        return StorageBusyError("all connections of the pool are in use; close what you opened, or give a larger pool")
    state = getattr(original, "sqlstate", None)
    if state is not None or type(original).__module__.startswith("psycopg"):
        return _postgresql(original, state, place)
    if isinstance(original, UnicodeDecodeError):
        return StorageCorruptError(DAMAGED, file=place)
    return StorageUnavailableError(f"{type(original).__name__}: {original}", file=place)


def _sqlite(error: sqlite3.Error, place: str) -> StorageError | UsageError:
    code = getattr(error, "sqlite_errorcode", None) or 0
    primary = code & 0xFF
    detail = f" ({error})"
    if primary == sqlite3.SQLITE_TOOBIG:
        return UsageError(UNSTORABLE + detail, file=place)
    if primary in _BUSY:
        return StorageBusyError(BUSY + detail, file=place)
    if primary == sqlite3.SQLITE_FULL or code in _UNWRITABLE:
        return StorageFullError(FULL + detail, file=place)
    if primary in _DAMAGED or code in {sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}:
        return StorageCorruptError(DAMAGED + detail, file=place)
    if any(sign in str(error) for sign in _SIGNS):
        return StorageCorruptError(DAMAGED + detail, file=place)
    if primary == sqlite3.SQLITE_READONLY:
        return StorageUnavailableError("the catalogue's file or folder may not be written to" + detail, file=place)
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StorageUnavailableError(
            "the catalogue's file cannot be opened; does its folder exist?" + detail, file=place
        )
    return StorageUnavailableError(
        f"SQLite could not do it; try again, and call check() when it happens again ({error})", file=place
    )


def _postgresql(error: Exception, state: str | None, place: str) -> StorageError | UsageError:
    detail = f" ({' '.join(str(error).split())[:300]})"
    if (state is None and type(error).__name__ == "DataError") or (state is not None and state[:2] in _DATA):
        return UsageError(UNSTORABLE + detail, file=place)
    if state in _IN_THE_WAY or state in {"55P03", "57014"}:
        return StorageBusyError(BUSY + detail, file=place)
    if state is not None and state.startswith("53") and state != "53300":
        return StorageFullError("the server is out of disk or memory; what was committed is kept" + detail, file=place)
    if state in {"XX001", "XX002"}:
        return StorageCorruptError("the server found damaged data; restore a backup" + detail, file=place)
    if state in {"42P01", "42703"}:
        return StorageCorruptError("a table is missing or altered; restore a backup" + detail, file=place)
    return StorageUnavailableError("the PostgreSQL server did not answer as it should" + detail, file=place)


def retryable(error: Exception) -> bool:
    """Whether PostgreSQL has rolled the transaction back for the sake of others."""
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    return getattr(original, "sqlstate", None) in _IN_THE_WAY


def lost_connection(error: Exception) -> bool:
    """Whether the server went away, so that the fate of a commit in flight is unknown."""
    if isinstance(error, exc.DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return (
            bool(error.connection_invalidated)
            or state in {"57P01", "57P02", "57P03", "53300"}
            or (isinstance(error, exc.OperationalError) and state is None and not isinstance(error.orig, sqlite3.Error))
        )
    return False
