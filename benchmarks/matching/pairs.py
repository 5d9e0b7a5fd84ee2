"""Are two records the same recording? F1 on labelled pairs.

The folder has ``itunes_amazon_train.csv`` and its validation part. The threshold is the best one for the train part; F1
is that of the validation part.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables import table
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
    spelt = surface_text(asked.get("text"), asked["title"], asked["artist"])
    return scorer.score(query, spelt, [candidate])[0].probability


def f1(scores: np.ndarray, labels: np.ndarray, threshold: float) -> float:
    said = scores >= threshold
    return float(2 * (said & labels).sum() / (said.sum() + labels.sum()))


def same_recording(folder: Path) -> str:
    """F1 for the fields as they are, and for values that stand in wrong columns."""
    scorer, rng = load_scorer(), random.Random(3)
    parts = {part: read_pairs(folder / f"itunes_amazon_{part}.csv") for part in ("train", "validation")}
    rows = []
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
        ends = [f1(scores["validation"], labels["validation"], t) for t in (threshold, 0.5)]
        numbers = [f"{value:.3f}" for value in (threshold, rates.max(), *ends)]
        rows.append([name, *numbers, f"{labels['validation'].sum()} of {len(labels['validation'])}"])
    return table(["", "threshold", "F1, train", "F1, validation", "F1 at 0.5", "same"], rows)
