"""Accuracy and speed of the Matcher, with peers beside it.

``python -m benchmarks.matching FOLDER [--home URL ...]`` measures recall by row id on labelled questions, per kind,
with 95 % bootstrap intervals (paired for the difference to each peer), the calibration error, and F1 on labelled pairs.
With ``--scorers FOLDER`` each question is answered by a scorer that had not seen it (``scorer_0.npz`` to
``scorer_4.npz`` of ``training/matching``: the five folds).
``python -m benchmarks.matching FOLDER --scale 10000 100000 1000000 [--home URL ...]`` measures time, in CPU
milliseconds of the searching thread and by the wall clock, batch throughput, time to build and memory.
``python -m benchmarks.matching FOLDER --floors ROWS SEED`` counts wrong artists and versions above one half again, over
other rows.

FOLDER holds ``catalogue.csv.gz`` and ``queries.jsonl``. Peers (tantivy, scikit-learn) run when they are installed.
SQL homes must be empty or hold the same catalogue. ``--write PAGE`` puts the tables between the markers of a page.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.matching.accuracy import by_kind, measure, recall
from benchmarks.matching.data import read_rows
from benchmarks.matching.floors import floors
from benchmarks.matching.pairs import same_recording
from benchmarks.matching.peers import PEERS
from benchmarks.matching.speed import scale
from benchmarks.tables import report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", action="append", help="URL of a storage (default memory:)")
    parser.add_argument("--scale", type=int, nargs="+", help="sizes of catalogue for which time is measured")
    parser.add_argument("--count", type=int, default=1000, help="questions that are timed")
    parser.add_argument(
        "--peers", nargs="*", choices=list(PEERS), default=list(PEERS), help="peers to run (default all)"
    )
    parser.add_argument("--scorers", type=Path, help="folder of scorers that had not seen a fold of the questions")
    parser.add_argument("--plot", type=Path, help="where to draw the reliability of the first home (SVG)")
    parser.add_argument(
        "--floors", type=int, nargs=2, metavar=("ROWS", "SEED"), help="only wrong artists and versions, rows drawn anew"
    )
    parser.add_argument("--write", type=Path, help="put the tables between the markers of this page")
    options = parser.parse_args()
    homes, page = options.home or ["memory:"], options.write
    if options.floors:
        report(
            page, "matching: floors of other rows", floors(read_rows(options.folder), options.folder, *options.floors)
        )
    elif options.scale:
        name = "scale of SQL homes" if any(not home.startswith("memory") for home in homes) else "scale"
        report(page, f"matching: {name}", scale(options.folder, options.scale, homes, options.peers, options.count))
    else:
        hits = measure(options.folder, homes, options.peers, options.scorers, options.plot)
        report(page, "matching: recall", recall(hits))
        report(page, "matching: kinds", by_kind(hits))
        report(page, "matching: pairs", same_recording(options.folder))
        report(page, "matching: floors", floors(read_rows(options.folder), options.folder))


if __name__ == "__main__":
    main()
