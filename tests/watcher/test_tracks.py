"""Which track a file belongs to, when files are copied, replaced and moved."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tracktion.results.analysis import Analysis
from tracktion.results.tags import Tags
from tracktion.storage.protocol import Storage
from tracktion.watcher import Watcher
from tracktion.watching.analysing import store_all


def heard(source: Any) -> Analysis:
    """Stands for an Analyzer: the content is the audio."""
    audio = Path(source).read_text()
    return Analysis(duration=1.0, sample_rate=44100, channels=2, identity=f"audio:{audio}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for name in ("album", "best"):
        (folder / name).mkdir(parents=True)
    return folder


def scan(root: Path, storage: Storage) -> dict[str, tuple[str | None, str | None]]:
    """Scan, and return for each file that is there its audio, and that of its track."""
    with Watcher(root, storage=storage, analyzer=heard, isolation=None, debounce=0.1) as watcher:
        watcher.scan_once()
    found = {}
    for row in storage.find_files(states=["done"]):
        track = storage.get_track(row.track_id or 0)
        found[os.path.relpath(row.name, root)] = (row.audio_identity, None if track is None else track.audio_identity)
    return found


def both(audio: str) -> tuple[str, str]:
    return f"audio:{audio}", f"audio:{audio}"


def test_copy_that_is_replaced_leaves_the_track_to_the_original(root: Path, storage: Storage) -> None:
    (root / "album/X.mp3").write_text("one")
    shutil.copy(root / "album/X.mp3", root / "best/X.mp3")
    assert scan(root, storage) == {"album/X.mp3": both("one"), "best/X.mp3": both("one")}
    assert storage.count_tracks() == 1
    (root / "best/X.mp3").write_text("other")
    assert scan(root, storage) == {"album/X.mp3": both("one"), "best/X.mp3": both("other")}
    assert storage.count_tracks() == 2


def test_file_under_the_name_of_one_that_moved_is_a_track_of_its_own(root: Path, storage: Storage) -> None:
    (root / "A.mp3").write_text("one")
    scan(root, storage)
    [before] = storage.iter_tracks()
    (root / "A.mp3").rename(root / "A (old).mp3")
    (root / "A.mp3").write_text("other")
    time.sleep(0.2)  # both stand still when they are looked at, so they are taken together
    assert scan(root, storage) == {"A.mp3": both("other"), "A (old).mp3": both("one")}
    assert storage.count_tracks() == 2
    row = storage.get_file(os.fsencode(root / "A (old).mp3"))
    assert row is not None
    assert row.track_id == before.id


def test_file_replaced_by_a_copy_of_another_is_of_the_other_track(root: Path, storage: Storage) -> None:
    (root / "X.mp3").write_text("one")
    (root / "Y.mp3").write_text("two")
    scan(root, storage)
    shutil.copy(root / "Y.mp3", root / "X.mp3")
    assert scan(root, storage) == {"X.mp3": both("two"), "Y.mp3": both("two")}
    identities = [track.audio_identity for track in storage.iter_tracks()]
    assert sorted(map(str, identities)) == ["audio:one", "audio:two"]


def test_files_that_change_places_change_tracks(root: Path, storage: Storage) -> None:
    (root / "X.mp3").write_text("one")
    (root / "Y.mp3").write_text("two")
    scan(root, storage)
    for here, there in (("X", "t"), ("Y", "X"), ("t", "Y")):
        (root / f"{here}.mp3").rename(root / f"{there}.mp3")
    assert scan(root, storage) == {"X.mp3": both("two"), "Y.mp3": both("one")}
    assert storage.count_tracks() == 2


def test_file_of_its_own_keeps_its_track_whatever_is_written_into_it(root: Path, storage: Storage) -> None:
    (root / "X.mp3").write_text("one")
    scan(root, storage)
    [before] = storage.iter_tracks()
    (root / "X.mp3").write_text("mastered again")
    assert scan(root, storage) == {"X.mp3": both("mastered again")}
    [after] = storage.iter_tracks()
    assert after.id == before.id


def test_tags_of_one_of_two_copies_reach_their_track(root: Path, storage: Storage) -> None:
    (root / "X.mp3").write_text("one")
    (root / "Y.mp3").write_text("one")
    scan(root, storage)
    [row] = [row for row in storage.find_files() if row.path.endswith(b"Y.mp3")]
    analysis = Analysis(duration=1.0, sample_rate=44100, channels=2, tags=Tags(title="Corrected"))
    assert store_all(storage, [(row, analysis, "audio:one")], "") == [row.track_id]
    [track] = storage.iter_tracks()
    assert track.title == "Corrected"
