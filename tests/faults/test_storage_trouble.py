"""F6 and F7: a storage that is full or locked makes the watcher wait, and loses nothing."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.faults.checks import Record, assert_all_done
from tests.watcher.ledger import Ledger, make, until
from tracktion.errors import StorageError
from tracktion.storage import open_storage
from tracktion.watcher import Watcher


def test_full_disk(tmp_path: Path) -> None:
    """F6."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    ledger = Ledger()
    root = tmp_path / "music"
    first = make(root, 30)
    with open_storage(url) as storage:
        engine: Any = storage._engine  # type: ignore[attr-defined]
        pages = 0

        def limit(connection: Any, *_: Any) -> None:
            connection.execute(f"PRAGMA max_page_count={pages or 1 << 30}")

        sa.event.listen(engine, "checkout", limit)
        with Watcher(root, storage=storage, handler=ledger, debounce=0.1) as watcher:
            watcher.start()
            assert ledger.wait_for(first) == set()
            assert until(lambda: watcher.storage.count_files() == {"done": 30})
            pages = 1
            second = make(root / "more", 600)
            assert until(lambda: any(isinstance(error, StorageError) for error in watcher.errors))
            pages = 0
            assert ledger.wait_for(second) == set()
            assert until(lambda: watcher.storage.count_files() == {"done": 630})
    assert ledger.twice() == []
    assert_all_done(url, first + second)


def test_locked_database(tmp_path: Path, record_property: Record) -> None:
    """F7."""
    database = tmp_path / "state.db"
    url = f"sqlite:///{database}"
    ledger = Ledger()
    root = tmp_path / "music"
    root.mkdir()
    stop = threading.Event()
    locks = 0

    def lock() -> None:
        nonlocal locks
        while not stop.wait(0.05):
            connection = sqlite3.connect(database, timeout=10, isolation_level=None)
            connection.execute("BEGIN IMMEDIATE")
            locks += 1
            time.sleep(0.5)
            connection.execute("ROLLBACK")
            connection.close()

    with Watcher(root, storage=url, handler=ledger, debounce=0.1) as watcher:
        watcher.start()
        locker = threading.Thread(target=lock)
        locker.start()
        try:
            paths = make(root, 100)
            assert ledger.wait_for(paths) == set()
            assert until(lambda: watcher.storage.count_files() == {"done": 100})
        finally:
            stop.set()
            locker.join()
        assert watcher.errors == []
    record_property("faults", locks)
    assert ledger.twice() == []
