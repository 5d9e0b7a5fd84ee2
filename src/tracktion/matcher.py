"""`Matcher`: which track of the catalogue is this text, file or recording."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tracktion.cache import MATCH_TTL, MISSING, WARM_TTL, LRUCache
from tracktion.errors import TracktionError, UsageError, printable
from tracktion.matching.compatible import compatible_tracks, mixing_order
from tracktion.matching.duplicates import find_duplicates
from tracktion.matching.query import Query, parse_query
from tracktion.matching.resident import ResidentIndex
from tracktion.matching.retrieval import find
from tracktion.matching.scoring import Scored, load_scorer, surface_text
from tracktion.matching.text import LIMIT, fold_words
from tracktion.results.catalogue import Track
from tracktion.results.match import Duplicates, FieldScore, Match, MatchItem

if TYPE_CHECKING:
    from tracktion.cache import Cache
    from tracktion.results.key import Rule
    from tracktion.storage import Storage

__all__ = ["Matcher", "Request"]

Request = str | Mapping[str, Any]
"""Text, or the keyword arguments of `Matcher.search`."""

_FIELDS = ("text", "title", "artist", "album", "duration", "year", "isrc", "mbid")


class Matcher:
    """Finds tracks in a catalogue.

    Safe to use from many threads. The same question gives the same scores here, in batches and in every home.

    Parameters
    ----------
    storage
        The catalogue, from `tracktion.open_storage`.
    cache
        Where answers are kept for six hours; None keeps none. Keys do not depend on word case and spacing.
    resident
        Keep the searchable text of SQLite or PostgreSQL in the memory of this process too, some 0.5 kB a track: a
        search takes a millisecond instead of twenty. What is written through `storage` is found at once, what other
        processes add within a second, what they change within ten minutes.

    Examples
    --------
    >>> import tracktion as tk
    >>> storage = tk.open_storage("memory:")
    >>> storage.add_tracks([{"title": "Do I Wanna Know?", "artist": "Arctic Monkeys"}])
    [1]
    >>> tk.Matcher(storage).search("arctic mnkeys do i wana know")[0].track.title
    'Do I Wanna Know?'
    """

    def __init__(self, storage: Storage, *, cache: Cache | None = None, resident: bool = False) -> None:
        self._storage = storage
        self._cache = cache
        self._scorer = load_scorer()
        self._resident = ResidentIndex(storage) if resident and hasattr(storage, "changes_since") else None

    # --- one question ---------------------------------------------------------------------------------------------

    def search(
        self,
        text: str | None = None,
        *,
        title: str | None = None,
        artist: str | None = None,
        album: str | None = None,
        duration: float | None = None,
        year: int | None = None,
        isrc: str | None = None,
        mbid: str | None = None,
        limit: int = 10,
        min_score: float = 0.0,
    ) -> list[Match]:
        """Return the tracks that the question may mean, the likeliest first.

        Parameters
        ----------
        text
            Anything: words, a video title, a file name or path.
        title, artist, album
            Fields, when they are known; they may be swapped, merged or misspelt.
        duration
            Seconds; rows of another length become less likely.
        year
            Year of release.
        isrc, mbid
            Identifiers: tracks that carry one are returned alone, with score 1.
        limit
            Matches at most.
        min_score
            Matches below are left out.

        Raises
        ------
        UsageError
            Nothing is asked, or `limit` or `min_score` cannot be meant.
        """
        asked = {
            "text": text,
            "title": title,
            "artist": artist,
            "album": album,
            "duration": duration,
            "year": year,
            "isrc": isrc,
            "mbid": mbid,
        }
        _check(asked, limit, min_score)
        cache = self._cache
        matches = self._search(asked, limit) if cache is None else self._cached(asked, limit, cache)
        if min_score > 0:
            return [match for match in matches if match.score >= min_score]
        return list(matches)

    async def asearch(self, text: str | None = None, **options: Any) -> list[Match]:
        """`search` in a thread, for coroutines."""
        return await asyncio.to_thread(self.search, text, **options)

    def _search(self, asked: Mapping[str, Any], limit: int) -> tuple[Match, ...]:
        if asked["isrc"] or asked["mbid"]:
            found = self._storage.find_by_identifier(isrc=_text(asked["isrc"]), mbid=_text(asked["mbid"]))
            if found:
                name = "mbid" if asked["mbid"] else "isrc"
                why = (FieldScore(name, 1.0, "the same identifier"),)
                return tuple(Match(track, 1.0, why) for track in found[:limit])
            if not any(asked[name] for name in ("text", "title", "artist", "album")):
                return ()
        query, letters = self._parsed(asked)
        candidates = find(self._storage, self._scorer, query, limit, self._resident)
        scored = self._scorer.score(query, letters, candidates)[:limit]
        return tuple(Match(item.track, _probability(item, asked), item.why()) for item in scored)

    def _parsed(self, asked: Mapping[str, Any]) -> tuple[Query, str]:
        text, title, artist = (_text(asked[name]) for name in ("text", "title", "artist"))
        query = parse_query(text, title, artist, _text(asked["album"]), duration=asked["duration"], year=asked["year"])
        return query, surface_text(text, title, artist)

    # --- cache ----------------------------------------------------------------------------------------------------

    def _cached(self, asked: Mapping[str, Any], limit: int, cache: Cache, ttl: float = MATCH_TTL) -> tuple[Match, ...]:
        key = self._key(asked, limit)
        if isinstance(cache, LRUCache):
            hit: Any = cache.get(key)
            if hit is MISSING:
                hit = cache.get_or_compute(key, lambda: self._search(asked, limit), ttl=ttl)
            return tuple(hit)
        kept = cache.get_or_compute(key, lambda: [m.to_dict() for m in self._search(asked, limit)], ttl=ttl)
        return tuple(Match.from_dict(item) for item in kept)

    def _key(self, asked: Mapping[str, Any], limit: int) -> str:
        parts = [self._storage.url, str(self._storage.revision), str(limit)]
        parts.extend(
            "" if value is None else " ".join(str(value)[: 2 * LIMIT].lower().split()) for value in asked.values()
        )
        return "match:" + "\x1f".join(parts).encode("utf-8", "replace").decode()

    def warm(self, requests: Iterable[Request] = (), *, limit: int = 10) -> int:
        """Load the scorer, build the index, and answer `requests` ahead; answers are kept for a day.

        Returns
        -------
        int
            How many requests were answered.
        """
        find(self._storage, self._scorer, parse_query("warm"), 1, self._resident)
        count = 0
        for request in requests:
            asked = _asked(request)
            if self._cache is not None:
                self._cached(asked, limit, self._cache, WARM_TTL)
            else:
                self._search(asked, limit)
            count += 1
        return count

    async def awarm(self, requests: Iterable[Request] = (), *, limit: int = 10) -> int:
        """`warm` in a thread, for coroutines."""
        return await asyncio.to_thread(self.warm, requests, limit=limit)

    # --- many questions -------------------------------------------------------------------------------------------

    def match_many(
        self,
        requests: Iterable[Request],
        *,
        limit: int = 1,
        min_score: float = 0.0,
        workers: int = 1,
        progress: bool = False,
    ) -> Iterator[MatchItem]:
        """Answer many questions, in order, as they are read: memory does not grow with their number.

        Equal questions within a few thousand of each other are answered once. An error is an item and never stops
        the others.

        Parameters
        ----------
        requests
            Texts, or mappings with the keyword arguments of `search`.
        limit, min_score
            As in `search`.
        workers
            Threads; most of the work runs outside the interpreter's lock.
        progress
            Show a progress bar on the terminal.

        Raises
        ------
        UsageError
            `limit`, `min_score` or `workers` cannot be meant.
        """
        if workers < 1:
            raise UsageError(f"workers must be at least 1, not {workers}")
        _check({"text": "x"}, limit, min_score)
        return self._many(requests, limit, min_score, workers, progress)

    async def amatch_many(self, requests: Iterable[Request], **options: Any) -> AsyncIterator[MatchItem]:
        """`match_many` for coroutines."""
        items = self.match_many(requests, **options)
        while (item := await asyncio.to_thread(next, items, None)) is not None:
            yield item

    def _many(
        self, requests: Iterable[Request], limit: int, min_score: float, workers: int, progress: bool
    ) -> Iterator[MatchItem]:
        @lru_cache(maxsize=4096)
        def answer(key: tuple[Any, ...]) -> tuple[tuple[Match, ...], str | None]:
            try:
                asked = dict(zip(_FIELDS, key, strict=True))
                _check(asked, limit, min_score)
                found = self._search(asked, limit)
            except TracktionError as error:
                return (), f"{error.code}: {error}"
            except (TypeError, ValueError) as error:
                return (), f"Usage: {printable(str(error))}"
            return tuple(match for match in found if match.score >= min_score), None

        def one(index: int, request: Request) -> MatchItem:
            try:
                key = tuple(_asked(request).values())
                matches, error = answer(key)
            except (TracktionError, TypeError) as problem:
                matches, error = (), f"Usage: {printable(str(problem))}"
            return MatchItem(index, matches, error)

        numbered = enumerate(_shown(requests, show=progress))
        if workers == 1:
            for index, request in numbered:
                yield one(index, request)
            return
        with ThreadPoolExecutor(workers, thread_name_prefix="tracktion-match") as pool:
            waiting: deque[Future[list[MatchItem]]] = deque()
            for chunk in _chunked(numbered, 64):
                waiting.append(pool.submit(lambda part: [one(*item) for item in part], chunk))
                if len(waiting) > 2 * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()

    # --- files ----------------------------------------------------------------------------------------------------

    def match_file(self, path: Any, *, limit: int = 10, min_score: float = 0.0) -> list[Match]:
        """Return the tracks that a file may be: by its audio, its tags, its name, and last by how it sounds.

        Parameters
        ----------
        path
            Path of an audio file.
        limit, min_score
            As in `search`.

        Raises
        ------
        FileError
            It cannot be read.
        """
        from tracktion.matching.files import match_file

        _check({"text": "x"}, limit, min_score)
        return [match for match in match_file(self, self._storage, path, limit) if match.score >= min_score]

    async def amatch_file(self, path: Any, **options: Any) -> list[Match]:
        """`match_file` in a thread, for coroutines."""
        return await asyncio.to_thread(self.match_file, path, **options)

    # --- the whole catalogue --------------------------------------------------------------------------------------

    def duplicates(self, *, min_score: float = 0.9) -> Iterator[Duplicates]:
        """Find tracks that are one recording, in clusters: by audio, identifiers, sound, then metadata.

        Parameters
        ----------
        min_score
            Probability that a link by metadata needs.
        """
        return find_duplicates(self._storage, self._scorer, min_score=min_score)

    async def aduplicates(self, **options: Any) -> list[Duplicates]:
        """`duplicates` in a thread, for coroutines."""
        return await asyncio.to_thread(lambda: list(self.duplicates(**options)))

    def compatible(
        self, track: Track | int, *, rule: Rule = "camelot", tempo_tolerance: float = 0.06, limit: int = 20
    ) -> list[Match]:
        """Return analysed tracks that mix well with `track`, the best first.

        Parameters
        ----------
        track
            A stored track or its id; its analysis must be in the storage.
        rule
            Which keys go together; see `Key.compatible`.
        tempo_tolerance
            Relative difference of tempo that a pitch fader bridges; half and double tempo count as the same.
        limit
            Tracks at most.

        Raises
        ------
        UsageError
            There is no such track, or it is not analysed, or an option cannot be meant.
        """
        return compatible_tracks(self._storage, track, rule=rule, tempo_tolerance=tempo_tolerance, limit=limit)

    async def acompatible(self, track: Track | int, **options: Any) -> list[Match]:
        """`compatible` in a thread, for coroutines."""
        return await asyncio.to_thread(self.compatible, track, **options)

    def sequence(self, tracks: Sequence[Track | int]) -> list[Track]:
        """Order tracks so that neighbours have keys that go together and close tempi; the first stays first.

        Raises
        ------
        UsageError
            A track is not stored.
        """
        return mixing_order(self._storage, tracks)


def _probability(item: Scored, asked: Mapping[str, Any]) -> float:
    """1 when the fields that are given are the row's own, to the letter; a blank title says nothing."""
    track = item.track
    if (
        (_text(asked["title"]) or "").strip()
        and _same(asked["title"], track.title)
        and _same(asked["artist"], track.artist)
        and (not asked["album"] or _same(asked["album"], track.album))
        and (not asked["duration"] or not track.duration or abs(asked["duration"] - track.duration) <= 1)
    ):
        return 1.0
    return item.probability


