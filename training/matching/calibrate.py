"""Fits the logistic curve over logit and spelling, and writes ``scorer.npz``.

``python training/matching/calibrate.py DATA FOLDER OUT``

Writes ``scorer_0.npz`` to ``scorer_4.npz`` into FOLDER, too: each has seen nothing of one fold of the questions
(``python -m benchmarks.matching DATA --scorers FOLDER``).

Logits of labelled questions come from networks that had not seen them (``train.py --folds``). Ranking is measured by
row id, so rows with the same key as the true one count as wrong there; for the probability they are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from build import read_rows
from tracktion.matching.scoring import surface_of, surface_text
from tracktion.results.catalogue import Track

WIDTH = 14
SURFACE = 3.5
"""Weight of the spelling beside the logit: from 3 to 5 the recall hardly changes."""


def dense(data: Path, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Logits, likeness and labels of the best candidates of labelled questions, their kinds and folds."""
    table = np.load(folder / "table.npz")
    held = np.load(folder / "held_out.npy")
    rows = read_rows(data)
    questions = json.loads((folder / "questions.json").read_text("utf-8"))
    groups, folds = table["groups"], table["folds"]
    starts = np.searchsorted(groups, np.arange(len(folds) + 1))
    chosen = np.flatnonzero(folds >= 0)
    logits = np.full((len(chosen), WIDTH), -50.0)
    like = np.zeros((len(chosen), WIDTH))
    labels = np.full((len(chosen), WIDTH), -1)
    for place, k in enumerate(chosen):
        ids, y = table["rows"][starts[k] : starts[k + 1]], table["labels"][starts[k] : starts[k + 1]]
        z = held[starts[k] : starts[k + 1]]
        best = np.argsort(-z)[:WIDTH]
        options = questions[k]
        asked = surface_text(options.get("text"), options.get("title"), options.get("artist"))
        for column, at in enumerate(best):
            row = rows[ids[at]]
            logits[place, column], labels[place, column] = z[at], y[at]
            like[place, column] = surface_of(asked, Track(title=row["title"], artist=row["artist"], album=row["album"]))
    return logits, like, labels, table["kinds"][chosen], folds[chosen]


def fit(best: np.ndarray, right: np.ndarray, unanswered: np.ndarray) -> np.ndarray:
    """Logistic curve over the best hit of each question; one question in ten has no answer in the catalogue."""
    x = np.concatenate([best, unanswered])
    y = np.concatenate([right, np.zeros(len(unanswered), bool)])
    w = np.concatenate([np.ones(len(best)), np.full(len(unanswered), 0.1)])
    found = minimize(
        lambda p: (w * np.logaddexp(0, np.where(y, -1, 1) * (p[0] * x + p[1]))).sum(), [1.0, 0.0], method="Nelder-Mead"
    )
    return np.asarray(found.x)


def expected_calibration_error(p: np.ndarray, right: np.ndarray) -> float:
    bins = np.minimum((p * 10).astype(int), 9)
    return float(
        sum(
            abs(p[bins == k].mean() - right[bins == k].mean()) * np.mean(bins == k)
            for k in range(10)
            if (bins == k).any()
        )
    )


def write(out: Path, network: Path, words: Any, slope: float, offset: float) -> None:
    """Write a scorer as the package reads it."""
    np.savez_compressed(out, **np.load(network), **words, curve=np.array([slope, slope * SURFACE, offset]))


def main() -> None:
    data, folder, out = (Path(argument) for argument in sys.argv[1:4])
    logits, like, labels, kinds, folds = dense(data, folder)
    z = np.where(labels >= 0, logits + SURFACE * (like - 1), -1e3)
    best = z.argmax(1)
    top = labels[np.arange(len(z)), best]
    for name in sorted(set(kinds.tolist())):
        print(f"{name:20s} n={np.sum(kinds == name):4d} right={np.mean(top[kinds == name] == 1):.4f}")
    text = np.array([":" in kind for kind in kinds])
    real = np.isin(kinds, ["youtube:text", "uspop_file:text"])
    filename = kinds == "filename:text"
    print("synthetic fields", np.mean(top[~text | filename] == 1), "text", np.mean(top[text & ~real] == 1))
    unanswered = np.where(labels == 0, z, -1e3).max(1)
    unanswered = np.maximum(unanswered, -30)
    high = z.max(1)
    words = np.load(folder / "lexicon.npz")
    p = np.zeros(len(z))
    for fold in range(5):
        seen = folds != fold
        slope, offset = fit(high[seen], top[seen] >= 1, unanswered[seen])
        p[~seen] = 1 / (1 + np.exp(-(slope * high[~seen] + offset)))
        write(folder / f"scorer_{fold}.npz", folder / f"network_{fold}.npz", words, slope, offset)
    slope, offset = fit(high, top >= 1, unanswered)
    print(
        "curve",
        slope,
        offset,
        "ece same recording",
        expected_calibration_error(p, top >= 1),
        "by id",
        expected_calibration_error(p, top == 1),
    )
    np.savez(folder / "reliability.npz", p=p, right=top >= 1)
    write(out, folder / "network.npz", words, slope, offset)


if __name__ == "__main__":
    main()
