"""A Matcher whose index is resident finds what the home holds, and follows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import tracktion as tk
from tests.watcher.ledger import until
from tracktion.matching.resident import ResidentIndex
from tracktion.storage import sql_base

WORDS = ("river", "velvet", "harbour", "signal", "meadow", "copper", "winter", "lantern", "orbit", "saffron")


def rows(count: int, first: int = 0) -> list[dict[str, str]]:
    return [
        {"title": f"{WORDS[n % 10]} {WORDS[n // 10 % 10]} number {n}", "artist": f"{WORDS[n // 100 % 10]} band"}
        for n in range(first, first + count)
    ]


@pytest.fixture
def storage(url: str) -> Iterator[tk.storage.Storage]:
    with tk.open_storage(url) as opened:
        opened.add_tracks(rows(300))
        yield opened


def add_and_fail(storage: tk.storage.Storage) -> None:
    with storage.transaction():
        storage.add_tracks([{"title": "Quixotic Zebra", "artist": "Xylophonists"}])
        raise ZeroDivisionError


def first(matcher: tk.Matcher, text: str) -> str | None:
    found = matcher.search(text, limit=1)
    return found[0].track.title if found else None


def test_same_first_match_as_without(storage: tk.storage.Storage) -> None:
    """Where the home's own search finds the row, so does the resident one, with the same score."""
    plain, resident = tk.Matcher(storage), tk.Matcher(storage, resident=True)
    for row in rows(300)[::7]:
        question = f"{row['artist']} {row['title']}".replace("n", "m", 1)
        a, b = plain.search(question, limit=1)[0], resident.search(question, limit=1)[0]
        assert (a.track.id, a.score) == (b.track.id, b.score)


def test_follows_what_the_same_storage_writes(storage: tk.storage.Storage) -> None:
    """Added, changed, deleted, and taken back: the next search knows."""
    matcher = tk.Matcher(storage, resident=True)
    assert matcher.warm() == 0
    [made] = storage.add_tracks([{"title": "Quixotic Zebra", "artist": "Xylophonists"}])
    assert first(matcher, "quixotic zebra xylophonists") == "Quixotic Zebra"
    storage.update_track(made, title="Jovial Walrus")
    assert first(matcher, "jovial walrus xylophonists") == "Jovial Walrus"
    assert storage.delete_track(made)
    assert first(matcher, "jovial walrus xylophonists") != "Jovial Walrus"
    with pytest.raises(ZeroDivisionError):
        add_and_fail(storage)
    assert first(matcher, "quixotic zebra xylophonists") != "Quixotic Zebra"
    [low] = storage.add_tracks([{"id": 7, "title": "Vivid Kangaroo", "artist": "Xylophonists"}])
    assert low == 7
    assert first(matcher, "vivid kangaroo xylophonists") == "Vivid Kangaroo"


def test_follows_what_others_write(storage: tk.storage.Storage, url: str) -> None:
    """Added rows at the next look; changed ones after everything was read again."""
    index = ResidentIndex(storage, look_seconds=0.0, read_all_seconds=0.0)
    matcher = tk.Matcher(storage, resident=True)
    matcher._resident = index
    matcher.warm()
    with tk.open_storage(url) as other:
        [made] = other.add_tracks([{"title": "Quixotic Zebra", "artist": "Xylophonists"}])
        assert first(matcher, "quixotic zebra xylophonists") == "Quixotic Zebra"
        other.update_track(made, title="Jovial Walrus")
        assert until(lambda: first(matcher, "jovial walrus xylophonists") == "Jovial Walrus")


def test_reads_everything_when_more_happened_than_is_remembered(
    storage: tk.storage.Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher = tk.Matcher(storage, resident=True)
    matcher.warm()
    storage.update_track(1, title="Quixotic Zebra", artist="Xylophonists")
    for number in range(sql_base.CHANGES):
        storage.update_track(2, title=f"Another {number}")
    assert first(matcher, "quixotic zebra xylophonists") == "Quixotic Zebra"


def test_many_threads_search_while_rows_come(storage: tk.storage.Storage) -> None:
    """Each thread finds what was committed before it asked."""
    matcher = tk.Matcher(storage, resident=True)
    committed: list[str] = []
    stop = threading.Event()

    def write() -> None:
        for number in range(60):
            title = f"{WORDS[number % 10]}zz {number}zz"
            storage.add_tracks([{"title": title, "artist": "Xylophonists"}])
            committed.append(title)
        stop.set()

    def read(_: int) -> int:
        asked = 0
        while not stop.is_set():
            if committed:
                title = committed[-1]
                assert first(matcher, f"xylophonists {title}") == title
                asked += 1
        return asked

    writer = threading.Thread(target=write)
    writer.start()
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(read, range(4))) > 0
    writer.join()


def test_memory_home_needs_none() -> None:
    """It is its own index; asking for one changes nothing."""
    storage = tk.open_storage("memory:")
    storage.add_tracks(rows(5))
    assert first(tk.Matcher(storage, resident=True), rows(5)[3]["title"]) == rows(5)[3]["title"]
