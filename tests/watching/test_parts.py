"""The parts of the Watcher, one by one."""

from __future__ import annotations

import mmap
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.watcher.ledger import until
from tracktion.errors import UsageError
from tracktion.storage.journal_versions import Signature
from tracktion.watching.backlog import Backlog
from tracktion.watching.content import content_mark, same_content, signature_at
from tracktion.watching.filters import FileFilter
from tracktion.watching.hints import NoHints, TreeHints, open_hints
from tracktion.watching.known import KnownTree
from tracktion.watching.listing import list_folder
from tracktion.watching.settling import Settling
from tracktion.watching.system import SteadyClock, has_writer, is_network


def sig(size: int = 1, mtime: int = 1, ctime: int = 1, device: int = 1, inode: int = 1) -> Signature:
    return size, mtime, ctime, device, inode


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"a.mp3", b"A.FLAC", b"x.y.wav", b"caf\xe9.ogg", b".hidden.mp3", "🎵.m4a".encode()])
def test_audio_names(name: bytes) -> None:
    assert FileFilter().wants(name)


@pytest.mark.parametrize(
    "name",
    [b"a.txt", b"mp3", b"a.mp3.part", b"._a.mp3", b"~$a.mp3", b".syncthing.a.mp3", b"a.mp3~", b"", b".nfs0001.mp3"],
)
def test_other_names(name: bytes) -> None:
    assert not FileFilter().wants(name)


def test_own_extensions() -> None:
    names = FileFilter([".xyz", "ABC"])
    assert names.wants(b"a.XYZ")
    assert names.wants(b"a.abc")
    assert not names.wants(b"a.mp3")


@pytest.mark.parametrize("wrong", ["mp3", b"mp3", [], [""], ["."], ["*.mp3"], [b"mp3"]])
def test_extensions_that_would_find_nothing_are_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match="extensions"):
        FileFilter(wrong)


def test_folders() -> None:
    assert FileFilter.enters(b"Music")
    assert not FileFilter.enters(b"@eaDir")
    assert not FileFilter.enters(b".Trash-1000")
    assert FileFilter.is_temporary(b"x.crdownload")


# --- what is known --------------------------------------------------------------------------------------------------

NAMES = st.binary(min_size=1, max_size=8).filter(lambda name: b"/" not in name and b"\0" not in name)
FOLDER = st.dictionaries(NAMES, st.integers(0, 5), max_size=12)


@settings(max_examples=200)
@given(before=FOLDER, after=FOLDER)
def test_difference_is_exact(before: dict[bytes, int], after: dict[bytes, int]) -> None:
    tree = KnownTree()
    tree.note(b"/r", {name: sig(size) for name, size in before.items()})
    found = tree.difference(b"/r", {name: sig(size) for name, size in after.items()})
    assert set(found.new) == {name for name, size in after.items() if before.get(name) != size}
    assert set(found.gone) == set(before) - set(after)
    tree.note(b"/r", found.new, found.gone)
    assert tree.files == len(after)
    again = tree.difference(b"/r", {name: sig(size) for name, size in after.items()})
    assert (again.new, again.gone) == ({}, [])


def test_device_is_no_part_of_a_version() -> None:
    tree = KnownTree()
    tree.load([(b"/r/a/b.mp3", sig(device=1))])
    tree.link(b"/r")
    assert tree.difference(b"/r/a", {b"b.mp3": sig(device=2)}).new == {}
    assert tree.difference(b"/r/a", {b"b.mp3": sig(ctime=2)}).new == {b"b.mp3": sig(ctime=2)}
    assert list(tree.walk(b"/r")) == [b"/r", b"/r/a"]


def test_folders_that_come_and_go() -> None:
    tree = KnownTree()
    tree.load([(b"/r/a/b/c.mp3", sig()), (b"/r/d/e.mp3", sig())])
    tree.link(b"/r")
    new, gone = tree.enter(b"/r", [b"d", b"f"])
    assert (new, gone) == ([b"/r/f"], [b"/r/a"])
    assert dict(tree.remove(b"/r/a")) == {b"/r/a": [], b"/r/a/b": [b"c.mp3"]}
    assert tree.files == 1


