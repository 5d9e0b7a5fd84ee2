"""The Matcher over every home: the same answers and scores, errors as values, nothing that raises."""

from __future__ import annotations

import io
import threading
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracktion.cache import LRUCache
from tracktion.errors import StorageBusyError, UsageError
from tracktion.matcher import Matcher
from tracktion.matching import compatible
from tracktion.matching.text import normalise_track
from tracktion.results.catalogue import Track
from tracktion.results.match import Match
from tracktion.storage import Storage, open_storage

ROWS = [
    {"title": "Do I Wanna Know?", "artist": "Arctic Monkeys", "album": "AM", "duration": 272},
    {"title": "R U Mine?", "artist": "Arctic Monkeys", "album": "AM", "duration": 201},
    {"title": "Trapdoor", "artist": "Gorgon City", "duration": 200},
    {"title": "Trapdoor - PAX Remix", "artist": "Gorgon City, PAX", "duration": 240},
    {"title": "Hoppípolla", "artist": "Sigur Rós", "album": "Takk..."},
    {"title": "Yesterday", "artist": "The Beatles", "album": "Help!"},
    {"title": "Yesterday", "artist": "Boyz II Men"},
    {"title": "Help!", "artist": "Bananarama"},
    {"title": "Help!", "artist": "The Beatles", "isrc": "GBAYE0601477"},
    {"title": "1999", "artist": "Prince"},
    {"title": "!!!", "artist": "!!!"},
    {"title": "Wishing on a Star", "artist": "Rose Royce"},
    {"title": "唯一", "artist": "告五人"},
    {"title": "'; DROP TABLE tracks; --", "artist": 'Bobby "Tables" %_*'},
]
HOMES = ["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=HOMES)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "memory":
        url = "memory:"
    elif request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/tracks.db"
    else:
        url = request.getfixturevalue("own_postgres")
    with open_storage(url) as opened:
        opened.add_tracks(ROWS)
        yield opened


@pytest.fixture
def own_postgres(postgres_url: str) -> Iterator[str]:
    import uuid

    import sqlalchemy as sa

    name = f"tracktion_matcher_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield sa.make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


@pytest.fixture
def memory() -> Storage:
    opened = open_storage("memory:")
    opened.add_tracks(ROWS)
    return opened


QUESTIONS = [
    ({"text": "arctic mnkeys do i wana know"}, "Do I Wanna Know?"),
    ({"title": "R U Mine", "artist": "arctic monkeys"}, "R U Mine?"),
    ({"text": "Gorgon City - Trapdoor (PAX Remix)"}, "Trapdoor - PAX Remix"),
    ({"text": "Gorgon City - Trapdoor"}, "Trapdoor"),
    ({"title": "Gorgon City", "artist": "Trapdoor"}, "Trapdoor"),
    ({"text": "sigur ros hoppipolla"}, "Hoppípolla"),
    ({"text": "06-Beatles_-_Yesterday-ftd.mp3"}, "Yesterday"),
    ({"text": "!!!"}, "!!!"),
    ({"text": "告五人 唯一"}, "唯一"),
    ({"text": "prince 1999 (official video)"}, "1999"),
    ({"text": "bobby tables drop table tracks"}, "'; DROP TABLE tracks; --"),
]


@pytest.mark.parametrize(("asked", "title"), QUESTIONS)
def test_search(storage: Storage, asked: dict, title: str) -> None:
    matches = Matcher(storage).search(**asked)
    assert matches[0].track.title == title
    assert all(a.score >= b.score for a, b in pairwise(matches))
    assert matches[0].track == storage.get_track(matches[0].track.id or 0)


def test_homes_and_entry_points_give_the_same_scores(storage: Storage, memory: Storage) -> None:
    requests = [asked for asked, _ in QUESTIONS]
    here, there = Matcher(storage), Matcher(memory)
    batch = list(here.match_many(requests))
    for asked, item in zip(requests, batch, strict=True):
        one, two = here.search(**asked)[0], there.search(**asked)[0]
        assert (one.track.id, one.score) == (two.track.id, two.score)
        assert item.best == one


def test_fields_decide(memory: Storage) -> None:
    matcher = Matcher(memory)
    (best, *others) = matcher.search(title="Yesterday", artist="The Beatles")
    assert best.score == 1.0
    assert best.track.id == 6
    assert all(match.score < 0.5 for match in others)
    remix = matcher.search(title="Trapdoor (Other Remix)", artist="Gorgon City")
    assert all(match.score < 0.5 for match in remix if "Remix" in (match.track.title or ""))
    fields = {part.field: part.score for part in best.why}
    assert fields["title"] == fields["artist"] == 1.0
    assert Match.from_dict(best.to_dict()) == best


def test_identifiers_come_first(memory: Storage) -> None:
    matches = Matcher(memory).search("something else", isrc="GB-AYE-06-01477")
    assert [match.track.id for match in matches] == [9]
    assert matches[0].score == 1.0
    assert Matcher(memory).search(isrc="XX0000000000") == []


def test_limits(memory: Storage) -> None:
    matcher = Matcher(memory)
    assert len(matcher.search("trapdoor", limit=1)) == 1
    assert all(match.score >= 0.9 for match in matcher.search("trapdoor gorgon city", min_score=0.9))
    for wrong in ({}, {"text": "x", "limit": 0}, {"text": "x", "min_score": 2}):
        with pytest.raises(UsageError):
            matcher.search(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        matcher.match_many([], workers=0)


def test_empty_storage_and_empty_questions(memory: Storage) -> None:
    assert Matcher(open_storage("memory:")).search("x") == []
    for text in ("", " ", "\x00", "\ud800", "...", "()"):
        Matcher(memory).search(text)
        Matcher(memory).search(title=text, artist=text)


def test_changes_are_found_at_once(storage: Storage) -> None:
    matcher = Matcher(storage)
    matcher.search("warm")
    (new,) = storage.add_tracks([{"title": "Quite Another Thing", "artist": "Someone"}])
    assert matcher.search("quite another thing")[0].track.id == new
    storage.update_track(new, title="Renamed Entirely")
    assert matcher.search("renamed entirely someone")[0].track.id == new
    storage.delete_track(new)
    assert all(match.track.id != new for match in matcher.search("renamed entirely someone"))


@pytest.mark.parametrize("workers", [1, 3])
def test_many(memory: Storage, workers: int) -> None:
    requests = [
        "yesterday boyz ii men",
        {"title": "Help!", "artist": "Bananarama"},
        5,
        {"nonsense": 1},
        {},
        "trapdoor",
    ] * 40
    items = list(Matcher(memory).match_many(iter(requests), workers=workers, limit=2))  # type: ignore[arg-type]
    assert [item.index for item in items] == list(range(len(requests)))
    assert items[0].best is not None
    assert items[0].best.track.id == 7
    assert [bool(item.error) for item in items[:6]] == [False, False, True, True, True, False]
    assert len(items[5].matches) == 2


def test_who_leaves_many_early_waits_for_what_is_in_hand_alone(
    memory: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for the hundreds of questions that were read ahead."""
    matcher, asked, ending = Matcher(memory), [], threading.Event()
    search = matcher._search

    class Pool(ThreadPoolExecutor):
        def shutdown(self, *args: Any, **options: Any) -> None:
            ending.set()
            super().shutdown(*args, **options)

    def slow(meant: Any, limit: int) -> Any:
        asked.append(meant["text"])
        if int(meant["text"]) >= 64:
            ending.wait(30)
        return search(meant, limit)

    monkeypatch.setattr(matcher, "_search", slow)
    monkeypatch.setattr("tracktion.matcher.ThreadPoolExecutor", Pool)
    items = matcher.match_many((str(number) for number in range(10_000)), workers=2)
    assert next(items).index == 0
    items.close()
    assert len(asked) <= 64 + 2


def test_many_streams(memory: Storage) -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "yesterday"

    items = Matcher(memory).match_many(endless(), workers=2)
    assert [next(items).index for _ in range(300)] == list(range(300))


def test_many_asks_again_after_a_passing_error(memory: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal questions are answered once; what a busy storage said is no answer."""
    matcher, search = Matcher(memory), Matcher._search
    asked: list[object] = []

    def busy_once(self: Matcher, *arguments: Any) -> tuple[Match, ...]:
        asked.append(arguments)
        if len(asked) == 1:
            raise StorageBusyError("busy")
        return search(self, *arguments)

    monkeypatch.setattr(Matcher, "_search", busy_once)
    items = list(matcher.match_many(["help bananarama"] * 4))
    assert [item.error for item in items] == ["StorageBusy: busy", None, None, None]
    assert len(asked) == 2


WRONG: list[dict[str, Any]] = [
    {"limit": 0},
    {"limit": 2.5},
    {"limit": None},
    {"min_score": None},
    {"min_score": "0.5"},
    {"min_score": float("nan")},
    {"duration": "abc"},
    {"duration": -5},
    {"duration": 10**400},
    {"year": 2**70},
    {"year": "soon"},
    {"title": b"x"},
    {"isrc": 5},
]


@pytest.mark.parametrize("options", WRONG, ids=str)
def test_what_cannot_be_meant_is_refused(memory: Storage, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Matcher(memory).search("help", **options)


def test_numbers_may_come_as_rows_have_them(memory: Storage) -> None:
    """Text for a number, NaN for what is not known, and any number of matches."""
    matcher = Matcher(memory)
    plain = matcher.search(title="Trapdoor", artist="Gorgon City", duration=200, year=2000)
    assert matcher.search(title="Trapdoor", artist="Gorgon City", duration="200", year="2000-05-01") == plain  # type: ignore[arg-type]
    unknown = matcher.search("help", duration=float("nan"), year=float("nan"), limit=10**20)  # type: ignore[arg-type]
    assert unknown == matcher.search("help", limit=1000)


async def test_coroutines(memory: Storage) -> None:
    matcher = Matcher(memory)
    assert (await matcher.asearch("help bananarama"))[0].track.id == 8
    assert [item.index async for item in matcher.amatch_many(["help", "1999"])] == [0, 1]
    assert await matcher.awarm(["help"]) == 1
    assert await matcher.aduplicates() == []


def test_cache_does_not_look_at_case_and_spacing(memory: Storage) -> None:
    cache = LRUCache()
    matcher = Matcher(memory, cache=cache)
    first = matcher.search("Help  Bananarama")
    assert matcher.search(" help bananarama ") == first
    assert cache.stats().size == 1
    memory.add_tracks([{"title": "Help!", "artist": "Bananarama", "album": "Other"}])
    assert len(matcher.search("help bananarama")) > len(first)
    assert matcher.warm(["yesterday beatles"]) == 1


def test_same_recordings(memory: Storage) -> None:
    ids = memory.add_tracks(
        [
            {"title": "Yesterday (Remastered 2009)", "artist": "Beatles, The"},
            {"title": "Other name", "artist": "X", "audio_identity": "abc"},
            {"title": "Unlike", "artist": "Y"},
        ]
    )
    memory.update_track(ids[2], audio_identity="abc2")
    clusters = list(Matcher(memory).duplicates())
    assert [([track.id for track in c.tracks], c.reason) for c in clusters] == [([6, ids[0]], "metadata")]


def analysed(storage: Storage, identity: str, bpm: float, key: tuple[str, str]) -> int:
    data = {"tempo": {"bpm": bpm}, "key": {"tonic": key[0], "mode": key[1]}, "mood": {"valence": 0.1, "arousal": 0.2}}
    storage.put_analysis(identity, "1", "", data)
    return storage.add_tracks([{"title": identity, "artist": "DJ", "audio_identity": identity}])[0]


def test_compatible_and_sequence() -> None:
    storage = open_storage("memory:")
    start = analysed(storage, "start", 120.0, ("A", "minor"))
    same = analysed(storage, "same", 121.0, ("A", "minor"))
    fifth = analysed(storage, "fifth", 118.0, ("E", "minor"))
    half = analysed(storage, "half", 60.5, ("C", "major"))
    far = analysed(storage, "far", 150.0, ("A", "minor"))
    alien = analysed(storage, "alien", 120.0, ("Eb", "minor"))
    matcher = Matcher(storage)
    found = [match.track.id for match in matcher.compatible(start)]
    assert found[0] == same
    assert set(found) == {same, fifth, half}
    assert [match.track.id for match in matcher.compatible(start, rule="strict", limit=1)] == [same]
    order = [track.id for track in matcher.sequence([start, alien, far, fifth, same])]
    assert order[0] == start
    assert sorted(x for x in order if x) == sorted([start, alien, far, fifth, same])
    assert order.index(same) < order.index(alien)
    with pytest.raises(UsageError):
        matcher.compatible(999)
    with pytest.raises(UsageError):
        matcher.sequence([999])


def test_scores_descend_also_where_fields_are_the_rows_own() -> None:
    """What is the same to the letter has 1, and stands before what fits better by length alone."""
    with open_storage("memory:") as storage:
        rows = [{"title": "Hello", "artist": "Adele"}, {"title": "Hello!", "artist": "Adele", "duration": 200}]
        same, like = storage.add_tracks(rows)
        matcher = Matcher(storage)
        found = matcher.search(title="Hello", artist="Adele", duration=200)
        assert [match.track.id for match in found] == [same, like]
        assert found[0].score == 1.0 > found[1].score
        assert matcher.search(title="Hello", artist="Adele", duration=200, limit=1) == found[:1]


def test_a_title_alone_is_no_duplicate_without_lengths() -> None:
    """Untagged files are all called ``Intro`` or ``01``."""
    with open_storage("memory:") as storage:
        storage.add_tracks([{"title": "Intro"}, {"title": "Intro"}, {"title": "Intro", "artist": "Ann"}])
        long = storage.add_tracks([{"title": "A long piece", "duration": seconds} for seconds in (301, 302, 500)])
        assert [[track.id for track in group.tracks] for group in Matcher(storage).duplicates()] == [long[:2]]


@pytest.mark.parametrize("requests", ["trapdoor", {"title": "trapdoor"}])
def test_one_request_is_not_many(memory: Storage, requests: Any) -> None:
    """A text would be taken for its letters."""
    matcher = Matcher(memory)
    with pytest.raises(UsageError, match="such as a list"):
        matcher.match_many(requests)
    with pytest.raises(UsageError, match="such as a list"):
        matcher.warm(requests)


def test_compatible_reads_no_more_tracks_than_it_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond those that are as good as the last one."""
    with open_storage("memory:") as storage:
        bpms = [120, 124, 121, 123, 122, 122, 125]
        ids = [analysed(storage, f"x:{i}", bpm, ("A", "minor")) for i, bpm in enumerate(bpms)]
        read: list[str] = []
        find = storage.find_by_identifier

        def counted(**asked: Any) -> list[Track]:
            read.append(asked["audio_identity"])
            return find(**asked)

        monkeypatch.setattr(storage, "find_by_identifier", counted)
        found = Matcher(storage).compatible(ids[0], limit=2)
        assert [match.track.id for match in found] == [ids[2], ids[4]]
        assert sorted(read) == ["x:2", "x:4", "x:5"]


def test_what_is_no_home_or_cache_is_said_at_once(memory: Storage) -> None:
    """Without the text, which may hold a password."""
    for call in (lambda: Matcher("sqlite:///secret.db"), lambda: Matcher(memory, cache="redis://:secret@host")):
        with pytest.raises(UsageError, match="not of type str") as caught:
            call()
        assert "secret" not in str(caught.value)
    with pytest.raises(UsageError, match="min_score"):
        Matcher(memory).duplicates(min_score=90)


@pytest.mark.parametrize("track", ["1", 1.5, None])
def test_what_is_no_track_is_a_usage_error(memory: Storage, track: Any) -> None:
    with pytest.raises(UsageError, match="a Track or its id"):
        Matcher(memory).compatible(track)
    with pytest.raises(UsageError, match="a Track or its id"):
        Matcher(memory).sequence([track])


async def test_a_sequence_for_coroutines() -> None:
    with open_storage("memory:") as storage:
        bpms = [120, 140, 123, 137, 126]
        ids = [analysed(storage, f"x:{i}", bpm, ("A", "minor")) for i, bpm in enumerate(bpms)]
        ordered = await Matcher(storage).asequence(ids)
        assert [track.id for track in ordered] == [ids[0], ids[2], ids[4], ids[3], ids[1]]


def test_no_stretch_of_a_sequence_is_better_the_other_way_round() -> None:
    rng = np.random.default_rng(0)
    costs = rng.random((60, 60))
    costs += costs.T
    order = compatible._improved(list(range(60)), costs)
    assert order[0] == 0
    assert sorted(order) == list(range(60))

    def price(path: list[int]) -> float:
        return sum(costs[one, two] for one, two in pairwise(path))

    turned = [order[:i] + order[i:j][::-1] + order[j:] for i in range(1, 60) for j in range(i + 2, 61)]
    assert price(order) <= min(map(price, turned)) + 1e-9


def test_the_first_stays_first_without_an_analysis() -> None:
    storage = open_storage("memory:")
    (unknown,) = storage.add_tracks([{"title": "unknown"}])
    known = [analysed(storage, str(n), 120.0 + n, ("A", "minor")) for n in range(4)]
    matcher = Matcher(storage)
    assert matcher.sequence([unknown, *known])[0].id == unknown
    assert [track.id for track in matcher.sequence([unknown, *known[:2]])] == [unknown, *known[:2]]
    assert matcher.sequence([known[1], unknown, known[0], known[2]])[0].id == known[1]


def test_a_row_without_length_does_not_bridge_two_recordings(memory: Storage) -> None:
    """180 and 400 seconds are two recordings; a third row of unknown length, or of the same ISRC, joins one of them."""
    same = {"title": "Song", "artist": "Band"}
    ids = memory.add_tracks([{**same, "duration": 180}, {**same, "duration": 400}, same, {**same, "duration": 402}])
    clusters = [[track.id for track in found.tracks] for found in Matcher(memory).duplicates()]
    assert clusters == [[ids[0], ids[2]], [ids[1], ids[3]]]
    other = memory.add_tracks(
        [{"title": "Air", "artist": "Duo", "isrc": "I", "duration": 100}, {"title": "Other name"}]
    )
    memory.update_track(other[1], isrc="I", duration=100)
    more = memory.add_tracks([{"title": "Air", "artist": "Duo"}, {"title": "Air", "artist": "Duo", "duration": 300}])
    clusters = [[track.id for track in found.tracks] for found in Matcher(memory).duplicates()]
    assert clusters[2:] == [[*other, more[0]]]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["ガガガSP - サクラガサク.mp3", "방탄소년단 - 봄날.mp3", "Sigur Rós - Hoppípolla.mp3"])
def test_names_that_come_apart_are_the_same(storage: Storage, form: Literal["NFC", "NFD"], name: str) -> None:
    """Names of files on macOS are decomposed; the score is the same."""
    storage.add_tracks([{"title": "サクラガサク", "artist": "ガガガSP"}, {"title": "봄날", "artist": "방탄소년단"}])
    matcher = Matcher(storage)
    best = matcher.search(unicodedata.normalize(form, name))[0]
    assert best.score > 0.9
    assert best == matcher.search(name)[0]


def test_match_file(tmp_path: Path, memory: Storage) -> None:
    import numpy as np
    import soundfile

    path = tmp_path / "The Beatles" / "Help!" / "06 - Yesterday.wav"
    path.parent.mkdir(parents=True)
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal((22050 * 3, 1)), 22050)
    matches = Matcher(memory).match_file(path)
    assert matches[0].track.id == 6
    data = path.read_bytes()
    with path.open("rb") as file:
        assert Matcher(memory).match_file(file) == matches
    assert Matcher(memory).match_file(data) == Matcher(memory).match_file(io.BytesIO(data)) == []
    from tracktion.audio import audio_identity

    memory.update_track(1, audio_identity=audio_identity(path))
    assert [(match.track.id, match.score) for match in Matcher(memory).match_file(path)] == [(1, 1.0)]


HOSTILE = st.text(max_size=200) | st.text(alphabet="\"'%_*()\\\x00\ud800\u202eabc|^$-+~:{} ", max_size=100)


@given(HOSTILE, HOSTILE)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_question_raises(storage: Storage, text: str, artist: str) -> None:
    matcher = Matcher(storage)
    for matches in (matcher.search(text), matcher.search(title=text, artist=artist)):
        assert all(0.0 <= match.score <= 1.0 for match in matches)


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_identity_scores_one_and_pairs_are_symmetric_in_case(title: str, artist: str) -> None:
    storage = open_storage("memory:")
    storage.add_tracks([{"title": title, "artist": artist}])
    stored = storage.get_track(1)
    assert stored is not None
    if not stored.title or not normalise_track(stored.title, stored.artist).key:
        return  # blanks are no title, and an artist alone is no recording: see below
    matches = Matcher(storage).search(title=stored.title, artist=stored.artist)
    assert matches
    assert matches[0].score == 1.0


def test_blanks_of_a_row_are_read_like_those_of_a_question() -> None:
    storage = open_storage("memory:")
    storage.add_tracks([{"title": "0", "artist": "0\x1e0"}, {"title": "Do  It", "artist": "A\tB"}])
    matcher = Matcher(storage)
    for title, artist in (("0", "0\x1e0"), ("do it", "a b"), ("Do  It", "A\tB")):
        assert matcher.search(title=title, artist=artist)[0].score == 1.0


@pytest.mark.parametrize("title", [" ", "\t \n"])
def test_an_artist_alone_is_no_recording(title: str) -> None:
    storage = open_storage("memory:")
    storage.add_tracks([{"title": title, "artist": "Portishead"}])
    (match,) = Matcher(storage).search(title=title, artist="Portishead")
    assert match.track.title is None
    assert match.score < 0.9


def test_noise_lowers_the_score_on_average(memory: Storage) -> None:
    import random

    rng = random.Random(0)
    matcher = Matcher(memory)
    means = []
    for typos in (0, 1, 2, 4, 8):
        scores = []
        for number, row in enumerate(ROWS[:9]):
            for _ in range(6):
                letters = list(f"{row['artist']} {row['title']}")
                for _ in range(typos):
                    letters[rng.randrange(len(letters))] = rng.choice("abcdefghij")
                found = {m.track.id: m.score for m in matcher.search("".join(letters), limit=14)}
                scores.append(found.get(number + 1, 0.0))
        means.append(sum(scores) / len(scores))
    assert means == sorted(means, reverse=True)
