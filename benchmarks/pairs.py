"""Are two records the same recording? F1 on labelled pairs, and what must never be taken for the same.

Part of ``python -m benchmarks.matching FOLDER``, which has ``itunes_amazon_train.csv`` and its validation part.
The threshold is the best one for the train part; F1 is that of the validation part.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import numpy as np

from tracktion.matching.query import parse_query
from tracktion.matching.scoring import Scorer, load_scorer, surface_text
from tracktion.matching.text import normalise_track
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
    return scorer.score(query, surface_text(None, asked["title"], asked["artist"]), [candidate])[0].probability


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


def report_floors(rows: list[dict[str, str]], count: int = 5000) -> None:
    """The greatest scores of pairs that agree in all but the artist, or in all but the version."""
    scorer, rng = load_scorer(), random.Random(4)
    named = [row for row in rows if row["title"] and row["artist"]]
    highest = {"another artist": 0.0, "another remix": 0.0, "the original for a remix": 0.0}
    for row in rng.sample(named, count):
        fields: Fields = {
            "title": row["title"],
            "artist": row["artist"],
            "album": row["album"] or None,
            "duration": 200.0,
        }
        other, *names = (item["artist"] for item in rng.sample(named, 3))
        remixes = [f"{row['title']} ({name} Remix)" for name in names]
        if alike(other, row["artist"]) or alike(*names):
            continue
        pairs = {
            "another artist": (fields | {"artist": other}, fields),
            "another remix": (fields | {"title": remixes[0]}, fields | {"title": remixes[1]}),
            "the original for a remix": (fields | {"title": remixes[0]}, fields),
        }
        for name, pair in pairs.items():
            highest[name] = max(highest[name], probability(scorer, *pair))
    print("greatest score of " + ", ".join(f"{name} {score:.3f}" for name, score in highest.items()))


def alike(one: str, two: str) -> bool:
    """Whether names share a word, so that they may be one artist."""
    return not set(normalise_track(None, one).key.split()).isdisjoint(normalise_track(None, two).key.split())
