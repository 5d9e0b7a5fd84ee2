"""Who may work on a storage, and who is dead.

An SQLite file has one owner at a time: a lock on a file beside it, which the system takes back when the process dies in
whatever way. On PostgreSQL any number of owners share the work; each holds an advisory lock as long as it lives, so a
row that is ``running`` for an owner without a lock is free again. No lease runs out by the clock, so no clock can lie.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
import uuid
import zlib
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tracktion.errors import StorageBusyError, StorageError
from tracktion.storage.faults import translate
from tracktion.storage.sql_base import SqlBase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tracktion.storage.protocol import Storage

__all__ = ["Owner", "owner_of"]

logger = logging.getLogger("tracktion")

LOCK_SPACE = 0x7472  # "tr"
LOOK_SECONDS = 0.1
_held: dict[str, int] = {}
_held_lock = threading.Lock()


class Owner:
    """The only owner there can be: memory homes, and third parties' homes."""

    shared = False

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex

    def acquire(self, wait_seconds: float) -> None:
        """Become the owner.

        Raises
        ------
        StorageBusyError
            Another process is, for longer than `wait_seconds`.
        """

    def alive(self, name: str | None) -> bool:
        """Whether the owner of this name lives."""
        return name == self.name

    def check(self) -> None:
        """Make sure that the others see that we live."""

    def release(self) -> None:
        """Stop being the owner."""


class FileOwner(Owner):
    """One owner per SQLite file."""

    def __init__(self, database: Path) -> None:
        super().__init__()
        self._path = database.with_name(database.name + ".watcher")
        self._place: str | None = None

    def acquire(self, wait_seconds: float) -> None:
        if sys.platform == "win32":
            return
        deadline = time.monotonic() + wait_seconds
        while not self._try():
            if time.monotonic() >= deadline:
                reason = (
                    "another watcher works on this SQLite file, and it can have only one;"
                    " watch several roots with one watcher, or use PostgreSQL to share the work"
                )
                raise StorageBusyError(reason, file=str(self._path))
            time.sleep(LOOK_SECONDS)

    def _try(self) -> bool:
        """Lock for this process (a record lock, which forked children do not inherit) and within it."""
        import fcntl

        place = os.path.realpath(self._path)
        with _held_lock:
            if place in _held:
                return False
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                return False
            _held[place] = descriptor
            self._place = place
            return True

    def release(self) -> None:
        with _held_lock:
            descriptor = _held.pop(self._place, None) if self._place else None
            self._place = None
            if descriptor is not None:
                os.close(descriptor)


class SharedOwner(Owner):
    """Many owners on one PostgreSQL database, each with an advisory lock on a connection of its own."""

    shared = True

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__()
        self._engine = engine
        self._connection: sa.Connection | None = None

    def acquire(self, wait_seconds: float) -> None:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                self._connect()
            except StorageError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(LOOK_SECONDS)
            else:
                return

    @contextlib.contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise translate(error, self._engine.url.render_as_string(hide_password=True)) from error

    def _connect(self) -> None:
        with self._translating():
            connection = self._engine.connect()
            try:
                connection.execution_options(isolation_level="AUTOCOMMIT")
                connection.execute(sa.text("SET idle_session_timeout = 0"))
                connection.execute(sa.select(sa.func.pg_advisory_lock_shared(LOCK_SPACE, _number(self.name)))).all()
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
        self._connection = connection

    def alive(self, name: str | None) -> bool:
        if name == self.name:
            return True
        if name is None:
            return False
        query = sa.text(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = :space AND objid = :number"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        with self._translating(), self._engine.connect() as connection:
            found = connection.execute(query, {"space": LOCK_SPACE, "number": _number(name) & 0xFFFFFFFF}).first()
            return found is not None

    def check(self) -> None:
        """After the server was away, take the lock again, under the same name; a `StorageError` while it is away."""
        if self._connection is not None:
            try:
                self._connection.execute(sa.text("SELECT 1")).all()
            except sa.exc.SQLAlchemyError:
                self.release()
            else:
                return
        self._connect()

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                connection.invalidate()
                connection.close()


def _number(name: str) -> int:
    number = zlib.crc32(name.encode())
    return number - 2**32 if number >= 2**31 else number


def owner_of(storage: Storage) -> Owner:
    """Return the kind of owner that this home needs."""
    if isinstance(storage, SqlBase):
        engine: Any = storage._engine  # noqa: SLF001 - a module of the storage
        if storage.home == "postgresql":
            return SharedOwner(engine)
        database = engine.url.database
        if database and database != ":memory:":
            from pathlib import Path

            return FileOwner(Path(database))
    return Owner()
