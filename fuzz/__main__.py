"""Fuzz one target, or all in turn.

    python -m fuzz TARGET|all [--seconds N] [--seeds FOLDER] [--corpus FOLDER]

What breaks a target is written to ``FOLDER/TARGET/`` of `--corpus` as ``crash-...``, and the command fails. To see it
again: ``python -m fuzz TARGET --again FILE``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import sys
from pathlib import Path

MAX_BYTES = 60_000
SLOW_SECONDS = 60
MEMORY_MB = 1500


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=1440)
    parser.add_argument("--seeds", type=Path, default=Path("tests/data/clicks"))
    parser.add_argument("--corpus", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--again", type=Path, help="run the target once, on this file")
    options = parser.parse_args()
    if options.again:
        from fuzz.targets import TARGETS

        TARGETS[options.target](options.again.read_bytes())
        return 0
    if options.target != "all":
        return fuzz(options)
    from fuzz.targets import TARGETS

    failed = []
    for name in TARGETS:
        # libFuzzer ends the process that it runs in.
        child = multiprocessing.get_context("spawn").Process(target=fuzz, args=(_for(options, name),))
        child.start()
        child.join()
        if child.exitcode:
            failed.append(name)
    sys.stdout.write(f"failed: {' '.join(failed)}\n" if failed else "no finding\n")
    return 1 if failed else 0


def _for(options: argparse.Namespace, name: str) -> argparse.Namespace:
    return argparse.Namespace(**{**vars(options), "target": name})


def fuzz(options: argparse.Namespace) -> int:
    """Fuzz one target in this process."""
    import atheris

    with atheris.instrument_imports(include=["tracktion"]):
        from fuzz.targets import TARGETS
    folder = options.corpus / options.target
    folder.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds.rglob("*"):
        if seed.is_file() and seed.stat().st_size <= MAX_BYTES:
            shutil.copy(seed, folder / seed.name)
    arguments = [
        sys.argv[0],
        str(folder),
        f"-artifact_prefix={folder}/",
        f"-max_total_time={options.seconds}",
        f"-max_len={MAX_BYTES}",
        f"-timeout={SLOW_SECONDS}",
        f"-rss_limit_mb={MEMORY_MB}",
    ]
    target = TARGETS[options.target]
    atheris.Setup(arguments, target)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
