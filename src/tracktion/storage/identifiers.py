"""Which stored track a row means: the rules of `add_tracks`, for homes that write in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracktion.errors import UsageError
from tracktion.storage.normalised import normaliser
from tracktion.storage.protocol import IDENTIFIERS
from tracktion.storage.rows import TRACK_FIELDS, Row, merged, next_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracktion.matching.text import NormalisedTrack

__all__ = ["PLACES", "Resolver", "check_identifiers"]

PLACES = {name: TRACK_FIELDS.index(name) for name in IDENTIFIERS}
"""Where each identifier stands in a row, the surest first."""


def check_identifiers(names: Sequence[str]) -> None:
    """Raise `UsageError` for a name that is no identifier."""
    unknown = [name for name in names if name not in IDENTIFIERS]
    if unknown:
        raise UsageError(f"upsert_by: {unknown[0]!r} is none of {', '.join(IDENTIFIERS)}")


class Resolver:
    """Takes the stored rows that a batch may mean, then places the batch row by row.

    Parameters
    ----------
    last_id
        The last id given out.
    upsert_by
        Identifiers that find a track for a row without id.
    """

    def __init__(self, last_id: int, upsert_by: Sequence[str]) -> None:
        self.last_id = last_id
        self._places = {name: place for name, place in PLACES.items() if name in upsert_by}
        self._stored: dict[int, Row] = {}
        self._written: dict[int, tuple[Row, NormalisedTrack]] = {}
        self._named: dict[str, dict[str, set[int]]] = {name: {} for name in self._places}

    def identifiers_of(self, rows: Iterable[Row]) -> dict[str, set[str]]:
        """Return the values by which rows without id have to be looked up."""
        found = {name: {row[place] for row in rows if row[0] is None} - {None} for name, place in self._places.items()}
        return {name: values for name, values in found.items() if values}

    def know(self, row: Row) -> None:
        """Take a stored row into account."""
        self._stored[row[0]] = row
        self._name(None, row)

    def _name(self, old: Row | None, row: Row) -> None:
        for name, place in self._places.items():
            before = None if old is None else old[place]
            if before is not None and before != row[place]:
                self._named[name][before].discard(row[0])
            if row[place] is not None:
                self._named[name].setdefault(row[place], set()).add(row[0])

    def _known(self, row: Row) -> int | None:
        for name, place in self._places.items():
            found = self._named[name].get(row[place])
            if found:
                return min(found)
        return None

    def place(self, row: Row, form: NormalisedTrack) -> int:
        """Decide which track the row is, and what that track becomes; return its id."""
        track_id = row[0]
        if track_id is None:
            track_id = self._known(row)
        if track_id is None:
            track_id = next_id(self.last_id)
        self.last_id = max(self.last_id, track_id)
        row = (track_id, *row[1:])
        written = self._written.get(track_id)
        old = written[0] if written else self._stored.get(track_id)
        if old is not None:
            new = merged(old, row)
            if new == old:
                return int(track_id)
            if new[1:4] != row[1:4]:
                form = normaliser()(new[1], new[2], new[3])
            row = new
        self._written[track_id] = (row, form)
        self._name(old, row)
        return int(track_id)

    def outcome(self) -> tuple[list[tuple[Row, NormalisedTrack]], list[tuple[Row, NormalisedTrack]]]:
        """Return rows to insert and rows to overwrite, by ascending id."""
        new = [item for track_id, item in sorted(self._written.items()) if track_id not in self._stored]
        changed = [item for track_id, item in sorted(self._written.items()) if track_id in self._stored]
        return new, changed
