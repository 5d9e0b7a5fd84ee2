"""Recall of the first match by row id on labelled questions, in every home, with peers; calibration of the scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import tracktion.matcher
from benchmarks.matching.data import opened, read_questions, read_rows
from benchmarks.matching.peers import PEERS
from benchmarks.matching.reliability import calibration, draw
from benchmarks.tables import table
from tracktion.matcher import Matcher
from tracktion.matching import scoring
from tracktion.results.match import Match

FOLDS = 5


@dataclass(slots=True)
class Hits:
    """Which questions each method answered rightly, and how well its scores are calibrated."""

    sets: np.ndarray
    kinds: np.ndarray
    of: dict[str, np.ndarray] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)


@contextmanager
def scored_by(path: Path | None) -> Iterator[None]:
    """Let matchers made meanwhile, and the SQL homes, use another scorer."""
    shipped = scoring.load_scorer
    if path is not None:
        with path.open("rb") as file:
            scorer = scoring.read_scorer(file)
        scoring.load_scorer = tracktion.matcher.load_scorer = lambda: scorer  # type: ignore[assignment,attr-defined]
    try:
        yield
    finally:
        scoring.load_scorer = tracktion.matcher.load_scorer = shipped  # type: ignore[attr-defined]


def answered(matcher: Matcher, questions: list[dict[str, Any]], form: str, scorers: Path | None) -> list[list[Match]]:
    """Answers as text, or by fields where a question has them."""
    answers: list[list[Match]] = [[]] * len(questions)
    for fold in range(FOLDS):
        with scored_by(scorers and scorers / f"scorer_{fold}.npz"):
            fresh = Matcher(matcher._storage)
            for number in range(fold, len(questions), FOLDS):
                q = questions[number]
                by_fields = form == "fields" and q["title"]
                asked = {"title": q["title"], "artist": q["artist"]} if by_fields else {"text": q["text"]}
                answers[number] = fresh.search(**asked)
    return answers


def measure(folder: Path, homes: list[str], peers: list[str], scorers: Path | None, plot: Path | None) -> Hits:
    """Ask every home in both forms, and every peer that is installed."""
    rows, questions = read_rows(folder), read_questions(folder)
    hits = Hits(np.array([q["set"] for q in questions]), np.array([q["kind"] for q in questions]))
    for url in homes:
        matcher, first = opened(url, rows, len(rows))
        for form in ("text", "fields"):
            answers = answered(matcher, questions, form, scorers)
            pairs = zip(answers, questions, strict=True)
            right = np.array([bool(a) and (a[0].track.id or 0) - first in q["true_ids"] for a, q in pairs], float)
            scores = np.array([a[0].score if a else 0.0 for a in answers])
            name = f"{url.partition(':')[0].partition('+')[0]}, {form}"
            hits.of[name], hits.errors[name] = right, calibration(scores, right)
            print(f"{name}: calibration error {hits.errors[name]:.4f}", flush=True)
            if plot and len(hits.of) == 1:
                draw(plot, scores, right)
    for name in peers:
        search = PEERS[name](rows, len(rows))
        if search:
            found = [bool(set((search(q["text"]) or [-1])[:1]) & set(q["true_ids"])) for q in questions]
            hits.of[name] = np.array(found, float)
    return hits


def recall(hits: Hits) -> str:
    """Recall for each set of questions with 95 % intervals, and how the others differ from the first, paired."""
    rng = np.random.default_rng(0)
    parts = {part: hits.sets == part for part in sorted(set(hits.sets))}
    base = next(iter(hits.of))
    own, apart = [], []
    for name, found in hits.of.items():
        error = f"{hits.errors[name]:.3f}" if name in hits.errors else ""
        own.append([name, *(_interval(found[chosen], rng) for chosen in parts.values()), error])
        if name != base:
            apart.append([name, *(_interval((found - hits.of[base])[c], rng, "+") for c in parts.values())])
    heads = [f"{part} ({int(chosen.sum()):,})" for part, chosen in parts.items()]
    tables = [table(["", *heads, "calibration error"], own)]
    return "\n\n".join([*tables, table([f"less {base}", *heads], apart)] if apart else tables)


def by_kind(hits: Hits) -> str:
    """Recall for each kind of question; the margin is that of the worst home to the best peer, in points."""
    ours, peers = [name for name in hits.of if name not in PEERS], [name for name in hits.of if name in PEERS]
    rows = []
    for kind in sorted(set(hits.kinds)):
        chosen = hits.kinds == kind
        means = {name: found[chosen].mean() for name, found in hits.of.items()}
        margin = min(means[name] for name in ours) - max([means[name] for name in peers], default=0.0)
        rows.append([kind, str(chosen.sum()), *(f"{mean:.3f}" for mean in means.values()), f"{100 * margin:+.1f}"])
    return table(["kind", "questions", *hits.of, "margin"], rows)


def _interval(hits: np.ndarray, rng: np.random.Generator, sign: str = "") -> str:
    draws = hits[rng.integers(0, len(hits), (1000, len(hits)))].mean(1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return f"{hits.mean():{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"
