"""What Alembic runs around the migrations: they use the connection and transaction of the storage that opens."""

from __future__ import annotations

from alembic import context

from tracktion.storage.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
