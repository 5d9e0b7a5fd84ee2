"""Trains the scorer on the table of ``build.py``.

``python training/matching/train.py FOLDER [--folds]``

Three networks with one hidden layer, whose mean is shipped as one, give each candidate a logit; the loss is the sum of a listwise softmax over the
candidates of a question (which one) and of binary cross-entropy (whether at all), so that the logit ranks and is a
probability. With ``--folds`` the labelled questions and pairs are scored by networks that have not seen them. Rows with
the same key as the true row are left out of both losses. Questions that do not say whose song it is teach the order only.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

UNITS, MEMBERS = 21, 3
"""Hidden units of one network, and networks whose mean is taken; side by side they are one network again."""

EPOCHS, BATCH, RATE, DECAY = 14, 256, 6e-3, 1e-4

REAL = ["youtube:text", "uspop_file:text"]
"""Kinds of labelled questions that were not made."""


@dataclass(frozen=True, slots=True)
class Table:
    """Candidates of questions, one question after the other.

    Attributes
    ----------
    x, y
        Features and labels (1 right, 0 wrong, 2 says the same as the right one) of candidates.
    starts
        Where the candidates of each question begin, and the end of the last.
    kinds, folds
        Of questions.
    """

    x: np.ndarray
    y: np.ndarray
    starts: np.ndarray
    kinds: np.ndarray
    folds: np.ndarray


@dataclass(frozen=True, slots=True)
class Model:
    """Means and scales of the features, and the layers; members lie side by side."""

    mean: np.ndarray
    scale: np.ndarray
    hidden: np.ndarray
    bias: np.ndarray
    out: np.ndarray
    last: np.ndarray


def read(folder: Path) -> Table:
    """Read questions, and after them the pairs, each a question with one candidate."""
    table, pairs = np.load(folder / "table.npz"), np.load(folder / "pairs.npz")
    count = len(pairs["train"])
    number = np.arange(count) // (pairs["variants"] + 1)
    starts = np.searchsorted(table["groups"], np.arange(len(table["folds"]) + 1))
    return Table(
        x=np.concatenate([table["features"], pairs["train"]]).astype(np.float32),
        y=np.concatenate([table["labels"], pairs["train_labels"].astype(np.int8)]),
        starts=np.concatenate([starts, starts[-1] + np.arange(1, count + 1)]),
        kinds=np.concatenate([table["kinds"], np.full(count, "pair")]),
        folds=np.concatenate([table["folds"], number % 5]),
    )


def importance(table: Table) -> np.ndarray:
    kinds, labelled = table.kinds, table.folds >= 0
    return np.select([kinds == "pair", np.isin(kinds, REAL), labelled], [2.0, 2.5, 1.5], 1.0).astype(np.float32)


# --- fitting --------------------------------------------------------------------------------------------------------


def fit(table: Table, chosen: np.ndarray, seed: int) -> Model:
    """Fit the members to the chosen questions: AdamW, one cycle of the rate."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([np.arange(table.starts[k], table.starts[k + 1]) for k in np.flatnonzero(chosen)])
    mean = table.x[rows].mean(0, dtype=np.float64).astype(np.float32)
    scale = np.maximum(table.x[rows].std(0, dtype=np.float64), 1e-3).astype(np.float32)
    x = (table.x - mean) / scale
    weights = importance(table)
    layers = initial(x.shape[1], rng)
    moments = [(np.zeros_like(layer), np.zeros_like(layer)) for layer in layers]
    questions = np.flatnonzero(chosen)
    steps, step = EPOCHS * math.ceil(len(questions) / BATCH), 0
    for _ in range(EPOCHS):
        order = rng.permutation(questions)
        for begin in range(0, len(order), BATCH):
            slopes = gradient(layers, x, table, order[begin : begin + BATCH], weights)
            step += 1
            adam(layers, slopes, moments, step, step / steps)
    return Model(mean, scale, *layers)


def initial(features: int, rng: np.random.Generator) -> list[np.ndarray]:
    units = UNITS * MEMBERS
    wide, narrow = features**-0.5, UNITS**-0.5
    shapes = [((features, units), wide), ((units,), wide), ((units,), narrow), ((MEMBERS,), narrow)]
    return [rng.uniform(-reach, reach, shape).astype(np.float32) for shape, reach in shapes]


def gradient(
    layers: list[np.ndarray], x: np.ndarray, table: Table, batch: np.ndarray, weights: np.ndarray
) -> list[np.ndarray]:
    """Gradient of the loss over a batch of questions, of all members at once."""
    hidden, bias, out, last = layers
    spans = [np.arange(table.starts[k], table.starts[k + 1]) for k in batch]
    group = np.repeat(np.arange(len(batch)), [len(span) for span in spans])
    rows = np.concatenate(spans)
    used = table.y[rows] <= 1
    rows, group = rows[used], group[used]
    right, weight = (table.y[rows] == 1)[:, None], weights[batch][group][:, None]
    inner = np.maximum(x[rows] @ hidden + bias, 0)
    z = (inner * out).reshape(len(rows), MEMBERS, UNITS).sum(2) + last
    first = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    length = np.diff(np.r_[first, len(rows)])
    answered = np.repeat(np.logical_or.reduceat(right, first), length, 0)
    total = max(float(weights[batch][np.unique(group[answered[:, 0]])].sum()), 1.0)
    power = np.exp(z - np.repeat(np.maximum.reduceat(z, first), length, 0))
    share = power / np.repeat(np.add.reduceat(power, first), length, 0)
    mine = np.where(right, power + 1e-20, 0)
    mine /= np.repeat(np.maximum(np.add.reduceat(mine, first), 1e-30), length, 0)
    slope = np.where(answered, weight * (share - mine), 0) / total
    judged = weight * (table.kinds[batch] != "unnamed")[group][:, None]
    slope += judged * (1 / (1 + np.exp(-z)) - right) / weights[batch].sum()
    back = np.repeat(slope, UNITS, 1)
    at_hidden = back * out * (inner > 0)
    return [x[rows].T @ at_hidden, at_hidden.sum(0), (back * inner).sum(0), slope.sum(0)]


