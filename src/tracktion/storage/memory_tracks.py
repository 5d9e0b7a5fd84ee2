"""Tracks in memory, packed: a million take about 250 MB."""

from __future__ import annotations

import bisect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tracktion.results.catalogue import Candidate, Track
from tracktion.storage.identifiers import PLACES, check_identifiers
from tracktion.storage.memory_base import MemoryBase, members
from tracktion.storage.normalised import normaliser, searcher
from tracktion.storage.protocol import IDENTIFIERS
from tracktion.storage.rows import (
    Row,
    chunked,
    demand_limit,
    demand_name,
    known_after,
    known_id,
    merged,
    next_id,
    to_row,
    track_of,
    with_changes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tracktion.matching.text import NormalisedTrack

__all__ = ["MemoryTracks"]

CHUNK = 1000


def _pack(row: Row, search: str) -> bytes:
    _, title, artist, album, duration, year, isrc, mbid, identity, extra = row
    begin = f"{title or ''}\x1f{artist or ''}\x1f{album or ''}\x1f{duration or ''}\x1f{year or ''}\x1f"
    if isrc is mbid is identity is extra is None:
        return f"{begin}\x1f\x1f\x1f\x1f{search}".encode()
    return f"{begin}{isrc or ''}\x1f{mbid or ''}\x1f{identity or ''}\x1f{extra or ''}\x1f{search}".encode()


def _unpack(track_id: int, packed: bytes) -> tuple[Row, str]:
    title, artist, album, duration, year, isrc, mbid, identity, extra, search = packed.decode().split("\x1f")
    row = (
        track_id,
        title or None,
        artist or None,
        album or None,
        float(duration) if duration else None,
        int(year) if year else None,
        isrc or None,
        mbid or None,
        identity or None,
        extra or None,
    )
    return row, search


def _key_hash(row: Row) -> int:
    return hash(normaliser()(row[1], row[2], row[3]).key)


def _search_of(packed: bytes) -> str:
    return packed[packed.rindex(b"\x1f") + 1 :].decode()


class MemoryTracks(MemoryBase):
    """`TrackStore` on dictionaries."""

    def __init__(self, *, timeout: float = 30.0) -> None:
        super().__init__(timeout=timeout)
        self._tracks: dict[int, bytes] = {}
        self._keys: dict[int, Any] | None = None
        self._keys_hasty = False
        self._identifiers: dict[str, dict[str, Any]] = {name: {} for name in IDENTIFIERS}
        self._last_id: dict[str, int] = {"track": 0}
        self._sorted: list[int] | None = None

    def add_tracks(
        self, tracks: Iterable[Track | Mapping[str, Any]], *, upsert_by: Sequence[str] = IDENTIFIERS
    ) -> list[int]:
        """See `TrackStore.add_tracks`."""
        check_identifiers(upsert_by)
        ids: list[int] = []
        for chunk in chunked(tracks, CHUNK):
            rows = [to_row(track, len(ids) + number) for number, track in enumerate(chunk)]
            with self.transaction():
                if any(row[0] is not None or row[6] or row[7] or row[8] for row in rows):
                    ids.extend([self._upsert(row, upsert_by) for row in rows])
                else:
                    ids.extend(self._append(rows))
        return ids

    def _append(self, rows: list[Row]) -> range:
        """Store rows that have no id and no identifiers, so that each is a new track."""
        searchable = searcher()
        first = next_id(self._last_id["track"], len(rows))
        ids = range(first, first + len(rows))
        self._put(self._last_id, "track", ids[-1])
        self._sorted = None
        put, keys, tracks, changed = self._put, self._keys, self._tracks, self._changed
        for track_id, row in zip(ids, rows, strict=True):
            put(tracks, track_id, _pack(row, searchable(row[1], row[2])))
            changed[track_id] = None
            if keys is not None:
                self._link(keys, _key_hash(row), track_id)
        return ids

    def _upsert(self, row: Row, upsert_by: Sequence[str]) -> int:
        track_id = row[0] if row[0] is not None else self._known(row, upsert_by)
        last = self._last_id["track"]
        if track_id is None:
            track_id = next_id(last)
        if track_id > last:
            self._put(self._last_id, "track", track_id)
        packed = self._tracks.get(track_id)
        row = (track_id, *row[1:])
        if packed is None:
            self._store(None, row)
        else:
            old = _unpack(track_id, packed)[0]
            self._store(old, merged(old, row))
        return track_id

    def _known(self, row: Row, upsert_by: Sequence[str]) -> int | None:
        for name in IDENTIFIERS:
            value = row[PLACES[name]]
            if value is not None and name in upsert_by:
                found = members(self._identifiers[name].get(value))
                if found:
                    return min(found)
        return None

    def _store(self, old: Row | None, row: Row) -> None:
        track_id: int = row[0]
        if old == row:
            return
        packed = _pack(row, searcher()(row[1], row[2]))
        if old is None:
            self._sorted = None
        keys = self._keys
        if keys is not None:
            before, after = None if old is None else _key_hash(old), _key_hash(row)
            if before != after:
                if before is not None:
                    self._unlink(keys, before, track_id)
                self._link(keys, after, track_id)
        for name, place in PLACES.items():
            previous = old[place] if old is not None else None
            if previous != row[place]:
                if previous is not None:
                    self._unlink(self._identifiers[name], previous, track_id)
                if row[place] is not None:
                    self._link(self._identifiers[name], row[place], track_id)
        self._put(self._tracks, track_id, packed)
        self._changed[track_id] = None

    def get_track(self, track_id: int, /) -> Track | None:
        """See `TrackStore.get_track`."""
        number = known_id(track_id)
        with self._lock:
            self._check_open()
            packed = self._tracks.get(number)
        return None if packed is None else track_of(_unpack(number, packed)[0])

    def get_tracks(self, track_ids: Iterable[int], /) -> dict[int, Track]:
        """See `TrackStore.get_tracks`."""
        with self._lock:
            found = ((track_id, self.get_track(track_id)) for track_id in map(known_id, track_ids))
            return {track_id: track for track_id, track in found if track is not None}

    def iter_tracks(self, *, after: int | None = None) -> Iterator[Track]:
        """See `TrackStore.iter_tracks`."""
        for track_id, packed in self._walk(after):
            yield track_of(_unpack(track_id, packed)[0])

    def iter_normalised(self, *, after: int | None = None) -> Iterator[tuple[int, str, str]]:
        """See `TrackStore.iter_normalised`."""
        normalise = normaliser()
        for track_id, packed in self._walk(after):
            row, search = _unpack(track_id, packed)
            yield track_id, normalise(row[1], row[2], row[3]).key, search

    def iter_search(self) -> Iterator[tuple[int, str]]:
        """Yield ``(id, searchable text)`` by ascending id."""
        for track_id, packed in self._walk(None):
            yield track_id, _search_of(packed)

    def _walk(self, after: int | None) -> Iterator[tuple[int, bytes]]:
        after = None if after is None else known_after(after)
        with self._lock:
            self._check_open()
            ids = self._sorted
            if ids is None:
                ids = self._sorted = sorted(self._tracks)
        start = 0 if after is None else bisect.bisect_right(ids, after)
        for place in range(start, len(ids)):
            with self._lock:
                self._check_open()
                packed = self._tracks.get(ids[place])
            if packed is not None:
                yield ids[place], packed

    def _forget_order(self) -> None:
        super()._forget_order()
        self._sorted = None
        if self._keys_hasty:
            self._keys = None

    def _by_key(self) -> dict[int, Any]:
        """Tracks by the hash of their key; made when first asked for, then kept up to date."""
        keys = self._keys
        if keys is None:
            keys = {}
            for track_id, packed in self._tracks.items():
                place = _key_hash(_unpack(track_id, packed)[0])
                old = keys.get(place)
                keys[place] = track_id if old is None else (*members(old), track_id)
            self._keys = keys
            self._keys_hasty = bool(self._undo)
        return keys

    def _searchable(self, track_id: int) -> str | None:
        packed = self._tracks.get(track_id)
        return None if packed is None else _search_of(packed)

    def count_tracks(self) -> int:
        """See `TrackStore.count_tracks`."""
        with self._lock:
            self._check_open()
            return len(self._tracks)

    def update_track(self, track_id: int, /, **changes: Any) -> bool:
        """See `TrackStore.update_track`."""
        track_id = known_id(track_id)
        with self.transaction():
            packed = self._tracks.get(track_id)
            if packed is None:
                return False
            old = _unpack(track_id, packed)[0]
            self._store(old, with_changes(old, changes))
            return True

    def delete_track(self, track_id: int, /) -> bool:
        """See `TrackStore.delete_track`."""
        track_id = known_id(track_id)
        with self.transaction():
            packed = self._tracks.get(track_id)
            if packed is None:
                return False
            old = _unpack(track_id, packed)[0]
            self._drop(self._tracks, track_id)
            self._sorted = None
            if self._keys is not None:
                self._unlink(self._keys, _key_hash(old), track_id)
            for name, place in PLACES.items():
                if old[place] is not None:
                    self._unlink(self._identifiers[name], old[place], track_id)
            self._changed[track_id] = None
            self._track_deleted(track_id)
            return True

    def _track_deleted(self, track_id: int) -> None:
        """Let playlists and files forget it."""

    def find_by_identifier(
        self, *, isrc: str | None = None, mbid: str | None = None, audio_identity: str | None = None
    ) -> list[Track]:
        """See `TrackStore.find_by_identifier`."""
        asked = to_row({"isrc": isrc, "mbid": mbid, "audio_identity": audio_identity}, 0)
        with self._lock:
            self._check_open()
            found: set[int] = set()
            for name, place in PLACES.items():
                if asked[place] is not None:
                    found.update(members(self._identifiers[name].get(asked[place])))
            return list(self.get_tracks(sorted(found)).values())

    def find_by_key(self, key: str, /, *, limit: int = 50) -> list[Candidate]:
        """See `TrackStore.find_by_key`."""
        demand_name(key, "key")
        most = demand_limit(limit)
        normalise = normaliser()
        with self._lock:
            self._check_open()
            found: list[Candidate] = []
            for candidate in self.get_candidates(sorted(members(self._by_key().get(hash(key))))):
                if len(found) >= most:
                    break
                track = candidate.track
                if normalise(track.title, track.artist, track.album).key == key:
                    found.append(candidate)
            return found

    def get_candidates(self, track_ids: Iterable[int]) -> list[Candidate]:
        """Return those that exist as `Candidate`, in the order asked for."""
        with self._lock:
            self._check_open()
            packed = [(track_id, self._tracks.get(track_id)) for track_id in track_ids]
        rows = (_unpack(track_id, row) for track_id, row in packed if row is not None)
        return [Candidate(track_of(row), search) for row, search in rows]

    def candidates(self, query: NormalisedTrack, /, *, limit: int = 50) -> list[Candidate]:
        """See `TrackStore.candidates`."""
        self._check_open()
        search = import_module("tracktion.storage.search_memory")
        found: list[Candidate] = search.candidates(self, query, limit=demand_limit(limit))
        return found
