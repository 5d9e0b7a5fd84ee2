"""Kernels of the rhythm estimator, compiled and in NumPy."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests._core.twins import both
from tracktion._core.network import convolve
from tracktion.features.rhythm import BANDS, filterbank

FRAMES = (0, 1, 2, 31, 32, 33, 127, 128, 129, 300)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def packed(made: int, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    return random(made // 4, rows, 4, seed=seed) / np.float32(np.sqrt(rows)), random(made, seed=seed + 1)


@pytest.fixture
def returning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels that write into an array hand it back, so that both answers can be compared."""
    import tracktion._core._network as network
    import tracktion._core._onset as onset
    import tracktion._core.reference.network as network_twin
    import tracktion._core.reference.onset as onset_twin

    def wrap(function):  # type: ignore[no-untyped-def]
        def call(*args):  # type: ignore[no-untyped-def]
            function(*args)
            return args[-1]

        return call

    for module in (network, network_twin):
        for name in ("front", "convolve", "residual"):
            monkeypatch.setattr(module, name, wrap(getattr(module, name)))
    for module in (onset, onset_twin):
        monkeypatch.setattr(module, "bands", wrap(module.bands))


@pytest.mark.usefixtures("returning")
@pytest.mark.parametrize("frames", [0, 1, 2, 31, 32, 33])
def test_bands(frames: int) -> None:
    bank = filterbank()
    magnitude = np.abs(random(frames, 1025))
    out = np.zeros((frames, BANDS), np.uint16)
    both("onset", "bands", magnitude, bank.first, bank.width, bank.weights, out, rtol=1e-4, atol=1)


@pytest.mark.parametrize(
    ("first", "width", "weights", "columns"),
    [([-1], [2], 2, 1), ([1024], [2], 2, 1), ([0], [2], 3, 1), ([0], [2], 2, 2), ([0, 1], [2], 2, 2)],
)
def test_bands_refuses_what_does_not_fit(first: list[int], width: list[int], weights: int, columns: int) -> None:
    arrays = np.array(first, np.int32), np.array(width, np.int32), np.ones(weights, np.float32)
    with pytest.raises(ValueError, match=r"band|weights|agree"):
        both("onset", "bands", random(4, 1025), *arrays, np.zeros((4, columns), np.uint16))


