"""A server that goes away, comes back, is full or busy."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from tests.storage.databases import database
from tests.storage.servers import PostgresServer, free_port
from tracktion.errors import StorageBusyError, StorageError, StorageUnavailableError, UsageError
from tracktion.results.catalogue import FileRecord
from tracktion.storage import open_storage, postgresql, search_postgresql
from tracktion.storage.postgresql import PostgresStorage

pytestmark = pytest.mark.postgres

T = TypeVar("T")


@pytest.fixture
def storage(postgres_database: str) -> Iterator[PostgresStorage]:
    with PostgresStorage(postgres_database, pool_size=4, reconnect_seconds=60) as made:
        yield made


def scalar(storage: PostgresStorage, question: str) -> Any:
    return storage.read(lambda connection: connection.execute(sa.text(question)).scalar())


def test_values_that_do_not_fit_are_the_callers_fault(storage: PostgresStorage) -> None:
    """They would not fit at the next try either, so it must not look as if the server were away."""
    long = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 200) AS n)"
    wrong = (
        "SELECT 'x'::bigint",
        "SELECT 9223372036854775807 + 1",
        f"INSERT INTO tracks (id, norm_key, norm_search) VALUES (1, {long}, '')",
    )
    for statement in wrong:
        with pytest.raises(UsageError, match="cannot hold"):
            storage.write(lambda connection, text=statement: connection.execute(sa.text(text)))  # type: ignore[misc]
    with pytest.raises(UsageError, match="cannot hold"):
        storage.read(lambda connection: connection.execute(sa.text("SELECT :text"), {"text": "a\0"}))
    assert storage.count_tracks() == 0


def test_settings_hold_on_every_connection(storage: PostgresStorage) -> None:
    settings = {
        name: scalar(storage, f"SHOW {name}")
        for name in ("jit", "statement_timeout", "lock_timeout", "application_name")
    }
    assert settings == {
        "jit": "off",
        "statement_timeout": "30s",
        "lock_timeout": "30s",
        "application_name": "tracktion",
    }


def test_the_pool_is_the_guides(postgres_database: str) -> None:
    with PostgresStorage(postgres_database) as storage:
        pool: Any = storage.engine.pool
        assert (pool.size(), pool._max_overflow, pool._recycle, pool._pre_ping) == (20, 30, 3600, True)


def test_searches_and_look_ups_use_indexes(storage: PostgresStorage) -> None:
    """The plans of identifier, key and trigram look-ups name their indexes."""
    storage.add_tracks({"title": f"title {n}", "artist": "x", "isrc": f"I{n}"} for n in range(3000))

    def plan(condition: str) -> str:
        def work(connection: sa.Connection) -> str:
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
            return "\n".join(connection.execute(sa.text(f"EXPLAIN SELECT id FROM tracks WHERE {condition}")).scalars())

        return storage.read(work)

    assert "tracks_isrc" in plan("isrc = 'I5'")
    assert "tracks_norm_key" in plan("norm_key = 'a'")
    assert "tracks_norm_search_trgm" in plan("norm_search % 'zyxwv qponm'")


def test_lookups_of_a_question_use_the_index_one_by_one(storage: PostgresStorage) -> None:
    storage.add_tracks({"title": f"title {n:04d}", "artist": "common name"} for n in range(3000))
    lookups = [("0017", "title"), ("title", "common", "name"), ("2999",)]

    def work(connection: sa.Connection) -> tuple[str, list[str]]:
        search_postgresql._by_index(connection)
        asked = {"first": ["%017%"], "second": ["%title%"], "third": ["%title%"], "each": 10, "most": 10}
        plan = connection.execute(sa.text("EXPLAIN " + search_postgresql._PROBES.text), asked).scalars()
        return "\n".join(plan), [text for _, text in search_postgresql._probed(connection, lookups)]

    plan, texts = storage.read(work)
    assert "tracks_norm_search_trgm" in plan
    assert "Seq Scan" not in plan
    assert "title 0017||common name|" in texts
    assert "title 2999||common name|" in texts
    assert len(texts) == search_postgresql.EACH + 2


def test_a_killed_connection_is_not_noticed(storage: PostgresStorage) -> None:
    """pg_terminate_backend on all of ours, idle and at work: calls go on, once each."""
    other = sa.create_engine(storage.engine.url, isolation_level="AUTOCOMMIT")
    question = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'tracktion' AND datname = current_database()"
    )
    stop = threading.Event()

    def killer() -> None:
        with other.connect() as connection:
            while not stop.wait(0.2):
                connection.execute(question)

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            ids = list(pool.map(lambda n: storage.add_tracks([{"title": str(n)}])[0], range(400)))
    finally:
        stop.set()
        thread.join(20)
        other.dispose()
    assert len(set(ids)) == 400
    assert sorted(int(track.title or -1) for track in storage.iter_tracks()) == list(range(400))


class LostError(Exception):
    """What a driver raises when the connection breaks."""

    sqlstate = None


@pytest.mark.parametrize("before", [True, False])
def test_an_unanswered_commit_is_done_once(
    storage: PostgresStorage, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    """The connection breaks just before the commit arrives, or just after: in both cases there is one row."""
    commit = sa.RootTransaction.commit
    left = [1]

    def broken(transaction: sa.RootTransaction) -> None:
        if left and not before:
            commit(transaction)
        elif left:
            transaction.rollback()
        else:
            commit(transaction)
            return
        left.pop()
        raise sa.exc.OperationalError("COMMIT", {}, LostError(), connection_invalidated=True)

    monkeypatch.setattr(sa.RootTransaction, "commit", broken)
    assert storage.add_tracks([{"title": "x"}]) == [1]
    assert left == []
    assert storage.count_tracks() == 1
    assert storage.add_tracks([{"title": "y"}]) == [2]


def test_asking_for_a_lost_commit_leaves_the_connections_of_others_alone(
    storage: PostgresStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question fails at first, while another thread is in a unit: its connection comes back to the same pool."""
    pool = storage.engine.pool
    fate, failures = postgresql._fate, [1]

    def failing(connection: sa.Connection, mark: postgresql.Mark) -> bool | None:
        if failures:
            failures.pop()
            connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return fate(connection, mark)

    monkeypatch.setattr(postgresql, "_fate", failing)
    mark = storage.write(storage._mark)
    with storage.transaction(), ThreadPoolExecutor(1) as threads:
        assert threads.submit(storage._was_committed, mark, LostError()).result(30)
    assert failures == []
    assert storage.engine.pool is pool


