"""What can happen to a file: full disk, deletion, truncation, flipped bytes, other programs, other versions."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.storage.stress import row
from tracktion.errors import (
    StorageBusyError,
    StorageCorruptError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
    StorageVersionError,
    UsageError,
)
from tracktion.results.catalogue import FileRecord
from tracktion.storage import Storage, open_storage
from tracktion.storage.schema import VERSION_TABLE
from tracktion.storage.sqlite import SqliteStorage

ROWS = 300


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "music.db"


def fill(path: Path, rows: int = ROWS) -> None:
    with open_storage(path, durability="normal") as storage:
        storage.add_tracks(row(number) for number in range(rows))
        storage.put_analysis("i", "1", "p", {"beats": list(range(200))})
        storage.create_playlist("p", track_ids=range(50))


def test_the_url_may_be_a_path(tmp_path: Path) -> None:
    """A path, a relative URL and an absolute one."""
    for url in (tmp_path / "a.db", str(tmp_path / "b.db"), f"sqlite:///{tmp_path}/c.db"):
        with open_storage(url) as storage:
            assert storage.home == "sqlite"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.db", "b.db", "c.db"]


def test_settings_hold_on_every_connection(path: Path) -> None:
    """WAL, synchronous=FULL, no memory map."""
    with open_storage(path) as storage:
        settings = {
            name: storage.read(lambda c, n=name: c.exec_driver_sql(f"PRAGMA {n}").scalar())  # type: ignore[attr-defined]
            for name in ("journal_mode", "synchronous", "mmap_size", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "mmap_size": 0, "busy_timeout": 30000}


# --- full -------------------------------------------------------------------------------------------------------------


def limit_pages(storage: Storage, pages: int) -> None:
    """What a full disk looks like to SQLite."""
    storage.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages}"))  # type: ignore[attr-defined]


def write_batches(storage: Storage) -> Iterator[int]:
    """Yield the rows acknowledged so far, before each next batch."""
    for kept in range(0, 100_000, 50):
        yield kept
        storage.add_tracks(row(number) for number in range(kept, kept + 50))
    raise AssertionError("the disk was never full")


def fill_up(storage: Storage) -> int:
    """Write until there is no room; return the rows acknowledged."""
    acknowledged = [0]
    with contextlib.suppress(StorageFullError):
        acknowledged.extend(write_batches(storage))
    return acknowledged[-1]


@pytest.mark.parametrize("turn", range(20))
def test_a_full_disk_loses_nothing_and_goes_on_when_there_is_room(path: Path, turn: int) -> None:
    """StorageFullError; everything acknowledged is there; the same object goes on when space is back."""
    with open_storage(path, durability="normal", readers=1) as storage:
        limit_pages(storage, 100 + 3 * turn)
        kept = fill_up(storage)
        assert storage.count_tracks() == kept
        with pytest.raises(StorageFullError):
            storage.put_analysis("i", "1", "p", {"x": "y" * 1_000_000})
        limit_pages(storage, 1_000_000)
        storage.add_tracks(row(number) for number in range(kept, kept + 50))
        assert storage.count_tracks() == kept + 50
        assert storage.check() == []


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_full_disk_inside_a_unit_of_work_says_so(path: Path, depth: int) -> None:
    """SQLite drops the whole transaction by itself then; that must not hide why, nor let the rest be committed."""

    def work(unit: Storage, level: int) -> None:
        if level:
            with unit.transaction():
                work(unit, level - 1)
        else:
            unit.set_value("first", "1")
            list(write_batches(unit))

    with open_storage(path, durability="normal", readers=1, cache_mb=0.1) as storage:
        limit_pages(storage, 150)
        with pytest.raises(StorageFullError, match="no space left"), storage.transaction():
            work(storage, depth)
        assert storage.count_tracks() == 0

        def swallow(unit: Storage) -> None:
            with contextlib.suppress(StorageFullError):
                work(unit, depth)
            unit.set_value("second", "2")

        with pytest.raises(StorageFullError):
            storage.run(swallow)
        assert (storage.get_value("first"), storage.get_value("second")) == (None, None)
        limit_pages(storage, 1_000_000)
        storage.add_tracks([row(1)])
        assert storage.check() == []


@pytest.mark.parametrize("depth", [1, 2])
def test_a_savepoint_that_cannot_be_released_says_why(path: Path, depth: int) -> None:
    """A newer SQLite finds the disk full there; SQLAlchemy's warnings about those around it must not come instead."""

    def refuse(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("RELEASE"):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    def work(unit: Storage, level: int) -> None:
        with unit.transaction() if level else contextlib.nullcontext():
            unit.set_value("first", "1") if not level else work(unit, level - 1)

    with SqliteStorage(f"sqlite:///{path}") as storage:
        sa.event.listen(storage.engine, "before_cursor_execute", refuse)
        with pytest.raises(StorageFullError, match="no space left"), storage.transaction():
            work(storage, depth)
        sa.event.remove(storage.engine, "before_cursor_execute", refuse)
        storage.set_value("second", "2")
        assert (storage.get_value("first"), storage.get_value("second")) == (None, "2")


LIMITED = """
import resource, sys
from tracktion.errors import StorageFullError
from tracktion.storage import open_storage
storage = open_storage(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
kept = 0
try:
    while True:
        storage.add_tracks({"id": n, "title": f"title {n}"} for n in range(kept, kept + 100))
        kept += 100
except StorageFullError:
    pass
assert storage.count_tracks() == kept, (storage.count_tracks(), kept)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
storage.add_tracks({"id": n, "title": f"title {n}"} for n in range(kept, kept + 100))
assert storage.count_tracks() == kept + 100
assert storage.check() == []
print(kept)
"""


def test_a_write_that_the_system_refuses_is_a_full_disk(path: Path) -> None:
    """RLIMIT_FSIZE: the real system call fails."""
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


# --- gone -------------------------------------------------------------------------------------------------------------


def test_a_deleted_file_is_noticed(path: Path) -> None:
    """SQLite would go on with the file that nobody can find any more."""
    fill(path)
    with open_storage(path) as storage:
        path.unlink()
        for call in (storage.count_tracks, lambda: storage.add_tracks([row(1)]), lambda: storage.get_track(1)):
            with pytest.raises(StorageUnavailableError, match="deleted or replaced"):
                call()
        assert not storage.health().ok


def test_a_replaced_file_is_noticed(path: Path, tmp_path: Path) -> None:
    fill(path)
    fill(tmp_path / "other.db", 60)
    with open_storage(path) as storage:
        (tmp_path / "other.db").replace(path)
        with pytest.raises(StorageUnavailableError, match="deleted or replaced"):
            storage.count_tracks()


def test_a_file_deleted_during_a_transaction_is_not_acknowledged(path: Path) -> None:
    fill(path)

    def work(storage: Storage) -> None:
        storage.add_tracks([row(10_000)])
        path.unlink()

    with open_storage(path) as storage, pytest.raises(StorageUnavailableError, match="deleted"):
        storage.run(work)


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailableError, match="does its folder exist"):
        open_storage(tmp_path / "no" / "music.db")


