"""Score the Analyzer on a labelled folder, beside the peers that are installed.

    python -m benchmarks.accuracy FOLDER [--peers] [--out PREDICTIONS.json] [--write docs/accuracy.md]

FOLDER holds ``annotations.csv`` (columns file, corpus, bpm, beats_file, downbeats_file, key, key_alt, valence, arousal,
quadrant, octave_doubt and eight emotions), ``audio/`` and ``beats/``. Measures are those of mir_eval: tempo within 4 %
(acc1), also at 2, 3, 1/2 and 1/3 of it (acc2), beat F-measure (±70 ms) and AMLt after the first five seconds, weighted
key score; MACRO is the mean over groups of corpora.
"""

from __future__ import annotations

import argparse
import collections
import csv
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
from scipy.stats import spearmanr

import tracktion
from benchmarks import peers
from benchmarks.tables import report, table

EMOTIONS = ("solemnity", "tenderness", "nostalgia", "calmness", "power", "joyful_activation", "tension", "sadness")
GROUPS = {"pmde": "classical", "asap": "classical", "wtc": "classical", "keys24": "classical", "vgmidi": "game"}
GROUPS |= {"fretsonfire": "rock", "stepmania": "rock", "smartplay": "drums", "groove": "drums"}
VALENCE = {"joyful_activation": 1, "sadness": -1, "tension": -1}
AROUSAL = {"power": 1, "joyful_activation": 1, "tension": 1, "calmness": -1, "tenderness": -1, "sadness": -1}
OCTAVES = (1, 2, 3, 1 / 2, 1 / 3)
Row = dict[str, str]
Prediction = dict[str, Any]
Table = dict[tuple[str, str], tuple[float, int]]


def predict(path: Path, analyzer: tracktion.Analyzer) -> Prediction:
    """What the Analyzer says, in the plain form that scorers share."""
    return prediction_of(analyzer.analyze(path))


def prediction_of(a: tracktion.Analysis) -> Prediction:
    """An analysis in the plain form that scorers share."""
    prediction: Prediction = {
        "bpm": a.tempo.bpm if a.tempo else None,
        "conf": a.tempo.confidence if a.tempo else 0.0,
        "beats": a.beats.times.tolist() if a.beats else [],
        "downbeats": a.downbeats.times.tolist() if a.downbeats else [],
        "key": a.key.name if a.key else None,
        "keyconf": a.key.confidence if a.key else 0.0,
    }
    if a.mood:
        prediction |= {
            "valence": a.mood.valence,
            "arousal": a.mood.arousal,
            "energy": a.mood.energy,
            "tags": a.mood.tags,
        }
    return prediction