def _same(asked: Any, stored: str | None) -> bool:
    given = _text(asked) or ""
    if given == (stored or ""):
        return True
    return given.casefold().strip() == (stored or "").casefold() or (
        bool(given) and bool(stored) and fold_words(given) == [] == fold_words(stored or "")
    )


def _asked(request: Request) -> dict[str, Any]:
    if isinstance(request, str):
        return dict.fromkeys(_FIELDS) | {"text": request}
    if not isinstance(request, Mapping):
        raise UsageError(f"a request is text or a mapping, not {type(request).__name__}")
    unknown = set(request) - set(_FIELDS)
    if unknown:
        raise UsageError(f"no such field: {', '.join(sorted(map(str, unknown)))}; there are {', '.join(_FIELDS)}")
    return dict.fromkeys(_FIELDS) | dict(request)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise UsageError(f"text must be str, not {type(value).__name__}")


def _check(asked: Mapping[str, Any], limit: int, min_score: float) -> None:
    if limit < 1:
        raise UsageError(f"limit must be at least 1, not {limit}")
    if not 0 <= min_score <= 1:
        raise UsageError(f"min_score must be between 0 and 1, not {min_score}")
    if all(value is None for value in asked.values()):
        raise UsageError("nothing is asked: give text, title, artist, album, isrc or mbid")


def _chunked(items: Iterator[tuple[int, Request]], size: int) -> Iterator[list[tuple[int, Request]]]:
    chunk: list[tuple[int, Request]] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _shown(requests: Iterable[Request], *, show: bool) -> Iterable[Request]:
    if not show:
        return requests
    from tqdm import tqdm

    shown: Iterable[Request] = tqdm(requests, unit="questions")
    return shown
