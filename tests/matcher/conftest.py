"""Catalogues that outlive the object that opened them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.databases import database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an empty one in SQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'music.db'}"
        return
    with database(os.environ["TRACKTION_TEST_POSTGRES"]) as made:
        yield made
