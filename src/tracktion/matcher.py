"""`Matcher`: which track of the catalogue is this text, file or recording."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from numbers import Real
from typing import TYPE_CHECKING, Any

from tracktion.cache import MATCH_TTL, MISSING, WARM_TTL, LRUCache
from tracktion.errors import TracktionError, UsageError, printable
from tracktion.matching.compatible import compatible_tracks, mixing_order
from tracktion.matching.duplicates import find_duplicates
from tracktion.matching.folding import composed, fold_words
from tracktion.matching.query import Query, parse_query
from tracktion.matching.resident import ResidentIndex
from tracktion.matching.retrieval import find
from tracktion.matching.scoring import Scored, load_scorer, surface_text
from tracktion.options import demand_helper
from tracktion.results.catalogue import Track
from tracktion.results.match import Duplicates, FieldScore, Match, MatchItem
from tracktion.storage.rows import cleaned, demand_limit

if TYPE_CHECKING:
    from tracktion.cache import Cache
    from tracktion.results.key import Rule
    from tracktion.storage import Storage

__all__ = ["Matcher", "Request"]

Request = str | Mapping[str, Any]
"""Text, or the keyword arguments of `Matcher.search`."""

_NUMBERS = ("duration", "year")
MOST = 100_000
"""Matches of one question, at most."""

_FIELDS = ("text", "title", "artist", "album", "duration", "year", "isrc", "mbid")


class Matcher:
    """Finds tracks in a catalogue.

    Safe to use from many threads. The same question gives the same scores here, in batches and in every home.

    Parameters
    ----------
    storage
        The catalogue, from `tracktion.open_storage`.
    cache
        Where answers are kept for six hours; None keeps none. Keys do not depend on word case and spacing. An answer
        is given only while the tracks are those that it was made from, whoever changed them; processes with one
        catalogue and one cache share answers.
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
        demand_helper("storage", storage, "candidates", "what tracktion.open_storage(...) gives")
        if cache is not None:
            demand_helper("cache", cache, "get_or_compute", "a Cache, such as tracktion.LRUCache()")
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
            Seconds; rows of another length become less likely. As in `Storage.add_tracks`, numbers may come as text,
            and 0 and NaN mean unknown.
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
            Nothing is asked, or a value cannot be meant.
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
        _demand_score(min_score)
        matches = self._answered(_meant(asked), _counted(limit), MATCH_TTL)
        if min_score > 0:
            return [match for match in matches if match.score >= min_score]
        return list(matches)

    async def asearch(self, text: str | None = None, **options: Any) -> list[Match]:
        """`search` in a thread, for coroutines."""
        return await asyncio.to_thread(self.search, text, **options)

    def _search(self, asked: Mapping[str, Any], limit: int) -> tuple[Match, ...]:
        if asked["isrc"] or asked["mbid"]:
            found = self._storage.find_by_identifier(isrc=asked["isrc"], mbid=asked["mbid"])
            if found:
                name = "mbid" if asked["mbid"] else "isrc"
                why = (FieldScore(name, 1.0, "the same identifier"),)
                return tuple(Match(track, 1.0, why) for track in found[:limit])
            if not any(asked[name] for name in ("text", "title", "artist", "album")):
                return ()
        query, letters = self._parsed(asked)
        candidates = find(self._storage, self._scorer, query, limit, self._resident)
        rated = [(_probability(item, asked), item) for item in self._scorer.score(query, letters, candidates)]
        # What is the row's own to the letter may stand behind what fits better by length or album.
        rated.sort(key=lambda pair: -pair[0])
        return tuple(Match(item.track, probability, item.why()) for probability, item in rated[:limit])

    def _parsed(self, asked: Mapping[str, Any]) -> tuple[Query, str]:
        text, title, artist = asked["text"], asked["title"], asked["artist"]
        query = parse_query(text, title, artist, asked["album"], duration=asked["duration"], year=asked["year"])
        return query, surface_text(text, title, artist)

    # --- cache ----------------------------------------------------------------------------------------------------

    def _answered(self, asked: Mapping[str, Any], limit: int, ttl: float) -> tuple[Match, ...]:
        cache = self._cache
        edition = None if cache is None else self._edition()
        if cache is None or edition is None:
            return self._search(asked, limit)
        key = _key(edition, asked, limit)
        if isinstance(cache, LRUCache):
            hit: Any = cache.get(key)
            if hit is MISSING:
                hit = cache.get_or_compute(key, lambda: self._search(asked, limit), ttl=ttl)
            return tuple(hit)
        kept = cache.get_or_compute(key, lambda: [m.to_dict() for m in self._search(asked, limit)], ttl=ttl)
        return tuple(Match.from_dict(item) for item in kept)

    def _edition(self) -> str | None:
        """What answers depend on beside the question; None when they are not to be kept.

        The tracks alone, so that processes share answers; and a resident index, which may lag behind the tracks.
        """
        # Homes of third parties may be older than `Storage.edition`.
        edition: str | None = getattr(self._storage, "edition", lambda: None)()
        if edition is None or self._resident is None:
            return edition
        return f"{edition}.{self._resident.edition()}"

    def warm(self, requests: Iterable[Request] = (), *, limit: int = 10) -> int:
        """Load the scorer, build the index, and answer `requests` ahead; answers are kept for a day.

        Returns
        -------
        int
            How many requests were answered.
        """
        _demand_many(requests)
        find(self._storage, self._scorer, parse_query("warm"), 1, self._resident)
        count, most = 0, _counted(limit)
        for request in requests:
            self._answered(_meant(_asked(request)), most, WARM_TTL)
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
            `requests` is one request instead of many, or `limit`, `min_score` or `workers` cannot be meant.
        """
        _demand_score(min_score)
        _demand_many(requests)
        return self._many(requests, _counted(limit), min_score, _counted(workers, "workers"), progress)

    async def amatch_many(self, requests: Iterable[Request], **options: Any) -> AsyncIterator[MatchItem]:
        """`match_many` for coroutines."""
        items = self.match_many(requests, **options)
        while (item := await asyncio.to_thread(next, items, None)) is not None:
            yield item

    def _many(
        self, requests: Iterable[Request], limit: int, min_score: float, workers: int, progress: bool
    ) -> Iterator[MatchItem]:
        @lru_cache(maxsize=4096)
        def answer(key: tuple[Any, ...]) -> tuple[Match, ...]:
            found = self._search(_meant(dict(zip(_FIELDS, key, strict=True))), limit)
            return tuple(match for match in found if match.score >= min_score)

        def one(index: int, request: Request) -> MatchItem:
            # An error is raised through `answer`, which keeps what is returned: a busy storage may be well again.
            try:
                return MatchItem(index, answer(tuple(_asked(request).values())), None)
            except TracktionError as error:
                return MatchItem(index, (), f"{error.code}: {error}")
            except (TypeError, ValueError) as error:
                return MatchItem(index, (), f"Usage: {printable(str(error))}")

        numbered = enumerate(_shown(requests, show=progress))
        if workers == 1:
            for index, request in numbered:
                yield one(index, request)
            return
        left = threading.Event()  # nobody waits for more: the pool ends after the questions that are in hand

        def several(part: list[tuple[int, Request]]) -> list[MatchItem]:
            return [one(*item) for item in part if not left.is_set()]

        with ThreadPoolExecutor(workers, thread_name_prefix="tracktion-match") as pool:
            waiting: deque[Future[list[MatchItem]]] = deque()
            try:
                for chunk in _chunked(numbered, 64):
                    waiting.append(pool.submit(several, chunk))
                    if len(waiting) > 2 * workers:
                        yield from waiting.popleft().result()
                while waiting:
                    yield from waiting.popleft().result()
            finally:
                left.set()

    # --- files ----------------------------------------------------------------------------------------------------

    def match_file(self, path: Any, *, limit: int = 10, min_score: float = 0.0) -> list[Match]:
        """Return the tracks that a file may be: by its audio, its tags, its name, and last by how it sounds.

        Parameters
        ----------
        path
            Path of an audio file, or its bytes, or a binary file object.
        limit, min_score
            As in `search`.

        Raises
        ------
        FileError
            It cannot be read.
        """
        from tracktion.matching.files import match_file

        _demand_score(min_score)
        found = match_file(self, self._storage, path, _counted(limit))
        return [match for match in found if match.score >= min_score]

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
        _demand_score(min_score)
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
        most = _counted(limit)
        return compatible_tracks(self._storage, track, rule=rule, tempo_tolerance=tempo_tolerance, limit=most)

    async def acompatible(self, track: Track | int, **options: Any) -> list[Match]:
        """`compatible` in a thread, for coroutines."""
        return await asyncio.to_thread(self.compatible, track, **options)

    def sequence(self, tracks: Iterable[Track | int]) -> list[Track]:
        """Order tracks so that neighbours have keys that go together and close tempi; the first stays first.

        Raises
        ------
        UsageError
            A track is not stored.
        """
        return mixing_order(self._storage, tracks)

    async def asequence(self, tracks: Iterable[Track | int]) -> list[Track]:
        """`sequence` in a thread, for coroutines."""
        return await asyncio.to_thread(self.sequence, tracks)


def _key(edition: str, asked: Mapping[str, Any], limit: int) -> str:
    parts = [edition, str(limit)]
    parts.extend("" if value is None else _small(str(value)) for value in asked.values())
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return f"match:{hashlib.blake2b(text, digest_size=16).hexdigest()}"


def _small(text: str) -> str:
    """Lower case, but for the capital I with a dot, of which it would make two characters that part words."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text


