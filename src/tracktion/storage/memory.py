"""``memory:``, a catalogue that lives as long as its object: tests, short scripts, and speed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Self

from tracktion.errors import UsageError
from tracktion.results.catalogue import AnalysisSummary, Playlist, PlaylistEntries, StorageHealth
from tracktion.storage.entries import Order
from tracktion.storage.memory_files import MemoryFiles
from tracktion.storage.memory_tracks import MemoryTracks
from tracktion.storage.rows import (
    analysis_key,
    clean_text,
    demand_limit,
    demand_name,
    dump_json,
    fingerprint_row,
    known_id,
    plain_analysis,
    plain_id,
    summary_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["MemoryStorage"]

_AnalysisKey = tuple[str, str, str]


class MemoryStorage(MemoryTracks, MemoryFiles):
    """`Storage` on dictionaries, with the transactions of the others.

    A transaction holds the one lock, so threads wait for each other; nothing survives the process.

    Parameters
    ----------
    timeout
        Seconds that a call waits for another thread's transaction before it raises `StorageBusyError`.
    """

    def __init__(self, *, timeout: float = 30.0) -> None:
        super().__init__(timeout=timeout)
        self._analyses: dict[_AnalysisKey, tuple[str, AnalysisSummary]] = {}
        self._fingerprints: dict[str, tuple[bytes, float]] = {}
        self._playlists: dict[int, tuple[str, Order]] = {}
        self._counters["playlist"] = 0

    @property
    def url(self) -> str:
        """``memory:``."""
        return "memory:"

    @property
    def home(self) -> str:
        """``memory``."""
        return "memory"

    def health(self) -> StorageHealth:
        """See `Storage.health`."""
        begin = time.perf_counter()
        problem = "closed" if self._closed else None
        counts = {"tracks": len(self._tracks), "files": len(self._files)}
        return StorageHealth(not self._closed, "memory", "", time.perf_counter() - begin, problem, counts)

    def check(self) -> list[str]:
        """See `Storage.check`; memory has nothing to be damaged."""
        return []

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._listeners.clear()
                self._keys = None
                for mapping in (self._tracks, self._files, self._analyses, self._fingerprints):
                    mapping.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # --- analyses -------------------------------------------------------------------------------------------------

    def put_analysis(self, identity: str, version: str, parameters_key: str, analysis: Any) -> None:
        """See `AnalysisStore.put_analysis`."""
        key = identity, version, parameters_key = analysis_key(identity, version, parameters_key)
        plain = plain_analysis(analysis)
        text = dump_json(plain)
        summary = AnalysisSummary(identity, version, parameters_key, *summary_of(plain))
        with self.transaction():
            self._put(self._analyses, key, (text, summary))

    def get_analysis(self, identity: str, version: str, parameters_key: str) -> dict[str, Any] | None:
        """See `AnalysisStore.get_analysis`."""
        key = analysis_key(identity, version, parameters_key)
        with self._lock:
            self._check_open()
            found = self._analyses.get(key)
        if found is None:
            return None
        analysis: dict[str, Any] = json.loads(found[0])
        return analysis

    def delete_analyses(self, identity: str, /) -> int:
        """See `AnalysisStore.delete_analyses`."""
        demand_name(identity, "identity")
        with self.transaction():
            keys = [key for key in self._analyses if key[0] == identity]
            for key in keys:
                self._drop(self._analyses, key)
            return len(keys)

    def count_analyses(self) -> int:
        """See `AnalysisStore.count_analyses`."""
        with self._lock:
            self._check_open()
            return len(self._analyses)

    def find_analyses(
        self,
        *,
        bpm_ranges: Sequence[tuple[float, float]] | None = None,
        keys: Sequence[int] | None = None,
        identities: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[AnalysisSummary]:
        """See `AnalysisStore.find_analyses`."""
        most = None if limit is None else demand_limit(limit)
        with self._lock:
            self._check_open()
            summaries = [summary for _, summary in self._analyses.values()]
        wanted = None if identities is None else {demand_name(identity, "identity") for identity in identities}
        tonics = None if keys is None else set(map(known_id, keys))
        found = [
            s
            for s in summaries
            if (wanted is None or s.identity in wanted)
            and (tonics is None or s.key in tonics)
            and (bpm_ranges is None or (s.bpm is not None and any(low <= s.bpm <= high for low, high in bpm_ranges)))
        ]
        found.sort(key=lambda s: (s.identity, s.version, s.parameters_key))
        return found[:most]

    def put_fingerprint(self, identity: str, fingerprint: bytes, *, duration: float) -> None:
        """See `AnalysisStore.put_fingerprint`."""
        identity, data, seconds = fingerprint_row(identity, fingerprint, duration)
        with self.transaction():
            self._put(self._fingerprints, identity, (data, seconds))

    def get_fingerprint(self, identity: str, /) -> tuple[bytes, float] | None:
        """See `AnalysisStore.get_fingerprint`."""
        demand_name(identity, "identity")
        with self._lock:
            self._check_open()
            return self._fingerprints.get(identity)

    def iter_fingerprints(self) -> Iterator[tuple[str, bytes, float]]:
        """See `AnalysisStore.iter_fingerprints`."""
        with self._lock:
            self._check_open()
            rows = sorted(self._fingerprints.items())
        for identity, (fingerprint, duration) in rows:
            yield identity, fingerprint, duration

    def count_fingerprints(self) -> int:
        """See `AnalysisStore.count_fingerprints`."""
        with self._lock:
            self._check_open()
            return len(self._fingerprints)

    # --- playlists ------------------------------------------------------------------------------------------------

    def create_playlist(self, name: str, *, track_ids: Iterable[int] = ()) -> Playlist:
        """See `PlaylistStore.create_playlist`."""
        title = clean_text(name, "name") or ""
        with self.transaction():
            tracks = self._existing(track_ids)
            order = Order()
            order.insert(None, tracks)
            playlist_id = self._next("playlist")
            self._save(playlist_id, title, order)
            return Playlist(playlist_id, title, len(tracks))

    def _existing(self, track_ids: Iterable[int]) -> list[int]:
        tracks = list(map(plain_id, track_ids))
        for track_id in tracks:
            if track_id not in self._tracks:
                raise UsageError(f"there is no track {track_id}")
        return tracks

    def _save(self, playlist_id: int, name: str, order: Order) -> None:
        self._put(self._playlists, playlist_id, (name, order))

    def _load(self, playlist_id: int) -> tuple[str, Order]:
        found = self._playlists.get(known_id(playlist_id))
        if found is None:
            raise UsageError(f"there is no playlist {playlist_id}")
        return found

    def _edit(self, playlist_id: int, edit: Callable[[Order], Any]) -> Any:
        with self.transaction():
            name, before = self._load(playlist_id)
            order = Order(before.entries, before.tracks, before.next_id)
            result = edit(order)
            self._save(playlist_id, name, order)
            return result

    def get_playlist(self, playlist_id: int, /) -> Playlist | None:
        """See `PlaylistStore.get_playlist`."""
        with self._lock:
            self._check_open()
            found = self._playlists.get(known_id(playlist_id))
            return None if found is None else Playlist(playlist_id, found[0], len(found[1].entries))

    def list_playlists(self) -> list[Playlist]:
        """See `PlaylistStore.list_playlists`."""
        with self._lock:
            self._check_open()
            return [Playlist(number, row[0], len(row[1].entries)) for number, row in sorted(self._playlists.items())]

    def rename_playlist(self, playlist_id: int, name: str, /) -> None:
        """See `PlaylistStore.rename_playlist`."""
        title = clean_text(name, "name") or ""
        with self.transaction():
            self._save(playlist_id, title, self._load(playlist_id)[1])

    def delete_playlist(self, playlist_id: int, /) -> bool:
        """See `PlaylistStore.delete_playlist`."""
        with self.transaction():
            return self._drop(self._playlists, known_id(playlist_id))

    def playlist_entries(self, playlist_id: int, /, *, offset: int = 0, limit: int | None = None) -> PlaylistEntries:
        """See `PlaylistStore.playlist_entries`."""
        with self._lock:
            self._check_open()
            return self._load(playlist_id)[1].view(offset, limit)

    def add_to_playlist(self, playlist_id: int, track_ids: Iterable[int], /) -> list[int]:
        """See `PlaylistStore.add_to_playlist`."""
        return self._insert(playlist_id, None, track_ids)

    def insert_into_playlist(self, playlist_id: int, position: int, track_ids: Iterable[int], /) -> list[int]:
        """See `PlaylistStore.insert_into_playlist`."""
        return self._insert(playlist_id, position, track_ids)

    def _insert(self, playlist_id: int, position: int | None, track_ids: Iterable[int]) -> list[int]:
        with self.transaction():
            tracks = self._existing(track_ids)
            ids: list[int] = self._edit(playlist_id, lambda order: order.insert(position, tracks))
            return ids

    def move_in_playlist(self, playlist_id: int, entry_id: int, position: int, /) -> None:
        """See `PlaylistStore.move_in_playlist`."""
        self._edit(playlist_id, lambda order: order.move(entry_id, position))

    def remove_from_playlist(self, playlist_id: int, entry_ids: Iterable[int], /) -> int:
        """See `PlaylistStore.remove_from_playlist`."""
        gone = list(entry_ids)
        return int(self._edit(playlist_id, lambda order: order.remove(gone)))

    def reorder_playlist(self, playlist_id: int, entry_ids: Sequence[int], /) -> None:
        """See `PlaylistStore.reorder_playlist`."""
        self._edit(playlist_id, lambda order: order.reorder(entry_ids))

    def _track_deleted(self, track_id: int) -> None:
        for playlist_id, row in list(self._playlists.items()):
            if track_id in row[1].tracks:
                self._edit(playlist_id, lambda order: order.remove_track(track_id))
        for record in list(self.find_files(track_id=track_id)):
            self.update_file(record.id or 0, track_id=None)
