"""Answers that are kept are those that the catalogue would give now, whoever changed it, in whatever process."""

from __future__ import annotations

import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

import tracktion as tk
from tracktion.cache import LRUCache
from tracktion.matching.resident import ResidentIndex
from tracktion.storage import Storage
from tracktion.storage.memory import MemoryStorage


def titles(storage: Storage, cache: tk.cache.Cache | None, question: str) -> list[str | None]:
    return [match.track.title for match in tk.Matcher(storage, cache=cache).search(question)]


def test_catalogues_in_memory_do_not_answer_for_each_other() -> None:
    cache = LRUCache()
    one, two = tk.open_storage(), tk.open_storage()
    one.add_tracks([{"title": "Hello", "artist": "Adele"}])
    two.add_tracks([{"title": "Imagine", "artist": "John Lennon"}])
    assert titles(one, cache, "hello adele") == ["Hello"]
    assert titles(two, cache, "hello adele") == []
    assert titles(two, cache, "imagine") == ["Imagine"]


def test_a_catalogue_in_memory_is_renamed_after_its_index() -> None:
    """Who met the new name before the index knew would keep an answer without the new rows."""
    seen: list[str | None] = []
    with MemoryStorage() as storage:
        storage.listen(lambda _: seen.append(storage.edition()))
        before = storage.edition()
        storage.add_tracks([{"title": "Hello"}])
        assert seen == [before]
        assert storage.edition() != before


def test_answers_end_with_the_tracks_that_they_were_made_from(url: str) -> None:
    """One object searches, the next deletes, the third finds nothing: each counts its revisions from 0."""
    cache = LRUCache()
    with tk.open_storage(url) as storage:
        (track_id,) = storage.add_tracks([{"title": "Hello", "artist": "Adele"}])
    with tk.open_storage(url) as storage:
        assert titles(storage, cache, "hello adele") == ["Hello"]
    with tk.open_storage(url) as storage:
        storage.delete_track(track_id)
    with tk.open_storage(url) as storage:
        assert titles(storage, cache, "hello adele") == []


def test_what_others_write_is_seen_at_once_and_answers_are_shared(url: str) -> None:
    cache = LRUCache()
    with tk.open_storage(url) as one, tk.open_storage(url) as two:
        one.add_tracks([{"title": "Imagine", "artist": "John Lennon"}])
        assert titles(one, cache, "hello adele") == []
        two.add_tracks([{"title": "Hello", "artist": "Adele"}])
        assert titles(one, cache, "hello adele") == ["Hello"]
        hits = cache.stats().hits
        assert titles(two, cache, "HELLO  adele") == ["Hello"]
        assert cache.stats().hits == hits + 1


def test_what_is_rolled_back_is_not_kept(url: str) -> None:
    cache = LRUCache()
    with tk.open_storage(url) as storage:
        storage.add_tracks([{"title": "Imagine", "artist": "John Lennon"}])
        with suppress(ZeroDivisionError), storage.transaction():
            storage.add_tracks([{"title": "Hello", "artist": "Adele"}])
            assert titles(storage, cache, "hello adele") == ["Hello"]
            raise ZeroDivisionError
        assert titles(storage, cache, "hello adele") == []


def test_a_resident_index_does_not_keep_what_it_has_not_seen(url: str) -> None:
    """An answer of an index that lags behind is not taken for one of the tracks as they are."""
    cache = LRUCache()
    with tk.open_storage(url) as one, tk.open_storage(url) as two:
        one.add_tracks([{"title": "Imagine", "artist": "John Lennon"}])
        lagging = tk.Matcher(one, cache=cache, resident=True)
        lagging._resident = ResidentIndex(one, look_seconds=1e9)
        assert lagging.search("hello adele") == []
        two.add_tracks([{"title": "Hello", "artist": "Adele"}])
        assert lagging.search("hello adele") == []
        assert titles(two, cache, "hello adele") == ["Hello"]
        lagging._resident._next_look = 0.0
        assert [match.track.title for match in lagging.search("hello adele")] == ["Hello"]


def test_long_questions_are_told_apart_to_their_ends() -> None:
    storage = tk.open_storage()
    storage.add_tracks([{"title": "Hello", "artist": "Adele"}, {"title": "Imagine", "artist": "John Lennon"}])
    cache, folder = LRUCache(), "/" + "/".join(["d" * 200] * 6)
    assert titles(storage, cache, f"{folder}/Adele - Hello.mp3")[0] == "Hello"
    assert titles(storage, cache, f"{folder}/John Lennon - Imagine.mp3")[0] == "Imagine"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Adele\t-\tHello", "adele - hello"), ("Lovin'İstanbul", "lovin'i̇stanbul"), ("Hello\n(Live)", "hello (LIVE)")],
)
def test_questions_that_share_an_answer_have_the_same(one: str, other: str) -> None:
    """Whichever is asked first: case and spacing make no difference, or another key."""
    storage = tk.open_storage()
    rows = [("Hello", "Adele"), ("Hello (Live)", "Adele"), ("Lovin' It", "İstanbul"), ("Istanbul", "Loving")]
    storage.add_tracks({"title": title, "artist": artist} for title, artist in rows)
    plain, cached = tk.Matcher(storage), tk.Matcher(storage, cache=LRUCache())
    cached.search(one)
    assert cached.search(other) == plain.search(other)


FILL = """
import sys, tracktion as tk
with tk.open_storage(sys.argv[1]) as storage:
    storage.add_tracks([{"title": f"Hello {n}", "artist": "Adele"} for n in range(300)])
"""


def test_a_catalogue_that_another_process_fills_is_searched(url: str) -> None:
    """The first search finds it empty, and must not go on with what it learned from that."""
    with tk.open_storage(url) as storage:
        matcher = tk.Matcher(storage)
        assert matcher.search("hello") == []
        subprocess.run([sys.executable, "-c", FILL, url], check=True, timeout=60)
        assert matcher.search("adele hello 5")[0].track.title == "Hello 5"
        assert matcher.search("adel helo")[0].track.artist == "Adele"


@pytest.mark.redis
def test_processes_share_a_catalogue_and_a_cache(redis_url: str, tmp_path: Path) -> None:
    """The same through Redis, whose answers outlive the processes."""
    url, prefix = f"sqlite:///{tmp_path / 'music.db'}", f"tracktion-test-{uuid.uuid4().hex}:"
    subprocess.run([sys.executable, "-c", FILL, url], check=True, timeout=60)

    def session(work: str) -> str:
        code = f"""
import sys, tracktion as tk
cache = tk.RedisCache({redis_url!r}, prefix={prefix!r}, timeout=5)
with tk.open_storage({url!r}) as storage:
    {work}
    found = tk.Matcher(storage, cache=cache).search("adele hello 5", min_score=0.9)
    print([match.track.title for match in found], cache.stats().hits)
"""
        return subprocess.run(
            [sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True
        ).stdout

    try:
        assert session("pass") == "['Hello 5'] 0\n"
        assert session("pass") == "['Hello 5'] 1\n"
        assert session("storage.delete_track(6)") == "[] 0\n"
        assert session("pass") == "[] 1\n"
    finally:
        with tk.RedisCache(redis_url, prefix=prefix, timeout=5) as cache:
            cache.clear()