def test_what_was_added_since_the_question_is_not_answered_by_it() -> None:
    backlog = Backlog(settling=lambda: False, batch_size=10, batch_seconds=1.0)
    backlog.add(1)
    asked = backlog.added
    backlog.add(1)
    backlog.take(1, 10, asked)
    assert backlog.ready >= 1
    backlog.take(1, 10, backlog.added)
    assert backlog.ready == 0


def test_files_of_a_folder_come_in_the_order_of_their_names() -> None:
    """Whatever order the file system has, and whether the folder was known or not."""
    tree, files = KnownTree(), {b"b.mp3": sig(), b"c.mp3": sig(), b"a.mp3": sig()}
    assert list(tree.difference(b"/r", files).new) == sorted(files)
    tree.enter(b"/r", [])
    assert list(tree.difference(b"/r", files).new) == sorted(files)


def test_loading_a_large_folder_copies_no_name_twice() -> None:
    """Each of 300 000 files made a copy of all names before it: minutes."""
    tree, names = KnownTree(), [b"track %06d of a flat folder, with a longish name.mp3" % i for i in range(300_000)]
    tree.load((b"/r/" + name, sig()) for name in names)
    assert tree.files == len(tree.names(b"/r")) == 300_000


def test_a_million_files_fit() -> None:
    tree = KnownTree()
    for folder in range(100):
        tree.note(b"/r/%d" % folder, {b"%06d some name.mp3" % i: sig(inode=i) for i in range(100)})
    assert tree.files == 10_000


# --- settling -------------------------------------------------------------------------------------------------------


def test_two_looks_with_the_quiet_time_between() -> None:
    settling = Settling(2.0, writer=lambda _: False)
    now = time.time_ns()
    young = sig(mtime=now, ctime=now)
    assert settling.look(b"/r", {b"a": young}, 100.0, local=True)[0] == {}
    grown = sig(size=2, mtime=now, ctime=now)
    assert settling.look(b"/r", {b"a": grown}, 101.9, local=True)[0] == {}
    settled, again = settling.look(b"/r", {b"a": grown}, 103.0, local=True)
    assert (settled, again) == ({}, pytest.approx(103.9, abs=0.1))
    assert settling.look(b"/r", {b"a": grown}, 104.0, local=True)[0] == {b"a": grown}
    assert not settling


def test_old_stamps_prove_rest_only_here() -> None:
    settling = Settling(2.0, writer=lambda _: False)
    assert settling.look(b"/r", {b"a": sig()}, 100.0, local=False)[0] == {}
    assert settling.look(b"/s", {b"a": sig()}, 100.0, local=True)[0] == {b"a": sig()}


def test_open_writers_are_waited_for_and_do_not_hold_up_batches() -> None:
    writing = True
    settling = Settling(2.0, writer=lambda _: writing)
    assert settling.look(b"/r", {b"a": sig()}, 100.0, local=True) == ({}, 101.0)
    assert settling
    assert not settling.soon
    writing = False
    assert settling.look(b"/r", {b"a": sig()}, 101.0, local=True)[0] == {b"a": sig()}


def test_writer_that_sits_for_minutes_no_longer_counts() -> None:
    settling = Settling(2.0, writer=lambda _: True)
    assert settling.look(b"/r", {b"a": sig()}, 100.0, local=True)[0] == {}
    assert settling.look(b"/r", {b"a": sig()}, 800.0, local=True)[0] == {b"a": sig()}


def test_future_stamps_prove_nothing() -> None:
    settling = Settling(2.0, writer=lambda _: False)
    future = sig(mtime=time.time_ns() + 10**15)
    assert settling.look(b"/r", {b"a": future}, 100.0, local=True)[0] == {}
    assert settling.look(b"/r", {b"a": future}, 102.0, local=True)[0] == {b"a": future}


