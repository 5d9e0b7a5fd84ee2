"""One round of libFuzzer, in a process of its own: libFuzzer ends the process that it runs in."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

__all__ = ["fuzz"]

MAX_BYTES = 60_000
SLOW_SECONDS = 60
MEMORY_MB = 1500
MOST_RUNS = {"analysis": 800}
MOST_SEEDS = {"analysis": 60}
"""Instrumentation by atheris keeps nearly a megabyte of each analysis; without it, memory stands still. Seeds count as
runs too, so there are few of them, of all sizes."""


def fuzz(target: str, *, seconds: int, seeds: Path, corpus: Path) -> None:
    """Fuzz one target for `seconds` of wall time, with what earlier rounds left in `corpus`; does not return."""
    import atheris

    with atheris.instrument_imports(include=["tracktion"]):
        from fuzz.targets import TARGETS, TEXTS
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    small = [seed for seed in seeds.rglob("*") if seed.is_file() and seed.stat().st_size <= MAX_BYTES]
    small.sort(key=lambda seed: seed.stat().st_size)
    for seed in small[:: -(-len(small) // MOST_SEEDS.get(target, len(small))) or 1]:
        shutil.copy(seed, folder / seed.name)
    for number, text in enumerate(TEXTS if target == "text" else ()):
        (folder / f"text-{number}").write_text(text, "utf-8")
    arguments = [
        sys.argv[0],
        str(folder),
        f"-artifact_prefix={folder}/",
        f"-max_total_time={seconds}",
        f"-max_len={MAX_BYTES}",
        f"-timeout={SLOW_SECONDS}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-runs={MOST_RUNS.get(target, -1)}",
    ]
    atheris.Setup(arguments, TARGETS[target])
    atheris.Fuzz()
