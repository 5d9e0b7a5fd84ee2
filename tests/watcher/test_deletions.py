"""Deletions that are reported: what a handler has written down after all it was told is what is there."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.watcher.ledger import Ledger, make, until
from tracktion.results.analysis import Analysis
from tracktion.results.change import FileChange
from tracktion.storage.protocol import Storage
from tracktion.watcher import Watcher

QUIET = 0.2
OPTIONS: dict[str, Any] = {"debounce": QUIET, "rescan_interval": 0.3, "report_deletions": True}


class Mirror(Ledger):
    """A host that keeps a list of files, and believes what it is told."""

    def kinds(self) -> list[tuple[str, str]]:
        return [(change.kind, change.path.name) for change in self.changes]

    def files(self) -> set[str]:
        """What the host believes to be there; a contradiction in what it was told is an error."""
        files: set[str] = set()
        for change in self.changes:
            if change.kind == "added":
                assert str(change.path) not in files
                files.add(str(change.path))
            elif change.kind == "modified":
                assert str(change.path) in files
            else:
                files.remove(str(change.previous if change.kind == "moved" else change.path))
                if change.kind == "moved":
                    files.add(str(change.path))
        return files


def once(root: Path, storage: Storage, handler: Any, **options: Any) -> None:
    with Watcher(root, storage=storage, handler=handler, **(OPTIONS | options)) as watcher:
        watcher.scan_once()


def heard(source: Any) -> Analysis:
    """Stands for an Analyzer."""
    return Analysis(duration=float(len(Path(source).read_bytes())), sample_rate=44100, channels=2)


def test_coroutine_gets_deletions(root: Path) -> None:
    seen: list[tuple[str, str]] = []

    async def handler(changes: list[FileChange]) -> None:
        await asyncio.sleep(0)
        seen.extend((change.kind, change.path.name) for change in changes)

    [path] = make(root, 1)
    with Watcher(root, handler=handler, **OPTIONS) as watcher:
        watcher.scan_once()
        path.unlink()
        watcher.scan_once()
        assert watcher.errors == []
    assert seen == [("added", path.name), ("deleted", path.name)]


@pytest.mark.parametrize("analyzer", [None, heard])
def test_rename_is_no_deletion(root: Path, storage: Storage, analyzer: Any) -> None:
    mirror = Mirror()
    [path] = make(root, 1)
    once(root, storage, mirror, analyzer=analyzer, isolation=None)
    path.rename(root / "b.mp3")
    once(root, storage, mirror, analyzer=analyzer, isolation=None)
    assert mirror.kinds() == [("added", path.name), ("moved", "b.mp3")]
    assert mirror.files() == {str(root / "b.mp3")}


def test_rename_into_another_folder_while_running_is_no_deletion(root: Path) -> None:
    mirror = Mirror()
    path, other = make(root, 2)
    (root / "sub").mkdir()
    with Watcher(root, handler=mirror, **OPTIONS) as watcher:
        watcher.start()
        assert until(lambda: watcher.storage.count_files() == {"done": 2})
        path.rename(root / "sub" / "b.mp3")
        other.unlink()
        assert until(lambda: mirror.paths("deleted") != set() and mirror.paths("moved") != set())
    assert mirror.paths("deleted") == {str(other)}
    assert mirror.files() == {str(root / "sub" / "b.mp3")}


@pytest.mark.parametrize("analyzer", [None, heard])
def test_file_that_comes_back_is_added_again(root: Path, storage: Storage, tmp_path: Path, analyzer: Any) -> None:
    mirror = Mirror()
    [path] = make(root, 1)
    options: dict[str, Any] = {"analyzer": analyzer, "isolation": None}
    once(root, storage, mirror, **options)
    path.rename(tmp_path / "kept")
    once(root, storage, mirror, **options)
    (tmp_path / "kept").rename(path)
    for _ in range(2):
        once(root, storage, mirror, **options)
    assert [kind for kind, _ in mirror.kinds()] == ["added", "deleted", "added"]
    assert storage.count_files() == {"done": 1}
    path.unlink()
    once(root, storage, mirror, **options)
    assert mirror.files() == set()


def test_file_that_comes_back_elsewhere_or_with_other_content_is_added(
    root: Path, storage: Storage, tmp_path: Path
) -> None:
    mirror = Mirror()
    first, second = make(root, 2)
    once(root, storage, mirror)
    first.rename(tmp_path / "first")
    second.unlink()
    once(root, storage, mirror)
    (tmp_path / "first").rename(root / "elsewhere.mp3")
    second.write_bytes(b"other")
    once(root, storage, mirror)
    assert mirror.files() == {str(root / "elsewhere.mp3"), str(second)}
    assert mirror.paths("moved", "modified") == set()


def test_file_that_comes_back_before_it_was_reported_is_no_news(root: Path, storage: Storage, tmp_path: Path) -> None:
    mirror = Mirror()
    [path] = make(root, 1)
    with Watcher(root, storage=storage, handler=mirror, **(OPTIONS | {"rescan_interval": 600.0})) as watcher:
        watcher.start()
        assert until(lambda: storage.count_files() == {"done": 1})
        path.rename(tmp_path / "kept")
        assert until(lambda: storage.count_files() == {"deleted": 1})
        (tmp_path / "kept").rename(path)
        assert until(lambda: storage.count_files() == {"done": 1})
    once(root, storage, mirror)
    assert mirror.kinds() == [("added", path.name)]


def test_deletion_that_was_not_told_before_the_stop_is_told_after_the_start(root: Path, storage: Storage) -> None:
    mirror = Mirror()
    [path] = make(root, 1)
    with Watcher(root, storage=storage, handler=mirror, **(OPTIONS | {"rescan_interval": 600.0})) as watcher:
        watcher.start()
        assert until(lambda: storage.count_files() == {"done": 1})
        path.unlink()
        assert until(lambda: storage.count_files() == {"deleted": 1})
    assert mirror.kinds() == [("added", path.name)]
    for _ in range(2):
        once(root, storage, mirror)
    assert mirror.kinds() == [("added", path.name), ("deleted", path.name)]


class Blocked(Mirror):
    """Holds the batch that has a certain file."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.held, self.open = threading.Event(), threading.Event()

    def __call__(self, changes: list[FileChange]) -> None:
        super().__call__(changes)
        if any(change.path.name == self.name for change in changes):
            self.held.set()
            self.open.wait(60)

    def hold(self, root: Path, storage: Storage) -> None:
        """Wait for the first file, then keep the handler busy with another."""
        assert until(lambda: storage.count_files() == {"done": 1})
        make(root, 1, name="new")[0].rename(root / self.name)
        assert self.held.wait(60)