def test_clock_is_distrusted_after_a_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SteadyClock()
    assert clock.age(time.time_ns() - 5 * 10**9) == pytest.approx(5.0, abs=0.5)
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real - 1e6)
    assert clock.age(0) == 0.0
    monkeypatch.undo()
    assert clock.age(0) == 0.0


# --- the system -----------------------------------------------------------------------------------------------------


def test_writers_are_seen_and_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"x" * 4096)
    name = os.fsencode(path)
    assert not has_writer(name)
    with path.open("r+b") as file:
        assert has_writer(name)
        memory = mmap.mmap(file.fileno(), 0)
    assert has_writer(name)
    memory.close()
    assert not has_writer(name)
    assert not has_writer(os.fsencode(tmp_path))
    assert not has_writer(os.fsencode(tmp_path / "nothing"))
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            has_writer(name)

    looker = threading.Thread(target=look)
    looker.start()
    for i in range(20):
        path.write_bytes(b"%d" % i)
    stop.set()
    looker.join()
    assert path.read_bytes() == b"19"


def test_local_folder_is_no_network(tmp_path: Path) -> None:
    assert not is_network(os.fsencode(tmp_path))


def test_listing(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"abc")
    (tmp_path / "b.txt").write_bytes(b"")
    (tmp_path / "c").mkdir()
    (tmp_path / "l.mp3").symlink_to(tmp_path / "a.mp3")
    os.mkfifo(tmp_path / "f.mp3")
    found = list_folder(os.fsencode(tmp_path), FileFilter())
    assert set(found.files) == {b"a.mp3"}
    assert found.files[b"a.mp3"][0] == 3
    assert set(found.folders) == {b"c"}


def test_content_mark_sees_every_part_of_small_files_and_the_ends_of_large_ones(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for size in (0, 1, 1000, 300_000):
        path.write_bytes(bytes(size))
        mark = content_mark(os.fsencode(path))
        assert mark is not None
        assert same_content(os.fsencode(path), mark)
        for place in {0, size // 2 if size < 1001 else size - 1}:
            if size:
                content = bytearray(size)
                content[place] = 1
                path.write_bytes(content)
                assert not same_content(os.fsencode(path), mark)
    assert content_mark(os.fsencode(tmp_path)) is None
    assert signature_at(os.fsencode(tmp_path)) is None
    assert signature_at(os.fsencode(tmp_path / "nothing")) is None


def test_hints_ring_once_until_armed_again(tmp_path: Path) -> None:
    rung: list[bytes] = []
    folder = os.fsencode(tmp_path)
    hints = open_hints([folder], rung.append, lambda: None)
    try:
        if isinstance(hints, NoHints):
            assert not hints.arm(folder, 0)
            return
        inode = tmp_path.stat().st_ino
        assert hints.arm(folder, inode)
        assert hints.arm(folder, inode)
        for i in range(50):
            (tmp_path / f"{i}").write_bytes(b"x")
        assert until(lambda: bool(rung))
        assert set(rung) == {folder}
        rung.clear()
        assert hints.arm(folder, inode)
        (tmp_path / os.fsdecode(b"\xff\xfe")).write_bytes(b"")
        assert until(lambda: bool(rung))
        assert hints.arm(folder, inode)
        hints.forget(folder)
        hints.forget(b"/nowhere")
        assert hints.arm(b"/nowhere", 1)
    finally:
        hints.close()


def test_hints_of_the_recursive_observer(tmp_path: Path) -> None:
    rung: list[bytes] = []
    (tmp_path / "a").mkdir()
    hints = TreeHints([os.fsencode(tmp_path), b"/nowhere"], rung.append)
    try:
        assert hints.arm(os.fsencode(tmp_path / "a"), 1)
        (tmp_path / "a" / "b.mp3").write_bytes(b"x")
        assert until(lambda: os.fsencode(tmp_path / "a") in rung)
        hints.forget(b"/nowhere")
    finally:
        hints.close()
