"""The shared home: PostgreSQL, for several hosts."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql

from tracktion.errors import StorageError, StorageUnavailableError, UsageError
from tracktion.extras import needed
from tracktion.storage.faults import lost_connection, retryable
from tracktion.storage.rows import Row
from tracktion.storage.schema import tracks
from tracktion.storage.sql_analyses import SqlAnalyses
from tracktion.storage.sql_base import parsed_url
from tracktion.storage.sql_files import SqlFiles
from tracktion.storage.sql_playlists import SqlPlaylists
from tracktion.storage.sql_tracks import STORED, SqlTracks

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["PostgresStorage"]

SCHEMA_LOCK = 7_220_041_823_001
"""Key of the advisory lock under which one opener migrates."""

CHECKPOINT = "tracktion.checkpoint"


class Mark(NamedTuple):
    """What tells later whether a transaction was committed: its number, and the last checkpoint before it."""

    number: int
    checkpoint: str | None


class PostgresStorage(SqlPlaylists, SqlTracks, SqlFiles, SqlAnalyses):
    """`Storage` in a PostgreSQL database (15 or later), on the psycopg driver (``pip install tracktion[postgres]``).

    A call that loses its connection is run again for up to `reconnect_seconds`, and never done twice: whether a
    commit in flight took effect is asked of the server (``pg_xact_status``) once it is back. The same holds for
    `run`. A ``with transaction()`` block cannot be run again: it raises, and all of it is rolled back.

    Parameters
    ----------
    url
        ``postgresql+psycopg://user:password@host:port/database``; its options (``?sslmode=require``) are those of
        libpq, and win over what is set here.
    migrate
        True brings an older schema up to date; None makes a new one and refuses an older one; False also refuses to
        make one.
    pool_size, max_overflow
        Connections kept, and opened beyond that under load.
    pool_timeout
        Seconds to wait for a connection of the pool.
    recycle_seconds
        Age at which a connection is replaced.
    connect_timeout, statement_timeout, lock_timeout
        Seconds.
    reconnect_seconds
        How long a call goes on trying when the server went away; 0 raises at once. Opening waits only for a server
        that answered and went away meanwhile.

    Raises
    ------
    StorageError
        ``Unavailable``, ``Version``, ``Busy`` or ``Full``.
    """

    _checksums = False
    _reached = False
    """Whether there has been a connection; one that is lost while the schema is made counts."""
    _sees_checkpoints = False
    """Whether we may ask for the last checkpoint."""

    def __init__(
        self,
        url: str,
        *,
        migrate: bool | None = None,
        pool_size: int = 20,
        max_overflow: int = 30,
        pool_timeout: float = 30.0,
        recycle_seconds: int = 3600,
        connect_timeout: int = 10,
        statement_timeout: float = 30.0,
        lock_timeout: float = 30.0,
        reconnect_seconds: float = 10.0,
    ) -> None:
        made = _server_of(url)
        settings = {
            "statement_timeout": f"{int(statement_timeout * 1000)}",
            "lock_timeout": f"{int(lock_timeout * 1000)}",
            "idle_in_transaction_session_timeout": "60000",
            "jit": "off",
        }
        arguments: dict[str, Any] = {
            "connect_timeout": connect_timeout,
            "application_name": "tracktion",
            "keepalives_idle": 30,
            "tcp_user_timeout": int(statement_timeout * 1000),
        }
        engine = sa.create_engine(
            made,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=pool_timeout,
            pool_recycle=recycle_seconds,
            pool_pre_ping=True,
            connect_args=_joined(arguments, settings, made),
        )
        self._upsert_tracks = _upsert_tracks()
        super().__init__(engine, place=made.render_as_string(hide_password=True), retry_seconds=reconnect_seconds)
        try:
            self._open(migrate=migrate)
            self._sees_checkpoints = bool(self._first(_MAY_SEE_CHECKPOINTS)[0])
        except BaseException:
            self.close()
            raise
        self._reached = True

    # --- transactions ---------------------------------------------------------------------------------------------

    def _options(self, *, write: bool, single: bool) -> dict[str, Any]:
        options = super()._options(write=write, single=single)
        return options | {"isolation_level": "AUTOCOMMIT"} if single else options

    def _mark(self, connection: Connection) -> Mark:
        checkpoint = connection.info.get(CHECKPOINT)
        if checkpoint is None and self._sees_checkpoints:  # the first of this connection; later ones must be seen
            number, checkpoint = connection.execute(_NUMBER_AND_CHECKPOINT).one()
            connection.info[CHECKPOINT] = checkpoint
        else:
            number = connection.execute(_NUMBER).scalar_one()
        return Mark(number, checkpoint)

    def _commit(self, transaction: sa.Transaction, mark: Mark | None) -> None:
        try:
            transaction.commit()
        except exc.DBAPIError as error:
            # Without a mark it only read, and has what it wanted.
            if mark is not None and not (lost_connection(error) and self._was_committed(mark, error)):
                raise

    def _was_committed(self, mark: Mark, cause: Exception) -> bool:
        """Ask the server, when it is back, what became of a transaction whose commit was not answered."""
        deadline = time.monotonic() + max(self._retry_seconds, 1.0)
        while True:
            # No dispose() here: it would orphan the connections that other threads are using.
            with suppress(exc.SQLAlchemyError), self._engine.connect() as connection:
                committed = _fate(connection, mark)
                if committed is not None:
                    return committed
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        raise StorageUnavailableError(
            "the server went away during a commit and did not come back in time: whether it took effect is not known",
            file=self._place,
        ) from cause

    def _may_retry(self, error: StorageError) -> bool:
        """Whether to try again; a server that was never reached is not waited for."""
        cause = error.__cause__
        if not isinstance(cause, exc.DBAPIError):
            return False
        self._reached = self._reached or bool(cause.connection_invalidated)
        return retryable(cause) or (self._reached and lost_connection(cause))

    def _lock_schema(self, connection: Connection) -> None:
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))  # an index of millions takes its time
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(SCHEMA_LOCK)))

    # --- tracks ---------------------------------------------------------------------------------------------------

    def _store_tracks(self, connection: Connection, new: list[Row], changed: list[Row]) -> None:
        columns = zip(*new, *changed, strict=True)
        connection.execute(self._upsert_tracks, dict(zip(STORED, map(list, columns), strict=True)))

    def _position(self, column: sa.Column[bytes], part: bytes) -> sa.ColumnElement[int]:
        return sa.func.strpos(sa.func.encode(column, "hex"), sa.func.encode(part, "hex"), type_=sa.Integer)

    # --- care -----------------------------------------------------------------------------------------------------

    def check(self) -> list[str]:
        """See `Storage.check`; PostgreSQL's own checksums (``initdb --data-checksums``) watch over the pages."""
        problems: list[str] = []
        for step in (self._read_tracks, self._read_analyses, self._read_playlists):
            try:
                step()
            except StorageError as error:
                problems.append(str(error))
        return problems

    def _read_tracks(self) -> None:
        for _ in self.iter_tracks():
            pass

    def _read_analyses(self) -> None:
        for summary in self.find_analyses():
            self.get_analysis(summary.identity, summary.version, summary.parameters_key)

    def _read_playlists(self) -> None:
        for playlist in self.list_playlists():
            self.playlist_entries(playlist.id)

    def _details(self) -> dict[str, Any]:
        return {"pool": self._engine.pool.status()}


