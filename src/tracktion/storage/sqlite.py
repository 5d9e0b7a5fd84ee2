"""The embedded home: one file, many threads and processes."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import time
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from tracktion.errors import (
    StorageCorruptError,
    StorageError,
    StorageUnavailableError,
    UsageError,
    printable,
)
from tracktion.storage.faults import DAMAGED, SEARCH_DAMAGED
from tracktion.storage.places import network_filesystem
from tracktion.storage.rows import Row
from tracktion.storage.schema import tracks
from tracktion.storage.sql_analyses import SqlAnalyses
from tracktion.storage.sql_base import parsed_url
from tracktion.storage.sql_files import SqlFiles
from tracktion.storage.sql_playlists import SqlPlaylists
from tracktion.storage.sql_tracks import CANDIDATE_FIELDS, SqlTracks
from tracktion.storage.sqlite_seal import Seal
from tracktion.storage.sqlite_writers import Ticket, WriterQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

__all__ = ["SqliteStorage"]

T = TypeVar("T")

logger = logging.getLogger("tracktion")

MEGABYTE = 2**20

LOG_PAGES = 16_000
"""Pages in the write-ahead log (64 MB) before they go into the file; with SQLite's 1000 a bulk load takes a third
longer, since the same pages of the indexes go into the file again and again."""

_CANDIDATES = (
    f"SELECT {', '.join(CANDIDATE_FIELDS)} "  # noqa: S608 - our names
    "FROM tracks WHERE id IN (SELECT value FROM json_each(?))"
)
_VALUE = "SELECT name, value, checksum FROM named_values WHERE name = ?"
_INDEX = (
    "INSERT INTO tracks_search (rowid, norm_search) "
    "SELECT id, norm_search FROM tracks WHERE id IN (SELECT value FROM json_each(?))"
)
_UNINDEX = (
    "INSERT INTO tracks_search (tracks_search, rowid, norm_search) "
    "SELECT 'delete', id, norm_search FROM tracks WHERE id IN (SELECT value FROM json_each(?))"
)


class SqliteStorage(SqlPlaylists, SqlTracks, SqlFiles, SqlAnalyses):
    """`Storage` in an SQLite file.

    Write-ahead log with ``synchronous=FULL``: what was acknowledged survives a kill of the process, a crash of the
    system and a power cut. With ``durability="normal"`` it survives the first, and the last commits may be lost by
    the others; the file stays whole either way. Memory-mapped reading is never used, since a file that is truncated
    by others would then kill the process.

    Rows carry checksums, so that a damaged row is an error and not a wrong answer.

    Parameters
    ----------
    url
        ``sqlite:///relative.db`` or ``sqlite:////absolute.db``.
    migrate
        True brings an older file up to date; None makes a new one and refuses an older one; False also refuses to
        make one.
    timeout
        Seconds to wait for others who write, before `StorageBusyError`.
    durability
        ``full`` or ``normal``.
    cache_mb
        Page cache of each connection, MiB.
    readers
        Connections kept open; more are opened when more threads read at the same time.
    check
        How the file is checked when it is opened. ``full``: nothing in it may have changed since it was closed, as
        its seal says (0.4 s for a million tracks and files); without a fitting seal, after a kill, all of its
        structure, indexes and search index are checked (23 s). ``quick``: its structure (1.7 s); a row that an index
        has lost may be missed. ``none``: nothing; to open a damaged file, for ``rebuild_search()`` or to save what is
        left.

    Raises
    ------
    StorageError
        ``Unavailable``, ``Version``, ``Corrupt``, ``Busy`` or ``Full``.
    """

    def __init__(
        self,
        url: str | sa.URL,
        *,
        migrate: bool | None = None,
        timeout: float = 30.0,
        durability: str = "full",
        cache_mb: float = 16.0,
        readers: int = 8,
        check: str = "full",
    ) -> None:
        if durability not in {"full", "normal"}:
            raise UsageError(f"durability must be 'full' or 'normal', not {durability!r}")
        if check not in {"full", "quick", "none"}:
            raise UsageError(f"check must be 'full', 'quick' or 'none', not {check!r}")
        self._path = _file_of(url)
        self._timeout = timeout
        self._pragmas = (
            f"PRAGMA busy_timeout = {int(timeout * 1000)}",
            f"PRAGMA synchronous = {durability.upper()}",
            f"PRAGMA cache_size = -{int(cache_mb * 1024)}",
            "PRAGMA temp_store = MEMORY",
            "PRAGMA mmap_size = 0",
            "PRAGMA cell_size_check = ON",
            f"PRAGMA wal_autocheckpoint = {LOG_PAGES}",
            f"PRAGMA journal_size_limit = {64 * MEGABYTE}",
        )
        self._queue = WriterQueue()
        self._used_at_fork = self._inherited = False
        self._file: tuple[int, int] | None = None
        self._seal = Seal(self._path)
        engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(self._path)),
            poolclass=QueuePool,
            pool_size=readers,
            max_overflow=-1,
            connect_args={"isolation_level": None, "check_same_thread": False, "timeout": timeout},
        )
        event.listen(engine, "connect", self._prepare)
        event.listen(engine, "begin", _begin)
        super().__init__(engine, place=str(self._path))
        self._upsert_sql = str(self._upserting(tracks).compile(dialect=engine.dialect))
        try:
            self._look_at_file(check, migrate=migrate)
            self._open(migrate=migrate)
            self._remember_file()
        except BaseException:
            self.close()
            raise

    def _prepare(self, connection: sqlite3.Connection, _record: Any) -> None:
        for pragma in self._pragmas:
            connection.execute(pragma)
        self._ensure_wal(connection)

    def _ensure_wal(self, connection: sqlite3.Connection) -> None:
        """Switch to the write-ahead log; SQLite does not wait for other openers by itself here."""
        deadline = time.monotonic() + self._timeout
        while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
                if not busy or time.monotonic() > deadline:
                    raise
            time.sleep(0.005)

    def _look_at_file(self, check: str, *, migrate: bool | None) -> None:
        if self._path.is_dir():
            raise UsageError("the catalogue is a file, and this is a folder", file=str(self._path))
        kind = network_filesystem(self._path)
        if kind is not None:
            logger.warning(
                "%s lies on a network file system (%s), where SQLite's locks cannot be relied on: keep it on a local "
                "disk, or use PostgreSQL",
                printable(str(self._path)),
                kind,
            )
        new = not self._path.exists()
        if new and migrate is False:
            raise self._none_yet()
        if not new and self._path.stat().st_size == 0:
            logger.warning("%s exists and is empty: a new catalogue is made in it", printable(str(self._path)))
            new = True
        if check != "none":
            self._check_at_open(check, new=new)

    def _check_at_open(self, check: str, *, new: bool) -> None:
        if new:
            self._seal.trust()
        elif check == "quick":
            self._demand_none(self.read(_structure))
        else:
            self._seal.open(self._check_all, self._timeout)

    def _check_all(self) -> None:
        """Raise unless every row can be read and found; rows carry checksums, so they need not be read here."""
        logger.info("%s: checking all of it, since it was not closed in order", printable(str(self._path)))
        self._demand_none(self.read(_integrity))
        if self.read(_has_search) and os.access(self._path, os.W_OK):
            self._check_search()

    def _demand_none(self, problems: list[str]) -> None:
        if problems:
            raise StorageCorruptError(f"{DAMAGED} ({problems[0]})", file=str(self._path))

    def _check_search(self) -> list[str]:
        try:
            return self.write(_search_integrity)
        except StorageCorruptError as error:
            raise StorageCorruptError(f"{SEARCH_DAMAGED} ({error.reason})", file=str(self._path)) from error

    def close(self) -> None:
        """See `Storage.close`."""
        if self._closed:
            return
        super().close()
        try:
            self._check_file()
        except StorageUnavailableError:
            self._seal.leave()
        else:
            self._seal.close()

    def _remember_file(self) -> None:
        status = self._path.stat()
        self._file = status.st_dev, status.st_ino

    def _check_file(self) -> None:
        """Notice a file that was deleted or replaced, where SQLite would go on with the one that nobody can find."""
        try:
            status = self._path.stat()
            same = self._file in (None, (status.st_dev, status.st_ino))
        except OSError:
            same = self._file is None
        if not same:
            raise StorageUnavailableError(
                "the catalogue's file was deleted or replaced while it was open; put it back or restore a copy, then "
                "open it again (a fresh scan rebuilds it)",
                file=str(self._path),
            )

    def _demand_usable(self) -> None:
        if self._inherited:
            raise StorageUnavailableError(
                "this process was forked while another thread used the catalogue, which SQLite does not survive: fork "
                "when it is idle, or start the process by spawn and open the catalogue there",
                file=str(self._path),
            )
        self._check_file()

    @contextmanager
    def _begin(self, *, write: bool, single: bool = False) -> Iterator[Connection]:
        self._demand_usable()
        with super()._begin(write=write, single=single) as connection:
            yield connection
        if write:
            self._check_file()

    def _look(self, statement: str, *values: Any) -> list[Any]:
        """Answer a single question past SQLAlchemy, which would take three times as long: for the hottest path."""
        self._demand_usable()
        self._demand_open()
        pool = self._engine.pool
        with self._translated():
            connection = self._engine.raw_connection()
        try:
            with self._translated():
                cursor: Any = connection.cursor()
                return list(cursor.execute(statement, values))
        finally:
            self._give_back(connection, pool)

    def _before_fork(self) -> None:
        """Close connections: what SQLite knows of its locks must not be inherited by a child."""
        self._used_at_fork = self._connections() > self._idle()
        self._engine.dispose()

    def _after_fork(self) -> None:
        self._inherited = self._used_at_fork or self._connections() > 0
        self._seal.disown()
        super()._after_fork()
        self._queue = WriterQueue()

    def _idle(self) -> int:
        pool: Any = self._engine.pool
        return int(pool.checkedin())

    def _connections(self) -> int:
        pool: Any = self._engine.pool
        return self._idle() + int(pool.checkedout())

    def _value_row(self, name: str) -> Any:
        if self._unit() is not None:
            return super()._value_row(name)
        return next(iter(self._look(_VALUE, name)), None)

    # --- writing ----------------------------------------------------------------------------------------------------

    def write(self, work: Callable[[Connection], T]) -> T:
        """As `SqlBase.write`; threads that wait for each other share one transaction, and so one flush of the disk."""
        if self._unit() is not None:
            return super().write(work)
        with self._queue.turn(self._timeout, work) as ticket:
            if ticket.done:
                found: T = ticket.outcome()
                return found
            self._local.has_turn = True
            try:
                return self._write_for_all(work)
            finally:
                self._local.has_turn = False

    def _write_for_all(self, work: Callable[[Connection], T]) -> T:
        others: list[Ticket] = []

        def together(connection: Connection) -> T:
            result = work(connection)
            for ticket in self._queue.others():
                others.append(ticket)
                ticket.attempt(super(SqliteStorage, self).write)
            return result

        try:
            result = self._run(together, write=True)
        except BaseException as error:
            self._queue.put_back(others)
            if not others or not isinstance(error, StorageError):
                raise
        else:
            self._queue.finish(others)
            return result
        return self._run(work, write=True)

    def _turn(self) -> Any:
        return nullcontext() if getattr(self._local, "has_turn", False) else self._queue.turn(self._timeout)

    # --- tracks ---------------------------------------------------------------------------------------------------

    def _candidate_rows(self, track_ids: list[int]) -> Sequence[Sequence[Any]]:
        if self._unit() is not None:
            return super()._candidate_rows(track_ids)
        return self._look(_CANDIDATES, json.dumps(track_ids))

    def _store_tracks(self, connection: Connection, new: list[Row], changed: list[Row]) -> None:
        if changed:
            connection.exec_driver_sql(_UNINDEX, (json.dumps([row[0] for row in changed]),))
        for rows in (new, changed):
            if rows:
                connection.exec_driver_sql(self._upsert_sql, rows)
        connection.exec_driver_sql(_INDEX, (json.dumps([row[0] for row in (*new, *changed)]),))

    def _unindex_track(self, connection: Connection, track_id: int) -> None:
        connection.exec_driver_sql(_UNINDEX, (json.dumps([track_id]),))

    # --- care -----------------------------------------------------------------------------------------------------

    def check(self) -> list[str]:
        """See `Storage.check`."""
        steps: tuple[Callable[[], list[str]], ...] = (
            lambda: self.read(_integrity),
            self._check_search,
            self._check_values,
            self._check_playlists,
            self._check_tracks,
            self._check_files,
            self._check_analyses,
        )
        problems: list[str] = []
        for step in steps:
            try:
                problems += step()
            except StorageError as error:
                problems.append(str(error))
        return problems

    def _check_tracks(self) -> list[str]:
        read = sum(1 for _ in self.iter_tracks())
        stored = self.count_tracks()
        return [] if read == stored else [f"{stored} tracks are stored, {read} could be read"]

    def _check_analyses(self) -> list[str]:
        for summary in self.find_analyses():
            self.get_analysis(summary.identity, summary.version, summary.parameters_key)
        return []

    def _check_playlists(self) -> list[str]:
        for playlist in self.list_playlists():
            self.playlist_entries(playlist.id)
        return []

    def _check_files(self) -> list[str]:
        for rows in (self.find_files(), self.iter_fingerprints(), iter(self.pending_outbox(limit=2**62))):
            for _ in rows:
                pass
        return []

    def rebuild_search(self) -> None:
        """Make the searchable forms and their index anew from the tracks; after a check has found them damaged."""
        statement = "INSERT INTO tracks_search (tracks_search) VALUES ('rebuild')"
        self.write(lambda connection: connection.exec_driver_sql(statement))
        self.renormalise()

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file now; SQLite does it by itself every 64 MB."""
        if self._unit() is not None:
            raise UsageError("the write-ahead log cannot be moved inside of a unit of work; do it afterwards")
        with self._turn(), self._translated(), self._engine.connect() as connection:
            raw = connection.connection.driver_connection
            if raw is not None:
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _details(self) -> dict[str, Any]:
        details: dict[str, Any] = {"file": str(self._path)}
        for name, path in (("file_bytes", self._path), ("log_bytes", Path(f"{self._path}-wal"))):
            with suppress(OSError):
                details[name] = path.stat().st_size
        return details


