"""What the catalogue holds: tracks, files, playlists, analyses in short, messages to publish."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from tracktion.results.base import Result

__all__ = [
    "FILE_STATES",
    "AnalysisSummary",
    "Candidate",
    "FileRecord",
    "OutboxMessage",
    "Playlist",
    "PlaylistEntries",
    "PlaylistEntry",
    "StorageHealth",
    "Track",
]

FILE_STATES = ("seen", "ready", "running", "done", "failed", "offline", "deleted")


@dataclass(frozen=True, slots=True)
class Track(Result):
    """One recording in the catalogue; None where nothing is known.

    Attributes
    ----------
    id
        Row id; None before it is stored.
    title, artist, album
        Text as given (whitespace at the ends removed).
    duration
        Seconds.
    year
        Year of release.
    isrc, mbid
        International Standard Recording Code (upper case, without dashes); MusicBrainz recording id (lower case).
    audio_identity
        Id of the audio itself, from `tracktion.audio.audio_identity`.
    extra
        Whatever else the caller gave, as plain JSON types.
    """

    id: int | None = None
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    duration: float | None = None
    year: int | None = None
    isrc: str | None = None
    mbid: str | None = None
    audio_identity: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Candidate(Result):
    """A track that may be what a query means, with its normalised searchable text as stored."""

    track: Track
    search: str


@dataclass(frozen=True, slots=True)
class FileRecord(Result):
    """One file under a watched root, and how far the work on it is.

    Attributes
    ----------
    path, root
        Absolute, as bytes, so that any name round trips. ``(root, path)`` is unique.
    id
        Row id; None before it is stored.
    size, mtime_ns, ctime_ns, device, inode
        The signature from ``lstat``: bytes, nanoseconds since the epoch, identity on disk.
    state
        One of ``seen``, ``ready``, ``running``, ``done``, ``failed``, ``offline``, ``deleted``.
    reason
        Why it failed, as ``Code: sentence``.
    attempts
        How often work on this signature was started.
    owner, epoch
        Who works on it, and in which life of that owner.
    audio_identity, track_id
        What was found in it.
    changed_ns
        When this row last changed: wall clock, nanoseconds; for people, never for decisions.
    """

    path: bytes
    root: bytes = b""
    id: int | None = None
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    device: int = 0
    inode: int = 0
    state: str = "seen"
    reason: str | None = None
    attempts: int = 0
    owner: str | None = None
    epoch: int = 0
    audio_identity: str | None = None
    track_id: int | None = None
    changed_ns: int = 0

    @property
    def name(self) -> str:
        """The path as `str`; undecodable bytes become surrogates (`os.fsdecode`)."""
        return os.fsdecode(self.path)

    @property
    def signature(self) -> tuple[int, int, int, int, int]:
        """``(size, mtime_ns, ctime_ns, device, inode)``: one analysis is done for each."""
        return self.size, self.mtime_ns, self.ctime_ns, self.device, self.inode


@dataclass(frozen=True, slots=True)
class OutboxMessage(Result):
    """A message that was decided in the same transaction as the result it tells of.

    Attributes
    ----------
    id
        Stable: the same event always has the same id, so that receivers can drop repetitions.
    payload
        Plain JSON types.
    subject
        What order is kept for: messages of one subject (a path) go out in the order of `sequence`.
    sequence
        Position in the outbox.
    published
        Whether the receiver has confirmed it.
    attempts
        How often sending was tried.
    """

    id: str
    payload: dict[str, Any] = field(hash=False)
    subject: bytes = b""
    sequence: int = 0
    published: bool = False
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class AnalysisSummary(Result):
    """The few numbers of an analysis by which a catalogue is filtered.

    Attributes
    ----------
    identity, version, parameters_key
        Which analysis: audio identity, algorithm version, key of the parameters.
    bpm
        Beats per minute.
    key
        ``0``-``11`` major from C upwards in semitones, ``12``-``23`` minor.
    valence, arousal
        Mood, -1 to 1.
    """

    identity: str
    version: str
    parameters_key: str
    bpm: float | None = None
    key: int | None = None
    valence: float | None = None
    arousal: float | None = None


@dataclass(frozen=True, slots=True)
class Playlist(Result):
    """A named, ordered list of tracks; `length` counts its entries."""

    id: int
    name: str
    length: int = 0


@dataclass(frozen=True, slots=True)
class PlaylistEntry(Result):
    """One place in a playlist.

    Attributes
    ----------
    id
        Stable within the playlist, whatever moves around it; the same track may stand in several entries.
    position
        0-based and dense at the moment of reading.
    track_id
        The track.
    """

    id: int
    position: int
    track_id: int


class PlaylistEntries(Sequence[PlaylistEntry]):
    """Entries in order, made when looked at: listing ten thousand costs no ten thousand objects.

    Parameters
    ----------
    ids, track_ids
        Of each entry, in order.
    start
        Position of the first entry.
    """

    __slots__ = ("_ids", "_start", "_tracks")

    def __init__(self, ids: Sequence[int], track_ids: Sequence[int], start: int = 0) -> None:
        self._ids = tuple(ids)
        self._tracks = tuple(track_ids)
        self._start = start

    @property
    def ids(self) -> tuple[int, ...]:
        """Entry ids in order."""
        return self._ids

    @property
    def track_ids(self) -> tuple[int, ...]:
        """Track ids in order."""
        return self._tracks

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> PlaylistEntry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PlaylistEntry]: ...
    def __getitem__(self, index: int | slice) -> PlaylistEntry | Sequence[PlaylistEntry]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = range(len(self._ids))[index]
        return PlaylistEntry(self._ids[position], self._start + position, self._tracks[position])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlaylistEntries) and (
            (self._ids, self._tracks, self._start) == (other._ids, other._tracks, other._start)
        )

    def __hash__(self) -> int:
        return hash((self._ids, self._tracks, self._start))

    def __repr__(self) -> str:
        return f"PlaylistEntries({len(self)} from position {self._start})"


@dataclass(frozen=True, slots=True)
class StorageHealth(Result):
    """How a storage is, for a health check.

    Attributes
    ----------
    ok
        It answered within its time limit.
    home
        ``memory``, ``sqlite``, ``postgresql``, or a third party's name.
    version
        Schema version of the data.
    latency
        Seconds that a trivial question took.
    problem
        What is wrong, when something is.
    details
        Pool use, file size and the like.
    """

    ok: bool
    home: str
    version: str
    latency: float
    problem: str | None = None
    details: dict[str, Any] = field(default_factory=dict, hash=False)
