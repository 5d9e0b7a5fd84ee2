"""Builds the training table of the scorer: questions, candidates, features.

``PYTHONPATH=. python training/matching/build.py DATA OUT``, from the root of the repository

DATA has ``catalogue.csv.gz``, ``queries.jsonl`` and the iTunes–Amazon pairs. Questions are our own corruptions of
rows that no labelled question is about, and the labelled questions themselves with their folds.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from corrupt import question, unnamed

from benchmarks.matching.pairs import dirty, read_pairs
from tracktion._core.pairs import FEATURES, compare
from tracktion.matching.index import TextIndex
from tracktion.matching.query import parse_query
from tracktion.matching.scoring import hash_of, make_lexicon
from tracktion.matching.text import NormalisedTrack, normalise_track

OWN, COVERED, UNNAMED = 24000, 6000, 3000
"""Questions about any row, about rows whose title other artists have too, and without the artist."""

DIRTY = 6
"""Variants of a labelled pair with values in wrong columns."""


def read_rows(data: Path) -> list[dict[str, str]]:
    with gzip.open(data / "catalogue.csv.gz", "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def lexicon(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(text.replace("|", " ").replace(",", " ").split()))
    common = [(word, n) for word, n in counts.most_common(14000) if n >= 5]
    hashes = np.array([hash_of(word) for word, _ in common], dtype=np.uint32)
    idf = np.array([np.log(len(texts) / n) for _, n in common])
    weights = np.clip((idf - 1) / (np.log(len(texts) / 5) - 1), 0.05, 1) * 200
    unique, first = np.unique(hashes, return_index=True)
    return unique, weights[first].round().astype(np.uint8)


def rivals(free: list[int], forms: list[NormalisedTrack], rng: random.Random) -> list[tuple[int, int]]:
    """Rows, each with one that has the same title by another artist: what a video of a cover can be mistaken for."""
    titled: dict[str, list[int]] = {}
    for i in free:
        titled.setdefault(forms[i].title, []).append(i)
    shared = [i for i in free if len({forms[k].artist for k in titled[forms[i].title]}) > 1]
    out = []
    for i in rng.sample(shared, min(COVERED, len(shared))):
        out.append((i, rng.choice([k for k in titled[forms[i].title] if forms[k].artist != forms[i].artist])))
    return out


def pairs(path: Path, variants: int, rng: random.Random) -> list[tuple[dict, dict, int]]:
    """Labelled pairs as (question, row, label): as they are, without duration, and with fields in the wrong columns."""
    out = []
    for left, right, same in read_pairs(path):
        label = int(same)
        out.append((left, right, label))
        for number in range(variants):
            moved = dirty(left, rng), dirty(right, rng)
            if variants > 1 and number % 3 == 2:
                moved[0]["duration"] = None
            out.append((*moved, label))
    return out


def pair_features(items: list[tuple[dict, dict, int]], layers: tuple) -> np.ndarray:
    out = []
    for left, right, _ in items:
        query = parse_query(title=left["title"], artist=left["artist"], album=left["album"], duration=left["duration"])
        form = normalise_track(right["title"], right["artist"], right["album"])
        text = np.frombuffer(f"{form.search}|{form.album}".encode(), np.uint8)
        found = compare(
            np.frombuffer(query.record.encode(), np.uint8),
            query.duration,
            0,
            text,
            np.array([0, len(text)]),
            np.zeros(1, np.int32),
            np.array([right["duration"] or -1], np.float32),
            np.zeros(1, np.int32),
            *layers,
        )
        out.append(found[0][0])
    return np.array(out)


def main() -> None:
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    rows = read_rows(data)
    forms = [normalise_track(row["title"], row["artist"], row["album"]) for row in rows]
    texts = [f"{form.search}|{form.album}" for form in forms]
    index = TextIndex((i, form.search) for i, form in enumerate(forms))
    lengths = np.fromiter(map(len, texts), np.int64)
    blob, places = np.frombuffer("".join(texts).encode(), np.uint8), np.concatenate([[0], np.cumsum(lengths)])
    hashes, weights = lexicon(texts)
    table = make_lexicon(hashes, weights)
    np.savez_compressed(out / "lexicon.npz", hashes=hashes, weights=weights)
    durations = np.array([float(row["duration"] or -1) for row in rows], np.float32)
    years = np.zeros(len(rows), np.int32)
    nothing = np.zeros((FEATURES, 1), np.float32), np.zeros(1, np.float32), np.zeros(1, np.float32), 0.0, 1e9
    rng = random.Random(7)
    labelled = [json.loads(line) for line in (data / "queries.jsonl").read_text("utf-8").splitlines()]
    asked = {row for item in labelled for row in item["true_ids"]}
    free = [i for i in range(len(rows)) if i not in asked and rows[i]["title"] and rows[i]["artist"]]
    names = [rows[i]["artist"] for i in rng.sample(free, 5000)]
    questions = []
    for i in rng.sample(free, OWN):
        row = rows[i]
        options = question(row["title"], row["artist"], row["album"], names, rng)
        if durations[i] > 0 and rng.random() < 0.25:
            options["duration"] = float(durations[i]) + rng.gauss(0, 1.5)
        questions.append((options, {i}, "own", -1))
    for i, rival in rivals(free, forms, rng):
        row = rows[i]
        options = question(row["title"], row["artist"], row["album"], names, rng, rows[rival]["artist"])
        questions.append((options, {i}, "own", -1))
    known = Counter(form.title for form in forms) + Counter(form.artist for form in forms)
    for i in rng.sample([i for i in free if known[forms[i].title] == known[forms[i].artist] == 1], UNNAMED):
        film = rng.choice([row["album"] or row["title"] for row in rng.sample(rows, 3)])
        options = unnamed(rows[i]["title"], rows[i]["artist"], rng.choice(names), film or "Cast", rng)
        questions.append((options, {i}, "unnamed", -1))
    for number, item in enumerate(labelled):
        truth = set(item["true_ids"])
        fold = number % 5
        questions.append(({"text": item["text"]}, truth, item["kind"] + ":text", fold))
        if item["title"]:
            questions.append(({"title": item["title"], "artist": item["artist"]}, truth, item["kind"], fold))
    features, labels, groups, ids = [], [], [], []
    for group, (options, truth, _, fold) in enumerate(questions):
        query = parse_query(**options)
        record = "|".join(part for part in query.record.split("|") if not part.startswith("N"))
        found = index.search(record)[1]
        if fold < 0 and len(found) > 28:
            found = np.concatenate([found[:16], np.array(rng.sample(found[16:].tolist(), 12), dtype=np.int32)])
        wanted = np.array(sorted(truth - set(found.tolist())), dtype=np.int32)
        if fold < 0:
            found = np.concatenate([found, wanted]).astype(np.int32)
        table_features, _ = compare(
            np.frombuffer(query.record.encode(), np.uint8),
            query.duration,
            query.year,
            blob,
            places,
            found,
            durations,
            years,
            *table,
            *nothing,
        )
        keys = {forms[i].key for i in truth}
        features.append(table_features)
        labels.append(
            np.array([1 if i in truth else 2 if forms[i].key in keys else 0 for i in found.tolist()], np.int8)
        )
        groups.append(np.full(len(found), group, np.int32))
        ids.append(found)
    np.savez(
        out / "table.npz",
        features=np.concatenate(features),
        labels=np.concatenate(labels),
        groups=np.concatenate(groups),
        rows=np.concatenate(ids),
        folds=np.array([q[3] for q in questions]),
        kinds=np.array([q[2] for q in questions]),
    )
    train = pairs(data / "itunes_amazon_train.csv", DIRTY, rng)
    held = pairs(data / "itunes_amazon_validation.csv", 1, rng)
    layers = (*table, *nothing)
    np.savez(
        out / "pairs.npz",
        train=pair_features(train, layers),
        train_labels=np.array([i[2] for i in train]),
        held=pair_features(held, layers),
        held_labels=np.array([i[2] for i in held]),
        variants=DIRTY,
    )
    (out / "questions.json").write_text(json.dumps([q[0] for q in questions]), "utf-8")


if __name__ == "__main__":
    main()
