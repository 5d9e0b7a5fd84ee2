"""Threads that wait for each other to write share a transaction: what they notice of it, which should be nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tracktion.errors import StorageBusyError, StorageFullError, UsageError
from tracktion.storage import open_storage, sqlite_writers
from tracktion.storage.sqlite_writers import GROUP, Ticket, WriterQueue

WRITERS = 8


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(sqlite_writers, "GROUP_SECONDS", 60.0)
    with open_storage(tmp_path / "music.db", durability="normal") as opened:
        opened.add_tracks([{"title": str(number)} for number in range(20)])
        opened.create_playlist("p")
        yield opened


def commits_of(storage: Any) -> list[int]:
    """Filled with one entry for each transaction that writes."""
    found: list[int] = []
    commit = storage._commit

    def counted(transaction: sa.Transaction, mark: Any) -> None:
        if transaction.connection.get_execution_options()["tracktion_begin"] == "write":
            found.append(1)
        commit(transaction, mark)

    storage._commit = counted
    return found


def at_once(storage: Any, works: list[Callable[[], Any]]) -> list[Future[Any]]:
    """Let all of them wait behind one who writes."""
    with ThreadPoolExecutor(len(works)) as pool:
        with storage.transaction():
            futures = []
            for number, work in enumerate(works, 1):
                futures.append(pool.submit(work))
                end = time.monotonic() + 30
                while len(storage._queue._waiting) < number and time.monotonic() < end:
                    time.sleep(0.001)
            assert len(storage._queue._waiting) == len(works)
        return futures


def test_those_who_wait_share_one_transaction(storage: Any) -> None:
    """Each gets its own answer, and all of it is stored by one commit beside that of the one who went before."""
    commits = commits_of(storage)
    before = storage.revision
    works: list[Callable[[], Any]] = [lambda n=n: storage.add_to_playlist(1, [n + 1]) for n in range(WRITERS)]  # type: ignore[misc]
    works.append(lambda: storage.add_tracks([{"title": "new"}]))
    found = [future.result() for future in at_once(storage, works)]
    assert found == [[n + 1] for n in range(WRITERS)] + [[21]]
    assert len(commits) == 2
    assert storage.revision == before + 1
    assert [entry.track_id for entry in storage.playlist_entries(1)] == list(range(1, WRITERS + 1))
    assert storage.check() == []


def test_one_that_fails_fails_alone(storage: Any) -> None:
    """The error reaches the thread whose work it was; nothing of that work stays."""
    commits = commits_of(storage)

    def half(unit: Any) -> None:
        storage._set_counter(unit, "track", 999)
        raise ValueError("half way")

    works: list[Callable[[], Any]] = [
        lambda: storage.add_to_playlist(1, [1]),
        lambda: storage.add_to_playlist(1, [4711]),
        lambda: storage.write(half),
        lambda: storage.add_to_playlist(1, [2]),
    ]
    first, second, third, last = at_once(storage, works)
    assert (first.result(), last.result()) == ([1], [2])
    with pytest.raises(UsageError, match="no track 4711"):
        second.result()
    with pytest.raises(ValueError, match="half way"):
        third.result()
    assert len(commits) == 2
    assert storage.add_tracks([{"title": "next"}]) == [21]


def test_when_the_shared_transaction_fails_each_goes_alone(storage: Any) -> None:
    """Nobody is blamed for what others wrote, nor loses anything by it."""
    commit, failures = storage._commit, [1]
    begun = commits_of(storage)
    counting = storage._commit

    def failing(transaction: sa.Transaction, mark: Any) -> None:
        if begun and failures:
            failures.pop()
            raise StorageFullError("full")
        counting(transaction, mark)

    storage._commit = failing
    works = [lambda n=n: storage.add_to_playlist(1, [n + 1]) for n in range(WRITERS)]  # type: ignore[misc]
    found = [future.result() for future in at_once(storage, works)]
    storage._commit = commit
    assert not failures
    assert found == [[n + 1] for n in range(WRITERS)]
    assert len(begun) == 1 + WRITERS
    assert storage.check() == []


def test_a_full_disk_stops_only_what_does_not_fit(storage: Any) -> None:
    """SQLite drops a whole transaction when there is no room; the others are stored all the same."""
    pages = storage.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    storage.engine.dispose()
    sa.event.listen(storage.engine, "connect", lambda c, _: c.execute(f"PRAGMA max_page_count = {pages + 8}"))
    works: list[Callable[[], Any]] = [
        lambda: storage.set_value("a", "1"),
        lambda: storage.set_value("b", "x" * 1_000_000),
        lambda: storage.set_value("c", "3"),
    ]
    first, second, third = at_once(storage, works)
    with pytest.raises(StorageFullError):
        second.result()
    first.result()
    third.result()
    assert (storage.get_value("a"), storage.get_value("b"), storage.get_value("c")) == ("1", None, "3")


def test_units_of_work_keep_their_place(storage: Any) -> None:
    """A unit that a thread runs by itself is not taken over, and nobody overtakes it."""
    seen: list[int | None] = []

    def unit() -> None:
        with storage.transaction():
            seen.append(threading.get_ident())
            seen.append(len(storage.playlist_entries(1)))

    works: list[Callable[[], Any]] = [
        lambda: storage.add_to_playlist(1, [1]),
        unit,
        lambda: storage.add_to_playlist(1, [2]),
    ]
    for future in at_once(storage, works):
        future.result()
    assert seen[1] == 1
    assert len(storage.playlist_entries(1)) == 2


def test_waiting_has_a_limit() -> None:
    """Busy after the time-out; the place in the queue is given up."""
    queue = WriterQueue()
    with queue.turn(1.0):
        problem: list[Exception] = []

        def wait() -> None:
            try:
                with queue.turn(0.05):
                    pass
            except StorageBusyError as error:
                problem.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(30)
        assert len(problem) == 1
        assert list(queue.others()) == []
    with queue.turn(0.05) as ticket:
        assert not ticket.done


class _Interrupted(BaseException):
    pass


@pytest.mark.parametrize("finished", [False, True])
def test_who_is_interrupted_while_others_do_the_work_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, *, finished: bool
) -> None:
    """The queue goes on for everybody else, whether the work was committed or has to be done again."""
    queue = WriterQueue()
    taken, interrupted = threading.Event(), threading.Event()

    def interrupt(_ticket: Ticket, _seconds: float) -> bool:
        taken.wait(30)
        raise _Interrupted

    monkeypatch.setattr(Ticket, "wait", interrupt)

    def wait() -> None:
        try:
            with queue.turn(30.0, lambda _: 1):
                pass
        except _Interrupted:
            interrupted.set()

    with queue.turn(1.0):
        thread = threading.Thread(target=wait)
        thread.start()
        while not queue._waiting:
            time.sleep(0.001)
        tickets = list(queue.others())
        taken.set()
        assert interrupted.wait(30)
        (queue.finish if finished else queue.put_back)(tickets)
    thread.join(30)
    with queue.turn(0.05):
        pass


def test_a_group_has_a_size() -> None:
    """Who is the first of very many does not work for all of them."""
    queue = WriterQueue()
    with ThreadPoolExecutor(GROUP + 5) as pool, queue.turn(1.0):
        for _ in range(GROUP + 5):
            pool.submit(lambda: _enter(queue))
        while len(queue._waiting) < GROUP + 5:
            time.sleep(0.001)
        tickets = list(queue.others())
        assert len(tickets) <= GROUP
        queue.put_back(tickets)


def _enter(queue: WriterQueue) -> None:
    with queue.turn(30.0, lambda _: None):
        pass
