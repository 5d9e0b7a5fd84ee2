"""Disks that go away while work is pending, calls that fail once: every file that is there is taken in the end."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.watcher.ledger import Ledger, make, until
from tracktion.results.analysis import Analysis
from tracktion.results.change import FileChange
from tracktion.storage import open_storage
from tracktion.storage.journal import Journal
from tracktion.storage.journal_versions import Found
from tracktion.storage.protocol import Storage
from tracktion.watcher import Watcher
from tracktion.watching import cli, content, work
from tracktion.watching.content import signature_at

QUIET = 0.2


class Gate:
    """A handler that lets `free` batches through, and holds the others until it is opened."""

    def __init__(self, free: int) -> None:
        self.ledger = Ledger()
        self.free = free
        self.held = threading.Event()
        self.open = threading.Event()

    def __call__(self, changes: list[FileChange]) -> None:
        self.free -= 1
        if self.free < 0:
            self.held.set()
            self.open.wait(60)
        self.ledger(changes)


def test_root_that_goes_away_under_waiting_files_loses_none(storage: Storage, root: Path, tmp_path: Path) -> None:
    paths, gate = make(root / "a", 30), Gate(2)
    options: dict[str, Any] = {"debounce": QUIET, "batch_size": 2, "rescan_interval": 0.3}
    with Watcher(root, storage=storage, handler=gate, **options) as watcher:
        watcher.start()
        assert gate.held.wait(60)
        assert until(lambda: watcher.status().known == 30)
        root.rename(tmp_path / "away")
        assert until(lambda: watcher.status().offline == (str(root),))
        gate.open.set()
        assert until(lambda: not watcher.status().working)
        assert sum(storage.count_files().values()) == 30
        (tmp_path / "away").rename(root)
        assert gate.ledger.wait_for(paths) == set()
        assert until(lambda: storage.count_files() == {"done": 30})
        assert watcher.is_healthy()
    assert gate.ledger.twice() == []


def test_root_that_goes_away_before_the_scan_sees_it_loses_none(storage: Storage, root: Path, tmp_path: Path) -> None:
    """The work alone runs into it: the scanner finds the root as it was."""
    paths, gate = make(root / "a", 30), Gate(2)
    options: dict[str, Any] = {"debounce": QUIET, "batch_size": 2, "rescan_interval": 600.0, "events": False}
    with Watcher(root, storage=storage, handler=gate, **options) as watcher:
        watcher.start()
        assert gate.held.wait(60)
        assert until(lambda: watcher.status().known == 30)
        root.rename(tmp_path / "away")
        gate.open.set()
        assert until(lambda: not watcher.status().working)
        (tmp_path / "away").rename(root)
        assert gate.ledger.wait_for(paths) == set()
        assert until(lambda: storage.count_files() == {"done": 30})
    assert gate.ledger.twice() == []


@pytest.mark.parametrize("isolation", ["process", None])
def test_root_that_goes_away_under_the_analyzer(storage: Storage, root: Path, tmp_path: Path, isolation: Any) -> None:
    make(root, 20)
    with Watcher(
        root, storage=storage, analyzer=slow, isolation=isolation, workers=2, debounce=QUIET, rescan_interval=0.3
    ) as watcher:
        watcher.start()
        assert until(lambda: watcher.status().done >= 3)
        assert until(lambda: watcher.status().known == 20)
        root.rename(tmp_path / "away")
        assert until(lambda: watcher.status().offline == (str(root),))
        assert until(lambda: not watcher.status().working)
        assert sum(storage.count_files().values()) == 20
        (tmp_path / "away").rename(root)
        assert until(lambda: storage.count_files() == {"done": 20})


def slow(source: Any) -> Analysis:
    threading.Event().wait(0.05)
    return Analysis(duration=float(len(Path(source).read_bytes())), sample_rate=44100, channels=2)


def test_scan_once_ends_while_the_root_is_away(storage: Storage, root: Path, tmp_path: Path) -> None:
    paths, gate = make(root, 10), Gate(1)
    with Watcher(root, storage=storage, handler=gate, batch_size=2, debounce=QUIET) as watcher:
        watcher.start()
        assert gate.held.wait(60)
        assert until(lambda: watcher.status().known == 10)
        watcher.stop()
        gate.open.set()
        root.rename(tmp_path / "away")
        watcher.scan_once()
        assert sum(storage.count_files().values()) == 10
        (tmp_path / "away").rename(root)
        watcher.scan_once()
    assert gate.ledger.wait_for(paths, 0) == set()
    assert storage.count_files() == {"done": 10}


def flaky(name: str, code: int, times: int = 1) -> Callable[..., os.stat_result]:
    """Return an ``lstat`` that fails for one file, some times."""
    real, left = os.lstat, [times]

    def lstat(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if isinstance(path, bytes) and path.endswith(b"/" + name.encode()) and left[0]:
            left[0] -= 1
            raise OSError(code, os.strerror(code))
        return real(path, *args, **options)

    return lstat


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOENT])
@pytest.mark.parametrize("once", [True, False])
def test_one_call_that_fails_loses_no_file(
    storage: Storage, root: Path, monkeypatch: pytest.MonkeyPatch, code: int, *, once: bool
) -> None:
    paths, ledger = make(root, 4), Ledger()
    monkeypatch.setattr(content.os, "lstat", flaky(paths[2].name, code))
    with Watcher(root, storage=storage, handler=ledger, debounce=QUIET, rescan_interval=600.0) as watcher:
        if once:
            watcher.scan_once()
        else:
            watcher.start()
        assert ledger.wait_for(paths, 0 if once else 60) == set()
        assert until(lambda: storage.count_files() == {"done": 4})
    assert ledger.twice() == []


def test_work_that_is_done_stays_done_when_the_disk_fails_after_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [path] = make(root, 1)
    ledger = Ledger()

    def handler(changes: list[FileChange]) -> None:
        monkeypatch.setattr(content.os, "lstat", flaky(path.name, errno.EIO))
        ledger(changes)

    with Watcher(root, handler=handler, debounce=QUIET) as watcher:
        watcher.scan_once()
        assert watcher.storage.count_files() == {"done": 1}
        assert isinstance(watcher.last_error, OSError)
    assert len(ledger.changes) == 1


def test_file_that_is_found_while_others_are_handed_out_gets_its_turn(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that is not full says nothing of what was added since the question."""
    claim, late = Journal.claim, root / "late.mp3"

    def slow(journal: Journal, *arguments: Any) -> Any:
        rows = claim(journal, *arguments)
        if rows and not late.exists():
            late.write_bytes(b"late")
            assert until(lambda: journal.counts().get("ready") == 1)
            assert until(lambda: watcher.status().settling == 0)
        return rows

    monkeypatch.setattr(Journal, "claim", slow)
    monkeypatch.setattr(work, "RECOVER_SECONDS", 1e9)
    [path], ledger = make(root, 1), Ledger()
    with Watcher(root, handler=ledger, debounce=QUIET) as watcher:
        watcher.start()
        assert ledger.wait_for([path, late], 30) == set()


