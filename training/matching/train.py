"""Trains the scorer on the table of ``build.py`` (needs PyTorch).

``python training/matching/train.py FOLDER [--folds]``

A network with one hidden layer gives each candidate a logit; the loss is the sum of a listwise softmax over the
candidates of a question (which one) and of binary cross-entropy (whether at all), so that the logit ranks and is a
probability. With ``--folds`` the labelled questions are scored by networks that have not seen them. Rows with the same
key as the true row are left out of both losses.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

UNITS = 32
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


def network(features: int) -> torch.nn.Sequential:
    return torch.nn.Sequential(torch.nn.Linear(features, UNITS), torch.nn.ReLU(), torch.nn.Linear(UNITS, 1))


def fit(
    x: torch.Tensor, y: torch.Tensor, weights: torch.Tensor, seed: int
) -> tuple[torch.nn.Sequential, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    seen = x[y >= 0]
    mean, scale = seen.mean(0), seen.std(0).clamp_min(1e-3)
    model = network(x.shape[2])
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-4)
    order = torch.randperm(len(x))
    steps = EPOCHS * ((len(x) + 255) // 256)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for i in range(0, len(x), 256):
            part = order[i : i + 256]
            labels, w = y[part], weights[part]
            logits = model((x[part] - mean) / scale).squeeze(2)
            used = (labels == 0) | (labels == 1)
            right = labels == 1
            masked = logits.masked_fill(~used, -1e4)
            answered = right.any(1).float() * w
            best = torch.logsumexp(masked.masked_fill(~right, -1e4), 1) - torch.logsumexp(masked, 1)
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
    return model, mean, scale


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


def best_f1(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return the threshold (logit) with the best F1, and that."""
    found = max(
        (2 * (labels[logits >= t] == 1).sum() / ((logits >= t).sum() + labels.sum()), t) for t in np.unique(logits)
    )
    return round(float(found[1]), 3), round(float(found[0]), 4)


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    x, y, folds, kinds = padded(folder)
    pairs = np.load(folder / "pairs.npz")
    own = folds < 0
    extra = torch.zeros(len(pairs["train"]), x.shape[1], x.shape[2])
    extra[:, 0] = torch.from_numpy(pairs["train"])
    extra_y = torch.full((len(extra), x.shape[1]), -1, dtype=torch.int8)
    extra_y[:, 0] = torch.from_numpy(pairs["train_labels"].astype(np.int8))
    x, y = torch.cat([x, extra]), torch.cat([y, extra_y])
    folds = np.concatenate([folds, np.full(len(extra), -2)])
    kinds = np.concatenate([kinds, np.full(len(extra), "pair")])
    own = folds < 0
    weights = torch.where(torch.from_numpy(folds == -2), 2.0, torch.where(torch.from_numpy(folds >= 0), 1.5, 1.0))
    scores = np.full(y.shape, -1e9, np.float32)
    if "--folds" in sys.argv:
        for fold in range(5):
            chosen = torch.from_numpy(folds != fold)
            model, mean, scale = fit(x[chosen], y[chosen], weights[chosen], fold)
            held = folds == fold
            with torch.no_grad():
                scores[held] = model((x[torch.from_numpy(held)] - mean) / scale).squeeze(2).numpy()
        scores[y.numpy() < 0] = -1e9
        np.save(folder / "held_out.npy", scores)
        report(scores[~own], y.numpy()[~own], kinds[~own])
    model, mean, scale = fit(x, y, weights, 0)
    with torch.no_grad():
        for part in ("train", "held"):
            logits = model((torch.from_numpy(pairs[part]) - mean) / scale).squeeze(1).numpy()
            clean = np.zeros(len(logits), bool)
            clean[:: 7 if part == "train" else 2] = True
            for name, rows in (("structured", clean), ("dirty", ~clean)):
                print(part, name, best_f1(logits[rows], pairs[part + "_labels"][rows]))
    np.savez_compressed(folder / "network.npz", **export(model, mean, scale))


if __name__ == "__main__":
    main()
