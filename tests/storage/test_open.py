"""Finding the home of a URL, third parties' homes, and what importing costs."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tracktion.errors import StorageFullError, StorageUnavailableError, StorageVersionError, UsageError
from tracktion.storage import Storage, open_storage
from tracktion.storage.memory import MemoryStorage
from tracktion.testing import FailingStorage


@pytest.mark.parametrize("url", ["memory:", ":memory:", "sqlite://", "sqlite:///:memory:"])
def test_names_of_memory(url: str) -> None:
    assert open_storage(url).home == "memory"


@pytest.mark.parametrize("name", ["What? one.db", "What? two.db", "100%25.db", "100%.db", "a#b&c=d.db", "naïve;.db"])
def test_a_path_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    """Its question marks and percent signs too; the URL that the storage tells leads to the same file."""
    path = tmp_path / name
    with open_storage(path) as storage:
        storage.add_tracks([{"title": name}])
    assert path.exists()
    for place in (str(path), storage.url):
        with open_storage(place) as storage:
            assert [track.title for track in storage.iter_tracks()] == [name]
    assert sorted(file.name for file in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite://music.db", "three slashes"),
        ("sqlite://folder/music.db", "three slashes"),
        ("sqlite:///music.db?mode=ro", "arguments"),
        ("sqlite:music.db", "URL"),
        ("", "names no file"),
        (".", "folder"),
    ],
)
def test_what_names_no_file_is_refused(url: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not opened as something else, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=told):
        open_storage(url)
    assert list(tmp_path.iterdir()) == []


def test_a_catalogue_that_may_not_be_made_leaves_no_file(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(StorageVersionError, match="no catalogue yet"):
            open_storage(tmp_path / "music.db", migrate=False)
    assert list(tmp_path.iterdir()) == []


def test_packages_register_homes_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """``scheme = "package.module:factory"``, called with the URL and the options."""
    seen: list[Any] = []

    class Entry:
        name = "cloud"

        def load(self) -> Any:
            def factory(url: str, **options: Any) -> Storage:
                seen.append((url, options))
                return MemoryStorage()

            return factory

    monkeypatch.setattr(metadata, "entry_points", lambda group: [Entry()] if group == "tracktion.storage" else [])
    with open_storage("cloud+fast://host/x", region="north") as storage:
        assert storage.count_tracks() == 0
    assert seen == [("cloud+fast://host/x", {"region": "north"})]
    with pytest.raises(UsageError, match="no storage answers to 'fog'"):
        open_storage("fog://x")


def test_importing_loads_no_database() -> None:
    """SQLAlchemy, Alembic, psycopg, redis and psutil load when they are used."""
    code = (
        "import sys, tracktion.storage, tracktion.cache, tracktion.monitor; tracktion.storage.open_storage('memory:');"
        "print([n for n in ('sqlalchemy', 'alembic', 'psycopg', 'redis', 'psutil') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_failing_storage_fails_as_told() -> None:
    """The fake for tests of programs that embed us."""
    with FailingStorage(MemoryStorage()) as storage:
        storage.fail("add_tracks", StorageFullError("full"), times=2)
        for _ in range(2):
            with pytest.raises(StorageFullError):
                storage.add_tracks([{"title": "x"}])
        assert storage.add_tracks([{"title": "x"}]) == [1]
        assert storage.calls["add_tracks"] == 3
        assert storage.home == "memory"
    with pytest.raises(StorageUnavailableError):
        storage.count_tracks()
