"""Fuzz one target, or all in turn.

    python -m fuzz TARGET|all [--seconds N] [--seeds FOLDER] [--corpus FOLDER]

`--seconds` are of CPU time for each target, so that a busy machine does not shorten the search. What breaks a target is
written to ``FOLDER/TARGET/`` of `--corpus` as ``crash-...``, and the command fails. To see it again:
``python -m fuzz TARGET --again FILE``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
from pathlib import Path

from fuzz.driver import fuzz

ROUND_SECONDS = 240


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=1440)
    parser.add_argument("--seeds", type=Path, default=Path("tests/data/clicks"))
    parser.add_argument("--corpus", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--again", type=Path, help="run the target once, on this file")
    options = parser.parse_args()
    from fuzz.targets import TARGETS

    if options.again:
        TARGETS[options.target](options.again.read_bytes())
        return 0
    failed = [name for name in (TARGETS if options.target == "all" else [options.target]) if not _spend(options, name)]
    sys.stdout.write(f"failed: {' '.join(failed)}\n" if failed else "no finding\n")
    return 1 if failed else 0


def _spend(options: argparse.Namespace, name: str) -> bool:
    """Fuzz one target in rounds until its CPU time is spent; false with the first finding."""
    began = _children_seconds()
    while (spent := _children_seconds() - began) < options.seconds:
        wall = max(min(ROUND_SECONDS, round(options.seconds - spent)), 1)
        settings = {"seconds": wall, "seeds": options.seeds, "corpus": options.corpus}
        child = multiprocessing.get_context("spawn").Process(target=fuzz, args=(name,), kwargs=settings)
        child.start()
        child.join()
        if child.exitcode:
            return False
    sys.stdout.write(f"{name}: no finding in {spent:.0f} s of CPU time\n")
    sys.stdout.flush()
    return True


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