# --- damaged ----------------------------------------------------------------------------------------------------------


def used(path: Path) -> str:
    """Open, use and check; return what happened. Whatever is returned must be right."""
    try:
        with open_storage(path, durability="normal") as storage:
            found = {track.id: track for track in storage.iter_tracks()}
            for number in range(0, ROWS, 7):
                one = storage.get_track(number)
                if one is not None:
                    found[number] = one
            for number, track in found.items():
                got = {name: getattr(track, name) for name in ("id", "title", "artist", "duration")} | track.extra
                assert got == row(number or 0)
            analysis = storage.get_analysis("i", "1", "p")
            assert analysis is None or analysis == {"beats": list(range(200))}
            for playlist in storage.list_playlists():
                assert storage.playlist_entries(playlist.id).track_ids == tuple(range(50))
            storage.add_tracks([row(10_000)])
            if len(found) == ROWS and analysis is not None and storage.count_tracks() == ROWS + 1:
                return "whole"
            return f"short: {len(found)} of {ROWS} tracks"
    except StorageError as error:
        return error.code


@pytest.mark.parametrize("seed", range(25))
def test_flipped_bytes_are_never_wrong_rows(path: Path, seed: int) -> None:
    """1, 4 or 40 random bytes in the closed file: all is right, or a StorageError says what to do."""
    fill(path)
    original = path.read_bytes()
    chance = random.Random(seed)
    for flips in (1, 4, 40):
        data = bytearray(original)
        for _ in range(flips):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        for rest in ("-wal", "-shm"):
            Path(f"{path}{rest}").unlink(missing_ok=True)
        path.write_bytes(data)
        assert used(path) in {"whole", "StorageCorrupt", "StorageVersion", "StorageUnavailable"}


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_an_error(path: Path, share: float) -> None:
    """At any length but none; a file without a byte is a new catalogue, and the log says so."""
    fill(path)
    size = path.stat().st_size
    os.truncate(path, int(size * share))
    outcome = used(path)
    if share == 0:
        assert outcome == "short: 0 of 300 tracks"
    else:
        assert outcome in {"StorageCorrupt", "StorageVersion"} or (outcome == "whole" and share > 0.99)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_a_file_truncated_while_open_is_an_error(path: Path, share: float) -> None:
    """Never a crash, never fewer rows in silence."""
    fill(path, 20_000)
    with open_storage(path, cache_mb=0.1) as storage:
        storage.checkpoint()  # type: ignore[attr-defined]
        os.truncate(path, int(path.stat().st_size * share))
        with pytest.raises(StorageError):
            list(storage.iter_tracks())
        assert storage.check() != []


