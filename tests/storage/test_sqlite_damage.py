"""Flipped bytes in files of any size, and the seal that makes finding them cheap."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage import flips
from tests.storage.stress import forked, row
from tracktion.errors import StorageCorruptError, UsageError
from tracktion.storage import open_storage, sqlite_seal

CHECKING = "checking all of it"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "music.db"


@pytest.fixture
def sealing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Small files are treated like large ones; the log tells of complete checks."""
    monkeypatch.setattr(sqlite_seal, "SEAL_FROM", 1)
    caplog.set_level(logging.INFO, logger="tracktion")
    return caplog


def fill(path: Path, rows: int = 100) -> None:
    with open_storage(path, durability="normal") as storage:
        storage.add_tracks(row(number) for number in range(rows))


def seal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-seal")


def checked(path: Path, log: pytest.LogCaptureFixture) -> bool:
    """Open it and read; return whether that took a complete check."""
    log.clear()
    with open_storage(path) as storage:
        assert storage.get_track(7) is not None
    return CHECKING in log.text


# --- flips ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sealed", [True, False])
def test_flipped_bytes_are_never_a_wrong_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, sealed: bool
) -> None:
    """Every table, every index: 40 files with 1, 4 or 40 flipped bits, closed in order or left by a kill."""
    monkeypatch.setattr(sqlite_seal, "SEAL_FROM", 1)
    ends = flips.campaign(tmp_path, times=40, tracks=100, seed=seed, sealed=sealed)
    assert ends["StorageCorrupt"] > 10


def test_flipped_bytes_in_a_file_that_has_a_seal_by_its_size(tmp_path: Path) -> None:
    ends = flips.campaign(tmp_path, times=15, tracks=3000, seed=1, sealed=True)
    assert ends["StorageCorrupt"] > 3


def test_the_campaign_finds_wrong_answers_where_nothing_is_checked(tmp_path: Path) -> None:
    """What the check on open is for: checksums of rows alone do not tell of rows that an index has lost."""
    with pytest.raises(AssertionError, match="instead of"):
        flips.campaign(tmp_path, times=300, tracks=100, seed=1, sealed=False, check="none")


@pytest.mark.parametrize("check", ["full", "quick"])
def test_a_lost_row_of_an_index(path: Path, check: str) -> None:
    """The row is there, and the index does not lead to it: only the complete check knows."""
    with open_storage(path) as storage:
        storage.add_tracks({"title": f"t{n}", "isrc": f"XX{n:010}"} for n in range(100))
    data = path.read_bytes()
    key = b"XX%010d" % 50
    first, last = data.find(key), data.rfind(key)
    assert 0 < first < last
    for place in (first, last):
        path.write_bytes(data[:place] + b"XY" + data[place + 2 :])
        if check == "full":
            with pytest.raises(StorageCorruptError, match="restore a copy"):
                open_storage(path)
        else:
            open_storage(path, check=check).close()


def test_the_depth_of_the_check_has_names(path: Path) -> None:
    with pytest.raises(UsageError, match="'full', 'quick' or 'none'"):
        open_storage(path, check="some")


