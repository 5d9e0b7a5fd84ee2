"""A wrong artist and another remix are no match, whatever else agrees; an artist spelt otherwise is."""

from __future__ import annotations

import pytest

from tracktion.matching.query import parse_query
from tracktion.matching.scoring import load_scorer, surface_text
from tracktion.matching.text import normalise_track
from tracktion.results.catalogue import Candidate, Track

PAX = {"title": "Trapdoor (PAX Remix)", "artist": "Gorgon City, PAX", "album": "Trapdoor (PAX Remix)"}


def score(asked: dict, row: dict) -> float:
    form = normalise_track(row["title"], row["artist"], row.get("album"))
    scored = load_scorer().score(
        parse_query(**asked, duration=None if "text" in asked else 200.0),
        surface_text(asked.get("text"), asked.get("title"), asked.get("artist")),
        [Candidate(Track(**row, duration=200.0), form.search)],
    )
    return scored[0].probability


@pytest.mark.parametrize(
    ("asked", "row"),
    [
        (PAX | {"artist": "Miles Davis"}, PAX),
        (
            {"title": "Iron Man", "artist": "Adele", "album": "Iron Maiden"},
            {"title": "Iron Man", "artist": "Iron Maiden"},
        ),
        (
            {"title": "Got Guap (feat. Young Thug)", "artist": "Drake"},
            {"title": "Got Guap", "artist": "Lil Uzi Vert, Young Thug"},
        ),
        (
            {"title": "Games People Play", "artist": "Inner Circle"},
            {"title": "Games People Play", "artist": "The Spinners"},
        ),
        (
            {"text": "Gallops - Automatic (Palms Trax Remix)"},
            {"title": "Automatic - Palms Trax Remix", "artist": "Erol Alkan, Palms Trax"},
        ),
        ({"text": "Whitney - Do It"}, {"title": "Do It", "artist": "Chloe x Halle"}),
        (
            {"title": "Duck You Sucker", "artist": "Claud"},
            {"title": "Duck You Sucker", "artist": "Claude Denjean and Synthesizer"},
        ),
        (
            {"title": "You & Me (Jupiter Project vs Adam Trigger)", "artist": "Adamo"},
            {"title": "You & Me (Jupiter Project vs Adam Trigger)", "artist": "Jupiter Project, Adam Trigger"},
        ),
        ({"title": "Suddenly", "artist": "Billy Ocean"}, {"title": "Suddenly", "artist": "Young Oceans"}),
        ({"text": "Russ - Endless Highway"}, {"title": "Endless Highway", "artist": "Alison Krauss"}),
    ],
)
def test_a_wrong_artist_is_no_match(asked: dict, row: dict) -> None:
    assert score(asked, row) < 0.5


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Hello (PAX Remix)", "Hello (Kaskade Remix)"),
        ("Hello (PAX Remix)", "Hello"),
        ("Hello (PAX Remix) [Kaskade Remix]", "Hello (Kaskade Remix)"),
        ("Hello (Live)", "Hello"),
        ("Hello (Live)", "Hello (Acoustic)"),
        ("Hello (Karaoke Version)", "Hello"),
    ],
)
def test_another_version_is_no_match(one: str, two: str) -> None:
    for asked, row in ((one, two), (two, one)):
        assert score({"title": asked, "artist": "Adele"}, {"title": row, "artist": "Adele"}) < 0.5
    if "Remix" in one:
        assert score({"text": f"Adele - {one}"}, {"title": two, "artist": "Adele"}) < 0.5
        assert score({"text": f"Adele - {two}"}, {"title": one, "artist": "Adele"}) < 0.5


@pytest.mark.parametrize(
    ("title", "artist", "remixer"),
    [
        ("Diamante", "Zucchero", "Zucchero"),
        ("Fools Rush In", "Dion", "Rush"),
        ("Cure", "Sipper", "The Cure"),
        ("The Shape I'm In", "All Star Band feat. Warren Haynes", "SHAED"),
        ("March March", "The Chicks", "Chic"),
        ("Mountain of Love", "Bill Black's Combo", "Blanks"),
        ("Timber (feat. Kesha)", "Pitbull", "Kesha"),
    ],
)
def test_who_made_a_remix_is_not_said_by_title_or_singer(title: str, artist: str, remixer: str) -> None:
    """Nor by a short word that is only like the name."""
    plain, remix = ({"title": name, "artist": artist} for name in (title, f"{title} ({remixer} Remix)"))
    assert score(plain, remix) < 0.5
    assert score(remix, plain) < 0.5
    assert score({"text": f"{artist} - {title}"}, remix) < 0.5


@pytest.mark.parametrize(
    ("one", "two"), [("The The", "Kaskade"), ("Single", "Prince"), ("Deluxe", "Celentano"), ("LP", "Valerie Winescott")]
)
def test_a_name_may_be_made_of_words_that_mean_nothing_elsewhere(one: str, two: str) -> None:
    for asked, row in ((one, two), (two, one)):
        sides = [{"title": f"Cigarette ({name} Remix)", "artist": "Julian Lamadrid"} for name in (asked, row)]
        assert score(*sides) < 0.5


@pytest.mark.parametrize(
    ("asked", "row", "artist"),
    [
        ("Hearts on Fire (Timmy Trumset Remix)", "Hearts on Fire - Timmy Trumpet Remix", "ILLENIUM, Timmy Trumpet"),
        ("Aftergold (wobli Remix)", "Aftergold - obli Remix", "Big Wild, obli"),
        ("Omen", "Omen - Dillon Francis Remix", "Disclosure, Sam Smith, Dillon Francis"),
        ("Hello (Remix)", "Hello (Kaskade Remix)", "Adele"),
    ],
)
def test_a_remix_that_is_spelt_or_named_otherwise_is_the_same(asked: str, row: str, artist: str) -> None:
    assert score({"title": asked, "artist": artist}, {"title": row, "artist": artist}) > 0.5


@pytest.mark.parametrize(
    ("asked", "row"),
    [
        ("Adelle", "Adele"),
        ("Dylan, Bob", "Bob Dylan"),
        ("Beatles", "The Beatles"),
        ("ELO", "Electric Light Orchestra"),
        ("Out of the Dawg House", "OOTDH"),
        ("Mumiy Troll", "Мумий Тролль"),
        ("Various Artists", "Adele"),
        ("Adele", "Various Artists"),
        ("Kaskade feat. Adele", "Adele feat. Kaskade"),
        ("Adele", "Kaskade feat. Adele"),
    ],
)
def test_an_artist_spelt_otherwise_is_not_wrong(asked: str, row: str) -> None:
    query = parse_query(title="Rolling in the Deep", artist=asked)
    form = normalise_track("Rolling in the Deep", row)
    scored = load_scorer().score(query, "", [Candidate(Track(title="Rolling in the Deep", artist=row), form.search)])
    same, both = scored[0].features[59:61]
    assert not both or same >= 0.5


@pytest.mark.parametrize(
    "title", ["Hello (Radio Edit)", "Hello (2011 Remaster)", "Hello [Official Video]", "Hello (Album Version)"]
)
def test_edits_and_noise_are_not_another_recording_by_themselves(title: str) -> None:
    query = parse_query(title=title, artist="Adele")
    scored = load_scorer().score(query, "", [Candidate(Track(title="Hello", artist="Adele"), "hello||adele|")])
    assert not scored[0].features[62:64].any()
