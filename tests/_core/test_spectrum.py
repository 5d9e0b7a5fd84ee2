"""Kernels that each block passes through first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests._core.twins import assert_same, both
from tracktion._core import _spectrum
from tracktion._core.reference import spectrum as reference

LENGTHS = [0, 1, 2, 15, 16, 17, 255, 256, 257, 4097]


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
@pytest.mark.parametrize("length", LENGTHS)
def test_downmix_is_the_mean_of_the_channels(length: int, channels: int) -> None:
    block = np.random.default_rng(length).uniform(-1, 1, (length, channels)).astype(np.float32)
    answers = []
    for module in (_spectrum, reference):
        out, stats = np.zeros(length, np.float32), np.zeros(4)
        module.downmix(block, out, stats)
        answers.append((out, stats))
    assert_same(*answers, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(answers[0][0], block.mean(axis=1), atol=1e-6)


def test_downmix_adds_up_over_blocks() -> None:
    block = np.random.default_rng(0).uniform(-1, 1, (1000, 2)).astype(np.float32)
    out, parts, whole = np.zeros(1000, np.float32), np.zeros(4), np.zeros(4)
    _spectrum.downmix(block[:300].copy(), out[:300], parts)
    _spectrum.downmix(block[300:].copy(), out[300:], parts)
    _spectrum.downmix(block, out, whole)
    np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-4)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one sample per frame"):
        both("spectrum", "downmix", np.zeros((5, 2), np.float32), np.zeros(4, np.float32), np.zeros(4))
    with pytest.raises(ValueError, match="4 entries"):
        both("spectrum", "downmix", np.zeros((5, 2), np.float32), np.zeros(5, np.float32), np.zeros(3))


def test_many_threads_agree_with_one() -> None:
    blocks = [np.random.default_rng(i).uniform(-1, 1, (4096, 2)).astype(np.float32) for i in range(100)]

    def work(block: np.ndarray) -> np.ndarray:
        out = np.zeros(len(block), np.float32)
        _spectrum.downmix(block, out, np.zeros(4))
        return out

    alone = [work(b) for b in blocks]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            for a, b in zip(alone, pool.map(work, blocks), strict=True):
                np.testing.assert_array_equal(a, b)