def _probability(item: Scored, asked: Mapping[str, Any]) -> float:
    """1 when the fields that are given are the row's own, to the letter; a blank title says nothing."""
    track = item.track
    if (
        (asked["title"] or "").strip()
        and _same(asked["title"], track.title)
        and _same(asked["artist"], track.artist)
        and (not asked["album"] or _same(asked["album"], track.album))
        and (not asked["duration"] or not track.duration or abs(asked["duration"] - track.duration) <= 1)
    ):
        return 1.0
    return item.probability


def _same(asked: str | None, stored: str | None) -> bool:
    given, kept = (" ".join(composed(text or "").split()) for text in (asked, stored))
    return given.casefold() == kept.casefold() or (
        bool(given) and bool(kept) and fold_words(given) == [] == fold_words(kept)
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
    if value is None:
        return None
    if isinstance(value, str):
        return " ".join(value.split())
    raise UsageError(f"text must be str, not {type(value).__name__}")


def _meant(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a question with blanks of any kind and number as one, and numbers read as those of a row."""
    if all(value is None for value in asked.values()):
        raise UsageError("nothing is asked: give text, title, artist, album, isrc or mbid")
    return {name: cleaned(name, value) if name in _NUMBERS else _text(value) for name, value in asked.items()}


def _counted(number: int, what: str = "limit") -> int:
    """Return a number from 1 on, no greater than anybody can need, or raise `UsageError`."""
    found = demand_limit(number, what)
    if found < 1:
        raise UsageError(f"{what} must be at least 1, not {number}")
    return min(found, MOST)


def _demand_many(requests: Iterable[Request]) -> None:
    """A text is an iterable of texts too: its letters."""
    if isinstance(requests, str | Mapping):
        raise UsageError(f"many requests are asked for, such as a list, not {type(requests).__name__}; see search")


def _demand_score(min_score: float) -> None:
    if not isinstance(min_score, Real) or not 0 <= min_score <= 1:
        raise UsageError(f"min_score must be between 0 and 1, not {min_score!r:.40}")


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