def test_file_that_is_deleted_before_its_turn_is_forgotten(storage: Storage, root: Path) -> None:
    gate = Gate(0)
    first, second, *others = make(root, 6)
    with Watcher(root, storage=storage, handler=gate, batch_size=2, debounce=QUIET, rescan_interval=0.3) as watcher:
        watcher.start()
        assert gate.held.wait(60)
        assert until(lambda: watcher.status().known == 6)
        for path in (first, others[-1]):
            path.unlink()
        assert until(lambda: watcher.status().known == 4)
        gate.open.set()
        assert gate.ledger.wait_for([second, *others[:-1]]) == set()
        assert until(lambda: storage.count_files().get("done") == 4)
        assert until(lambda: set(storage.count_files()) <= {"done", "deleted"})
    assert str(others[-1]) not in gate.ledger.paths()


def test_folder_that_vanishes_with_a_file_in_hand_leaves_no_row_behind(root: Path, tmp_path: Path) -> None:
    gate = Gate(0)
    make(root / "a" / "b", 1)
    with Watcher(root, handler=gate, debounce=QUIET, rescan_interval=0.3) as watcher:
        watcher.start()
        assert gate.held.wait(60)
        (root / "a").rename(tmp_path / "away")
        assert until(lambda: watcher.status().known == 0)
        gate.open.set()
        assert until(lambda: set(watcher.storage.count_files()) <= {"deleted"})


