"""Every home of the catalogue keeps the whole contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracktion.storage import Storage, open_storage
from tracktion.testing import StorageConformance


class TestMemory(StorageConformance):
    def make(self) -> Storage:
        return open_storage("memory:")


class TestSqlite(StorageConformance):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "music.db"

    def make(self) -> Storage:
        return open_storage(f"sqlite:///{self.path}", durability="normal")

    def again(self, storage: Storage) -> Storage:
        return open_storage(storage.url, durability="normal")


@pytest.mark.postgres
class TestPostgres(StorageConformance):
    @pytest.fixture(autouse=True)
    def database(self, postgres_database: str) -> None:
        self.url = postgres_database

    def make(self) -> Storage:
        return open_storage(self.url, pool_size=4)

    def again(self, storage: Storage) -> Storage:
        return open_storage(self.url, pool_size=4)