def _file_of(url: str | sa.URL) -> Path:
    """Return the file that a URL names, or raise `UsageError`."""
    made = parsed_url(url)
    if made.host:
        raise UsageError(f"{str(url)!r} names a host; three slashes come before a path, four before an absolute one")
    if made.query:
        raise UsageError(
            f"{str(url)!r} has options, which are arguments here: open_storage(url, timeout=5); a path with a question "
            "mark is given as it is, without sqlite:///"
        )
    if not made.database:
        raise UsageError(f"{str(url)!r} names no file; for a catalogue in memory use 'memory:'")
    return Path(made.database).expanduser().absolute()


def _begin(connection: Connection) -> None:
    kind = connection.get_execution_options().get("tracktion_begin", "read")
    if kind:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if kind == "write" else "BEGIN")


def _integrity(connection: Connection, pragma: str = "integrity_check") -> list[str]:
    found = [str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA {pragma}(10)")]
    return [] if found == ["ok"] else found


def _structure(connection: Connection) -> list[str]:
    return _integrity(connection, "quick_check")


def _has_search(connection: Connection) -> bool:
    query = "SELECT 1 FROM sqlite_schema WHERE name = 'tracks_search'"
    return connection.exec_driver_sql(query).first() is not None


def _search_integrity(connection: Connection) -> list[str]:
    connection.exec_driver_sql("INSERT INTO tracks_search (tracks_search, rank) VALUES ('integrity-check', 1)")
    return []