def test_rows_laid_aside_by_a_life_that_ended_are_ready_in_the_next(storage: Storage, root: Path) -> None:
    [path] = make(root, 1)
    signature = signature_at(os.fsencode(path))
    assert signature is not None
    options: dict[str, Any] = {"same_content": content.same_content, "report_moves": True}
    first = Journal(storage, [os.fsencode(root)], **options)
    first.open()
    assert first.ready([Found(os.fsencode(root), os.fsencode(path), signature)]) == 1
    first.lay_aside(first.claim(1))
    assert first.recover() == []
    assert first.counts() == {"offline": 1}
    first.close()
    second = Journal(storage, [os.fsencode(root)], **options)
    second.open()
    assert second.counts() == {"ready": 1}
    [row] = second.claim(1)
    assert row.attempts == 1
    second.close()


def test_a_file_that_is_there_again_is_taken_with_its_number_of_attempts(storage: Storage, root: Path) -> None:
    [path] = make(root, 1)
    signature = signature_at(os.fsencode(path))
    assert signature is not None
    journal = Journal(storage, [os.fsencode(root)], same_content=content.same_content, report_moves=True)
    journal.open()
    found = Found(os.fsencode(root), os.fsencode(path), signature)
    journal.ready([found])
    [row] = journal.claim(1)
    journal.lay_aside([row])
    assert journal.ready([found]) == 1
    [again] = journal.claim(1)
    assert (again.id, again.attempts, again.reason) == (row.id, 1, None)
    journal.close()


