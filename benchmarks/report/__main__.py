"""Pictures of accuracy for the docs, from predictions of ``python -m benchmarks.accuracy FOLDER --peers --out FILE``.

python -m benchmarks.report FOLDER FILE [--output docs/assets]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy import group_of, key_score, near, read_labels, score
from benchmarks.report.plots import bars, reliability

MEASURES = ("acc1", "acc2", "beatF", "AMLt", "downF", "key")
BINS = 8


def main() -> int:
    """Draw what the predictions allow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="labelled folder")
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--output", type=Path, default=Path("docs/assets"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    rows = read_labels(options.folder)
    by_file = json.loads(options.predictions.read_text(encoding="utf-8"))
    methods = list(dict.fromkeys(name for found in by_file.values() for name in found))
    predictions = {name: {file: found[name] for file, found in by_file.items() if name in found} for name in methods}
    tables = {name: score(options.folder, rows, found) for name, found in predictions.items()}
    drawn = {
        measure: {name: table[measure, "MACRO"][0] for name, table in tables.items() if (measure, "MACRO") in table}
        for measure in MEASURES
    }
    bars(
        {name: peers for name, peers in drawn.items() if peers},
        options.output / "accuracy.svg",
        unit="mean over groups",
    )
    own = predictions.get("tracktion", {})
    for name, pairs in (("tempo", tempo_pairs(rows, own)), ("key", key_pairs(rows, own))):
        if pairs:
            error = draw_reliability(pairs, options.output / f"reliability-{name}.svg", name)
            print(f"{name}: {len(pairs)} files, expected calibration error {error:.3f}")
    return 0


def tempo_pairs(rows: list[Any], found: dict[str, Any]) -> list[tuple[float, bool]]:
    """Confidence, and whether the tempo is right within 4 %."""
    return [
        (float(found[row["file"]]["conf"]), near(found[row["file"]]["bpm"], float(row["bpm"]), 0.04))
        for row in rows
        if row["bpm"]
        and row["octave_doubt"] != "True"
        and group_of(row) != "classical"
        and found.get(row["file"], {}).get("conf") is not None
    ]


def key_pairs(rows: list[Any], found: dict[str, Any]) -> list[tuple[float, bool]]:
    """Confidence, and whether the key is exactly right."""
    return [
        (float(found[row["file"]]["keyconf"]), key_score([row["key"], row["key_alt"]], found[row["file"]]["key"]) == 1)
        for row in rows
        if row["key"] and found.get(row["file"], {}).get("keyconf") is not None
    ]


def draw_reliability(pairs: list[tuple[float, bool]], path: Path, name: str) -> float:
    """Draw confidence against the share that is right, in equally filled bins; the expected calibration error."""
    ordered = sorted(pairs)
    groups = [group for group in np.array_split(np.array(ordered, dtype=float), min(BINS, len(ordered))) if len(group)]
    confidence = [float(group[:, 0].mean()) for group in groups]
    right = [float(group[:, 1].mean()) for group in groups]
    counts = [len(group) for group in groups]
    reliability(confidence, right, counts, path, title=f"{name}, {len(pairs)} files")
    gaps = [abs(c - r) * n for c, r, n in zip(confidence, right, counts, strict=True)]
    return float(sum(gaps) / len(pairs))


if __name__ == "__main__":
    sys.exit(main())
