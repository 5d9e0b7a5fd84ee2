"""Playlists in SQL: one row each, with its order packed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from tracktion.errors import StorageCorruptError, UsageError
from tracktion.results.catalogue import Playlist, PlaylistEntries
from tracktion.storage.entries import Order, pack
from tracktion.storage.rows import chunked, clean_text, demand_whole, known_id, plain_id
from tracktion.storage.schema import playlists, tracks
from tracktion.storage.sql_values import SqlValues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

__all__ = ["SqlPlaylists"]

T = TypeVar("T")

ASK = 500
_SUMMARY = (playlists.c.id, playlists.c.name, playlists.c.length, playlists.c.summary_checksum)
_ALL = sa.select(*_SUMMARY).order_by(playlists.c.id)
_THIS = playlists.c.id == sa.bindparam("wanted")
_SHORT = sa.select(*_SUMMARY).where(_THIS)
_SHORT_LOCKED = _SHORT.with_for_update()
_ORDER = sa.select(
    *_SUMMARY, playlists.c.entry_ids, playlists.c.track_ids, playlists.c.next_entry, playlists.c.checksum
).where(_THIS)
_ORDER_LOCKED = _ORDER.with_for_update()
_KNOWN_TRACKS = (
    sa.select(tracks.c.id)
    .where(tracks.c.id.in_(sa.bindparam("wanted", expanding=True)))
    .order_by(tracks.c.id)
    .with_for_update(read=True, key_share=True)
)
"""Kept from being deleted until they stand in the playlist, where the deletion will look for them."""

_CHANGES = ("length", "next_entry", "entry_ids", "track_ids", "checksum", "summary_checksum")
_CHANGE = sa.update(playlists).where(_THIS).values({name: sa.bindparam(f"new_{name}") for name in _CHANGES})


def _summary_of(row: Sequence[Any]) -> Playlist:
    demand_whole(row[:4], f"playlist {row[0]}")
    return Playlist(*row[:3])


def _order_of(row: Sequence[Any]) -> Order:
    what = f"playlist {_summary_of(row).id}"
    entries, track_ids, next_entry, checksum = row[4:]
    order = Order.restored(entries, track_ids, next_entry, checksum, what)
    if len(order.entries) != row[2]:
        raise StorageCorruptError(f"{what} is damaged; restore a copy, or delete it and make it anew")
    return order


def _values_of(order: Order) -> dict[str, Any]:
    entries, track_ids, next_entry, checksum = order.stored()
    return {
        "length": len(order.entries),
        "next_entry": next_entry,
        "entry_ids": entries,
        "track_ids": track_ids,
        "checksum": checksum,
    }


class SqlPlaylists(SqlValues):
    """`PlaylistStore` on a table."""

    def create_playlist(self, name: str, *, track_ids: Iterable[int] = ()) -> Playlist:
        """See `PlaylistStore.create_playlist`."""
        title = clean_text(name, "name") or ""
        wanted = list(map(plain_id, track_ids))

        def work(connection: Connection) -> Playlist:
            self._demand_tracks(connection, wanted)
            order = Order()
            order.insert(None, wanted)
            playlist_id = self._locked_counter(connection, "playlist") + 1
            self._set_counter(connection, "playlist", playlist_id)
            summary = self._sum((playlist_id, title, len(wanted)))
            values = {"id": playlist_id, "name": title, "summary_checksum": summary, **_values_of(order)}
            connection.execute(sa.insert(playlists).values(**values))
            return Playlist(playlist_id, title, len(wanted))

        return self.write(work)

    def _demand_tracks(self, connection: Connection, track_ids: Sequence[int]) -> None:
        for part in chunked(sorted(set(track_ids)), ASK):
            known = [track_id for track_id in part if known_id(track_id) >= 0]
            found = set(connection.execute(_KNOWN_TRACKS, {"wanted": known}).scalars())
            missing = next((track_id for track_id in part if track_id not in found), None)
            if missing is not None:
                raise UsageError(f"there is no track {missing}")

    def _edit(self, playlist_id: int, edit: Callable[[Order], T], *, new: Sequence[int] = ()) -> T:
        def work(connection: Connection) -> T:
            # Tracks before the playlist, as a deletion locks them: otherwise the two would wait for each other.
            self._demand_tracks(connection, new)
            found = connection.execute(_ORDER_LOCKED, {"wanted": known_id(playlist_id)}).one_or_none()
            if found is None:
                raise self._no_playlist(playlist_id)
            order = _order_of(found)
            result = edit(order)
            values = _values_of(order)
            values["summary_checksum"] = self._sum((playlist_id, found.name, values["length"]))
            connection.execute(_CHANGE, {"wanted": playlist_id, **{f"new_{name}": values[name] for name in _CHANGES}})
            return result

        return self.write(work)

    def get_playlist(self, playlist_id: int, /) -> Playlist | None:
        """See `PlaylistStore.get_playlist`."""
        found = self._first(_SHORT, {"wanted": known_id(playlist_id)})
        if found is None:
            self._no_playlist(playlist_id)
            return None
        return _summary_of(found)

    def _no_playlist(self, playlist_id: int) -> UsageError:
        """Return the error for a playlist that does not exist.

        There is no second index that a damaged id would disagree with, so all of them are looked at, which raises for a
        damaged one.
        """
        self.list_playlists()
        return UsageError(f"there is no playlist {playlist_id}")

    def list_playlists(self) -> list[Playlist]:
        """See `PlaylistStore.list_playlists`."""
        return [_summary_of(row) for row in self._all(_ALL)]

    def rename_playlist(self, playlist_id: int, name: str, /) -> None:
        """See `PlaylistStore.rename_playlist`."""
        title = clean_text(name, "name") or ""

        def work(connection: Connection) -> None:
            found = connection.execute(_SHORT_LOCKED, {"wanted": known_id(playlist_id)}).one_or_none()
            if found is None:
                raise self._no_playlist(playlist_id)
            values = {"name": title, "summary_checksum": self._sum((playlist_id, title, _summary_of(found).length))}
            connection.execute(sa.update(playlists).where(playlists.c.id == playlist_id).values(**values))

        self.write(work)

    def delete_playlist(self, playlist_id: int, /) -> bool:
        """See `PlaylistStore.delete_playlist`."""
        statement = sa.delete(playlists).where(playlists.c.id == known_id(playlist_id))
        deleted = bool(self.write(lambda connection: connection.execute(statement).rowcount))
        if not deleted:
            self._no_playlist(playlist_id)
        return deleted

    def playlist_entries(self, playlist_id: int, /, *, offset: int = 0, limit: int | None = None) -> PlaylistEntries:
        """See `PlaylistStore.playlist_entries`."""
        found = self._first(_ORDER, {"wanted": known_id(playlist_id)})
        if found is None:
            raise self._no_playlist(playlist_id)
        return _order_of(found).view(offset, limit)

    def add_to_playlist(self, playlist_id: int, track_ids: Iterable[int], /) -> list[int]:
        """See `PlaylistStore.add_to_playlist`."""
        return self._insert_tracks(playlist_id, None, list(map(plain_id, track_ids)))

    def insert_into_playlist(self, playlist_id: int, position: int, track_ids: Iterable[int], /) -> list[int]:
        """See `PlaylistStore.insert_into_playlist`."""
        return self._insert_tracks(playlist_id, position, list(map(plain_id, track_ids)))

    def _insert_tracks(self, playlist_id: int, position: int | None, wanted: list[int]) -> list[int]:
        return self._edit(playlist_id, lambda order: order.insert(position, wanted), new=wanted)

    def move_in_playlist(self, playlist_id: int, entry_id: int, position: int, /) -> None:
        """See `PlaylistStore.move_in_playlist`."""
        self._edit(playlist_id, lambda order: order.move(entry_id, position))

    def remove_from_playlist(self, playlist_id: int, entry_ids: Iterable[int], /) -> int:
        """See `PlaylistStore.remove_from_playlist`."""
        gone = list(entry_ids)
        return self._edit(playlist_id, lambda order: order.remove(gone))

    def reorder_playlist(self, playlist_id: int, entry_ids: Sequence[int], /) -> None:
        """See `PlaylistStore.reorder_playlist`."""
        self._edit(playlist_id, lambda order: order.reorder(entry_ids))

    def _track_deleted(self, connection: Connection, track_id: int) -> None:
        # May find bytes that only look like it, at the border of two numbers; the edit looks closer.
        holds = self._position(playlists.c.track_ids, pack([track_id])) > 0
        for playlist_id in connection.execute(sa.select(playlists.c.id).where(holds)).scalars().all():
            self._edit(playlist_id, lambda order: order.remove_track(track_id))

    def _position(self, column: sa.Column[bytes], part: bytes) -> sa.ColumnElement[int]:
        """Return where `part` begins in `column`, from 1; 0 when it is not in it."""
        return sa.func.instr(column, part, type_=sa.Integer)
