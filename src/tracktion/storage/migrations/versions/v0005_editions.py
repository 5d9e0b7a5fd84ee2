"""A name for the tracks as they are, and file paths of any length on PostgreSQL."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

from tracktion.storage.rows import row_checksum

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give the tracks their first name; index paths by their hashes where an index takes 2704 bytes at most."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    row = ("tracktion.edition", uuid.uuid4().hex)
    columns = (sa.column("name", sa.Text), sa.column("value", sa.Text), sa.column("checksum", sa.BigInteger))
    values = sa.table("named_values", *columns)
    checksum = row_checksum(row) if on_sqlite else None
    op.bulk_insert(values, [{"name": row[0], "value": row[1], "checksum": checksum}])
    if not on_sqlite:
        op.drop_index("files_path", "files")
        op.create_index("files_path_once", "files", [sa.text("sha256(path)"), sa.text("sha256(root)")], unique=True)
        op.create_index("files_path_hash", "files", ["path"], postgresql_using="hash")
