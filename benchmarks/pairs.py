"""Are two records the same recording? F1 on labelled pairs, and what must never be taken for the same.

Part of ``python -m benchmarks.matching FOLDER``, which has ``itunes_amazon_train.csv`` and its validation part.
The threshold is the best one for the train part; F1 is that of the validation part.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tracktion.matching.query import parse_query
from tracktion.matching.scoring import Scorer, load_scorer, surface_text
from tracktion.matching.text import artist_parts, is_year, normalise_track
from tracktion.matching.words import NOBODY, REMIX
from tracktion.results.catalogue import Candidate, Track

Fields = dict[str, Any]
COLUMNS = {"title": "Song_Name", "artist": "Artist_Name", "album": "Album_Name"}


def seconds(text: str) -> float | None:
    minutes, colon, rest = text.partition(":")
    return int(minutes) * 60 + float(rest) if colon and minutes.strip().isdigit() and rest.strip().isdigit() else None


def read_pairs(path: Path) -> list[tuple[Fields, Fields, bool]]:
    out = []
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            sides = []
            for side in ("left", "right"):
                fields: Fields = {name: row[f"{side}_{column}"] or None for name, column in COLUMNS.items()}
                sides.append(fields | {"duration": seconds(row[f"{side}_Time"])})
            out.append((sides[0], sides[1], row["label"] == "1"))
    return out


def dirty(fields: Fields, rng: random.Random) -> Fields:
    """Move values into wrong columns, each with an even chance."""
    out = dict(fields)
    for name in ("artist", "album"):
        if rng.random() < 0.5 and out[name]:
            out["title"], out[name] = f"{out['title']} {out[name]}", None
    return out


def probability(scorer: Scorer, asked: Fields, row: Fields) -> float:
    form = normalise_track(row["title"], row["artist"], row["album"])
    candidate = Candidate(Track(**row), form.search)
    query = parse_query(**asked)
    spelt = surface_text(asked.get("text"), asked["title"], asked["artist"])
    return scorer.score(query, spelt, [candidate])[0].probability


def f1(scores: np.ndarray, labels: np.ndarray, threshold: float) -> float:
    said = scores >= threshold
    return float(2 * (said & labels).sum() / (said.sum() + labels.sum()))


def report_pairs(folder: Path) -> None:
    scorer, rng = load_scorer(), random.Random(3)
    parts = {part: read_pairs(folder / f"itunes_amazon_{part}.csv") for part in ("train", "validation")}
    for name in ("structured", "dirty"):
        scores, labels = {}, {}
        for part, items in parts.items():
            rounds = 1 if name == "structured" else 5
            sides = [
                (left, right) if name == "structured" else (dirty(left, rng), dirty(right, rng))
                for _ in range(rounds)
                for left, right, _ in items
            ]
            scores[part] = np.array([probability(scorer, *pair) for pair in sides])
            labels[part] = np.array([label for _, _, label in items] * rounds)
        at = np.unique(scores["train"])
        rates = np.array([f1(scores["train"], labels["train"], t) for t in at])
        threshold = float(np.median(at[rates == rates.max()]))
        print(
            f"pairs {name:10s} threshold {threshold:.3f} (train F1 {rates.max():.4f}), "
            f"validation F1 {f1(scores['validation'], labels['validation'], threshold):.4f}, "
            f"at 0.5 {f1(scores['validation'], labels['validation'], 0.5):.4f} ({labels['validation'].sum()} same)"
        )


def report_floors(rows: list[dict[str, str]], folder: Path, count: int = 5000, seed: int = 0) -> None:
    """How often, and how high, pairs score that agree in all but the artist, or in all but the version.

    A wrong artist is another artist of the catalogue whose name shares no word with the right one's (after folding) and
    names somebody. Another remix is the same title with ``(NAME Remix)``, where the names share no word.
    """
    scorer = load_scorer()
    scores: dict[str, list[float]] = {}
    pairs = [*artist_pairs(rows, count, seed), *remix_pairs(rows, count, seed), *swapped_pairs(folder, seed)]
    for name, asked, row in pairs:
        scores.setdefault(name, []).append(probability(scorer, asked, row))
    for name, found in scores.items():
        print(
            f"{name:45s} {len(found):5d} pairs, above 0.5: {sum(p > 0.5 for p in found):4d}, greatest {max(found):.3f}"
        )


Named = Iterator[tuple[str, Fields, Fields]]


def artist_pairs(rows: list[dict[str, str]], count: int, seed: int) -> Named:
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


def remix_pairs(rows: list[dict[str, str]], count: int, seed: int) -> Named:
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


def fields_of(row: dict[str, str]) -> Fields:
    return {"title": row["title"], "artist": row["artist"], "album": row["album"] or None, "duration": 200.0}


def alike(one: set[str], two: set[str]) -> bool:
    """Whether names share a word, so that they may be one artist, or one of them names nobody."""
    return not one.isdisjoint(two) or any(side <= NOBODY for side in (one, two))