def test_signature_of_what_is_not_there_and_of_what_nobody_can_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [path] = make(tmp_path, 1)
    assert signature_at(os.fsencode(tmp_path / "nothing")) is None
    assert signature_at(os.fsencode(path / "below a file")) is None
    monkeypatch.setattr(content.os, "lstat", flaky(path.name, errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        signature_at(os.fsencode(path))


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on another device than `tmp_path`."""
    place = Path("/dev/shm")
    if not place.is_dir() or place.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system at hand")
    folder = place / f"tracktion-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    yield folder
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


@pytest.mark.parametrize("live", [True, False])
def test_mount_point_with_a_folder_in_it_is_no_empty_library(tmp_path: Path, other_disk: Path, *, live: bool) -> None:
    """A link stands for the mount point: it leads to the disk, or to what is under the mount point."""
    under, root, ledger = tmp_path / "under", tmp_path / "mnt", Ledger()
    (under / "lost+found").mkdir(parents=True)
    make(other_disk / "artist", 2)
    make(other_disk, 1, name="top")
    root.symlink_to(other_disk)
    options: dict[str, Any] = {"debounce": QUIET, "rescan_interval": 0.3, "report_deletions": True}
    with Watcher(root, handler=ledger, storage=f"sqlite:///{tmp_path / 'state.db'}", **options) as watcher:
        watcher.start()
        assert until(lambda: watcher.storage.count_files() == {"done": 3})
        if not live:
            watcher.stop()
        switch(root, under)
        watcher.start()
        assert until(lambda: watcher.status().offline == (str(root),))
        assert watcher.storage.count_files() == {"done": 3}
        switch(root, other_disk)
        assert until(watcher.is_healthy)
        assert watcher.storage.count_files() == {"done": 3}
    assert len(ledger.changes) == 3


def test_another_library_on_another_disk_is_taken(tmp_path: Path, other_disk: Path) -> None:
    new, root, ledger = tmp_path / "new", tmp_path / "mnt", Ledger()
    make(other_disk / "artist", 2)
    make(new / "music" / "by name", 1)
    root.symlink_to(other_disk)
    with Watcher(root, handler=ledger, debounce=QUIET, rescan_interval=0.3) as watcher:
        watcher.start()
        assert until(lambda: watcher.storage.count_files() == {"done": 2})
        switch(root, new)
        assert until(lambda: watcher.storage.count_files() == {"done": 1, "deleted": 2})


def switch(link: Path, target: Path) -> None:
    made = link.with_name("link")
    made.symlink_to(target)
    made.rename(link)


def test_one_folder_has_one_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "beside").mkdir()
    [path] = make(root / "in", 1)
    around = root / "beside" / ".." / "in"
    assert Watcher(root / "in", around).roots == (os.fsencode(root / "in"),)
    assert Watcher(root, around).roots == (os.fsencode(root),)
    ledger = Ledger()
    with open_storage("memory:") as storage:
        for place, name in (("beside", "../in"), (".", "in")):
            monkeypatch.chdir(root / place)
            with Watcher(name, storage=storage, handler=ledger, debounce=QUIET) as watcher:
                watcher.scan_once()
        assert storage.count_files() == {"done": 1}
    assert [change.path for change in ledger.changes] == [path]


# --- folders that cannot be read --------------------------------------------------------------------------------------


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Paths of folders that the system refuses to list, also to whom it refuses nothing."""
    refused: set[str] = set()
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if os.fsdecode(path) in refused:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    return refused


def test_root_that_cannot_be_read_is_not_there(root: Path, closed: set[str], caplog: pytest.LogCaptureFixture) -> None:
    """Nothing below it is watched: that is not health."""
    paths, ledger = make(root, 2), Ledger()
    closed.add(str(root))
    with Watcher(root, handler=ledger, debounce=QUIET, rescan_interval=0.1) as watcher:
        watcher.start()
        assert until(lambda: watcher.scans >= 2)
        assert not watcher.is_healthy()
        assert watcher.status().offline == (str(root),)
        assert caplog.text.count("Permission denied") == 1
        closed.clear()
        assert ledger.wait_for(paths) == set()
        assert until(watcher.is_healthy)


def test_folder_that_cannot_be_read_is_reported_once(root: Path, closed: set[str]) -> None:
    folder = root / "private"
    folder.mkdir()
    [path], ledger = make(folder, 1), Ledger()
    closed.add(str(folder))
    with Watcher(root, handler=ledger, debounce=QUIET, rescan_interval=0.05) as watcher:
        watcher.start()
        assert until(lambda: watcher.scans >= 5)
        assert [type(error) for error in watcher.errors] == [PermissionError]
        closed.clear()
        assert ledger.wait_for([path]) == set()


def test_watch_once_says_what_it_could_not_read(
    root: Path, closed: set[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    (root / "private").mkdir()
    closed.add(str(root / "private"))
    show = cli._Display(as_json=False, quiet=False)
    with Watcher(root, handler=show.finished, debounce=QUIET) as watcher:
        assert cli._once(watcher, show) == 1
    assert f"{root / 'private'} cannot be read (Permission denied)" in capsys.readouterr().err


def test_watch_ends_when_its_watcher_gave_up(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it would stand there, doing nothing, and nobody would start it anew."""

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("nobody thought of it")

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(work, "BACKOFF_SECONDS", (0.0,))
    monkeypatch.setattr(Journal, "claim", broken)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    show = cli._Display(as_json=False, quiet=False)
    show.interval = 0.05
    make(root, 1)
    with Watcher(root, handler=show.finished, debounce=QUIET) as watcher:
        assert cli._until_stopped(watcher, show) == 1
    assert "gave up (ZeroDivisionError: nobody thought of it)" in capsys.readouterr().err
