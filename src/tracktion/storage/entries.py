"""The order of a playlist as two equally long lists, and the edits of it: the same in every home.

A playlist is read, edited and written as a whole, under the lock of its row. That keeps positions dense by
construction, makes reordering all of it one small write, and costs about 1 ms at 10 000 entries, where shifting ten
thousand position columns costs 30 to 80 (``benchmarks/storage.py`` measures it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracktion.errors import UsageError
from tracktion.results.catalogue import PlaylistEntries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Order"]


class Order:
    """Entry ids and track ids of one playlist, in order; `next_id` is the id of the next new entry."""

    __slots__ = ("entries", "next_id", "tracks")

    def __init__(self, entries: Sequence[int] = (), tracks: Sequence[int] = (), next_id: int = 1) -> None:
        self.entries = list(entries)
        self.tracks = list(tracks)
        self.next_id = next_id

    def insert(self, position: int | None, track_ids: Sequence[int]) -> list[int]:
        """Put tracks before `position`, or at the end when it is None; return their entry ids."""
        place = len(self.entries) if position is None else position
        if not 0 <= place <= len(self.entries):
            raise UsageError(f"position {place} is outside the playlist of {len(self.entries)} entries")
        ids = list(range(self.next_id, self.next_id + len(track_ids)))
        self.next_id += len(ids)
        self.entries[place:place] = ids
        self.tracks[place:place] = track_ids
        return ids

    def move(self, entry_id: int, position: int) -> None:
        """Let one entry stand at `position`."""
        if not 0 <= position < len(self.entries):
            raise UsageError(f"position {position} is outside the playlist of {len(self.entries)} entries")
        place = self._place(entry_id)
        self.entries.insert(position, self.entries.pop(place))
        self.tracks.insert(position, self.tracks.pop(place))

    def remove(self, entry_ids: Iterable[int]) -> int:
        """Remove entries; return how many were there."""
        gone = set(entry_ids)
        return self._keep([entry not in gone for entry in self.entries])

    def remove_track(self, track_id: int) -> int:
        """Remove all entries of a track; return how many were there."""
        return self._keep([track != track_id for track in self.tracks])

    def reorder(self, entry_ids: Sequence[int]) -> None:
        """Put the entries into this order."""
        if sorted(entry_ids) != sorted(self.entries):
            raise UsageError("reordering needs exactly the entry ids of the playlist, each once; read them again")
        track_of = dict(zip(self.entries, self.tracks, strict=True))
        self.entries = list(entry_ids)
        self.tracks = [track_of[entry] for entry in entry_ids]

    def view(self, offset: int, limit: int | None) -> PlaylistEntries:
        """Return entries from `offset` on, at most `limit`."""
        if offset < 0 or (limit is not None and limit < 0):
            raise UsageError("offset and limit must not be negative")
        end = None if limit is None else offset + limit
        return PlaylistEntries(self.entries[offset:end], self.tracks[offset:end], offset)

    def _place(self, entry_id: int) -> int:
        try:
            return self.entries.index(entry_id)
        except ValueError:
            raise UsageError(f"the playlist has no entry {entry_id}") from None

    def _keep(self, flags: list[bool]) -> int:
        before = len(self.entries)
        if not all(flags):
            self.entries = [entry for entry, keep in zip(self.entries, flags, strict=True) if keep]
            self.tracks = [track for track, keep in zip(self.tracks, flags, strict=True) if keep]
        return before - len(self.entries)
