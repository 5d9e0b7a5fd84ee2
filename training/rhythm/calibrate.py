"""Fit the confidences: chance that the tempo is right within 4 %, expected share of right beats; report their reliability.

python -m training.rhythm.calibrate src/tracktion/estimators/data/rhythm.npz LABELS [--write]

LABELS is a folder like the development corpora (annotations.csv, beats/, audio/). Five numbers each, so that little can be learned by heart; the
reliability is measured by leaving one corpus out. Files whose label may be twice the felt tempo do not count.
"""

import csv
import json
import sys
from pathlib import Path

import mir_eval
import numpy as np
from scipy.optimize import minimize

import tracktion
import tracktion.estimators.rhythm as rhythm

RIDGE = 0.004


def fit(x, y, weight):
    """Logistic regression on soft targets with a little ridge."""

    def loss(w):
        z = x @ w
        return float(np.sum(weight * (np.logaddexp(0, z) - y * z)) / weight.sum() + RIDGE * np.sum(w[1:] ** 2))

    return minimize(loss, np.zeros(x.shape[1])).x


def hear(path):
    features = tracktion.Analyzer(compute=("rhythm",), read_tags=False).extract(path)
    seen = []
    original = rhythm.evidence
    rhythm.evidence = lambda *args: seen.append(original(*args)) or seen[-1]
    try:
        result = rhythm.estimate_rhythm(features)
    finally:
        rhythm.evidence = original
    return result, (seen[-1] if seen else None)


def collect(labels):
    rows = []
    for row in csv.DictReader(open(labels / "annotations.csv", newline="")):
        if not (row["bpm"] or row["beats_file"]):
            continue
        result, hints = hear(labels / row["file"])
        if hints is None:
            continue
        tempo = beats = None
        if row["bpm"] and row["octave_doubt"] != "True":
            tempo = float(abs(result.tempo.bpm / float(row["bpm"]) - 1) <= 0.04)
        if row["beats_file"]:
            truth = mir_eval.beat.trim_beats(np.loadtxt(labels / row["beats_file"]))
            found = mir_eval.beat.trim_beats(result.beats.times)
            beats = mir_eval.beat.f_measure(truth, found) if len(truth) > 3 else None
        rows.append((row["corpus"], hints, tempo, beats))
    return rows


def reliability(name, rows, column):
    rows = [r for r in rows if r[column] is not None]
    x, y = np.array([r[1] for r in rows]), np.array([r[column] for r in rows])
    corpora = np.array([r[0] for r in rows])
    counts = {c: np.sum(corpora == c) for c in set(corpora)}
    weight = np.array([1 / np.sqrt(counts[c]) for c in corpora])
    held = np.zeros(len(rows))
    for corpus in counts:
        out = corpora == corpus
        held[out] = 1 / (1 + np.exp(-x[out] @ fit(x[~out], y[~out], weight[~out])))
    print(f"{name}: {len(rows)} files, mean {y.mean():.3f}, leave one corpus out: Brier {np.mean((held - y) ** 2):.3f}")
    edges = np.quantile(held, [0, 0.2, 0.4, 0.6, 0.8, 1])
    for low, high in zip(edges, edges[1:]):
        inside = (held >= low) & (held <= high)
        print(f"| {held[inside].mean():.2f} | {y[inside].mean():.2f} | {inside.sum()} |")
    return fit(x, y, weight)


def main():
    target, labels = Path(sys.argv[1]), Path(sys.argv[2])
    rows = collect(labels)
    found = {"calibration_tempo": reliability("tempo", rows, 2), "calibration_beats": reliability("beats", rows, 3)}
    print(json.dumps({k: v.round(3).tolist() for k, v in found.items()}))
    if "--write" in sys.argv:
        with np.load(target) as data:
            arrays = {k: data[k] for k in data.files}
        np.savez_compressed(target, **arrays | {k: v.astype(np.float32) for k, v in found.items()})


if __name__ == "__main__":
    main()
