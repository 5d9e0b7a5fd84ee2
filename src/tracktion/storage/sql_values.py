"""Named values and counters in SQL."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tracktion.storage.rows import demand_name, demand_text, demand_whole, row_checksum
from tracktion.storage.schema import counters, named_values
from tracktion.storage.sql_base import SqlBase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

__all__ = ["SqlValues"]

EDITION = "tracktion.edition"
"""Names the tracks as they are: whoever changes some gives another name, at random, in the same transaction."""

# Statements are made once, with places for values: making one costs more than running it.
_VALUE = sa.select(named_values.c.name, named_values.c.value, named_values.c.checksum)
_ONE_VALUE = _VALUE.where(named_values.c.name == sa.bindparam("name"))
_COUNTER = sa.select(counters.c.name, counters.c.value, counters.c.checksum)


class SqlValues(SqlBase):
    """Small things that the catalogue remembers by name."""

    _checksums = True
    """Whether rows carry checksums: SQLite has none of its own, PostgreSQL has."""

    @cached_property
    def _upsert_value(self) -> Any:
        return self._upserting(named_values)

    def _sum(self, values: Sequence[Any]) -> int | None:
        return row_checksum(values) if self._checksums else None

    def get_value(self, name: str, /) -> str | None:
        """See `FileStore.get_value`."""
        found = self._value_row(demand_name(name, "the name of a value"))
        if found is None:
            return None
        demand_whole(found, f"the stored value {name!r}")
        return str(found[1])

    def _value_row(self, name: str) -> Any:
        return self._first(_ONE_VALUE, {"name": name})

    def set_value(self, name: str, value: str | None, /) -> None:
        """See `FileStore.set_value`."""
        demand_name(name, "the name of a value")
        if value is not None:
            demand_text(value, "a value")

        def work(connection: Connection) -> None:
            if value is None:
                connection.execute(sa.delete(named_values).where(named_values.c.name == name))
            else:
                self._set_value(connection, name, value)

        self.write(work)

    def _set_value(self, connection: Connection, name: str, value: str) -> None:
        row = {"name": name, "value": value, "checksum": self._sum((name, value))}
        connection.execute(self._upsert_value, row)

    def edition(self) -> str | None:
        """See `Storage.edition`."""
        if self._unit() is not None and self._local.changed is not None:
            return None
        return self.get_value(EDITION)

    def _publish_change(self, connection: Connection) -> None:
        # The last statement of a unit of work, so that others wait for this row during the commit alone.
        self._set_value(connection, EDITION, uuid.uuid4().hex)

    def _locked_counter(self, connection: Connection, name: str) -> int:
        """Return the last id given out, and keep others from giving out more until the transaction ends."""
        found = connection.execute(_COUNTER.where(counters.c.name == name).with_for_update()).one()
        demand_whole(found, f"the counter of {name} ids")
        return int(found[1])

    def _set_counter(self, connection: Connection, name: str, value: int) -> None:
        values = {"value": value, "checksum": self._sum((name, value))}
        connection.execute(sa.update(counters).where(counters.c.name == name).values(**values))

    def _check_values(self) -> list[str]:
        """Read all of them; returns nothing, or raises."""
        for query, what in ((_VALUE, "the stored value"), (_COUNTER, "the counter")):
            for found in self._all(query):
                demand_whole(found, f"{what} {found[0]!r}")
        return []
