"""Decimation, pitch peaks and affine layers, compiled and in NumPy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests._core.twins import both
from tracktion._core.chroma import affine, decimate, pitch_peaks

BINS, WIDTH = 257, 120


def neighbourhoods(bins: int = BINS, reach: int = 2) -> tuple[np.ndarray, np.ndarray]:
    k, bins = np.arange(bins // 8), bins // 8
    return np.maximum(0, k - reach).astype(np.int32), np.minimum(bins, k + reach + 1).astype(np.int32)


def magnitudes(frames: int, *, bins: int = BINS, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = np.abs(rng.standard_normal((frames, bins)) + 1j * rng.standard_normal((frames, bins)))
    noise[:, 10::17] *= 40
    return noise.astype(np.float32)


class Call:
    """Kernels write into an array: hand it back so that both answers can be compared."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import tracktion._core._chroma as compiled
        import tracktion._core.reference.chroma as twin

        for module in (compiled, twin):
            for name in ("affine", "decimate", "pitch_peaks"):
                monkeypatch.setattr(module, name, self.returning(getattr(module, name)), raising=True)

    @staticmethod
    def returning(function):  # type: ignore[no-untyped-def]
        def call(*args):  # type: ignore[no-untyped-def]
            function(*args)
            return args[-1]

        return call


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> None:
    Call(monkeypatch)


@pytest.mark.usefixtures("compare")
@pytest.mark.parametrize("width", [1, 2, 15, 16, 17, 79, 80, 81])
@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 130])
def test_decimation(width: int, count: int) -> None:
    rng = np.random.default_rng(width)
    samples = rng.standard_normal(max(0, count - 1) * 4 + width + 3).astype(np.float32)
    out = both(
        "chroma", "decimate", samples, rng.standard_normal(width).astype(np.float32), 4, np.empty(count, np.float32)
    )
    assert out.shape == (count,)


@pytest.mark.usefixtures("compare")
@pytest.mark.parametrize("factor", [0, -1])
def test_decimation_refuses(factor: int) -> None:
    x = np.zeros(10, np.float32)
    with pytest.raises(ValueError, match="factor"):
        both("chroma", "decimate", x, x, factor, np.empty(1, np.float32))
    with pytest.raises(ValueError, match="not enough"):
        both("chroma", "decimate", x, x, 1, np.empty(2, np.float32))
    with pytest.raises(ValueError, match="taps"):
        both("chroma", "decimate", x, x[:0], 1, np.empty(2, np.float32))


def test_decimation_is_the_same_in_pieces() -> None:
    rng = np.random.default_rng(3)
    samples, taps = rng.standard_normal(2000).astype(np.float32), rng.standard_normal(80).astype(np.float32)
    whole = np.empty(480, np.float32)
    decimate(samples, taps, 4, whole)
    for size in (1, 7, 64):
        parts = np.empty(480, np.float32)
        for start in range(0, 480, size):
            decimate(samples[start * 4 :], taps, 4, parts[start : start + size])
        assert np.array_equal(parts, whole)


@pytest.mark.usefixtures("compare")
@pytest.mark.parametrize("frames", [0, 1, 2, 15, 16, 17])
def test_pitch_peaks(frames: int) -> None:
    low, high = neighbourhoods()
    out = np.full((frames, WIDTH), 7, np.float32)
    found = both("chroma", "pitch_peaks", magnitudes(frames), low, high, 4, 250, 0.05, 2.0, 60.0, 24.0, out, atol=1e-3)
    assert np.all(found >= 0)
    assert frames == 0 or found.sum() > 0


@pytest.mark.usefixtures("compare")
@pytest.mark.parametrize("width", [0, 1, 2])
def test_pitch_peaks_in_few_bins(width: int) -> None:
    low, high = neighbourhoods()
    both(
        "chroma",
        "pitch_peaks",
        magnitudes(3),
        low,
        high,
        4,
        250,
        0.05,
        2.0,
        60.0,
        24.0,
        np.empty((3, width), np.float32),
    )


@pytest.mark.usefixtures("compare")
@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_pitch_peaks_of_nothing(value: float) -> None:
    low, high = neighbourhoods()
    with np.errstate(invalid="ignore"):
        found = both(
            "chroma", "pitch_peaks", np.full((2, BINS), value, np.float32), low, high, 4, 250, 0.05, 2.0, 60.0, 24.0,
            np.empty((2, WIDTH), np.float32),
        )  # fmt: skip
    assert not found.any()


