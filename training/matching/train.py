"""Trains the scorer on the table of ``build.py`` (needs PyTorch).

``python training/matching/train.py FOLDER [--folds]``

Three networks with one hidden layer, whose mean is shipped as one, give each candidate a logit; the loss is the sum of a listwise softmax over the
candidates of a question (which one) and of binary cross-entropy (whether at all), so that the logit ranks and is a
probability. With ``--folds`` the labelled questions and pairs are scored by networks that have not seen them. Rows with
the same key as the true row are left out of both losses.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

UNITS, MEMBERS = 21, 3
"""Hidden units of one network, and networks whose mean is taken; side by side they are one network again."""

EPOCHS = 14


def padded(folder: Path) -> tuple[torch.Tensor, torch.Tensor, np.ndarray, np.ndarray]:
    table = np.load(folder / "table.npz")
    groups = table["groups"]
    folds, kinds = table["folds"], table["kinds"]
    start = np.searchsorted(groups, np.arange(len(folds)))
    place = np.arange(len(groups)) - start[groups]
    width = int(place.max()) + 1
    x = torch.zeros(len(folds), width, table["features"].shape[1])
    y = torch.full((len(folds), width), -1, dtype=torch.int8)
    x[groups, place] = torch.from_numpy(table["features"])
    y[groups, place] = torch.from_numpy(table["labels"])
    return x, y, folds, kinds


REAL = ["youtube:text", "uspop_file:text"]
"""Kinds of labelled questions that were not made."""

Model = tuple[torch.nn.Sequential, torch.Tensor, torch.Tensor]
"""Network, and means and scales of its features."""


def network(features: int, units: int) -> torch.nn.Sequential:
    return torch.nn.Sequential(torch.nn.Linear(features, units), torch.nn.ReLU(), torch.nn.Linear(units, 1))


def fit(x: torch.Tensor, y: torch.Tensor, weights: torch.Tensor, seed: int) -> Model:
    seen = x[y >= 0]
    mean, scale = seen.mean(0), seen.std(0).clamp_min(1e-3)
    scaled = (x - mean) / scale
    members = [fit_one(scaled, y, weights, seed * MEMBERS + k) for k in range(MEMBERS)]
    both = network(x.shape[2], UNITS * MEMBERS)
    with torch.no_grad():
        both[0].weight.copy_(torch.cat([member[0].weight for member in members]))
        both[0].bias.copy_(torch.cat([member[0].bias for member in members]))
        both[2].weight.copy_(torch.cat([member[2].weight for member in members], 1) / MEMBERS)
        both[2].bias.copy_(sum(member[2].bias for member in members) / MEMBERS)
    return both, mean, scale


def fit_one(x: torch.Tensor, y: torch.Tensor, weights: torch.Tensor, seed: int) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    model = network(x.shape[2], UNITS)
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-4)
    order = torch.randperm(len(x))
    steps = EPOCHS * ((len(x) + 255) // 256)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for i in range(0, len(x), 256):
            part = order[i : i + 256]
            labels, w = y[part], weights[part]
            used = (labels == 0) | (labels == 1)
            right = labels == 1
            logits = torch.full(labels.shape, -1e4).masked_scatter(used, model(x[part][used]))
            answered = right.any(1).float() * w
            best = torch.logsumexp(logits.masked_fill(~right, -1e4), 1) - torch.logsumexp(logits, 1)
            listwise = -(best.clamp_min(-50) * answered).sum() / answered.sum().clamp_min(1)
            each = (
                torch.nn.functional.binary_cross_entropy_with_logits(logits, right.float(), reduction="none")
                * used
                * w[:, None]
            )
            loss = listwise + each.sum() / w.sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return model


def logits_of(model: Model, x: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(model[0]((x - model[1]) / model[2]).squeeze(-1).numpy())


def export(model: torch.nn.Sequential, mean: torch.Tensor, scale: torch.Tensor) -> dict[str, np.ndarray]:
    hidden = (model[0].weight / scale).detach()
    bias = (model[0].bias - hidden @ mean).detach()
    return {
        "hidden": np.ascontiguousarray(hidden.T.numpy().astype(np.float32)),
        "bias": bias.numpy().astype(np.float32),
        "out": model[2].weight.detach().numpy()[0].astype(np.float32),
        "last": np.float32(model[2].bias.item()),
    }


def report(logits: np.ndarray, y: np.ndarray, kinds: np.ndarray) -> None:
    best = logits.argmax(1)
    top = y[np.arange(len(y)), best]
    for name in sorted({kind.split(":")[0] for kind in kinds}):
        for suffix in ("", ":text"):
            chosen = kinds == name + suffix
            if chosen.any():
                right, same = np.mean(top[chosen] == 1), np.mean(top[chosen] >= 1)
                print(f"{name + suffix:20s} n={chosen.sum():4d} right={right:.4f} same key={same:.4f}")
    p = 1 / (1 + np.exp(-logits.max(1)))
    right = top >= 1
    edges = np.minimum((p * 10).astype(int), 9)
    print(
        "ece",
        sum(
            abs(p[edges == k].mean() - right[edges == k].mean()) * np.mean(edges == k)
            for k in range(10)
            if (edges == k).any()
        ),
    )


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
    torch.set_num_threads(1)
    x, y, folds, kinds = padded(folder)
    pairs = np.load(folder / "pairs.npz")
    extra = torch.zeros(len(pairs["train"]), x.shape[1], x.shape[2])
    extra[:, 0] = torch.from_numpy(pairs["train"])
    extra_y = torch.full((len(extra), x.shape[1]), -1, dtype=torch.int8)
    extra_y[:, 0] = torch.from_numpy(pairs["train_labels"].astype(np.int8))
    x, y = torch.cat([x, extra]), torch.cat([y, extra_y])
    number = np.arange(len(extra)) // (pairs["variants"] + 1)
    folds = np.concatenate([folds, np.full(len(extra), -1)])
    unseen = np.concatenate([folds[: -len(extra)], number % 5])
    kinds = np.concatenate([kinds, np.full(len(extra), "pair")])
    weights = torch.from_numpy(
        np.select([kinds == "pair", np.isin(kinds, REAL), folds >= 0], [2.0, 2.5, 1.5], 1.0)
    ).float()
    if "--folds" in sys.argv:
        scores = np.full(y.shape, -1e9, np.float32)
        for fold in range(5):
            chosen, held = torch.from_numpy(unseen != fold), unseen == fold
            model = fit(x[chosen], y[chosen], weights[chosen], fold)
            scores[held] = logits_of(model, x[torch.from_numpy(held)])
            np.savez_compressed(folder / f"network_{fold}.npz", **export(*model))
        scores[y.numpy() < 0] = -1e9
        np.save(folder / "held_out.npy", scores)
        labelled = folds >= 0
        report(scores[labelled], y.numpy()[labelled], kinds[labelled])
    model = fit(x, y, weights, 0)
    if "--folds" in sys.argv:
        report_pairs(scores[kinds == "pair", 0], logits_of(model, torch.from_numpy(pairs["held"])), pairs)
    np.savez_compressed(folder / "network.npz", **export(*model))


if __name__ == "__main__":
    main()
