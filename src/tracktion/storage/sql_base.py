"""The ground of both SQL homes: one engine, units of work by thread, errors translated, retries where they are safe."""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import time
import weakref
from collections import deque
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from tracktion.errors import StorageError, StorageUnavailableError, StorageVersionError, UsageError
from tracktion.results.catalogue import StorageHealth
from tracktion.storage.faults import translate
from tracktion.storage.schema import HEAD, REVISIONS, VERSION_TABLE, metadata
from tracktion.storage.tasks import demand_task, running_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine

__all__ = ["SqlBase", "parsed_url"]

T = TypeVar("T")

CHANGES = 256
"""Units of work whose tracks are remembered for those who keep something in step."""

_open_storages: weakref.WeakSet[SqlBase] = weakref.WeakSet()
_abandoned: list[object] = []


def parsed_url(url: str | sa.URL) -> sa.URL:
    """Return the parts of a URL, or raise `UsageError`, which does not tell it: it may hold a password."""
    try:
        return sa.make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise UsageError(f"the URL of the catalogue cannot be read: {error}") from None


def _each(hook: str) -> None:
    for storage in list(_open_storages):
        getattr(storage, hook)()


def _close_all() -> None:
    """Close what a program left open, so that the file is left in order."""
    for storage in list(_open_storages):
        with suppress(StorageError):
            storage.close()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lambda: _each("_before_fork"), after_in_child=lambda: _each("_after_fork"))


