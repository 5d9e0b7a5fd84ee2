"""Resampling: no delay, no loss, no dependence on the blocks."""

from __future__ import annotations

import numpy as np
import pytest

from tracktion.features.resample import resampler


def run(samples: np.ndarray, rate: int, block: int) -> np.ndarray:
    stream = resampler(rate)
    parts = [stream.push(samples[i : i + block]).copy() for i in range(0, len(samples), block)]
    return np.concatenate([*parts, stream.finish()])


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000, 192000])
def test_a_sine_keeps_its_frequency_phase_and_level(rate: int) -> None:
    t = np.arange(2 * rate) / rate
    out = run(np.sin(2 * np.pi * 1000 * t).astype(np.float32), rate, 65536)
    assert abs(len(out) - 2 * 22050) <= 1
    inner = slice(2000, 40000)
    expected = np.sin(2 * np.pi * 1000 * np.arange(len(out)) / 22050)
    np.testing.assert_allclose(out[inner], expected[inner], atol=2e-3)


@pytest.mark.parametrize("length", [1, 2, 3, 30, 31, 62, 63, 64, 65, 1000, 1001])
@pytest.mark.parametrize("block", [1, 7, 64, 4096])
def test_halving_streams_as_it_does_the_whole(length: int, block: int) -> None:
    samples = np.random.default_rng(length).normal(size=length).astype(np.float32)
    whole = run(samples, 44100, 10**6)
    assert len(whole) == (length + 1) // 2
    np.testing.assert_array_equal(run(samples, 44100, block), whole)


def test_what_lies_above_the_new_limit_is_gone() -> None:
    t = np.arange(44100) / 44100
    loud = run(np.sin(2 * np.pi * 15000 * t).astype(np.float32), 44100, 4096)[1000:-1000]
    assert np.abs(loud).max() < 10 ** (-60 / 20)
    kept = run(np.sin(2 * np.pi * 9000 * t).astype(np.float32), 44100, 4096)[1000:-1000]
    assert np.sqrt(2 * np.mean(kept**2)) == pytest.approx(1, abs=0.01)
