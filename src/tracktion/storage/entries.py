"""The order of a playlist as two equally long arrays, and the edits of it: the same in every home.

A playlist is read, edited and written as a whole, under the lock of its row. That keeps positions dense by
construction, makes reordering all of it one small write, and costs about 1 ms of processor time at 10 000 entries,
where shifting ten thousand position columns costs 30 to 80 (``benchmarks/storage.py`` measures it).
"""

from __future__ import annotations

import sys
import zlib
from array import array
from typing import TYPE_CHECKING

from tracktion.errors import StorageCorruptError, UsageError
from tracktion.results.catalogue import PlaylistEntries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Order", "pack", "unpack"]

FEW = 8
_NUMBER = "q"


def pack(numbers: Iterable[int]) -> bytes:
    """Return numbers as little-endian 64-bit integers."""
    packed = numbers if isinstance(numbers, array) else array(_NUMBER, numbers)
    if sys.byteorder == "big":
        packed = packed[:]
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes) -> array[int]:
    """Inverse of `pack`."""
    numbers = array(_NUMBER)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


class Order:
    """Entry ids and track ids of one playlist, in order; `next_id` is the id of the next new entry."""

    __slots__ = ("entries", "next_id", "tracks")

    def __init__(self, entries: Iterable[int] = (), tracks: Iterable[int] = (), next_id: int = 1) -> None:
        self.entries = array(_NUMBER, entries)
        self.tracks = array(_NUMBER, tracks)
        self.next_id = next_id

    @classmethod
    def restored(cls, entries: bytes, tracks: bytes, next_id: int, checksum: int, what: str) -> Order:
        """Return the order that was stored.

        Raises
        ------
        StorageCorruptError
            The checksum says otherwise.
        """
        if _checksum(entries, tracks, next_id) != checksum:
            raise StorageCorruptError(f"{what} is damaged; restore a copy, or delete it and make it anew")
        order = cls(next_id=next_id)
        order.entries, order.tracks = unpack(entries), unpack(tracks)
        return order

    def stored(self) -> tuple[bytes, bytes, int, int]:
        """Return entries, tracks, next id and checksum, for `restored`."""
        entries, tracks = pack(self.entries), pack(self.tracks)
        return entries, tracks, self.next_id, _checksum(entries, tracks, self.next_id)

    def insert(self, position: int | None, track_ids: Sequence[int]) -> list[int]:
        """Put tracks before `position`, or at the end when it is None; return their entry ids."""
        place = len(self.entries) if position is None else position
        if not 0 <= place <= len(self.entries):
            raise UsageError(f"position {place} is outside the playlist of {len(self.entries)} entries")
        ids = list(range(self.next_id, self.next_id + len(track_ids)))
        self.next_id += len(ids)
        self.entries[place:place] = array(_NUMBER, ids)
        self.tracks[place:place] = array(_NUMBER, track_ids)
        return ids

    def move(self, entry_id: int, position: int) -> None:
        """Let one entry stand at `position`."""
        if not 0 <= position < len(self.entries):
            raise UsageError(f"position {position} is outside the playlist of {len(self.entries)} entries")
        try:
            place = self.entries.index(entry_id)
        except ValueError:
            raise UsageError(f"the playlist has no entry {entry_id}") from None
        self.entries.insert(position, self.entries.pop(place))
        self.tracks.insert(position, self.tracks.pop(place))

    def remove(self, entry_ids: Iterable[int]) -> int:
        """Remove entries; return how many were there."""
        gone = set(entry_ids)
        if len(gone) > FEW:
            return self._keep([entry not in gone for entry in self.entries])
        known = [self.entries.index(entry) for entry in gone if entry in self.entries]
        for place in sorted(known, reverse=True):
            del self.entries[place]
            del self.tracks[place]
        return len(known)

    def remove_track(self, track_id: int) -> int:
        """Remove all entries of a track; return how many were there."""
        return self._keep([track != track_id for track in self.tracks])

    def reorder(self, entry_ids: Sequence[int]) -> None:
        """Put the entries into this order."""
        track_of = dict(zip(self.entries, self.tracks, strict=True))
        if len(entry_ids) != len(track_of) or set(entry_ids) != track_of.keys():
            raise UsageError("reordering needs exactly the entry ids of the playlist, each once; read them again")
        self.entries = array(_NUMBER, entry_ids)
        self.tracks = array(_NUMBER, map(track_of.__getitem__, entry_ids))

    def view(self, offset: int, limit: int | None) -> PlaylistEntries:
        """Return entries from `offset` on, at most `limit`."""
        if offset < 0 or (limit is not None and limit < 0):
            raise UsageError("offset and limit must not be negative")
        end = None if limit is None else offset + limit
        return PlaylistEntries(self.entries[offset:end], self.tracks[offset:end], offset)

    def _keep(self, flags: list[bool]) -> int:
        before = len(self.entries)
        if not all(flags):
            self.entries = array(_NUMBER, [entry for entry, keep in zip(self.entries, flags, strict=True) if keep])
            self.tracks = array(_NUMBER, [track for track, keep in zip(self.tracks, flags, strict=True) if keep])
        return before - len(self.entries)


def _checksum(entries: bytes, tracks: bytes, next_id: int) -> int:
    return zlib.crc32(tracks, zlib.crc32(entries, next_id & 0xFFFFFFFF))
