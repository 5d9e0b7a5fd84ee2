"""Remembers by which rules the stored normalised forms were made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say that the rules are not known; the storage that opens it makes the forms anew and sets its own."""
    values = sa.table("named_values", sa.column("name", sa.Text), sa.column("value", sa.Text))
    op.bulk_insert(values, [{"name": "tracktion.normaliser", "value": "unknown"}])
