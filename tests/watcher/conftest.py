"""A folder to watch, and homes for the journal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.databases import database
from tracktion.storage import open_storage
from tracktion.storage.protocol import Storage


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """Every home in turn."""
    if request.param == "postgresql":
        with database(os.environ["TRACKTION_TEST_POSTGRES"]) as url, open_storage(url) as opened:
            yield opened
        return
    url = f"sqlite:///{tmp_path / 'state.db'}" if request.param == "sqlite" else "memory:"
    with open_storage(url) as opened:
        yield opened
