"""Half-band decimation against its twin."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests._core.twins import assert_same, both
from tracktion._core import _halve
from tracktion._core.reference import halve as reference


def run(module: object, samples: np.ndarray, taps: np.ndarray, n: int) -> np.ndarray:
    out = np.full(n, -1, np.float32)
    module.halve(samples, taps, out)  # type: ignore[attr-defined]
    return out


@pytest.mark.parametrize("n", [0, 1, 2, 255, 256, 257, 1000])
@pytest.mark.parametrize("pairs", [1, 2, 16, 64])
def test_kernel_and_twin_agree(n: int, pairs: int) -> None:
    rng = np.random.default_rng(n + pairs)
    samples = rng.normal(size=2 * n + 4 * pairs - 3).astype(np.float32)
    taps = rng.normal(size=pairs).astype(np.float32)
    assert_same(run(_halve, samples, taps, n), run(reference, samples, taps, n), rtol=1e-4, atol=1e-4)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="pairs"):
        both("halve", "halve", np.zeros(10, np.float32), np.zeros(0, np.float32), np.zeros(1, np.float32))
    with pytest.raises(ValueError, match="not enough"):
        both("halve", "halve", np.zeros(10, np.float32), np.ones(16, np.float32), np.zeros(1, np.float32))


def test_many_threads_agree_with_one() -> None:
    taps = np.random.default_rng(0).normal(size=16).astype(np.float32)
    signals = [np.random.default_rng(i).normal(size=4096).astype(np.float32) for i in range(100)]
    alone = [run(_halve, s, taps, 1000) for s in signals]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            for a, b in zip(alone, pool.map(lambda s: run(_halve, s, taps, 1000), signals), strict=True):
                np.testing.assert_array_equal(a, b)
