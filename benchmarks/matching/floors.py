"""What must never be taken for the same: pairs that agree in all but the artist, or in all but the version.

A wrong artist is another artist of the catalogue whose name shares no word with the right one's (after folding) and
names somebody. Another remix is the same title with ``(NAME Remix)``, where the names share no word.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.matching.data import Row
from benchmarks.matching.pairs import Fields, probability, read_pairs
from benchmarks.tables import table
from tracktion.matching.scoring import load_scorer
from tracktion.matching.text import artist_parts, is_year, normalise_track
from tracktion.matching.words import NOBODY, REMIX


def floors(rows: list[Row], folder: Path, count: int = 5000, seed: int = 0) -> str:
    """How often, and how high, such pairs score."""
    scorer = load_scorer()
    scores: dict[str, list[float]] = {}
    pairs = [*artist_pairs(rows, count, seed), *remix_pairs(rows, count, seed), *swapped_pairs(folder, seed)]
    for name, asked, row in pairs:
        scores.setdefault(name, []).append(probability(scorer, asked, row))
    found = [
        [name, f"{len(kept):,}", str(sum(p > 0.5 for p in kept)), f"{max(kept):.3f}"] for name, kept in scores.items()
    ]
    return table([f"{count:,} rows, seed {seed}", "pairs", "above 0.5", "greatest"], found)


Named = Iterator[tuple[str, Fields, Fields]]


def artist_pairs(rows: list[Row], count: int, seed: int) -> Named:
    """Everything right but the artist: anybody, somebody with a song of the same title, in fields and as text."""
    rng = random.Random(4 + seed)
    named = [row for row in rows if row["title"] and row["artist"]]
    titled: dict[str, list[str]] = {}
    for row in named:
        titled.setdefault(normalise_track(row["title"], None).title, []).append(row["artist"])
    for row in rng.sample(named, count):
        fields = fields_of(row)
        rivals = titled[normalise_track(row["title"], None).title]
        for name, artist in (("anybody", rng.choice(named)["artist"]), ("of the same title", rng.choice(rivals))):
            if alike(words_of(artist), credit_of(row)):
                continue
            yield f"another artist, {name}", fields | {"artist": artist}, fields
            yield (
                f"another artist, {name}, no album or time",
                {**NOTHING, "title": row["title"], "artist": artist},
                fields,
            )
            yield f"another artist, {name}, as text", {**NOTHING, "text": f"{artist} - {row['title']}"}, fields


def remix_pairs(rows: list[Row], count: int, seed: int) -> Named:
    """Another remix, and a remix against the original, both ways and as text."""
    rng = random.Random(5 + seed)
    named = [row for row in rows if row["title"] and row["artist"]]
    single = [row["artist"] for row in named if one_name(row["artist"])]
    for row in rng.sample(named, count):
        fields, names = fields_of(row), rng.sample(single, 2)
        if alike(*map(words_of, names)):
            continue
        one, two = (fields | {"title": f"{row['title']} ({name} Remix)"} for name in names)
        yield "another remix", one, two
        yield "another remix, as text", {**NOTHING, "text": f"{row['artist']} - {one['title']}"}, two
        marks = normalise_track(row["title"], None).versions.split()
        original = "the original" if REMIX.isdisjoint(marks) else "what is a remix already"
        yield f"{original} for a remix", one, fields
        yield f"a remix for {original}", fields, one
        yield f"a remix for {original}, as text", {**NOTHING, "text": f"{row['artist']} - {row['title']}"}, one


def swapped_pairs(folder: Path, seed: int) -> Named:
    """Labelled pairs that are the same recording, with the artist of another pair."""
    rng = random.Random(6 + seed)
    same = [
        pair for part in ("train", "validation") for pair in read_pairs(folder / f"itunes_amazon_{part}.csv") if pair[2]
    ]
    artists = sorted({left["artist"] for left, _, _ in same if left["artist"]})
    for left, right, _ in same:
        for artist in rng.sample(artists, 20):
            named = words_of(artist)
            if not alike(named, credit_of(left)) and not alike(named, credit_of(right)):
                yield "another artist, labelled pairs", left | {"artist": artist}, right
                if not alike(words_of(left["artist"]), credit_of(right | {"artist": artist})):
                    yield "another artist, labelled pairs, the row's", left, right | {"artist": artist}


def words_of(name: str | None) -> set[str]:
    return set(normalise_track(None, name).key.split())


def credit_of(row: Fields) -> set[str]:
    """Words of artists and guests of a row, those of its title too; none when the artist is "Unknown" or the like."""
    form, named = normalise_track(row["title"], row["artist"]), words_of(row["artist"])
    return set() if named <= NOBODY else named | set(form.featured.replace(",", " ").split())


def one_name(artist: str) -> bool:
    """Whether a credit is one name without guests or brackets, and not a year."""
    parts = artist_parts(artist)
    plain = len(parts.names) == 1 and not parts.guests and "(" not in artist and "[" not in artist
    return plain and not all(map(is_year, parts.names[0]))


NOTHING: Fields = {"title": None, "artist": None}


def fields_of(row: Row) -> Fields:
    return {"title": row["title"], "artist": row["artist"], "album": row["album"] or None, "duration": 200.0}


def alike(one: set[str], two: set[str]) -> bool:
    """Whether names share a word, so that they may be one artist, or one of them names nobody."""
    return not one.isdisjoint(two) or any(side <= NOBODY for side in (one, two))