def test_a_checkpoint_inside_of_a_unit_of_work_is_refused(path: Path) -> None:
    """It would wait for the unit that asks for it."""
    with SqliteStorage(f"sqlite:///{path}") as storage:
        with storage.transaction():
            storage.add_tracks([{"title": "x"}])
            with pytest.raises(UsageError, match="unit of work"):
                storage.checkpoint()
        storage.checkpoint()
        assert storage.count_tracks() == 1


def test_a_row_changed_behind_our_back_is_corrupt(path: Path) -> None:
    """SQLite keeps no checksums; the rows do."""
    fill(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE tracks SET title = 'forged' WHERE id = 5")
        connection.execute("UPDATE analyses SET data = '{}'")
        connection.execute("UPDATE playlists SET track_ids = x'01'")
    connection.close()
    with open_storage(path) as storage:
        with pytest.raises(StorageCorruptError, match="track 5"):
            storage.get_track(5)
        with pytest.raises(StorageCorruptError, match="analysis of i"):
            storage.get_analysis("i", "1", "p")
        with pytest.raises(StorageCorruptError, match="playlist 1"):
            storage.playlist_entries(1)
        assert len(storage.check()) >= 3
        assert storage.get_track(6) is not None


def test_rows_read_past_sqlalchemy_are_as_safe(path: Path) -> None:
    """What a resident index found: order, many at once, own writes, and the same errors as everywhere."""
    fill(path, 1200)
    with open_storage(path) as storage:
        wanted = [*range(1199, 0, -1), 5000]
        assert [c.track.id for c in storage.get_candidates(wanted)] == wanted[:-1]  # type: ignore[attr-defined]
        with storage.transaction():
            storage.update_track(7, title="Meanwhile")
            assert storage.get_candidates([7])[0].track.title == "Meanwhile"  # type: ignore[attr-defined]
        with contextlib.closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE tracks SET artist = 'somebody else' WHERE id = 9")
        with pytest.raises(StorageCorruptError, match="track 9"):
            storage.get_candidates([8, 9])  # type: ignore[attr-defined]
        assert len(storage.get_candidates([8])) == 1  # type: ignore[attr-defined]
        with contextlib.closing(sqlite3.connect(path)) as other, other:
            other.execute("ALTER TABLE tracks RENAME TO elsewhere")
        with pytest.raises(StorageCorruptError, match="no such table"):
            storage.get_candidates([8])  # type: ignore[attr-defined]
        path.rename(path.with_name("moved.db"))
        with pytest.raises(StorageUnavailableError, match="deleted or replaced"):
            storage.get_candidates([8])  # type: ignore[attr-defined]
        path.with_name("moved.db").rename(path)
    with pytest.raises(StorageUnavailableError, match="closed"):
        storage.get_candidates([8])  # type: ignore[attr-defined]


def test_a_damaged_search_index_is_found_and_rebuilt(path: Path) -> None:
    fill(path)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO tracks_search (tracks_search) VALUES ('delete-all')")
    connection.close()
    with pytest.raises(StorageCorruptError, match="rebuild_search"):
        open_storage(path)
    with open_storage(path, check="none") as storage:
        assert len(storage.check()) == 1
        storage.rebuild_search()  # type: ignore[attr-defined]
        assert storage.check() == []
    with open_storage(path) as storage:
        assert storage.count_tracks() == ROWS


def test_what_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"ID3 this is a song, not a catalogue" * 100)
    with pytest.raises(StorageCorruptError):
        open_storage(path)
    assert path.read_bytes().startswith(b"ID3")