def test_a_connection_that_comes_back_after_close_is_closed(postgres_database: str) -> None:
    storage = PostgresStorage(postgres_database)
    with storage.transaction():
        pool: Any = storage.engine.pool
        storage.close()
    assert pool.checkedin() == 0


def test_a_mark_does_without_the_checkpoint_where_it_may_not_be_asked(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        postgresql, "_MAY_SEE_CHECKPOINTS", sa.text(postgresql._MAY_SEE_CHECKPOINTS.text.replace("pg_", "no_"))
    )
    with PostgresStorage(postgres_database) as storage:
        mark = storage.run(_marked_track)
        assert mark.checkpoint is None
        assert storage._was_committed(mark, LostError())
        assert storage.count_tracks() == 1
    monkeypatch.undo()
    with PostgresStorage(postgres_database) as storage:
        mark = storage.run(_marked_track)
        assert mark.checkpoint is not None
        assert storage._was_committed(mark, LostError())


def _marked_track(unit: PostgresStorage) -> postgresql.Mark:
    unit.add_tracks([{"title": "x"}])
    return unit.read(unit._mark)


@pytest.mark.slow
@pytest.mark.parametrize("others", [0, 3])
def test_a_commit_lost_in_a_crash_is_done_once(monkeypatch: pytest.MonkeyPatch, others: int) -> None:
    """Nothing of the transaction was on disk when the server crashed: its number is given to another one, or to none
    yet. What the server says about that number is not about ours."""
    commit = sa.RootTransaction.commit
    server = PostgresServer("-c wal_writer_delay=10s -c autovacuum=off")
    crashes = [1]

    def crashing(transaction: sa.RootTransaction) -> None:
        if crashes and transaction.connection.engine is storage.engine:
            crashes.pop()
            server.stop("immediate")
            server.start()
            if others:
                with PostgresStorage(server.url) as other:
                    numbers = [other.add_tracks([{"title": f"other {n}"}]) for n in range(others)]
                    assert numbers
        commit(transaction)

    try:
        with PostgresStorage(server.url) as storage:
            storage.add_tracks([{"title": "before"}])
            with monkeypatch.context() as patch:
                patch.setattr(sa.RootTransaction, "commit", crashing)
                began = time.monotonic()
                storage.add_tracks([{"title": "lost"}])
            took = time.monotonic() - began
            titles = sorted(track.title or "" for track in storage.iter_tracks())
        assert titles == ["before", "lost", *(f"other {n}" for n in range(others))]
        assert crashes == []
        assert took < 10, "it is decided at once"
    finally:
        server.close()


