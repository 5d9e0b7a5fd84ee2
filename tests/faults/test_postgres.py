"""F9 and F23: hosts that share the work on PostgreSQL, die, and lose their server."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.checks import Record, assert_all_done, message_ids, outcome
from tests.faults.nursery import Nursery
from tests.faults.test_kill import files_with_content
from tests.storage.databases import database
from tests.storage.servers import PostgresServer
from tests.watcher.ledger import Ledger, make, until
from tracktion.errors import StorageUnavailableError
from tracktion.storage import open_storage
from tracktion.storage.journal_owner import owner_of
from tracktion.watcher import Watcher

pytestmark = pytest.mark.postgres

FILES = int(os.environ.get("TRACKTION_FAULT_FILES", "400"))
RETURN_SECONDS = 10.0
"""Within so many seconds of the server's return, work goes on."""
RESTARTS = int(os.environ.get("TRACKTION_FAULT_RESTARTS", "2"))


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with database(postgres_url) as made:
        with open_storage(made):
            pass
        yield made


def test_one_watcher_on_postgresql(url: str, tmp_path: Path) -> None:
    ledger = Ledger()
    root = tmp_path / "music"
    with Watcher(root, storage=url, handler=ledger, debounce=0.2) as watcher:
        paths = make(root / "a", 120) + make(root / os.fsdecode(b"\xe9"), 5)
        watcher.start()
        assert ledger.wait_for(paths) == set()
        (root / "a").rename(root / "b")
        moved = [root / "b" / path.name for path in paths[:120]]
        assert ledger.wait_for(moved) == set()
        assert until(lambda: watcher.storage.count_files() == {"done": 125})
    assert ledger.twice() == []
    assert ledger.paths("moved") == set(map(str, moved))


@pytest.mark.slow
def test_two_hosts_share_the_work(url: str, tmp_path: Path) -> None:
    """F23."""
    paths = files_with_content(tmp_path / "music", FILES)
    files = [tmp_path / "messages0", tmp_path / "messages1"]
    options = {"root": str(tmp_path / "music"), "url": url, "seconds": 0.01}
    with Nursery(tmp_path / "log") as nursery:
        lives = [nursery.spawn("tests.faults.hosts:watch", handled=str(f), **options) for f in files]
        assert [life.wait(600) for life in lives] == [0, 0]
    assert_all_done(url, paths)
    lines = [line for f in files if f.exists() for line in f.read_text().splitlines()]
    assert len(lines) == len(set(lines)) == len(paths)


@pytest.mark.slow
def test_two_hosts_of_which_one_is_killed_again_and_again(url: str, tmp_path: Path) -> None:
    paths = files_with_content(tmp_path / "music", FILES)
    messages = tmp_path / "messages"
    options = {"root": str(tmp_path / "music"), "url": url, "messages": str(messages)}
    dice = random.Random(7)
    with Nursery(tmp_path / "log") as nursery:
        steady = nursery.spawn("tests.faults.hosts:watch", seconds=0.05, stay=True, **options)
        for _ in range(6):
            victim = nursery.spawn("tests.faults.hosts:watch", seconds=0.02, **options)
            if victim.wait(dice.uniform(0.3, 1.0)) is None:
                victim.kill()
                victim.wait(10)
        nursery.spawn("tests.faults.hosts:watch", seconds=0.0, **options).finish(lambda: message_ids(messages).total())
        assert until(lambda: outcome(url)["states"] == {"done": len(paths)} and not outcome(url)["pending"], 60)
        steady.kill()
        steady.wait(10)
    assert_all_done(url, paths, published=messages)
    assert outcome(url)["analyses"] == len(paths)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    made = PostgresServer()
    yield made
    made.close()


@pytest.mark.slow
def test_owner_whose_server_is_away_says_so_and_takes_its_lock_again(server: PostgresServer) -> None:
    """F9: anything but an error of ours would end the thread that asks."""
    with open_storage(server.url) as storage:
        owner, other = owner_of(storage), owner_of(storage)
        owner.acquire(10)
        server.stop("immediate")
        for call in (owner.check, lambda: owner.alive(other.name), lambda: other.acquire(0.2)):
            with pytest.raises(StorageUnavailableError):
                call()
        server.start()
        owner.check()
        assert other.alive(owner.name)
        owner.release()
        assert until(lambda: not other.alive(owner.name))


@pytest.mark.slow
def test_server_restarts_in_the_middle(server: PostgresServer, tmp_path: Path, record_property: Record) -> None:
    """F9."""
    paths = files_with_content(tmp_path / "music", FILES)
    messages = tmp_path / "messages"
    options = {"root": str(tmp_path / "music"), "url": server.url, "messages": str(messages)}
    with open_storage(server.url):
        pass
    with Nursery(tmp_path / "log") as nursery:
        life = nursery.spawn("tests.faults.hosts:watch", seconds=0.02, workers=1, **options)
        assert until(messages.exists)  # a host that starts without its server is told so, and does not start
        for number in range(RESTARTS):
            assert life.wait(1.0) is None, nursery.log()[-2000:] or "done before the last restart"
            server.stop("immediate" if number % 2 else "fast")
            time.sleep(0.5)
            before = messages.stat().st_size
            server.start()
            assert until(lambda size=before: messages.stat().st_size > size, RETURN_SECONDS), nursery.log()[-2000:]
        life.finish(lambda: message_ids(messages).total())
    record_property("faults", RESTARTS)
    assert_all_done(server.url, paths, published=messages)
    assert set(message_ids(messages).values()) <= {1, 2}
