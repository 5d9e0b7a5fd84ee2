"""pytest-benchmark cases for each kernel, each stage and the whole.

    python -m pytest benchmarks/test_speed.py [--benchmark-compare]

Kernels are replayed with the arguments of their largest call in a real analysis and a real search, compiled and as
NumPy twin. ``TRACKTION_BENCH_FILE`` names the audio file; by default it is the song that the repository ships.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tracktion
from benchmarks import speed

FILE = os.environ.get("TRACKTION_BENCH_FILE", str(Path(__file__).parents[1] / "examples" / "song.ogg"))
KERNELS = (
    "beats.beat_path", "beats.bar_path", "chroma.decimate", "chroma.pitch_peaks", "chroma.affine",
    "fingerprint.band_energies", "fingerprint.bit_errors", "halve.halve", "loudness.weighted_energy", "loudness.peaks",
    "network.front", "network.dense", "network.residual", "onset.bands", "pairs.compare", "spectrum.downmix",
    "stft.stft_magnitude", "timbre.band_powers", "trigrams.segment", "trigrams.masses", "trigrams.search",
)  # fmt: skip
STAGES = (
    "decode to mono (soundfile)", "decode (tracktion.audio)", "features: none", "features: rhythm", "features: tonal",
    "features: timbre", "features: level", "features: fingerprint", "features: all", "estimate: rhythm",
    "estimate: tonal", "estimate: mood", "estimate: loudness", "estimate: structure", "tempo + beats + key",
    "complete analysis",
)  # fmt: skip
Call = tuple[tuple[Any, ...], dict[str, Any]]


def exercise() -> None:
    """A real analysis, a real search, a real comparison of fingerprints."""
    from tracktion.matching.fingerprint import FingerprintIndex

    analysis = tracktion.Analyzer().analyze(FILE)
    assert analysis.fingerprint is not None
    index = FingerprintIndex()
    index.add("a", analysis.fingerprint)
    index.search(analysis.fingerprint)
    with tracktion.open_storage("memory:") as storage:
        storage.add_tracks({"title": f"Song of the {i}th day", "artist": f"Band {i % 97}"} for i in range(5000))
        tracktion.Matcher(storage).search("band 7 song of teh 1234th day")


def weight(arguments: tuple[Any, ...]) -> int:
    return sum(a.nbytes for a in arguments if isinstance(a, np.ndarray))


@pytest.fixture(scope="module")
def calls() -> dict[str, Call]:
    """Kernel → arguments of its largest call."""
    exercise()  # imports what is imported on use
    found: dict[str, Call] = {}
    patched: list[tuple[Any, str, Any]] = []

    def spy(name: str, kernel: Callable[..., Any]) -> Callable[..., Any]:
        def recorder(*arguments: Any, **options: Any) -> Any:
            if name not in found or weight(arguments) > weight(found[name][0]):
                found[name] = (tuple(own(a) for a in arguments), options)
            return kernel(*arguments, **options)

        return recorder

    for name in KERNELS:
        module, function = name.split(".")
        kernel = getattr(importlib.import_module(f"tracktion._core.{module}"), function)
        for user in [m for n, m in sys.modules.items() if n.startswith("tracktion.") and "._core." not in n]:
            for attribute, value in list(vars(user).items()):
                if value is kernel:
                    patched.append((user, attribute, value))
                    setattr(user, attribute, spy(name, kernel))
    try:
        exercise()
    finally:
        for user, attribute, value in patched:
            setattr(user, attribute, value)
    return found


def own(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("implementation", ["compiled", "twin"])
@pytest.mark.parametrize("name", KERNELS)
def test_kernel(benchmark: Any, calls: dict[str, Call], name: str, implementation: str) -> None:
    assert name in calls, f"{name} was not called"
    module, function = name.split(".")
    place = f"_{module}" if implementation == "compiled" else f"reference.{module}"
    kernel = getattr(importlib.import_module(f"tracktion._core.{place}"), function)
    arguments, options = calls[name]
    benchmark.group = name
    rounds = 20 if implementation == "compiled" else 3
    benchmark.pedantic(
        kernel, setup=lambda: (tuple(own(a) for a in arguments), options), rounds=rounds, warmup_rounds=1
    )


@pytest.fixture(scope="module")
def works() -> dict[str, Callable[[], Any]]:
    return speed.stages(FILE)


@pytest.mark.parametrize("stage", STAGES)
def test_stage(benchmark: Any, works: dict[str, Callable[[], Any]], stage: str) -> None:
    benchmark.group = "stages"
    benchmark.pedantic(works[stage], rounds=5, warmup_rounds=1)