def test_an_empty_file_becomes_a_catalogue_and_that_is_said(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.touch()
    with open_storage(path) as storage:
        storage.add_tracks([row(1)])
    assert "exists and is empty" in caplog.text


# --- others -----------------------------------------------------------------------------------------------------------


def test_who_is_locked_out_too_long_is_told(path: Path) -> None:
    """Another program holds the write lock: StorageBusyError after the time limit, and then all is well."""
    fill(path)
    with open_storage(path, timeout=0.2) as storage:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageBusyError, match="locked"):
            storage.add_tracks([row(10_000)])
        assert storage.count_tracks() == ROWS
        other.execute("ROLLBACK")
        other.close()
        storage.add_tracks([row(10_000)])
        assert storage.count_tracks() == ROWS + 1


def test_who_waits_in_the_queue_too_long_is_told(path: Path) -> None:
    """A thread that keeps its transaction open."""
    with open_storage(path, timeout=0.2) as storage:
        inside, done = threading.Event(), threading.Event()

        def keep() -> None:
            with storage.transaction():
                inside.set()
                done.wait(20)

        thread = threading.Thread(target=keep)
        thread.start()
        inside.wait(20)
        with pytest.raises(StorageBusyError, match="other threads"):
            storage.set_value("a", "1")
        done.set()
        thread.join(20)
        storage.set_value("a", "1")
        assert storage.get_value("a") == "1"


def test_a_lock_that_ends_in_time_is_waited_for(path: Path) -> None:
    """F7: nobody notices but the clock."""
    fill(path)
    with open_storage(path) as storage:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.3, lambda: other.execute("COMMIT"))
        timer.start()
        storage.add_tracks([row(10_000)])
        timer.join()
        other.close()


# --- versions ---------------------------------------------------------------------------------------------------------


def set_version(path: Path, version: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = ?", (version,))
    connection.commit()
    connection.close()


def test_a_newer_file_is_refused(path: Path) -> None:
    """Nothing in it is touched."""
    fill(path)
    set_version(path, "9999")
    before = path.read_bytes()
    for migrate in (None, True, False):
        with pytest.raises(StorageVersionError, match="newer"):
            open_storage(path, migrate=migrate)
    assert path.read_bytes() == before


def test_migrate_false_makes_nothing(path: Path) -> None:
    with pytest.raises(StorageVersionError, match="no catalogue"):
        open_storage(path, migrate=False)


def test_another_programs_tables_are_left_alone(path: Path) -> None:
    """A table of the same name is not ours; others may share the file."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (x)")
    connection.commit()
    connection.close()
    with open_storage(path) as storage:
        storage.put_files([FileRecord(b"/a", b"/")])
    shutil.copy(path, f"{path}.copy")
    connection = sqlite3.connect(path)
    connection.execute(f"DROP TABLE {VERSION_TABLE}")
    connection.commit()
    connection.close()
    with pytest.raises(StorageVersionError, match="not tracktion's"):
        open_storage(path)


def test_unknown_homes_and_options_are_refused() -> None:
    with pytest.raises(UsageError, match="known here"):
        open_storage("mongodb://x")
    with pytest.raises(UsageError, match="durability"):
        open_storage("sqlite:///x.db", durability="none")
    with pytest.raises(UsageError, match="names no file"):
        open_storage("sqlite:///")