def test_the_quick_check_finds_a_torn_structure(path: Path) -> None:
    fill(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 // 4096 * 4096 :] = bytes(len(data) - len(data) // 2 // 4096 * 4096)
    path.write_bytes(data)
    with pytest.raises(StorageCorruptError):
        open_storage(path, check="quick")


# --- the seal ---------------------------------------------------------------------------------------------------------


def test_small_files_have_no_second_file(path: Path) -> None:
    fill(path)
    assert [file.name for file in path.parent.iterdir()] == ["music.db"]


def test_a_file_closed_in_order_is_not_checked_again(path: Path, sealing: pytest.LogCaptureFixture) -> None:
    """Neither after writing nor after reading; without the seal it is, once."""
    fill(path)
    assert not checked(path, sealing)
    assert not checked(path, sealing)
    seal_of(path).unlink()
    assert checked(path, sealing)
    assert not checked(path, sealing)


def test_changes_by_other_hands_are_checked(path: Path, sealing: pytest.LogCaptureFixture) -> None:
    fill(path)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (x)")
    connection.close()
    assert checked(path, sealing)
    assert not checked(path, sealing)


def test_a_kill_is_followed_by_a_check(path: Path, sealing: pytest.LogCaptureFixture) -> None:
    fill(path)
    reading, writing = os.pipe()

    def hold() -> None:
        with open_storage(path) as storage:
            storage.set_value("a", "b")
            os.write(writing, b"x")
            signal.pause()

    child = forked(hold)
    os.read(reading, 1)
    assert not checked(path, sealing), "those who come while it is open rely on those who checked it"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    assert checked(path, sealing)
    assert not checked(path, sealing)


def test_damage_while_it_is_open_is_not_sealed(path: Path, sealing: pytest.LogCaptureFixture) -> None:
    """Who only read leaves the seal as it was."""
    fill(path)
    before = path.stat()
    with open_storage(path) as storage:
        storage.count_tracks()
        data = path.read_bytes()
        place = data.rfind(b"title 50|")
        path.write_bytes(data[:place] + b"X" + data[place + 1 :])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    sealing.clear()
    with pytest.raises(StorageCorruptError):
        open_storage(path)
    assert CHECKING in sealing.text


def test_of_many_who_leave_at_once_the_last_one_seals(path: Path, sealing: pytest.LogCaptureFixture) -> None:
    fill(path)

    def use(number: int) -> None:
        with open_storage(path) as storage:
            storage.set_value(f"n{number}", "1")

    for turn in range(5):
        children = [forked(lambda n=number: use(n)) for number in range(6)]  # type: ignore[misc]
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
        assert seal_of(path).read_bytes().startswith(b"sealed"), turn
        assert not checked(path, sealing)


def test_a_forked_child_leaves_the_share_of_its_parent_alone(path: Path, sealing: pytest.LogCaptureFixture) -> None:
    fill(path)
    with open_storage(path) as storage:
        storage.set_value("a", "b")
        child = forked(storage.close)
        assert os.waitpid(child, 0)[1] == 0
        assert seal_of(path).read_bytes() == b"open\n"
        child = forked(lambda: open_storage(path).close())
        assert os.waitpid(child, 0)[1] == 0
        assert seal_of(path).read_bytes() == b"open\n"
    assert not checked(path, sealing)


FORGETFUL = """
import sys
from tracktion.storage import open_storage
storage = open_storage(sys.argv[1], durability="normal")
storage.add_tracks({"title": f"title {n}"} for n in range(9000))
"""


def test_a_program_that_forgets_to_close_leaves_a_seal(path: Path) -> None:
    subprocess.run([sys.executable, "-c", FORGETFUL, str(path)], check=True, timeout=60)
    assert seal_of(path).read_bytes().startswith(b"sealed")


def test_who_waits_too_long_for_anothers_check_makes_its_own(path: Path, sealing: pytest.LogCaptureFixture) -> None:
    """Somebody holds the seal and does not come to an end."""
    fill(path)
    seal_of(path).write_bytes(b"checking\n")
    with seal_of(path).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        sealing.clear()
        with open_storage(path, timeout=0.1) as storage:
            assert storage.count_tracks() == 100
        assert CHECKING in sealing.text
        assert seal_of(path).read_bytes() == b"checking\n"


def test_where_no_seal_can_be_kept_all_is_checked(
    path: Path, sealing: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that may not be written to, or a system without such locks."""
    fill(path)
    seal_of(path).unlink()
    seal_of(path).mkdir()
    assert checked(path, sealing)
    seal_of(path).rmdir()
    monkeypatch.setattr(sqlite_seal, "fcntl", None)
    assert checked(path, sealing)
    assert not checked(path, sealing)