@pytest.mark.slow
def test_a_commit_before_a_crash_is_not_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = sa.RootTransaction.commit
    server = PostgresServer()
    crashes = [1]

    def crashing(transaction: sa.RootTransaction) -> None:
        commit(transaction)
        if crashes and transaction.connection.engine is storage.engine:
            crashes.pop()
            server.stop("immediate")
            server.start()
            raise sa.exc.OperationalError("COMMIT", {}, LostError(), connection_invalidated=True)

    try:
        with PostgresStorage(server.url) as storage:
            monkeypatch.setattr(sa.RootTransaction, "commit", crashing)
            assert storage.add_tracks([{"title": "x"}]) == [1]
            assert storage.count_tracks() == 1
    finally:
        server.close()


def test_a_connection_lost_while_the_catalogue_is_made_is_made_anew(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of ``CREATE EXTENSION``, as when a server restarts just then."""
    lock, kills = PostgresStorage._lock_schema, [1]

    def killed(storage: PostgresStorage, connection: sa.Connection) -> None:
        lock(storage, connection)
        if kills:
            kills.pop()
            connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr(PostgresStorage, "_lock_schema", killed)
    with database(postgres_url) as url, PostgresStorage(url) as storage:
        assert storage.add_tracks([{"title": "x"}]) == [1]
    kills.append(1)
    with (
        database(postgres_url) as url,
        pytest.raises(StorageUnavailableError),
        PostgresStorage(url, reconnect_seconds=0),
    ):
        pass


def test_a_block_that_lost_its_connection_says_so(storage: PostgresStorage) -> None:
    """A with-block cannot be run again by us: it raises, and nothing of it is there; run() can."""
    turns = []

    def work(unit: PostgresStorage, *, kill: bool) -> None:
        unit.add_tracks([{"title": "x"}])
        if kill:
            pid = scalar(unit, "SELECT pg_backend_pid()")
            engine = sa.create_engine(storage.engine.url)
            with engine.begin() as connection:
                connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            engine.dispose()
        unit.set_value("a", "1")

    with pytest.raises(StorageUnavailableError), storage.transaction() as unit:
        work(unit, kill=True)
    assert storage.count_tracks() == 0

    def twice(unit: PostgresStorage) -> None:
        turns.append(1)
        work(unit, kill=len(turns) == 1)

    storage.run(twice)
    assert len(turns) == 2
    assert storage.count_tracks() == 1


def test_deadlocks_are_resolved(storage: PostgresStorage) -> None:
    """Two units that lock in opposite order: PostgreSQL ends one, run() repeats it."""
    ids = storage.add_tracks([{"title": "a"}, {"title": "b"}])
    both = threading.Barrier(2)

    def work(order: list[int]) -> None:
        first_time = [True]

        def unit(home: PostgresStorage) -> None:
            home.update_track(order[0], year=2000)
            if first_time.pop() if first_time else False:
                both.wait(20)
            home.update_track(order[1], year=2001)

        storage.run(unit)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, [ids, ids[::-1]]))
    assert {track.year for track in storage.iter_tracks()} == {2000, 2001}


def meanwhile(
    storage: PostgresStorage,
    first: Callable[[], object],
    second: Callable[[], T],
    last: Callable[[], object] = lambda: None,
) -> T:
    """Do `first` in a unit of work, and `last` once `second`, in another thread, waits or ends; return its answer."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    watch = sa.create_engine(storage.engine.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with watch.connect() as connection, ThreadPoolExecutor(1) as pool:
        with storage.transaction():
            first()
            answer = pool.submit(second)
            while not answer.done() and not connection.scalar(waiting):
                time.sleep(0.01)
            last()
        return answer.result()


def test_adding_a_known_track_keeps_what_another_changes_meanwhile(storage: PostgresStorage) -> None:
    (track_id,) = storage.add_tracks([{"title": "old", "isrc": "A1"}])
    same = meanwhile(
        storage,
        lambda: storage.update_track(track_id, title="new"),
        lambda: storage.add_tracks([{"isrc": "A1", "year": 1999}]),
    )
    assert same == [track_id]
    track = storage.get_track(track_id)
    assert track is not None
    assert (track.title, track.year) == ("new", 1999)


def test_adding_a_known_track_does_not_bring_back_one_that_is_deleted_meanwhile(storage: PostgresStorage) -> None:
    (track_id,) = storage.add_tracks([{"title": "old", "isrc": "A1"}])
    (other,) = meanwhile(
        storage,
        lambda: storage.delete_track(track_id),
        lambda: storage.add_tracks([{"isrc": "A1", "year": 1999}]),
    )
    assert other != track_id
    assert [(track.id, track.title) for track in storage.iter_tracks()] == [(other, None)]


def test_a_track_deleted_while_it_comes_into_a_playlist_is_in_none(storage: PostgresStorage) -> None:
    (track_id,) = storage.add_tracks([{"title": "a"}])
    playlist = storage.create_playlist("p")
    assert meanwhile(
        storage,
        lambda: storage.add_to_playlist(playlist.id, [track_id]),
        lambda: storage.delete_track(track_id),
    )
    assert len(storage.playlist_entries(playlist.id)) == 0


def test_who_waits_for_a_track_that_is_deleted_does_not_hold_the_playlist(postgres_database: str) -> None:
    """The deletion may need it: a deadlock, which PostgreSQL resolves after a second only."""
    with PostgresStorage(postgres_database) as storage, PostgresStorage(postgres_database, lock_timeout=0.1) as other:
        (track_id,) = storage.add_tracks([{"title": "a"}])
        playlist = storage.create_playlist("p")
        with pytest.raises(UsageError, match="no track"):
            meanwhile(
                other,
                lambda: other.delete_track(track_id),
                lambda: storage.add_to_playlist(playlist.id, [track_id]),
                lambda: other.rename_playlist(playlist.id, "q"),
            )


def test_a_file_moved_to_where_another_comes_meanwhile_replaces_it(storage: PostgresStorage) -> None:
    """The unique index ends the first try; the second one sees the other row."""
    (file_id,) = storage.put_files([FileRecord(b"/old", b"/m")])
    assert meanwhile(
        storage,
        lambda: storage.put_files([FileRecord(b"/new", b"/m")]),
        lambda: storage.update_file(file_id, path=b"/new"),
    )
    assert [(file.id, file.path) for file in storage.find_files()] == [(file_id, b"/new")]


def test_a_file_that_comes_to_where_another_is_moved_meanwhile_is_that_one(storage: PostgresStorage) -> None:
    """As before, the other way round."""
    (file_id,) = storage.put_files([FileRecord(b"/old", b"/m")])
    again = meanwhile(
        storage,
        lambda: storage.update_file(file_id, path=b"/new"),
        lambda: storage.put_files([FileRecord(b"/new", b"/m", size=7)]),
    )
    assert again == [file_id]
    assert [(file.id, file.path, file.size) for file in storage.find_files()] == [(file_id, b"/new", 7)]


def test_a_file_put_where_it_was_while_another_moves_it_is_a_new_one(storage: PostgresStorage) -> None:
    (file_id,) = storage.put_files([FileRecord(b"/old", b"/m", state="done")])
    (other,) = meanwhile(
        storage,
        lambda: storage.update_file(file_id, path=b"/new"),
        lambda: storage.put_files([FileRecord(b"/old", b"/m")]),
    )
    found = [(file.id, file.path, file.state) for file in storage.find_files()]
    assert found == [(file_id, b"/new", "done"), (other, b"/old", "seen")]


def test_tracks_can_be_changed_while_they_come_into_a_playlist(postgres_database: str) -> None:
    """And the other way round: only a deletion has to wait, and a call that waited would be busy here."""
    with PostgresStorage(postgres_database, lock_timeout=0.1) as storage, ThreadPoolExecutor(1) as pool:
        (track_id,) = storage.add_tracks([{"isrc": "A1"}])
        with storage.transaction():
            storage.create_playlist("a", track_ids=[track_id])
            pool.submit(storage.update_track, track_id, year=1999).result()
            pool.submit(storage.add_tracks, [{"isrc": "A1", "title": "x"}]).result()
            with pytest.raises(StorageBusyError):
                pool.submit(storage.delete_track, track_id).result()
        for change in (lambda: storage.update_track(track_id, year=2000), lambda: storage.add_tracks([{"isrc": "A1"}])):
            with storage.transaction():
                change()
                pool.submit(storage.create_playlist, "b", track_ids=[track_id]).result()


def test_a_full_pool_and_a_held_lock_are_busy(postgres_database: str) -> None:
    with PostgresStorage(postgres_database, pool_size=1, max_overflow=0, pool_timeout=0.1, lock_timeout=0.1) as storage:
        storage.add_tracks([{"title": "x"}])
        with PostgresStorage(postgres_database) as other, other.transaction():
            other.update_track(1, year=1)
            with pytest.raises(StorageBusyError):
                storage.update_track(1, year=2)
        inside, done = threading.Event(), threading.Event()

        def keep() -> None:
            with storage.transaction():
                inside.set()
                done.wait(20)

        thread = threading.Thread(target=keep)
        thread.start()
        inside.wait(20)
        with pytest.raises(StorageBusyError, match="pool"):
            storage.count_tracks()
        done.set()
        thread.join(20)


def test_no_server_is_unavailable_and_the_password_stays_secret() -> None:
    url = f"postgresql+psycopg://u:s3cret@127.0.0.1:{free_port()}/x"
    with pytest.raises(StorageUnavailableError) as caught:
        open_storage(url, connect_timeout=2)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(caught.value)


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"tracktion\[postgres\]"):
        open_storage("postgresql://x/y")


