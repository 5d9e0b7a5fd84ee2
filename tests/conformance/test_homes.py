"""Every home of the catalogue keeps the whole contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracktion.storage import Storage, open_storage
from tracktion.testing import StorageConformance


class Home(StorageConformance):
    def test_an_update_that_changes_nothing_is_none(self) -> None:
        """The tracks are the same, so answers that others keep for them hold."""
        with self.make() as storage:
            (track_id,) = storage.add_tracks([{"title": "x", "year": 1999}])
            before = storage.revision, storage.edition()
            assert storage.update_track(track_id, title=" x ", year="1999-05")
            assert (storage.revision, storage.edition()) == before


class TestMemory(Home):
    def make(self) -> Storage:
        return open_storage("memory:")


class TestSqlite(Home):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "music.db"

    def make(self) -> Storage:
        return open_storage(f"sqlite:///{self.path}", durability="normal")

    def again(self, storage: Storage) -> Storage:
        return open_storage(storage.url, durability="normal")


@pytest.mark.postgres
class TestPostgres(Home):
    @pytest.fixture(autouse=True)
    def database(self, postgres_database: str) -> None:
        self.url = postgres_database

    def make(self) -> Storage:
        return open_storage(self.url, pool_size=4)

    def again(self, storage: Storage) -> Storage:
        return open_storage(self.url, pool_size=4)
