"""Ordinary situations in which watchers lose files: none is missed, none is early, each version comes once."""

from __future__ import annotations

import logging
import mmap
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.watcher.ledger import Ledger, make, until
from tracktion.watcher import Watcher

QUIET = 0.3
BURST = int(os.environ.get("TRACKTION_FAULT_BURST", "10000"))
SCALE = int(os.environ.get("TRACKTION_FAULT_SCALE", "1"))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def watcher(root: Path, ledger: Ledger) -> Iterator[Watcher]:
    with Watcher(root, handler=ledger, debounce=QUIET, rescan_interval=1.0) as made:
        made.start()
        assert until(lambda: made.status().scans >= 1)
        yield made


def check(ledger: Ledger, expected: list[Path], seconds: float = 120.0) -> None:
    assert ledger.wait_for(expected, seconds) == set()
    time.sleep(2 * QUIET)
    assert ledger.twice() == []


def test_existing_files_are_found(root: Path, ledger: Ledger) -> None:
    paths = make(root / "a" / "b", 25)
    with Watcher(root, handler=ledger, debounce=QUIET) as watcher:
        watcher.start()
        check(ledger, paths)
    assert max(ledger.batches) == 10


def test_burst_of_a_thousand(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    check(ledger, make(root, 1000))
    assert all(change.kind == "added" and change.attempt == 1 for change in ledger.changes)


@pytest.mark.slow
def test_large_burst(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    check(ledger, make(root, BURST))


def test_unpacked_tree(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    check(ledger, [path for i in range(100 * SCALE) for path in make(root / f"album{i}", 12)])


def test_deep_folders_and_files_at_once(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    check(ledger, [p for i in range(30 * SCALE) for p in make(root / f"{i}/a/b/c/d", 4)])


def test_folders_moved_in(watcher: Watcher, root: Path, ledger: Ledger, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    for i in range(50 * SCALE):
        make(outside / f"album{i}" / "cd1", 12)
    for i in range(50 * SCALE):
        (outside / f"album{i}").rename(root / f"album{i}")
    check(ledger, [root / f"album{i}" / "cd1" / f"track{j:05}.mp3" for i in range(50 * SCALE) for j in range(12)])


def test_renamed_folders_keep_their_work(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    check(ledger, [p for i in range(40 * SCALE) for p in make(root / f"old{i}", 5)])
    for i in range(40 * SCALE):
        (root / f"old{i}").rename(root / f"new{i}")
    moved = [root / f"new{i}" / f"track{j:05}.mp3" for i in range(40 * SCALE) for j in range(5)]
    check(ledger, moved)
    new = [change for change in ledger.changes if "/new" in str(change.path)]
    assert {change.kind for change in new} == {"moved"}
    assert all(str(change.previous) == str(change.path).replace("/new", "/old") for change in new)


def test_part_files_renamed(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    for i in range(300 * SCALE):
        part = root / f"{i}.mp3.part"
        part.write_bytes(b"half")
        part.write_bytes(b"whole")
        part.rename(root / f"{i}.mp3")
    check(ledger, [root / f"{i}.mp3" for i in range(300 * SCALE)])
    assert set(ledger.contents.values()) == {b"whole"}


def test_atomic_replace_is_a_new_version(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    paths = make(root, 50, content=b"old")
    check(ledger, paths)
    for path in paths:
        new = path.with_suffix(".tmp")
        new.write_bytes(b"new")
        new.replace(path)
    assert until(lambda: sum(c.kind == "modified" for c in ledger.changes) == 50)
    check(ledger, paths)
    assert set(ledger.contents.values()) == {b"new"}


def test_hard_links_do_not_repeat_the_original(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    paths = make(root, 20)
    check(ledger, paths)
    links = [root / f"link{i}.mp3" for i in range(20)]
    for path, link in zip(paths, links, strict=True):
        os.link(path, link)
    check(ledger, links)
    assert len(ledger.changes) == 40


def test_permission_and_owner_changes_are_no_new_version(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    [path] = make(root, 1)
    check(ledger, [path])
    path.chmod(0o600)
    scans = watcher.status().scans
    assert until(lambda: watcher.status().scans >= scans + 2)
    assert len(ledger.changes) == 1


def test_same_size_rewrite_with_restored_time(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    path = root / "a.mp3"
    path.write_bytes(b"one")
    check(ledger, [path])
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert until(lambda: len(ledger.changes) == 2)
    assert ledger.contents[str(path)] == b"two"


def test_mmap_rewrite(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    path = root / "a.mp3"
    path.write_bytes(b"a" * 4096)
    check(ledger, [path])
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[:4] = b"bbbb"
        time.sleep(4 * QUIET)
        assert len(ledger.changes) == 1
        memory[4:8] = b"cccc"
        memory.flush()
    assert until(lambda: len(ledger.changes) == 2)
    assert ledger.contents[str(path)][:9] == b"bbbbcccca"


def test_names_that_are_no_text(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    names = [b"caf\xe9.mp3", b"\xff\xfe\x80.flac", b"new\nline.mp3", "🎵 ünï.mp3".encode(), b"a" * 251 + b".mp3"]
    names += [b"nfc-\xc3\xa9.mp3", b"nfd-e\xcc\x81.mp3", b"'; DROP TABLE files;--.mp3", b"-rf.mp3", b"$(x) `y`.mp3"]
    folder = os.fsencode(root) + b"/d\xe9j\xe0"
    Path(os.fsdecode(folder)).mkdir()
    for name in names:
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(b"x")
    check(ledger, [Path(os.fsdecode(folder + b"/" + name)) for name in names])
    assert watcher.is_healthy()


def test_slow_writers_are_waited_for(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    paths = [root / f"slow{i}.mp3" for i in range(5)]
    files = [path.open("wb") for path in paths]
    for _ in range(3):
        for file in files:
            file.write(b"1234")
            file.flush()
        time.sleep(4 * QUIET)
        assert ledger.changes == []
    for file in files:
        file.close()
    check(ledger, paths)
    assert {change.size for change in ledger.changes} == {12}


def test_writers_that_close_between_pieces_shorter_than_the_quiet_time(
    watcher: Watcher, root: Path, ledger: Ledger
) -> None:
    path = root / "pieces.mp3"
    for _ in range(8):
        with path.open("ab") as file:
            file.write(b"12")
        time.sleep(QUIET / 3)
    check(ledger, [path])
    assert [change.size for change in ledger.changes] == [16]


def test_temporary_and_foreign_names_are_left_alone(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    for name in (
        "a.mp3.part",
        "b.mp3.crdownload",
        "._c.mp3",
        "~$d.mp3",
        "e.txt",
        "f",
        "g.mp3.tmp",
        "h.mp3.!qB",
        ".mp3~",
    ):
        (root / name).write_bytes(b"x")
    (root / "@eaDir").mkdir()
    (root / "@eaDir" / "x.mp3").write_bytes(b"x")
    wanted = root / "I.MP3"
    wanted.write_bytes(b"x")
    check(ledger, [wanted])
    assert len(ledger.changes) == 1


def test_root_removed_and_back(watcher: Watcher, root: Path, ledger: Ledger, tmp_path: Path) -> None:
    first = make(root / "a", 20)
    check(ledger, first)
    away = tmp_path / "away"
    root.rename(away)
    assert until(lambda: watcher.status().offline == (str(root),))
    assert not watcher.is_healthy()
    away.rename(root)
    assert until(watcher.is_healthy)
    second = make(root / "a", 5, name="new")
    check(ledger, second)
    assert len(ledger.changes) == 25


def test_root_replaced_by_an_empty_folder_and_filled_again(
    watcher: Watcher, root: Path, ledger: Ledger, tmp_path: Path
) -> None:
    check(ledger, make(root / "a", 20))
    root.rename(tmp_path / "away")
    root.mkdir()
    assert until(lambda: watcher.status().offline == (str(root),))
    assert watcher.status().known == 20
    second = make(root / "b", 5, name="new")
    check(ledger, second)
    assert until(watcher.is_healthy)


def test_root_that_appears_later(tmp_path: Path, ledger: Ledger) -> None:
    root = tmp_path / "later"
    with Watcher(root, handler=ledger, debounce=QUIET, rescan_interval=0.5) as watcher:
        watcher.start()
        assert until(lambda: watcher.status().offline == (str(root),))
        check(ledger, make(root, 5))


def test_links_are_not_followed_out_of_the_root_and_loops_end(
    watcher: Watcher, root: Path, ledger: Ledger, tmp_path: Path
) -> None:
    outside = make(tmp_path / "outside", 3)
    inside = make(root / "real", 3)
    (root / "link").symlink_to(root / "real", target_is_directory=True)
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "out").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "file.mp3").symlink_to(outside[0])
    (root / "zero.mp3").symlink_to("/dev/zero")
    (root / "dangling.mp3").symlink_to("nowhere")
    os.mkfifo(root / "fifo.mp3")
    (root / "folder.mp3").mkdir()
    check(ledger, inside)
    assert len(ledger.changes) == 3


def test_deleted_files_are_marked_and_come_back_without_work(
    watcher: Watcher, root: Path, ledger: Ledger, tmp_path: Path
) -> None:
    [path] = make(root, 1)
    check(ledger, [path])
    path.rename(tmp_path / "kept")
    assert until(lambda: watcher.storage.count_files() == {"deleted": 1})
    (tmp_path / "kept").rename(path)
    assert until(lambda: watcher.storage.count_files() == {"done": 1})
    assert len(ledger.changes) == 1


def test_churn_of_three_writers(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    def work(number: int) -> None:
        folder = root / f"w{number}"
        for i in range(60 * SCALE):
            make(folder, 2, name=f"{i}-")
            if i % 3 == 0:
                (folder / f"{i}-00000.mp3").unlink()
            if i % 5 == 0 and i % 3:
                (folder / f"{i}-00000.mp3").rename(folder / f"{i}-renamed.mp3")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(ledger, list(root.rglob("*.mp3")))


def test_changed_while_down(root: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    first = Ledger()
    each = 25 * SCALE
    keep, modify, remove, move = (
        make(root / name, each, content=b"old") for name in ("keep", "modify", "remove", "move")
    )
    with Watcher(root, storage=url, handler=first, debounce=QUIET) as watcher:
        watcher.start()
        check(first, keep + modify + remove + move)
    for path in modify:
        stamp = path.stat().st_mtime_ns
        path.write_bytes(b"new")
        os.utime(path, ns=(stamp, stamp))
    for path in remove:
        path.unlink()
    (root / "move").rename(root / "moved")
    added = make(root / "added", each)
    second = Ledger()
    with Watcher(root, storage=url, handler=second, debounce=QUIET) as watcher:
        watcher.start()
        moved = [root / "moved" / path.name for path in move]
        check(second, modify + moved + added)
        assert watcher.storage.count_files() == {"done": 4 * each, "deleted": each}
    assert second.paths("modified") == {str(p) for p in modify}
    assert second.paths("moved") == {str(p) for p in moved}
    assert second.paths("added") == {str(p) for p in added}
    assert len(second.changes) == 3 * each


def test_restart_of_a_known_tree_is_quiet(root: Path, tmp_path: Path, ledger: Ledger) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    paths = make(root / "a", 50)
    for _ in range(3):
        with Watcher(root, storage=url, handler=ledger, debounce=QUIET) as watcher:
            watcher.start()
            assert until(lambda: watcher.status().scans >= 1)
            check(ledger, paths)
    assert len(ledger.changes) == 50


def test_several_roots_and_nested_ones(tmp_path: Path, ledger: Ledger) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    expected = make(one / "nested", 5) + make(two, 5)
    with Watcher(one, one / "nested", two, two, handler=ledger, debounce=QUIET) as watcher:
        assert len(watcher.roots) == 2
        watcher.start()
        check(ledger, expected)
    assert len(ledger.changes) == 10


def test_scans_alone_find_everything(root: Path, ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    with Watcher(root, handler=ledger, debounce=QUIET, rescan_interval=0.3, events=False) as watcher:
        watcher.start()
        check(ledger, [p for i in range(20) for p in make(root / f"{i}", 10)])
        assert watcher.status().polling == (str(root),)
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_tree_of_the_root_is_removed(watcher: Watcher, root: Path, ledger: Ledger) -> None:
    check(ledger, make(root / "a" / "b", 10))
    shutil.rmtree(root / "a")
    assert until(lambda: watcher.storage.count_files() == {"deleted": 10})
    check(ledger, make(root / "a" / "b", 10, content=b"again"))
    assert until(lambda: watcher.storage.count_files() == {"done": 10})