def adam(layers: list[np.ndarray], slopes: list[np.ndarray], moments: list, step: int, done: float) -> None:
    """One step of AdamW in place; the rate rises over three tenths of the way, then falls to nothing."""
    part = done / 0.3 if done < 0.3 else 1 - (done - 0.3) / 0.7
    wave = 0.5 - 0.5 * math.cos(math.pi * part)
    rate = RATE * (0.04 + 0.96 * wave if done < 0.3 else wave)
    for layer, slope, (one, two) in zip(layers, slopes, moments, strict=True):
        one[...] += 0.1 * (slope - one)
        two[...] += 0.001 * (slope * slope - two)
        layer[...] *= 1 - rate * DECAY
        layer[...] -= rate * (one / (1 - 0.9**step)) / (np.sqrt(two / (1 - 0.999**step)) + 1e-8)


def logits_of(model: Model, x: np.ndarray) -> np.ndarray:
    inner = np.maximum((x - model.mean) / model.scale @ model.hidden + model.bias, 0)
    return np.asarray(inner @ model.out / MEMBERS + model.last.mean())


def export(model: Model) -> dict[str, np.ndarray]:
    """Layers of the one network that takes features as they are."""
    hidden = model.hidden / model.scale[:, None]
    return {
        "hidden": np.ascontiguousarray(hidden, dtype=np.float32),
        "bias": (model.bias - model.mean @ hidden).astype(np.float32),
        "out": (model.out / MEMBERS).astype(np.float32),
        "last": np.float32(model.last.mean()),
    }


# --- reports --------------------------------------------------------------------------------------------------------


def report(logits: np.ndarray, table: Table) -> None:
    """Recall of labelled questions by kind."""
    top: dict[str, list[int]] = {}
    for k in np.flatnonzero((table.folds >= 0) & (table.kinds != "pair")):
        begin, end = table.starts[k], table.starts[k + 1]
        best = int(table.y[begin:end][logits[begin:end].argmax()]) if end > begin else 0
        top.setdefault(str(table.kinds[k]), []).append(best)
    for name, labels in sorted(top.items()):
        found = np.array(labels)
        print(f"{name:20s} n={len(found):4d} right={np.mean(found == 1):.4f} same key={np.mean(found >= 1):.4f}")


def f1(logits: np.ndarray, labels: np.ndarray, threshold: float) -> float:
    return float(2 * (labels[logits >= threshold] == 1).sum() / ((logits >= threshold).sum() + labels.sum()))


def best_threshold(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the threshold (logit) with the best F1: the middle of the best ones."""
    at = np.unique(logits)
    scores = np.array([f1(logits, labels, t) for t in at])
    return float(np.median(at[scores == scores.max()]))


def report_pairs(held_out: np.ndarray, logits: np.ndarray, pairs: dict[str, np.ndarray]) -> None:
    """F1 on the validation part at the threshold that was best for unseen pairs of the train part."""
    clean, clean_held = np.zeros(len(held_out), bool), np.zeros(len(logits), bool)
    clean[:: pairs["variants"] + 1], clean_held[::2] = True, True
    for name, seen, held in (("structured", clean, clean_held), ("dirty", ~clean, ~clean_held)):
        threshold = best_threshold(held_out[seen], pairs["train_labels"][seen])
        train = f1(held_out[seen], pairs["train_labels"][seen], threshold)
        validation = f1(logits[held], pairs["held_labels"][held], threshold)
        print(f"pairs {name:10s} threshold {threshold:.3f} F1 train (unseen) {train:.4f} validation {validation:.4f}")


def main() -> None:
    folder = Path(sys.argv[1])
    table, pairs = read(folder), np.load(folder / "pairs.npz")
    model = fit(table, np.ones(len(table.folds), bool), 5)
    np.savez_compressed(folder / "network.npz", **export(model))
    if "--folds" not in sys.argv:
        return
    held = np.repeat(table.folds, np.diff(table.starts))
    scores = np.full(len(table.y), -1e9, np.float32)
    for fold in range(5):
        seen = fit(table, table.folds != fold, fold)
        scores[held == fold] = logits_of(seen, table.x[held == fold])
        np.savez_compressed(folder / f"network_{fold}.npz", **export(seen))
    np.save(folder / "held_out.npy", scores)
    report(scores, table)
    report_pairs(scores[-len(pairs["train"]) :], logits_of(model, pairs["held"]), pairs)


if __name__ == "__main__":
    main()