@pytest.mark.usefixtures("compare")
def test_pitch_peaks_refuses() -> None:
    low, high = neighbourhoods()
    z, out = magnitudes(2), np.empty((2, WIDTH), np.float32)
    for args, match in [
        ((z, low, high, 0, 250, 0.05, 2.0, 60.0, 24.0, out), "first and last"),
        ((z, low, high, 4, 256, 0.05, 2.0, 60.0, 24.0, out), "first and last"),
        ((z, low, high, 9, 8, 0.05, 2.0, 60.0, 24.0, out), "first and last"),
        ((z, low[1:], high, 4, 250, 0.05, 2.0, 60.0, 24.0, out), "one entry per group"),
        ((z, high, high, 4, 250, 0.05, 2.0, 60.0, 24.0, out), "neighbourhoods"),
        ((z, low, high + 1, 4, 250, 0.05, 2.0, 60.0, 24.0, out), "neighbourhoods"),
        ((z, low - 20, high, 4, 250, 0.05, 2.0, 60.0, 24.0, out), "neighbourhoods"),
        ((z, low, high, 4, 250, 0.05, 0.0, 60.0, 24.0, out), "contrast"),
        ((z[:1], low, high, 4, 250, 0.05, 2.0, 60.0, 24.0, out), "one row per frame"),
    ]:
        with pytest.raises(ValueError, match=match):
            both("chroma", "pitch_peaks", *args)


def test_a_tone_lands_on_its_pitch() -> None:
    k, low_high = 80.3, neighbourhoods()
    magnitude = np.exp(-0.5 * ((np.arange(BINS) - k) / 1.2) ** 2)
    out = np.empty((1, WIDTH), np.float32)
    pitch_peaks(magnitude[None].astype(np.float32), *low_high, 4, 250, 1e-3, 2.0, 60.0, 24.0, out)
    centre = float((out[0] * np.arange(WIDTH)).sum() / out[0].sum())
    assert centre == pytest.approx(24 * np.log2(k) - 60, abs=0.01)


def test_many_threads_agree() -> None:
    low, high = neighbourhoods()
    inputs = [magnitudes(9, seed=i) for i in range(40)]

    def run(z: np.ndarray) -> np.ndarray:
        out = np.empty((len(z), WIDTH), np.float32)
        pitch_peaks(z, low, high, 4, 250, 0.05, 2.0, 60.0, 24.0, out)
        return out

    serial = [run(z) for z in inputs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert all(np.array_equal(a, b) for a, b in zip(serial, pool.map(run, inputs), strict=True))


def layer(inputs: int, outputs: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng, padded = np.random.default_rng(seed), -(-outputs // 32) * 32
    weights, bias = np.zeros((inputs, padded), np.float32), np.zeros(padded, np.float32)
    weights[:, :outputs] = rng.standard_normal((inputs, outputs))
    bias[:outputs] = rng.standard_normal(outputs)
    return weights, bias


@pytest.mark.usefixtures("compare")
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("outputs", [1, 2, 31, 32, 33, 65])
@pytest.mark.parametrize(("inputs", "add", "rectify"), [(1, False, True), (7, True, False), (33, True, True)])
def test_affine(rows: int, outputs: int, inputs: int, *, add: bool, rectify: bool) -> None:
    rng = np.random.default_rng(rows)
    x = rng.standard_normal((rows, inputs)).astype(np.float32)
    out = rng.standard_normal((rows, outputs)).astype(np.float32)
    both("chroma", "affine", x, *layer(inputs, outputs), add, rectify, out, atol=1e-4)


def test_affine_over_overlapping_rows() -> None:
    samples = np.random.default_rng(1).standard_normal(40).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(samples, 9)
    weights, bias = layer(9, 5)
    overlapping, copied = np.empty((32, 5), np.float32), np.empty((32, 5), np.float32)
    affine(windows, weights, bias, False, False, overlapping)
    affine(windows.copy(), weights, bias, False, False, copied)
    assert np.array_equal(overlapping, copied)


@pytest.mark.usefixtures("compare")
def test_affine_refuses() -> None:
    weights, bias = layer(4, 5)
    x, out = np.zeros((3, 4), np.float32), np.zeros((3, 5), np.float32)
    for args, match in [
        ((x[:, :3].copy(), weights, bias, False, False, out), "one row per column"),
        ((x, weights[:, :20].copy(), bias, False, False, out), "padded"),
        ((x, weights, bias, False, False, np.zeros((3, 33), np.float32)), "padded"),
        ((x, weights, bias[:5], False, False, out), "bias"),
        ((x[:2], weights, bias, False, False, out), "rows of x"),
        ((x[:0], weights, bias, False, False, out[:0]), "there must be"),
        ((np.asfortranarray(x), weights, bias, False, False, out), "contiguous"),
    ]:
        with pytest.raises(ValueError, match=match):
            both("chroma", "affine", *args)