def test_new_version_that_is_deleted_before_its_turn_ends_what_was_delivered(root: Path, storage: Storage) -> None:
    mirror = Blocked("block.mp3")
    [path] = make(root, 1)
    with Watcher(root, storage=storage, handler=mirror, batch_size=1, **OPTIONS) as watcher:
        watcher.start()
        mirror.hold(root, storage)
        path.write_bytes(b"another")
        assert until(lambda: storage.count_files().get("ready") == 1)
        path.unlink()
        assert until(lambda: storage.count_files().get("deleted") == 1)
        mirror.open.set()
        assert until(lambda: mirror.paths("deleted") == {str(path)})
        path.write_bytes(b"another")
        assert until(lambda: mirror.files() == {str(path), str(root / "block.mp3")})
        assert until(lambda: storage.count_files() == {"done": 2})


def test_version_without_a_result_is_worked_on_when_it_comes_back(root: Path, storage: Storage, tmp_path: Path) -> None:
    """Deleted rows of versions that were never worked on must not take up a result that they do not have."""
    mirror = Blocked("block.mp3")
    [path] = make(root, 1)
    options = OPTIONS | {"report_deletions": False}
    with Watcher(root, storage=storage, handler=mirror, batch_size=1, **options) as watcher:
        watcher.start()
        mirror.hold(root, storage)
        path.write_bytes(b"another")
        assert until(lambda: storage.count_files().get("ready") == 1)
        path.rename(tmp_path / "kept")
        assert until(lambda: storage.count_files().get("deleted") == 1)
        (tmp_path / "kept").rename(path)
        assert until(lambda: storage.count_files().get("ready") == 1)
        mirror.open.set()
        assert until(lambda: storage.count_files() == {"done": 2})
    assert mirror.kinds()[-1] == ("modified", path.name)


def test_file_that_is_deleted_in_the_hands_of_the_handler(root: Path, storage: Storage) -> None:
    mirror = Blocked("track00000.mp3")
    [path] = make(root, 1)
    with Watcher(root, storage=storage, handler=mirror, **OPTIONS) as watcher:
        watcher.start()
        assert mirror.held.wait(60)
        path.unlink()
        assert until(lambda: watcher.status().known == 0)
        mirror.open.set()
        assert until(lambda: mirror.kinds() == [("added", path.name), ("deleted", path.name)])
        assert until(lambda: storage.count_files() == {"deleted": 1})


def test_file_that_is_changed_and_deleted_in_the_hands_of_the_handler(root: Path, storage: Storage) -> None:
    mirror = Blocked("track00000.mp3")
    [path] = make(root, 1)
    with Watcher(root, storage=storage, handler=mirror, **OPTIONS) as watcher:
        watcher.start()
        assert mirror.held.wait(60)
        path.write_bytes(b"another")
        assert until(lambda: storage.count_files() == {"ready": 1})
        path.unlink()
        assert until(lambda: watcher.status().known == 0)
        mirror.open.set()
        assert until(lambda: mirror.kinds() == [("added", path.name), ("deleted", path.name)])


def test_move_that_was_not_told_and_a_deletion_after_it(root: Path, storage: Storage) -> None:
    mirror = Blocked("block.mp3")
    [path] = make(root, 1)
    with Watcher(root, storage=storage, handler=mirror, batch_size=1, **OPTIONS) as watcher:
        watcher.start()
        mirror.hold(root, storage)
        for name in ("b.mp3", "c.mp3"):
            path = path.rename(root / name)
            there = os.fsencode(path)
            assert until(lambda: getattr(storage.get_file(there), "state", None) == "ready")  # noqa: B023
        path.unlink()
        assert until(lambda: storage.count_files().get("deleted") == 1)
        mirror.open.set()
        assert until(lambda: mirror.files() == {str(root / "block.mp3")})
    assert mirror.kinds()[-1] == ("deleted", "track00000.mp3")


def test_failed_file_that_comes_back_is_tried_again(root: Path, storage: Storage, tmp_path: Path) -> None:
    def fails(_: Any) -> Analysis:
        raise ValueError("no")

    mirror = Mirror()
    [path] = make(root, 1)
    options: dict[str, Any] = {"analyzer": fails, "isolation": None}
    once(root, storage, mirror, **options)
    path.rename(tmp_path / "kept")
    once(root, storage, mirror, **options)
    (tmp_path / "kept").rename(path)
    once(root, storage, mirror, **options)
    assert [kind for kind, _ in mirror.kinds()] == ["added", "deleted", "added"]
    assert storage.count_files() == {"failed": 1}