def test_a_url_that_cannot_be_is_refused_and_its_password_stays_secret() -> None:
    for url, told in (("postgresql://u:secret@h:port/x", "URL"), ("postgresql+asyncpg://u:secret@h/x", "psycopg")):
        with pytest.raises(UsageError, match=told) as caught:
            open_storage(url)
        assert "secret" not in str(caught.value)


def test_options_of_the_url_hold(postgres_database: str) -> None:
    """Settings of the session too; what the URL leaves open is as always."""
    options = {"options": "-c search_path=mine,public -c lock_timeout=7s", "application_name": "theirs"}
    url = sa.make_url(postgres_database).update_query_dict(options).render_as_string(hide_password=False)
    with PostgresStorage(url.replace("postgresql+psycopg", "postgres+psycopg")) as storage:
        asked = ("search_path", "lock_timeout", "application_name", "jit", "statement_timeout")
        told = [scalar(storage, f"SHOW {name}") for name in asked]
        assert told == ["mine,public", "7s", "theirs", "off", "30s"]


def test_many_openers_make_one_catalogue(postgres_url: str) -> None:
    with database(postgres_url) as url:

        def work(number: int) -> int:
            with PostgresStorage(url, pool_size=1) as storage:
                return storage.add_tracks([{"title": str(number)}])[0]

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(work, range(6))) == list(range(1, 7))


@pytest.mark.slow
def test_a_server_that_is_down_is_waited_for_and_no_longer_than_asked(postgres_url: str) -> None:
    """Down: StorageUnavailableError in the end. Back, after fast and immediate stops: the same object goes on."""
    server = PostgresServer()
    try:
        with PostgresStorage(server.url, reconnect_seconds=0.5) as storage:
            storage.add_tracks([{"title": "before"}])
            for mode in ("fast", "immediate"):
                server.stop(mode)
                with pytest.raises(StorageError):
                    storage.count_tracks()
                assert not storage.health().ok
                server.start()
                assert storage.count_tracks() >= 1
                storage.add_tracks([{"title": mode}])
            assert [track.title for track in storage.iter_tracks()] == ["before", "fast", "immediate"]
    finally:
        server.close()