def read_labels(folder: Path) -> list[Row]:
    """Rows of ``annotations.csv``."""
    with (folder / "annotations.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def read_times(path: Path) -> np.ndarray:
    """Seconds, one a line."""
    return np.array([float(line) for line in path.read_text().split("\n") if line.strip()])


def near(bpm: float | None, label: float, tolerance: float, factors: tuple[float, ...] = (1,)) -> bool:
    """Whether `bpm` lies within `tolerance` of `label` times one of `factors`."""
    return bool(bpm) and any(abs(bpm / (label * f) - 1) <= tolerance for f in factors)


def key_score(labels: list[str], estimate: str | None) -> float:
    """Best weighted key score against any of the accepted labels."""
    if not estimate:
        return 0.0
    try:
        name = tracktion.Key.parse(estimate).name
    except tracktion.TracktionError:
        return 0.0
    known = [tracktion.Key.parse(label).name for label in labels if label]
    return max((mir_eval.key.weighted_score(label, name) for label in known), default=0.0)


def beat_scores(reference: np.ndarray, estimate: list[float]) -> tuple[float, float] | None:
    """(F-measure, AMLt), or None where the reference is too short."""
    truth, guess = (mir_eval.beat.trim_beats(np.sort(np.asarray(x, float))) for x in (reference, estimate))
    if len(truth) < 4:
        return None
    f = float(mir_eval.beat.f_measure(truth, guess)) if len(guess) else 0.0
    return f, float(mir_eval.beat.continuity(truth, guess)[3]) if len(guess) > 1 else 0.0


def file_scores(folder: Path, row: Row, p: Prediction) -> Iterator[tuple[str, float]]:
    """(measure, value) pairs of one file."""
    group = group_of(row)
    if row["bpm"] and "bpm" in p and group != "classical":
        label = float(row["bpm"])
        if row["octave_doubt"] != "True":
            yield "acc1", near(p["bpm"], label, 0.04)
            if group == "fnf":
                yield "acc1@1%", near(p["bpm"], label, 0.01)
        yield "acc2", near(p["bpm"], label, 0.04, OCTAVES)
        if group == "fnf":
            yield "acc2@0.2%", near(p["bpm"], label, 0.002, OCTAVES)
    for column, field in (("beats_file", "beats"), ("downbeats_file", "downbeats")):
        if row[column] and p.get(field) is not None:
            scores = beat_scores(read_times(folder / row[column]), p[field])
            if scores and field == "beats":
                yield "beatF", scores[0]
                yield "AMLt", scores[1]
            elif scores:
                yield "downF", scores[0]
    if row["key"] and "key" in p:
        value = key_score([row["key"], row["key_alt"]], p["key"])
        yield "key", value
        yield "keyexact", float(value == 1)


def group_of(row: Row) -> str:
    """Corpora of one kind are scored together."""
    return GROUPS.get(row["corpus"], row["corpus"])


def auc(positive: list[float], negative: list[float]) -> float | None:
    """Chance that a positive ranks above a negative."""
    if not positive or not negative:
        return None
    return float(np.mean([(p > n) + (p == n) / 2 for p in positive for n in negative]))


def felt(weights: dict[str, int]) -> Callable[[Row], float]:
    """Mood axis of a row as a weighted sum of its felt emotions."""
    return lambda row: sum(w * float(row[emotion]) for emotion, w in weights.items())


def pairs(rows: list[Row], has: str, truth: Callable[[Row], Any], values: dict[str, Any]) -> list[tuple[Any, float]]:
    """(label, prediction) of the rows that have column `has` and a prediction."""
    return [(truth(r), values[r["file"]]) for r in rows if r[has] and values.get(r["file"]) is not None]


def rank_correlation(data: list[tuple[float, float]]) -> tuple[float, int] | None:
    """Spearman's rho and the number of files; None for a handful."""
    return (float(spearmanr(*zip(*data, strict=True))[0]), len(data)) if len(data) > 10 else None


def mood_scores(rows: list[Row], predictions: dict[str, Prediction]) -> Table:
    """Rank correlations with, and areas under the curve against, human labels."""
    found: dict[tuple[str, str], tuple[float, int] | None] = {}
    for axis, weights, high in (("valence", VALENCE, "Q1Q4"), ("arousal", AROUSAL, "Q1Q2")):
        values = {f: p.get(axis) for f, p in predictions.items()}
        column = axis
        found[f"rho_{axis}", "vgmidi"] = rank_correlation(pairs(rows, column, lambda r, c=column: float(r[c]), values))
        found[f"rho_{axis}", "emotify"] = rank_correlation(pairs(rows, "power", felt(weights), values))
        quadrant = pairs(rows, "quadrant", lambda r, h=high: r["quadrant"] in h, values)
        value = auc([v for q, v in quadrant if q], [v for q, v in quadrant if not q])
        found[f"auc_{axis}", "emopia"] = (value, len(quadrant)) if value is not None and len(quadrant) > 10 else None
    tags = {e: {f: (p.get("tags") or {}).get(e) for f, p in predictions.items()} for e in EMOTIONS}
    rhos = {e: rank_correlation(pairs(rows, "power", felt({e: 1}), tags[e])) for e in EMOTIONS}
    found |= {(f"rho_{e}", "emotify"): rho for e, rho in rhos.items()}
    known = [rho for rho in rhos.values() if rho]
    if known:
        found["rho_tags", "emotify"] = (float(np.mean([r for r, _ in known])), known[0][1])
    return {key: value for key, value in found.items() if value is not None}


def confidence_scores(rows: list[Row], predictions: dict[str, Prediction]) -> Table:
    """Chance that a right answer has a higher confidence than a wrong one."""
    table: Table = {}
    known = [(r, predictions[r["file"]]) for r in rows if r["file"] in predictions]
    tempo = [
        (p["conf"], near(p["bpm"], float(r["bpm"]), 0.04))
        for r, p in known
        if r["bpm"] and r["octave_doubt"] != "True" and group_of(r) != "classical"
        if p.get("conf") is not None and "bpm" in p
    ]
    key = [
        (p["keyconf"], key_score([r["key"], r["key_alt"]], p["key"]) == 1)
        for r, p in known
        if r["key"] and p.get("keyconf") is not None and "key" in p
    ]
    for name, data in (("confAUC", tempo), ("keyconfAUC", key)):
        value = auc([c for c, right in data if right], [c for c, right in data if not right])
        if value is not None:
            table[name, "all"] = (value, len(data))
    return table


def score(folder: Path, rows: list[Row], predictions: dict[str, Prediction]) -> Table:
    """(measure, group) → (mean, files)."""
    values: dict[tuple[str, str], list[float]] = collections.defaultdict(list)
    for row in rows:
        if row["file"] in predictions:
            for measure, value in file_scores(folder, row, predictions[row["file"]]):
                values[measure, group_of(row)].append(float(value))
    table: Table = {key: (float(np.mean(v)), len(v)) for key, v in values.items()}
    for measure in ("acc1", "acc2", "beatF", "AMLt", "downF", "key", "keyexact"):
        groups = [v for (m, _), v in values.items() if m == measure]
        if groups:
            table[measure, "MACRO"] = (float(np.mean([np.mean(v) for v in groups])), sum(map(len, groups)))
    return table | mood_scores(rows, predictions) | confidence_scores(rows, predictions)


def markdown(tables: dict[str, Table]) -> str:
    """A table with a column per method."""
    measures = sorted({m for t in tables.values() for m in t}, key=lambda m: (m[1] != "MACRO", m))
    out = []
    for m in measures:
        best = max(round(t[m][0], 3) for t in tables.values() if m in t)
        cells = [
            (f"**{t[m][0]:.3f}**" if round(t[m][0], 3) == best else f"{t[m][0]:.3f}") if m in t else ""
            for t in tables.values()
        ]
        out.append([m[0], m[1], str(max(t[m][1] for t in tables.values() if m in t)), *cells])
    return table(["measure", "group", "files", *tables], out, words=2)


def merge(
    predictions: dict[str, dict[str, Prediction]], rows: list[Row], more: dict[str, Any], methods: list[str] | None
) -> None:
    """Add what a prediction file holds, file → method → prediction; files go by their names without folders."""
    full = {Path(row["file"]).name: row["file"] for row in rows}
    for file, entry in more.items():
        for method, prediction in entry.items():
            if isinstance(prediction, dict) and (methods is None or method in methods) and Path(file).name in full:
                predictions.setdefault(method, {})[full[Path(file).name]] = prediction


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peers", action="store_true", help="also run the peers that are installed")
    parser.add_argument("--out", type=Path, help="write predictions here: file → method → prediction")
    parser.add_argument("--write", type=Path, help="put the table between the markers of this page")
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="prediction files of peers, made before")
    parser.add_argument("--methods", nargs="*", help="only these methods of the prediction files")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="mir_eval")
    rows = read_labels(options.folder)
    methods: dict[str, Callable[[Path], Prediction]] = {}
    analyzer = tracktion.Analyzer(read_tags=False)
    methods["tracktion"] = lambda path: predict(path, analyzer)
    if options.peers:
        methods |= peers.estimators()
    predictions: dict[str, dict[str, Prediction]] = {m: {} for m in methods}
    failures = 0
    began = time.perf_counter()
    for i, row in enumerate(rows):
        for name, method in methods.items():
            try:
                predictions[name][row["file"]] = method(options.folder / row["file"])
            except Exception as error:
                failures += name == "tracktion"
                print(f"{name}: {row['file']}: {error!r}", file=sys.stderr)
        if sys.stderr.isatty():
            print(f"\r{i + 1}/{len(rows)}", end="", file=sys.stderr)
    print(f"{len(rows)} files, {failures} failures, {time.perf_counter() - began:.1f} s\n", file=sys.stderr)
    if options.out:
        by_file = {
            row["file"]: {m: predictions[m][row["file"]] for m in methods if row["file"] in predictions[m]}
            for row in rows
        }
        options.out.write_text(json.dumps(by_file))
    for path in options.beside:
        merge(predictions, rows, json.loads(path.read_text()), options.methods)
    report(options.write, "accuracy", markdown({m: score(options.folder, rows, p) for m, p in predictions.items()}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
