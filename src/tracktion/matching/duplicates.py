"""Tracks of a catalogue that are one recording: the same samples, identifiers, sound, or words and length."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tracktion.matching.query import parse_query
from tracktion.matching.scoring import surface_text
from tracktion.results.match import Duplicates
from tracktion.storage.rows import chunked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracktion.matching.scoring import Scorer
    from tracktion.results.catalogue import Candidate, Track
    from tracktion.storage import Storage

__all__ = ["find_duplicates"]

APART = 4.0
"""Seconds by which the lengths of one recording may differ, when only words speak for it."""

PAGE = 1000
CROWD = 100
"""Rows of one key beyond which only those with the same length are compared."""


class _Clusters:
    """Union and find, with the weakest link and its reason, and the lengths that are known."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}
        self._weakest: dict[int, tuple[float, str]] = {}
        self._lengths: dict[int, tuple[float, float]] = {}

    def find(self, item: int) -> int:
        root = item
        while self._parent.get(root, root) != root:
            root = self._parent[root]
        while self._parent.get(item, item) != root:
            self._parent[item], item = root, self._parent[item]
        return root

    def join(self, one: int, two: int, reason: str, score: float) -> None:
        a, b = self.find(one), self.find(two)
        if a == b:
            return
        a, b = min(a, b), max(a, b)
        self._parent[a], self._parent[b] = a, a
        links = [link for link in (self._weakest.get(a), self._weakest.pop(b, None), (score, reason)) if link]
        self._weakest[a] = min(links)
        other = self._lengths.pop(b, None)
        if other is not None:
            low, high = self._lengths.get(a, other)
            self._lengths[a] = min(low, other[0]), max(high, other[1])

    def measure(self, tracks: Iterable[Track]) -> None:
        """Take note of the lengths of tracks."""
        for track in tracks:
            if track.id is not None and track.duration:
                root = self.find(track.id)
                low, high = self._lengths.get(root, (track.duration, track.duration))
                self._lengths[root] = min(low, track.duration), max(high, track.duration)

    def members(self) -> Iterator[int]:
        """Yield the tracks that are in a cluster with others."""
        yield from self._parent

    def apart(self, one: int, two: int) -> bool:
        """Whether a track of one cluster and one of the other differ in length by more than `APART`."""
        first, second = (self._lengths.get(self.find(item)) for item in (one, two))
        return first is not None and second is not None and max(first[1] - second[0], second[1] - first[0]) > APART

    def groups(self) -> Iterator[tuple[list[int], float, str]]:
        members: dict[int, list[int]] = defaultdict(list)
        for item in self._parent:
            members[self.find(item)].append(item)
        for root in sorted(members):
            score, reason = self._weakest[root]
            yield sorted(members[root]), score, reason


def find_duplicates(storage: Storage, scorer: Scorer, *, min_score: float) -> Iterator[Duplicates]:
    """See `Matcher.duplicates`."""
    clusters = _Clusters()
    of_identity: dict[str, list[int]] = defaultdict(list)
    codes: dict[tuple[str, str], int] = {}
    for track in storage.iter_tracks():
        if track.id is None:
            continue
        if track.audio_identity:
            of_identity[track.audio_identity].append(track.id)
        for name in ("mbid", "isrc"):
            value = getattr(track, name)
            if value:
                first = codes.setdefault((name, value), track.id)
                if first != track.id:
                    clusters.join(first, track.id, "identifier", 0.99)
    for ids in of_identity.values():
        for other in ids[1:]:
            clusters.join(ids[0], other, "audio", 1.0)
    _by_sound(storage, of_identity, clusters)
    for part in chunked(list(clusters.members()), PAGE):
        clusters.measure(storage.get_tracks(part).values())
    _by_words(storage, scorer, clusters, min_score)
    for ids, score, reason in clusters.groups():
        tracks = storage.get_tracks(ids)
        if len(tracks) > 1:
            yield Duplicates(tuple(tracks[i] for i in ids if i in tracks), reason, score)


def _by_sound(storage: Storage, of_identity: dict[str, list[int]], clusters: _Clusters) -> None:
    from tracktion.matching.fingerprint import FingerprintIndex

    index = FingerprintIndex()
    for identity, data, _ in storage.iter_fingerprints():
        if identity in of_identity:
            for hit in index.search(data):
                clusters.join(of_identity[hit.identity][0], of_identity[identity][0], "fingerprint", hit.score)
            index.add(identity, data)


def _by_words(storage: Storage, scorer: Scorer, clusters: _Clusters, min_score: float) -> None:
    first: dict[int, Any] = {}
    crowded: set[str] = set()
    for track_id, key, _ in storage.iter_normalised():
        if key and first.setdefault(hash(key), track_id) != track_id:
            crowded.add(key)
    del first
    for key in sorted(crowded):
        candidates = storage.find_by_key(key, limit=10 * CROWD)
        for place, candidate in enumerate(candidates):
            _link(scorer, candidate, candidates[place + 1 : place + 1 + CROWD], clusters, min_score)


def _may_be_one(track: Track, other: Track) -> bool:
    """Whether lengths allow it; a title alone (``Intro``, ``Track 01``) is none without them."""
    if track.duration and other.duration:
        return abs(track.duration - other.duration) <= APART
    return bool(track.artist or other.artist)


def _link(scorer: Scorer, one: Candidate, others: Iterable[Candidate], clusters: _Clusters, min_score: float) -> None:
    track = one.track
    near = [other for other in others if _may_be_one(track, other.track)]
    if not near or track.id is None:
        return
    clusters.measure([track, *(other.track for other in near)])
    query = parse_query(title=track.title, artist=track.artist, duration=track.duration)
    for scored in scorer.score(query, surface_text(None, track.title, track.artist), near):
        other_id = scored.track.id
        if scored.probability >= min_score and other_id is not None and not clusters.apart(track.id, other_id):
            clusters.join(track.id, other_id, "metadata", scored.probability)