_NUMBER = sa.text("SELECT pg_current_xact_id()::text::bigint")
_NUMBER_AND_CHECKPOINT = sa.text(
    "SELECT pg_current_xact_id()::text::bigint, checkpoint_lsn::text FROM pg_control_checkpoint()"
)
_MAY_SEE_CHECKPOINTS = sa.text("SELECT has_function_privilege(to_regprocedure('pg_control_checkpoint()'), 'EXECUTE')")
_FATE = sa.text("SELECT pg_xact_status(CAST(CAST(:number AS text) AS xid8))")
_REUSED = sa.text(
    "SELECT checkpoint_lsn::text <> :checkpoint AND redo_lsn = checkpoint_lsn"
    " AND (split_part(next_xid, ':', 1)::bigint << 32) + split_part(next_xid, ':', 2)::bigint <= :number"
    " FROM pg_control_checkpoint()"
)
"""Whether the server crashed and lost all trace of a transaction, so that its number was given to another one: the
checkpoint at the end of a recovery (it alone, and that of a stop, has nothing after its redo point) begins below it."""

IN_THE_FUTURE = "22023"


def _fate(connection: Connection, mark: Mark) -> bool | None:
    """Whether a transaction was committed; None while that is not decided."""
    try:
        status = connection.execute(_FATE, {"number": str(mark.number)}).scalar_one()
    except exc.DBAPIError as error:
        # The server crashed before anything of it was written, and has not come to this number again.
        if getattr(error.orig, "sqlstate", None) == IN_THE_FUTURE:
            return False
        raise
    if status not in {"committed", "aborted"}:
        return None
    reused = mark.checkpoint is not None and connection.execute(_REUSED, mark._asdict()).scalar_one()
    return bool(status == "committed" and not reused)


def _server_of(url: str | sa.URL) -> sa.URL:
    """Return the server that a URL names, reached by psycopg, or raise `UsageError`."""
    made = parsed_url(url)
    driver = made.drivername.partition("+")[2]
    if driver not in {"", "psycopg"}:
        raise UsageError(f"PostgreSQL is reached by the driver psycopg: write postgresql+psycopg://, not +{driver}")
    needed("psycopg", "postgres", what="PostgresStorage")
    return made.set(drivername="postgresql+psycopg")


def _joined(arguments: dict[str, Any], settings: dict[str, str], url: sa.URL) -> dict[str, Any]:
    """Return arguments of a connection, settings of its session among them; what the URL says wins."""
    theirs = url.query.get("options", ())
    options = [f"-c {name}={value}" for name, value in settings.items()]
    options += [theirs] if isinstance(theirs, str) else theirs
    ours = {name: value for name, value in arguments.items() if name not in url.query}
    return ours | {"options": " ".join(options)}


def _upsert_tracks() -> Any:
    """One statement for a whole batch: the columns travel as arrays."""
    arrays = [sa.cast(sa.bindparam(name), postgresql.ARRAY(tracks.c[name].type)) for name in STORED]
    rows = sa.func.unnest(*arrays).table_valued(*STORED).render_derived()
    insert = postgresql.insert(tracks).from_select(STORED, sa.select(*(rows.c[name] for name in STORED)))
    rest = {name: insert.excluded[name] for name in STORED[1:]}
    return insert.on_conflict_do_update(index_elements=["id"], set_=rest)
