"""Many file rows at once, by path or inode: one statement on SQL homes, a loop on others."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from tracktion.storage.file_rows import signed
from tracktion.storage.file_sums import STORED_FILE, record_of
from tracktion.storage.rows import chunked
from tracktion.storage.schema import files
from tracktion.storage.sql_base import SqlBase

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection

    from tracktion.results.catalogue import FileRecord
    from tracktion.storage.protocol import Storage

__all__ = ["Lookup", "SqlLookup", "lookup_for"]

CHUNK = 500


class Lookup:
    """For homes that only speak the protocol: rows by path one by one, rows by inode from an index of its own."""

    shared = False
    """Whether several watchers may work on this home at the same time."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._places: dict[tuple[int, int], tuple[bytes, bytes]] = {}

    def lock(self) -> None:
        """Keep others from deciding about new files until the transaction ends."""

    def by_path(self, root: bytes, paths: Sequence[bytes]) -> dict[bytes, FileRecord]:
        """Return the rows of these paths."""
        found = ((path, self._storage.get_file(path, root=root)) for path in paths)
        return {path: record for path, record in found if record is not None}

    def by_inode(self, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[FileRecord]]:
        """Return the rows of these ``(device, inode)``."""
        result: dict[tuple[int, int], list[FileRecord]] = {}
        for pair in pairs:
            place = self._places.get(pair)
            record = self._storage.get_file(place[1], root=place[0]) if place else None
            if record is not None:
                result[pair] = [record]
        return result

    def note(self, records: Iterable[FileRecord]) -> None:
        """Learn of rows that were written or loaded."""
        for record in records:
            self._places[record.device, record.inode] = (record.root, record.path)


class SqlLookup(Lookup):
    """For SQLite and PostgreSQL."""

    def __init__(self, storage: Storage, sql: SqlBase) -> None:
        super().__init__(storage)
        self._sql = sql
        self.shared = sql.home == "postgresql"

    def lock(self) -> None:
        """See `Lookup`."""
        if self.shared:
            key = zlib.crc32(b"tracktion.journal.ready")
            self._sql.read(lambda connection: connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key))).all())

    def by_path(self, root: bytes, paths: Sequence[bytes]) -> dict[bytes, FileRecord]:
        """See `Lookup`."""

        def work(connection: Connection) -> list[Any]:
            rows: list[Any] = []
            for part in chunked(paths, CHUNK):
                rows += connection.execute(STORED_FILE.where(files.c.path.in_(list(part)), files.c.root == root)).all()
            return rows

        return {record.path: record for record in map(record_of, self._sql.read(work))}

    def by_inode(self, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[FileRecord]]:
        """See `Lookup`."""
        wanted = set(pairs)

        def work(connection: Connection) -> list[Any]:
            rows: list[Any] = []
            for part in chunked(sorted(signed(inode) for _, inode in wanted), CHUNK):
                rows += connection.execute(STORED_FILE.where(files.c.inode.in_(list(part)))).all()
            return rows

        result: dict[tuple[int, int], list[FileRecord]] = {}
        for record in map(record_of, self._sql.read(work)):
            pair = (record.device, record.inode)
            if pair in wanted:
                result.setdefault(pair, []).append(record)
        return result

    def note(self, records: Iterable[FileRecord]) -> None:
        """The index of the database knows."""


def lookup_for(storage: Storage) -> Lookup:
    """Return the quickest lookup that this home allows."""
    return SqlLookup(storage, storage) if isinstance(storage, SqlBase) else Lookup(storage)
