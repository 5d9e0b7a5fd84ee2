"""Checksums for every row, not only tracks, analyses and playlists: a flipped byte anywhere is an error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from tracktion.storage.rows import row_checksum, text_checksum
from tracktion.storage.sql_analyses import print_checksum

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PAGE = 1000

_FILE = (
    *("path", "root", "id", "size", "mtime_ns", "ctime_ns", "device", "inode", "state", "reason", "attempts"),
    *("owner", "epoch", "audio_identity", "track_id", "changed_ns"),
)
_SUMS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("tracks", "search_checksum", ("id",), ("norm_search",)),
    ("files", "checksum", ("id",), _FILE),
    ("outbox", "checksum", ("sequence",), ("id", "payload", "subject", "published", "attempts")),
    ("named_values", "checksum", ("name",), ("name", "value")),
    ("counters", "checksum", ("name",), ("name", "value")),
    ("playlists", "summary_checksum", ("id",), ("id", "name", "length")),
    (
        "analyses",
        "summary_checksum",
        ("identity", "version", "parameters_key"),
        ("identity", "version", "parameters_key", "bpm", "musical_key", "valence", "arousal"),
    ),
)
"""Table, its new column, the primary key, and what the checksum is made of, in order."""


def upgrade() -> None:
    """Add the columns; fill them where they are used, which is SQLite."""
    for name, column, key, summed in _SUMS:
        op.add_column(name, sa.Column(column, _NUMBER))
        if op.get_bind().dialect.name == "sqlite":
            _fill(name, column, key, summed)
    _fill("fingerprints", "checksum", ("identity",), ("identity", "data", "duration"))


def _fill(name: str, column: str, key: tuple[str, ...], summed: tuple[str, ...]) -> None:
    types = {"published": sa.Boolean()}
    names = dict.fromkeys((*key, *summed, column))
    table = sa.table(name, *(sa.column(part, types.get(part)) for part in names))
    same = sa.and_(*(table.c[part] == sa.bindparam(f"key_{part}") for part in key))
    change = sa.update(table).where(same).values({column: sa.bindparam("sum")})
    for rows in _pages(table, key, summed):
        new = []
        for row in rows:
            places = {f"key_{part}": value for part, value in zip(key, row, strict=False)}
            new.append(places | {"sum": _sum(name, row[len(key) :])})
        op.get_bind().execute(change, new)


def _sum(name: str, values: Sequence[Any]) -> int:
    if name == "fingerprints":
        identity, data, duration = values
        return print_checksum(identity, data, duration)
    return text_checksum(values[0]) if name == "tracks" else row_checksum(values)


def _pages(table: sa.TableClause, key: tuple[str, ...], summed: tuple[str, ...]) -> Iterator[Sequence[Any]]:
    """Yield rows of key, then summed values, by ascending key."""
    keys = [table.c[part] for part in key]
    labelled = [table.c[part].label(f"k{place}") for place, part in enumerate(key)]
    query = sa.select(*labelled, *(table.c[part] for part in summed)).order_by(*keys).limit(_PAGE)
    page = query
    while rows := op.get_bind().execute(page).all():
        yield rows
        last = rows[-1][: len(key)]
        page = query.where(sa.tuple_(*keys) > sa.tuple_(*(sa.literal(value) for value in last)))