class SqlBase:
    """Connections, transactions and versions; what differs between the homes is in the hooks at the end."""

    def __init__(self, engine: Engine, *, place: str, retry_seconds: float = 0.0) -> None:
        self._engine = engine
        self._place = place
        self._retry_seconds = retry_seconds
        driver: Any = engine.dialect.loaded_dbapi
        self._faults: tuple[type[Exception], ...] = (exc.SQLAlchemyError, sqlite3.Error, driver.Error)
        self._foreign: tuple[type[Exception], ...] = (*self._faults, UnicodeDecodeError)
        self._local = threading.local()
        self._revision = 0
        self._changes: deque[tuple[int, list[int]]] = deque(maxlen=CHANGES)
        self._changes_lock = threading.Lock()
        self._closed = False
        _open_storages.add(self)

    def _before_fork(self) -> None:
        """Make ready for a fork of this process."""

    def _after_fork(self) -> None:
        """In a child process: leave the parent's connections alone, and open others when they are needed.

        They are kept from being collected, since closing one here would end or release what the parent still uses.
        """
        _abandoned.append(self._engine.pool)
        self._engine.dispose(close=False)
        self._local = threading.local()
        self._changes_lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it lives, without password."""
        url = self._engine.url
        told = url.render_as_string(hide_password=True)
        # SQLAlchemy before 2.1 writes a path so that its question mark begins options: then the path alone says it.
        return told if sa.make_url(told).database == url.database else str(url.database)

    @property
    def home(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine; for modules of the storage."""
        return self._engine

    @property
    def revision(self) -> int:
        """See `Storage.revision`."""
        return self._revision

    # --- units of work --------------------------------------------------------------------------------------------

    def _unit(self) -> Connection | None:
        """Return the connection of this thread's unit of work, None outside of one."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            demand_task(self._local.task)
        return connection

    @contextmanager
    def transaction(self) -> Iterator[Self]:
        """See `Storage.transaction`."""
        connection = self._unit()
        if connection is None:
            with self._begin(write=True):
                yield self
            return
        with self._savepoint(connection):
            yield self

    def run(self, work: Callable[[Self], T], /) -> T:
        """See `Storage.run`."""
        if self._unit() is not None:
            with self.transaction():
                return work(self)
        return self._run(lambda _: work(self), write=True)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return ``work(connection)``, run in a transaction that only reads; for modules of the storage."""
        connection = self._unit()
        if connection is not None:
            self._demand_unit()
            with self._translated():
                return work(connection)
        return self._run(work, write=False)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Return ``work(connection)``, run in a transaction that may write; for modules of the storage.

        Where the server can go away, it may run again after a roll-back, so it must have no other effects.
        """
        connection = self._unit()
        if connection is not None:
            with self._savepoint(connection), self._translated():
                return work(connection)
        return self._run(work, write=True)

    @contextmanager
    def _savepoint(self, connection: Connection) -> Iterator[None]:
        self._demand_unit()
        with self._translated():
            savepoint = connection.begin_nested()
        try:
            yield
            self._demand_unit()
        except BaseException as error:
            self._take_back(savepoint, error)
            raise
        try:
            with self._translated():
                savepoint.commit()
        except StorageError as error:
            self._local.lost = error
            savepoint.close()  # until then SQLAlchemy takes it for the current one, and those around it cannot end
            raise

    def _take_back(self, part: sa.Transaction, cause: BaseException) -> None:
        """Roll back; when that fails, the whole unit is gone (SQLite drops it when the disk is full).

        The cause is what the caller must hear of, so this raises nothing.
        """
        if part.connection.invalidated:
            self._local.lost = cause
            return
        try:
            part.rollback()
        except self._faults:
            self._local.lost = cause

    def _demand_unit(self) -> None:
        """Refuse to go on in a unit of work that was lost: what comes next would be committed without the rest."""
        lost = getattr(self._local, "lost", None)
        if isinstance(lost, StorageError):
            raise type(lost)(lost.reason, file=lost.file) from lost.__cause__
        if lost is not None:
            raise StorageUnavailableError("the unit of work was rolled back", file=self._place) from lost

    def note_change(self, track_ids: Iterable[int]) -> None:
        """Let `revision` grow when the current unit of work is committed; these tracks are others than before."""
        if self._local.changed is None:
            self._local.changed = []
        self._local.changed.extend(track_ids)

    def changes_since(self, revision: int) -> tuple[int, set[int] | None]:
        """Return the revision now, and the tracks that changed through this object since an earlier one.

        They are None when more happened than is remembered; that others changed nothing is not said.
        """
        with self._changes_lock:
            kept = [track_ids for number, track_ids in self._changes if number > revision]
            return self._revision, set().union(*kept) if len(kept) == self._revision - revision else None

    def _run(self, work: Callable[[Connection], T], *, write: bool, single: bool = False) -> T:
        deadline = time.monotonic() + self._retry_seconds
        pause = 0.02
        while True:
            try:
                with self._begin(write=write, single=single) as connection, self._translated():
                    return work(connection)
            except StorageError as error:
                if not self._may_retry(error) or time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 0.5)

    @contextmanager
    def _begin(self, *, write: bool, single: bool = False) -> Iterator[Connection]:
        self._demand_open()
        with self._turn() if write else nullcontext():
            pool = self._engine.pool
            with self._translated():
                connection = self._engine.connect()
            try:
                with self._translated():
                    connection.execution_options(**self._options(write=write, single=single))
                    transaction = connection.begin()
                    mark = self._mark(connection) if write else None
                self._local.connection, self._local.task = connection, running_task()
                self._local.changed = None
                self._local.lost = None
                try:
                    yield connection
                    self._demand_unit()
                    if self._local.changed is not None:
                        with self._translated():
                            self._publish_change(connection)
                except BaseException as error:
                    self._take_back(transaction, error)
                    raise
                finally:
                    self._local.connection = self._local.task = None
                with self._translated():
                    self._commit(transaction, mark)
                if self._local.changed is not None:
                    with self._changes_lock:
                        self._revision += 1
                        self._changes.append((self._revision, self._local.changed))
            finally:
                self._give_back(connection, pool)

    def _demand_open(self) -> None:
        if self._closed:
            raise StorageUnavailableError("the storage is closed", file=self._place)

    def _give_back(self, connection: Connection | sa.PoolProxiedConnection, pool: sa.Pool) -> None:
        """Let others have the connection; raises nothing, for what was committed stays so."""
        with suppress(*self._faults):
            connection.close()
        if self._closed:  # meanwhile: nobody else would close what comes back to this pool
            pool.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._foreign as error:
            raise translate(error, self._place) from error

    # --- opening and closing --------------------------------------------------------------------------------------

    def _open(self, *, migrate: bool | None) -> None:
        """Compare the schema's version with ours; create or migrate as asked."""
        version = self.read(self._version)
        if version == HEAD:
            return
        self._refuse(version, migrate=migrate)
        self.write(lambda connection: self._upgrade(connection, migrate=migrate))

    def _upgrade(self, connection: Connection, *, migrate: bool | None) -> None:
        from tracktion.storage.migrations import upgrade

        self._lock_schema(connection)
        version = self._version(connection)
        if version != HEAD:
            self._refuse(version, migrate=migrate)
            upgrade(connection)

    def _version(self, connection: Connection) -> str | None:
        inspector = sa.inspect(connection)
        names = set(inspector.get_table_names())
        if VERSION_TABLE in names:
            table = sa.table(VERSION_TABLE, sa.column("version_num"))
            return str(connection.execute(sa.select(table.c.version_num)).scalar_one_or_none())
        foreign = sorted(names & set(metadata.tables))
        if foreign:
            raise StorageVersionError(
                f"the database has a table {foreign[0]!r} that is not tracktion's; use a database of its own",
                file=self._place,
            )
        return None

    def _refuse(self, version: str | None, *, migrate: bool | None) -> None:
        if version is not None and version not in REVISIONS:
            raise StorageVersionError(
                f"the catalogue has schema {version}, newer than the {HEAD} of this library; update tracktion",
                file=self._place,
            )
        if version is not None and not migrate:
            raise StorageVersionError(
                f"the catalogue has schema {version}, older than {HEAD}; make a copy, then open it with migrate=True",
                file=self._place,
            )
        if version is None and migrate is False:
            raise self._none_yet()

    def _none_yet(self) -> StorageVersionError:
        return StorageVersionError("there is no catalogue yet, and migrate=False forbids making it", file=self._place)

    def close(self) -> None:
        """See `Storage.close`."""
        if not self._closed:
            self._closed = True
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def health(self) -> StorageHealth:
        """See `Storage.health`."""
        begin = time.perf_counter()
        try:
            version = self._version_now()
            problem = None if version == HEAD else f"schema {version}, expected {HEAD}"
        except (StorageError, UsageError) as error:
            version, problem = None, str(error)
        return StorageHealth(
            problem is None, self.home, version or "", time.perf_counter() - begin, problem, self._details()
        )

    def _version_now(self) -> str | None:
        """Ask for it once: who looks after a server that is away does not wait for it."""
        if self._unit() is not None:
            return self.read(self._version)
        with self._begin(write=False) as connection, self._translated():
            return self._version(connection)

    # --- helpers --------------------------------------------------------------------------------------------------

    def _all(self, query: Any, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        return self._ask(lambda connection: connection.execute(query, values).all())

    def _first(self, query: Any, values: Mapping[str, Any] | None = None) -> Any:
        return self._ask(lambda connection: connection.execute(query, values).first())

    def _ask(self, question: Callable[[Connection], T]) -> T:
        """As `read`, for a single statement, which needs no transaction around it."""
        if self._unit() is not None:
            return self.read(question)
        return self._run(question, write=False, single=True)

    def _insert(self, table: sa.Table) -> Any:
        """Return an insert that knows ``ON CONFLICT``; both dialects spell it the same way."""
        if self._engine.dialect.name == "sqlite":
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)

    def _upserting(self, table: sa.Table) -> Any:
        """Return an insert that overwrites the row with the same primary key."""
        insert = self._insert(table)
        keys = [column.name for column in table.primary_key]
        rest = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
        return insert.on_conflict_do_update(index_elements=keys, set_=rest)

    # --- what differs between the homes ---------------------------------------------------------------------------

    def _options(self, *, write: bool, single: bool) -> dict[str, Any]:
        """Return execution options of a connection that begins."""
        return {"tracktion_begin": "" if single else "write" if write else "read"}

    def _turn(self) -> AbstractContextManager[Any]:
        """Wait for this thread's turn to write."""
        return nullcontext()

    def _mark(self, connection: Connection) -> Any:
        """Return what tells later whether the transaction was committed."""

    def _publish_change(self, connection: Connection) -> None:
        """Write, last of all in a unit of work, that tracks are others than before."""

    def _commit(self, transaction: sa.Transaction, _mark: Any) -> None:
        transaction.commit()

    def _may_retry(self, _error: StorageError) -> bool:
        """Whether the failed transaction is known to be rolled back and may succeed when run again."""
        return False

    def _lock_schema(self, connection: Connection) -> None:
        """Keep other openers from migrating at the same time."""

    def _details(self) -> dict[str, Any]:
        return {}
