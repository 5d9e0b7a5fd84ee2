"""The short-time Fourier transform against its twin, which is SciPy's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests._core.twins import assert_same, both
from tracktion._core import _stft
from tracktion._core.reference import stft as reference


def run(module: object, samples: np.ndarray, hop: int, window: np.ndarray, frames: int) -> np.ndarray:
    out = np.full((frames, len(window) // 2 + 1), -1, np.float32)
    module.stft_magnitude(samples, hop, window, *reference.stft_tables(len(window)), out)  # type: ignore[attr-defined]
    return out


@pytest.mark.parametrize("frames", [0, 1, 2, 7, 8, 9, 31, 32, 33])
@pytest.mark.parametrize("width", [2, 4, 8, 16, 32, 64, 128, 512, 1024, 2048, 4096, 8192])
def test_magnitudes_are_those_of_scipy(width: int, frames: int) -> None:
    rng = np.random.default_rng(width + frames)
    samples = rng.normal(size=max(frames - 1, 0) * 441 + width).astype(np.float32)
    window = rng.uniform(0.1, 1, width).astype(np.float32)
    assert_same(
        run(_stft, samples, 441, window, frames),
        run(reference, samples, 441, window, frames),
        rtol=1e-4,
        atol=2e-4 * width**0.5,
    )


def test_a_sine_has_one_peak() -> None:
    window = np.hanning(2049)[:-1].astype(np.float32)
    samples = np.sin(2 * np.pi * 100 / 2048 * np.arange(6000)).astype(np.float32)
    out = run(_stft, samples, 441, window, 8)
    np.testing.assert_array_equal(out.argmax(axis=1), 100)
    np.testing.assert_allclose(out[:, 100], 512, rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": np.ones(20, np.float32)}, "power of two"),
        ({"window": np.ones(31, np.float32)}, "power of two"),
        ({"hop": 0}, "hop"),
        ({"out": np.zeros((1, 16), np.float32)}, "column per bin"),
        ({"samples": np.zeros(31, np.float32)}, "not enough samples"),
        ({"turn": np.zeros(4, np.float32)}, "stft_tables"),
        ({"half": np.zeros(4, np.float32)}, "stft_tables"),
        ({"work": np.zeros(4, np.float32)}, "stft_tables"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    turn, half, work = reference.stft_tables(32)
    arguments: dict[str, object] = {
        "samples": np.zeros(64, np.float32),
        "hop": 4,
        "window": np.ones(32, np.float32),
        "turn": turn,
        "half": half,
        "work": work,
        "out": np.zeros((1, 17), np.float32),
    }
    with pytest.raises(ValueError, match=message):
        both("stft", "stft_magnitude", *(arguments | change).values())


def test_many_threads_agree_with_one() -> None:
    window = np.hanning(512).astype(np.float32)
    signals = [np.random.default_rng(i).normal(size=4096).astype(np.float32) for i in range(100)]

    def work(signal: np.ndarray) -> np.ndarray:
        return run(_stft, signal, 100, window, 30)

    alone = [work(s) for s in signals]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            for a, b in zip(alone, pool.map(work, signals), strict=True):
                np.testing.assert_array_equal(a, b)