@pytest.mark.usefixtures("returning")
@pytest.mark.parametrize("frames", FRAMES)
def test_front(frames: int) -> None:
    halves = np.random.default_rng(1).integers(0x3000, 0x4500, (frames, 24)).astype(np.uint16)
    table = np.linspace(0, 4, 32768, dtype=np.float32)
    w1, b1 = packed(8, 18, 1)
    w2, b2 = packed(4, 8 * 15, 3)
    w3, b3 = packed(8, 8, 5)
    out = np.full((8, 2 * 7 + -(-frames // 32) * 32), 0.0, np.float32)
    levels = np.abs(random(24, seed=9)), np.abs(random(24, seed=10))
    both("network", "front", halves, table, *levels, w1, b1, w2, b2, w3, b3, 3, 2, 7, out, rtol=1e-3, atol=1e-3)


@pytest.mark.usefixtures("returning")
@pytest.mark.parametrize("frames", FRAMES)
@pytest.mark.parametrize(("taps", "dilation"), [(1, 1), (5, 1), (5, 8)])
@pytest.mark.parametrize("rectify", [True, False])
def test_convolve(frames: int, taps: int, dilation: int, rectify: bool) -> None:
    margin, span = 16, -(-frames // 32) * 32
    x = np.zeros((8, 2 * margin + span), np.float32)
    x[:, margin : margin + frames] = random(8, frames)
    out = np.zeros((12, 2 * margin + span), np.float32)
    out[:, margin : margin + frames] = random(12, frames, seed=4)
    w, b = packed(12, 8 * taps, 5)
    both("network", "convolve", x, w, b, taps, dilation, margin, frames, rectify, out, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("taps", "dilation", "margin", "made"), [(4, 1, 8, 4), (5, 8, 8, 4), (5, 0, 8, 4), (5, 1, 8, 8), (3, 1, 8, 4)]
)
def test_convolve_refuses_what_does_not_fit(taps: int, dilation: int, margin: int, made: int) -> None:
    w, b = packed(4, 4 * 5, 5)
    with pytest.raises(ValueError, match=r"taps|belong|room"):
        both("network", "convolve", random(4, 48), w, b, taps, dilation, margin, 32, True, random(made, 48))


@pytest.mark.usefixtures("returning")
@pytest.mark.parametrize("frames", FRAMES)
@pytest.mark.parametrize(("taps", "dilation"), [(1, 1), (5, 1), (5, 8)])
def test_residual(frames: int, taps: int, dilation: int) -> None:
    margin, span = 16, -(-frames // 32) * 32
    x = np.zeros((8, 2 * margin + span), np.float32)
    x[:, margin : margin + frames] = random(8, frames)
    layers = *packed(8, 8 * taps, 5), *packed(8, 8, 7)
    both("network", "residual", x, *layers, taps, dilation, margin, frames, np.zeros_like(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("taps", "dilation", "margin", "made", "channels"),
    [
        (4, 1, 8, 4, 4),
        (5, 8, 8, 4, 4),
        (5, 0, 8, 4, 4),
        (5, 1, 8, 8, 4),
        (3, 1, 8, 4, 4),
        (5, 1, 8, 4, 8),
        (5, 1, 9, 4, 4),
    ],
)
def test_residual_refuses_what_does_not_fit(taps: int, dilation: int, margin: int, made: int, channels: int) -> None:
    layers = *packed(4, 4 * 5, 5), *packed(4, 4, 7)
    x, out = random(channels, 48), random(made, 48)
    with pytest.raises(ValueError, match=r"taps|belong|room"):
        both("network", "residual", x, *layers, taps, dilation, margin, 32, out)


@pytest.mark.parametrize("module", ["_network", "reference.network"])
def test_residual_refuses_to_overwrite_what_it_reads(module: str) -> None:
    residual = importlib.import_module(f"tracktion._core.{module}").residual
    x, layers = random(4, 48), (*packed(4, 4 * 5, 5), *packed(4, 4, 7))
    with pytest.raises(ValueError, match="same"):
        residual(x, *layers, 5, 1, 8, 32, x)


@pytest.mark.parametrize("frames", [0, 1, 9, 10, 11, 300])
def test_beat_path(frames: int) -> None:
    odds, prior = random(frames) * 2 - 1, random(91, seed=2) * np.float32(0.1)
    cost = np.abs(np.arange(-8, 9, dtype=np.float32))[:, None] * np.full((1, 91), 0.3, np.float32)
    both("beats", "beat_path", odds, prior, 10, np.ascontiguousarray(cost))


@pytest.mark.parametrize("beats", [0, 1, 2, 50])
def test_bar_path(beats: int) -> None:
    metres, prior = np.array([2, 3, 4], np.int32), np.zeros(3, np.float32)
    both("beats", "bar_path", random(beats), metres, prior, 3.0, 5.0)


def test_beat_path_finds_planted_beats() -> None:
    odds = np.full(1000, -3.0, np.float32)
    odds[7::25] = 3.0
    cost = np.abs(np.arange(-8, 9, dtype=np.float32))[:, None] * np.ones((1, 91), np.float32)
    found = both("beats", "beat_path", odds, np.zeros(91, np.float32), 10, np.ascontiguousarray(cost))
    np.testing.assert_array_equal(found, np.arange(7, 1000, 25))


@pytest.mark.parametrize(("rows", "columns", "shortest"), [(2, 3, 10), (3, 4, 10), (3, 3, 0)])
def test_beat_path_refuses_what_does_not_fit(rows: int, columns: int, shortest: int) -> None:
    with pytest.raises(ValueError, match=r"cost|intervals"):
        both("beats", "beat_path", random(50), random(3), shortest, random(rows, columns))


def test_bar_path_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="prior"):
        both("beats", "bar_path", random(5), np.array([3, 4], np.int32), random(3), 1.0, 1.0)
    with pytest.raises(ValueError, match="positive"):
        both("beats", "bar_path", random(5), np.array([0], np.int32), random(1), 1.0, 1.0)


def test_same_answer_from_many_threads() -> None:
    w, b = packed(12, 8 * 5, 5)
    x = random(8, 2 * 16 + 320)

    def run(_: int) -> bytes:
        out = np.zeros((12, 352), np.float32)
        convolve(x, w, b, 5, 8, 16, 320, True, out)
        return out.tobytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(run, range(40)))) == 1
