"""The contract of a catalogue's home. The docstrings here are what `tracktion.testing` checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from tracktion.matching.text import NormalisedTrack
    from tracktion.results.catalogue import (
        AnalysisSummary,
        Candidate,
        FileRecord,
        OutboxMessage,
        Playlist,
        PlaylistEntries,
        StorageHealth,
        Track,
    )

__all__ = ["IDENTIFIERS", "AnalysisStore", "FileStore", "PlaylistStore", "Storage", "TrackStore"]

T = TypeVar("T")

IDENTIFIERS = ("audio_identity", "mbid", "isrc")
"""Fields that name one recording, the surest first."""


class TrackStore(Protocol):
    """Tracks, by id, identifier, normalised key and candidates for fuzzy matching."""

    def add_tracks(
        self,
        tracks: Iterable[Track | Mapping[str, Any]],
        *,
        upsert_by: Sequence[str] = IDENTIFIERS,
    ) -> list[int]:
        """Store tracks and return their ids, in order.

        A mapping may have the keys of `Track`; other keys are kept in ``extra``. None, empty text and NaN mean
        unknown, also an ``isrc`` beyond 64 and an ``mbid`` beyond 256 characters; numbers may come as text; text beyond
        65 536 characters is cut, NUL and lone surrogates are replaced.

        A row with an ``id`` is stored under it. A row without, whose ``audio_identity``, ``mbid`` or ``isrc`` (in this
        order) is already stored, updates that track. Otherwise it is new. An update overwrites what the row knows
        and keeps what it leaves unknown.

        Parameters
        ----------
        tracks
            Any iterable; it is consumed in chunks and each chunk is one transaction (all of them are one
            inside `Storage.transaction`).
        upsert_by
            Identifiers by which a row without id finds its track; ``()`` makes every row without id new.

        Raises
        ------
        UsageError
            A value that cannot be meant (``duration="long"``, negative id): names the row and field. Chunks before
            it are stored, its own is not. Also when no id is left below 2**63.
        """
        ...

    def get_track(self, track_id: int, /) -> Track | None:
        """Return the track, or None."""
        ...

    def get_tracks(self, track_ids: Iterable[int], /) -> dict[int, Track]:
        """Return those that exist, by id."""
        ...

    def iter_tracks(self, *, after: int | None = None) -> Iterator[Track]:
        """Yield tracks by ascending id, from the first above `after`.

        Memory is bounded, and no lock is held between two items; rows that change meanwhile may be seen old or new.
        """
        ...

    def iter_normalised(self, *, after: int | None = None) -> Iterator[tuple[int, str, str]]:
        """Yield ``(id, key, search)`` as stored, like `iter_tracks`: what a candidate index is built from."""
        ...

    def count_tracks(self) -> int:
        """Return how many there are."""
        ...

    def update_track(self, track_id: int, /, **changes: Any) -> bool:
        """Set fields (None clears one) and return whether the track exists."""
        ...

    def delete_track(self, track_id: int, /) -> bool:
        """Delete the track, its playlist entries and the link from its files; return whether it existed."""
        ...

    def find_by_identifier(
        self, *, isrc: str | None = None, mbid: str | None = None, audio_identity: str | None = None
    ) -> list[Track]:
        """Return tracks that carry any of these, by ascending id."""
        ...

    def find_by_key(self, key: str, /, *, limit: int = 50) -> list[Candidate]:
        """Return tracks whose exact normalised key (`NormalisedTrack.key`) is `key`, by ascending id."""
        ...

    def candidates(self, query: NormalisedTrack, /, *, limit: int = 50) -> list[Candidate]:
        """Return tracks whose searchable text is like ``query.search``, likeliest first.

        A preselection for scoring: it may hold wrong ones, must seldom miss the right one, and never reads the whole
        catalogue.
        """
        ...


class FileStore(Protocol):
    """Files under the watched roots, their states, and the outbox."""

    def put_files(self, files: Iterable[FileRecord], /) -> list[int]:
        """Insert or overwrite by ``(root, path)``; return the row ids, in order.

        In ``reason``, NUL and lone surrogates are replaced.
        """
        ...

    def get_file(self, path: bytes, *, root: bytes | None = None) -> FileRecord | None:
        """Return the row of `path` (under `root`, or under any), or None."""
        ...

    def find_files(
        self,
        *,
        root: bytes | None = None,
        states: Sequence[str] | None = None,
        audio_identity: str | None = None,
        device: int | None = None,
        inode: int | None = None,
        track_id: int | None = None,
        limit: int | None = None,
    ) -> Iterator[FileRecord]:
        """Yield rows that fulfil all given conditions, by ascending row id; streamed like `TrackStore.iter_tracks`."""
        ...

    def update_file(
        self,
        file_id: int,
        /,
        *,
        expected_state: str | None = None,
        expected_epoch: int | None = None,
        **changes: Any,
    ) -> bool:
        """Set fields when the row still is as expected (compare and set); return whether it was."""
        ...

    def claim_files(
        self, *, owner: str, epoch: int, limit: int = 10, max_attempts: int = 3, root: bytes | None = None
    ) -> list[FileRecord]:
        """Take up to `limit` rows from ``ready`` to ``running``, by ascending id, and count the attempt, atomically.

        Two claimants, also in different processes and hosts, never get the same row. Rows with `max_attempts` behind
        them are left alone.
        """
        ...

    def count_files(self, *, root: bytes | None = None) -> dict[str, int]:
        """Return the number of rows in each state that occurs."""
        ...

    def delete_files(self, file_ids: Iterable[int], /) -> int:
        """Delete rows; return how many existed."""
        ...

    def add_outbox(self, message_id: str, payload: Mapping[str, Any], *, subject: bytes = b"") -> bool:
        """Put a message at the end; a known id changes nothing and returns False."""
        ...

    def pending_outbox(self, *, limit: int = 100) -> list[OutboxMessage]:
        """Return messages that are not published, in order."""
        ...

    def mark_outbox(self, message_ids: Iterable[str], *, published: bool) -> int:
        """Mark as published, or count a failed attempt; return how many were known."""
        ...

    def purge_outbox(self, *, keep: int = 0) -> int:
        """Delete published messages except the last `keep`; return how many."""
        ...

    def get_value(self, name: str, /) -> str | None:
        """Return a small named text (epochs, cursors), or None."""
        ...

    def set_value(self, name: str, value: str | None, /) -> None:
        """Set it; None deletes it."""
        ...


class AnalysisStore(Protocol):
    """Analyses by the audio they were made from, the algorithm's version and its parameters."""

    def put_analysis(self, identity: str, version: str, parameters_key: str, analysis: Any) -> None:
        """Store `analysis`: a mapping of plain JSON types or an object with ``to_dict()``; the last one wins."""
        ...

    def get_analysis(self, identity: str, version: str, parameters_key: str) -> dict[str, Any] | None:
        """Return it as plain types (`Analysis.from_dict` makes the object), or None."""
        ...

    def delete_analyses(self, identity: str, /) -> int:
        """Delete all of one recording; return how many."""
        ...

    def count_analyses(self) -> int:
        """Return how many there are."""
        ...

    def find_analyses(
        self,
        *,
        bpm_ranges: Sequence[tuple[float, float]] | None = None,
        keys: Sequence[int] | None = None,
        identities: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[AnalysisSummary]:
        """Return the summaries that fulfil all given conditions, by identity, version and parameters.

        Tempo in any of the ranges, ends included; key any of `keys`, numbered as in `AnalysisSummary`.
        """
        ...

    def put_fingerprint(self, identity: str, fingerprint: bytes, *, duration: float) -> None:
        """Store the acoustic fingerprint of a recording; the last one wins.

        A negative or infinite `duration` is a `UsageError`; NaN means unknown, and is kept as 0.
        """
        ...

    def get_fingerprint(self, identity: str, /) -> tuple[bytes, float] | None:
        """Return ``(fingerprint, duration in seconds)``, or None."""
        ...

    def iter_fingerprints(self) -> Iterator[tuple[str, bytes, float]]:
        """Yield ``(identity, fingerprint, duration)`` by ascending identity; streamed like `iter_tracks`."""
        ...

    def count_fingerprints(self) -> int:
        """Return how many fingerprints there are; quick, since it is asked before every search by sound."""
        ...


class PlaylistStore(Protocol):
    """Ordered lists of tracks. Positions are 0-based and dense, whoever edits at the same time.

    Every edit of one playlist sees the result of the one before. An unknown playlist, entry or track and a position
    outside the list raise `UsageError`, and nothing is changed.
    """

    def create_playlist(self, name: str, *, track_ids: Iterable[int] = ()) -> Playlist:
        """Make a playlist; names need not be unique."""
        ...

    def get_playlist(self, playlist_id: int, /) -> Playlist | None:
        """Return it, or None."""
        ...

    def list_playlists(self) -> list[Playlist]:
        """Return all, by ascending id."""
        ...

    def rename_playlist(self, playlist_id: int, name: str, /) -> None:
        """Give it another name."""
        ...

    def delete_playlist(self, playlist_id: int, /) -> bool:
        """Delete it; return whether it existed."""
        ...

    def playlist_entries(self, playlist_id: int, /, *, offset: int = 0, limit: int | None = None) -> PlaylistEntries:
        """Return entries in order."""
        ...

    def add_to_playlist(self, playlist_id: int, track_ids: Iterable[int], /) -> list[int]:
        """Put tracks at the end; return the ids of their entries."""
        ...

    def insert_into_playlist(self, playlist_id: int, position: int, track_ids: Iterable[int], /) -> list[int]:
        """Put tracks before `position` (the length puts them at the end); return the ids of their entries."""
        ...

    def move_in_playlist(self, playlist_id: int, entry_id: int, position: int, /) -> None:
        """Move one entry so that it stands at `position` afterwards."""
        ...

    def remove_from_playlist(self, playlist_id: int, entry_ids: Iterable[int], /) -> int:
        """Remove entries; ids that are gone already count as removed by somebody else. Return how many went."""
        ...

    def reorder_playlist(self, playlist_id: int, entry_ids: Sequence[int], /) -> None:
        """Put the entries into this order; the ids must be exactly those of the playlist."""
        ...


@runtime_checkable
class Storage(TrackStore, FileStore, AnalysisStore, PlaylistStore, Protocol):
    """One catalogue. Any method may be called from any thread.

    Every method is one transaction: when it returns, its effect is there for everybody and survives a kill of the
    process; when it raises, nothing of it is (chunks of `add_tracks` excepted). Failures are `StorageError`:
    ``Busy``, ``Full``, ``Corrupt``, ``Unavailable``, ``Version``; after `close`, `StorageUnavailableError`.

    What no home can keep is a `UsageError` in all of them: NUL and lone surrogates in text by which something is looked
    up (identities, names, keys), more than 800 bytes of it, a negative limit, a value that a field of a file cannot
    have (text for a path). An id outside of 64 bits names nothing; any kind of whole number (NumPy's) will do for one.
    """

    @property
    def url(self) -> str:
        """Where it lives, without password."""
        ...

    @property
    def home(self) -> str:
        """``memory``, ``sqlite``, ``postgresql``, or a third party's name."""
        ...

    @property
    def revision(self) -> int:
        """A number that grows when tracks change through this object (results cached for them are stale)."""
        ...

    def edition(self) -> str | None:
        """Return a name of the tracks as they are: two equal ones, in whatever process, stand for the same tracks.

        Whoever changes tracks gives another name, at random, together with the change. None inside of a unit of work
        that has changed tracks, and where nobody has given a name yet.
        """
        ...

    def transaction(self) -> AbstractContextManager[Self]:
        """Make all calls of this thread inside the ``with`` one unit of work: together, or not at all.

        Nested units are savepoints: an inner one that raises takes back its own part only. Keep it short: other
        writers wait. An exception that leaves the block rolls back and is raised on. A coroutine that awaits inside of
        it makes the calls of others of its thread a `UsageError`: they would see, and become part of, its unit.
        """
        ...

    def run(self, work: Callable[[Self], T], /) -> T:
        """Return ``work(storage)``, run as one unit of work.

        As ``with transaction()``, and where a server may go away in the middle, `work` is run again after it was
        rolled back: it should have no effect but on the storage.
        """
        ...

    def health(self) -> StorageHealth:
        """Look after it without raising."""
        ...

    def check(self) -> list[str]:
        """Read everything and return what is damaged, as sentences; empty when all is well. Slow by nature."""
        ...

    def close(self) -> None:
        """Give back files and connections; again is harmless."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...
