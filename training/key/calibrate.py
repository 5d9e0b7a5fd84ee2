"""How sure the estimator may be: fit the slope of the confidence on held-out pieces, and show the reliability.

python -m training.key.calibrate WEIGHTS.pt [WEIGHTS.pt ...] --features F.npz [F.npz ...] [--every N] [--corpora FOLDER]
    [--fresh]

The held-out pieces are the tenth that `training.key.train` leaves out, or with --fresh all: features that no training
saw. With --corpora, files with labelled keys are scored as well, to see how far the confidence holds on other music;
nothing is fitted to them.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from scipy.optimize import minimize_scalar
from torch.nn import functional

from tracktion.results.key import Key
from training.key.features import pitches
from training.key.network import from_state
from training.key.train import load, pool


def logits(nets, x):
    """Mean log probabilities [shape (24,)] over networks."""
    with torch.no_grad():
        made = [functional.log_softmax(net(torch.from_numpy(x)[None], torch.ones(1, len(x)))[0][0], 0) for net in nets]
    return torch.stack(made).mean(0).numpy()


def labelled(folder, every):
    """(pitches, keys that are right, corpus) of a labelled folder."""
    with (Path(folder) / "annotations.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["key"]]
    for row in rows:
        audio, rate = soundfile.read(Path(folder) / row["file"], dtype="float32", always_2d=True)
        mono = soxr.resample(audio.mean(axis=1), rate, 22050, quality="MQ")
        right = {Key.parse(row[name]).index for name in ("key", "key_alt") if row[name]}
        yield pool(pitches(mono)[0], every), right, row["corpus"]


def chances(scores, slope):
    """Probabilities at a slope."""
    powered = np.exp(slope * (scores - scores.max(axis=1, keepdims=True)))
    return powered / powered.sum(axis=1, keepdims=True)


def reliability(scores, right, slope):
    """Rows of (from, to, pieces, mean confidence, share right)."""
    p = chances(scores, slope)
    best, sure = p.argmax(axis=1), p.max(axis=1)
    hit = np.array([b in r for b, r in zip(best, right, strict=True)])
    rows = []
    for low, high in [(0, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.9), (0.9, 1.01)]:
        here = (sure >= low) & (sure < high)
        if here.any():
            rows.append((low, min(high, 1.0), int(here.sum()), sure[here].mean(), hit[here].mean()))
    error = sum(n * abs(c - h) for _, _, n, c, h in rows) / len(sure)
    return rows, hit.mean(), error


def show(name, scores, right, slope):
    """Print one reliability table."""
    rows, exact, error = reliability(scores, right, slope)
    print(f"{name}: {len(right)} pieces, exact {exact:.3f}, mean gap {error:.3f}")
    for low, high, n, sure, hit in rows:
        print(f"| {low:.1f} to {high:.1f} | {n} | {sure:.2f} | {hit:.2f} |")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("weights", nargs="+")
    options.add_argument("--features", nargs="+", required=True)
    options.add_argument("--every", type=int, default=1)
    options.add_argument("--corpora")
    options.add_argument("--fresh", action="store_true", help="no training saw these features")
    options = options.parse_args()
    torch.set_num_threads(1)
    nets = [from_state(torch.load(path)) for path in options.weights]
    pieces = load(options.features, options.every)
    np.random.default_rng(0).shuffle(pieces)
    held = [p for p in (pieces if options.fresh else pieces[: len(pieces) // 10]) if p[2] >= 0]
    scores = np.array([logits(nets, p[0]) for p in held])
    truth = np.array([p[2] for p in held])

    def loss(slope):
        return -np.mean(np.log(chances(scores, slope)[np.arange(len(truth)), truth] + 1e-9))

    slope = minimize_scalar(loss, bounds=(0.3, 3.0), method="bounded").x
    print(f"slope {slope:.3f}")
    show("held out, rendered", scores, [{t} for t in truth], slope)
    if options.corpora:
        made = list(labelled(options.corpora, options.every))
        scores = np.array([logits(nets, x) for x, _, _ in made])
        show("labelled corpora", scores, [r for _, r, _ in made], slope)


if __name__ == "__main__":
    main()
