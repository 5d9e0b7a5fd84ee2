"""What leaving one corpus out costs: the numbers that no training sets, chosen without it, against those that are shipped.

python -m training.rhythm.choose LABELS

LABELS is a folder like the development corpora. Every combination of a grid around the shipped values is scored on every group of corpora (mean of
tempo within 4 %, the same with octaves allowed, beat F-measure and AMLt, as benchmarks.accuracy has them). For each group the combination that is best on the others is
looked up, and its score on the group is set beside that of the shipped values.
"""

import itertools
import sys
import warnings
from pathlib import Path

import numpy as np

import tracktion
from benchmarks.accuracy import group_of, prediction_of, read_labels, score
from tracktion.estimators import beats, network, rhythm

GRID = {
    (rhythm, "HEAD_WEIGHT"): (0.01, 0.02, 0.04),
    (network, "TAPPED_OCTAVES"): (0.4, 0.5, 0.7),
    (beats, "STIFFNESS"): (40.0, 60.0, 90.0),
    (beats, "ODDS_SHIFT"): (1.0, 1.5, 2.0),
}
MEASURES = ("acc1", "acc2", "beatF", "AMLt")


def by_group(folder, rows, features, analyzer):
    table = score(folder, rows, {file: prediction_of(analyzer.estimate(f)) for file, f in features.items()})
    groups = sorted({group_of(row) for row in rows})
    return {g: np.mean([table[m, g][0] for m in MEASURES if (m, g) in table]) for g in groups}


def main():
    warnings.filterwarnings("ignore", module="mir_eval")
    folder = Path(sys.argv[1])
    rows = [row for row in read_labels(folder) if row["bpm"] or row["beats_file"]]
    analyzer = tracktion.Analyzer(compute=["rhythm"], read_tags=False)
    features = {row["file"]: analyzer.extract(folder / row["file"]) for row in rows}
    shipped = tuple(getattr(module, name) for module, name in GRID)
    tables = {}
    for values in itertools.product(*GRID.values()):
        for (module, name), value in zip(GRID, values):
            setattr(module, name, value)
        beats.costs.cache_clear()
        tables[values] = by_group(folder, rows, features, analyzer)
    print(f"| left out | {' | '.join(name for _, name in GRID)} | chosen without it | shipped | cost |")
    print("|---|" + "---:|" * (len(GRID) + 3))
    costs = []
    for group in tables[shipped]:
        others = [g for g in tables[shipped] if g != group]
        best = max(tables, key=lambda values: np.mean([tables[values][g] for g in others]))
        costs.append(tables[shipped][group] - tables[best][group])
        print(
            f"| {group} | {' | '.join(map(str, best))} | {tables[best][group]:.3f} | {tables[shipped][group]:.3f} | {costs[-1]:.3f} |"
        )
    print(f"\nmean cost {np.mean(costs):.3f}")


if __name__ == "__main__":
    main()
