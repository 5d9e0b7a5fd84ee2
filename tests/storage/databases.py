"""Databases of their own for tests, so that suites that run at the same time do not meet."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from tracktion.storage.schema import counters, metadata


@contextmanager
def database(server: str) -> Iterator[str]:
    """Make a database on the server, drop it afterwards."""
    name = f"tracktion_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def session_database(postgres_url: str) -> Iterator[str]:
    with database(postgres_url) as url:
        yield url


@pytest.fixture
def postgres_database(session_database: str) -> str:
    """A database that is empty, or holds a catalogue without a row."""
    engine = sa.create_engine(session_database)
    with engine.begin() as connection:
        if sa.inspect(connection).has_table("tracks"):
            names = ", ".join(name for name in metadata.tables if name != "counters")
            connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
            connection.execute(sa.update(counters).values(value=0))
    engine.dispose()
    return session_database
