"""Kernels of the rhythm estimator, compiled and in NumPy."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests._core.twins import both
from tracktion._core.network import residual
from tracktion.estimators.quantized import UNIT, Layer, quantized
from tracktion.features.rhythm import BANDS, filterbank

FRAMES = (0, 1, 2, 31, 32, 33, 127, 128, 129, 300)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def layer(made: int, pairs: int, seed: int) -> tuple[np.ndarray, ...]:
    """Random weights, bias and scale that keep activations within what 16 bits hold, mostly."""
    weights = random(made, pairs, 2, seed=seed) / np.float32(np.sqrt(2 * pairs))
    return quantized(weights, random(made, seed=seed + 1)).parts


def activations(channels: int, margin: int, frames: int, seed: int = 0) -> np.ndarray:
    x = np.zeros((channels // 2, 2 * margin + -(-frames // 32) * 32, 2), np.int16)
    x[:, margin : margin + frames] = np.rint(random(channels // 2, frames, 2, seed=seed) / UNIT)
    return x


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
        for name in ("front", "dense", "residual"):
            monkeypatch.setattr(module, name, wrap(getattr(module, name)))
    for module in (onset, onset_twin):
        monkeypatch.setattr(module, "bands", wrap(module.bands))


@pytest.mark.usefixtures("returning")
@pytest.mark.parametrize("frames", [0, 1, 2, 31, 32, 33])
def test_bands(frames: int) -> None:
    bank = filterbank()
    magnitude = np.abs(random(frames, 1025))
    out = np.zeros((frames, BANDS), np.uint16)
    both("onset", "bands", magnitude, bank.first, bank.width, bank.weights, 12, 0.1, out, rtol=1e-4, atol=1)


@pytest.mark.usefixtures("returning")
@pytest.mark.parametrize("bins", [4, 9, 100])
def test_bands_of_any_width_anywhere(bins: int) -> None:
    places = [(first, n) for first in (0, 1, bins // 2, bins - 1) for n in range(10) if first + n <= bins]
    first, width = (np.array(values, np.int32) for values in zip(*places, strict=True))
    magnitude, weights = np.abs(random(7, bins)), np.abs(random(int(width.sum()), seed=3))
    out = np.ones((7, len(places)), np.uint16)
    out = both("onset", "bands", magnitude, first, width, weights, 0, 0.0, out, rtol=0, atol=1)
    assert np.all(out[:, width == 0] == 0)
    assert np.all(out[:, width > 0] > 0)


@pytest.mark.usefixtures("returning")
@pytest.mark.parametrize("reach", [0, 1, 2, 3, 12, 71, 100])
@pytest.mark.parametrize("frames", [1, 3, 4, 5])
def test_bands_are_masked_by_the_highest_around_them(reach: int, frames: int) -> None:
    bank = filterbank()
    out = np.zeros((frames, BANDS), np.uint16)
    arrays = bank.first, bank.width, bank.weights
    both("onset", "bands", np.abs(random(frames, 1025)) ** 3, *arrays, reach, 0.5, out, rtol=0, atol=1)


@pytest.mark.parametrize(("reach", "share"), [(-1, 0.1), (1025, 0.1), (3, -0.1), (3, 1.1), (3, float("nan"))])
def test_bands_refuses_a_mask_that_cannot_be_meant(reach: int, share: float) -> None:
    bank = filterbank()
    arrays = bank.first, bank.width, bank.weights
    with pytest.raises(ValueError, match="reach"):
        both("onset", "bands", random(4, 1025), *arrays, reach, share, np.zeros((4, BANDS), np.uint16))


def test_bands_of_next_to_nothing() -> None:
    one = np.ones(1, np.int32)
    with pytest.raises(ValueError, match="four bins"):
        both("onset", "bands", random(4, 3), one, one, np.ones(1, np.float32), 0, 0.0, np.zeros((4, 1), np.uint16))


@pytest.mark.parametrize(
    ("first", "width", "weights", "columns"),
    [([-1], [2], 2, 1), ([1024], [2], 2, 1), ([0], [2], 3, 1), ([0], [2], 2, 2), ([0, 1], [2], 2, 2)],
)
def test_bands_refuses_what_does_not_fit(first: list[int], width: list[int], weights: int, columns: int) -> None:
    arrays = np.array(first, np.int32), np.array(width, np.int32), np.ones(weights, np.float32)
    with pytest.raises(ValueError, match=r"band|weights|agree"):
        both("onset", "bands", random(4, 1025), *arrays, 0, 0.0, np.zeros((4, columns), np.uint16))


@pytest.mark.usefixtures("returning")
@pytest.mark.parametrize("frames", FRAMES)
def test_front(frames: int) -> None:
    halves = np.random.default_rng(1).integers(0x3000, 0x4500, (frames, 24)).astype(np.uint16)
    table = np.linspace(0, 4, 32768, dtype=np.float32)
    layers = *layer(8, 12, 1), *layer(4, 4 * 15, 3), *layer(8, 4, 5)
    levels = np.abs(random(24, seed=9)), np.abs(random(24, seed=10)) / np.float32(UNIT)
    out = np.zeros((4, 2 * 7 + -(-frames // 32) * 32, 2), np.int16)
    out = both("network", "front", halves, table, *levels, *layers, 3, 2, 7, out, rtol=0, atol=0)
    assert frames == 0 or out.any()


@pytest.mark.parametrize(
    ("bands", "strides", "margin", "made", "what"),
    [
        (5, (3, 2), 7, 4, "strides"),
        (24, (0, 2), 7, 4, "strides"),
        (24, (3, 2), 8, 4, "room"),
        (24, (3, 2), -1, 4, "room"),
        (24, (3, 2), 7, 6, "room"),
        (24, (2, 2), 7, 4, "belong"),
    ],
)
def test_front_refuses_what_does_not_fit(
    bands: int, strides: tuple[int, int], margin: int, made: int, what: str
) -> None:
    layers = *layer(8, 12, 1), *layer(4, 4 * 15, 3), *layer(8, 4, 5)
    halves, levels = np.zeros((40, bands), np.uint16), np.ones(bands, np.float32)
    with pytest.raises(ValueError, match=what):
        both("network", "front", halves, np.zeros(32768, np.float32), levels, levels, *layers, *strides, margin,
             np.zeros((made, 78, 2), np.int16))  # fmt: skip


@pytest.mark.usefixtures("returning")
@pytest.mark.parametrize("frames", FRAMES)
@pytest.mark.parametrize(("taps", "dilation"), [(1, 1), (5, 1), (5, 8)])
def test_residual(frames: int, taps: int, dilation: int) -> None:
    x = activations(8, 16, frames)
    layers = *layer(8, 4 * taps, 5), *layer(8, 4, 7)
    out = both("network", "residual", x, *layers, taps, dilation, 16, frames, np.zeros_like(x), rtol=0, atol=0)
    assert frames == 0 or (out != x).any()


@pytest.mark.usefixtures("returning")
def test_sums_as_large_as_they_may_be_stay_within_32_bits() -> None:
    x = np.full((4, 32 + 32, 2), 32767, np.int16)
    ones = random(8, 4, 2) * 0 + 1
    for sign in (1, -1):
        layers = *quantized(ones, random(8) * 0 + 1e6).parts, *quantized(sign * ones, random(8) * 0).parts
        out = both("network", "residual", x, *layers, 1, 1, 16, 32, np.zeros_like(x), rtol=0, atol=0)
        np.testing.assert_array_equal(out[:, 16:48], 32767 if sign == 1 else 0)


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
    layers = *layer(4, 2 * 5, 5), *layer(4, 2, 7)
    x, out = activations(channels, 8, 32), activations(made, 8, 32)
    with pytest.raises(ValueError, match=r"taps|belong|room"):
        both("network", "residual", x, *layers, taps, dilation, margin, 32, out)


@pytest.mark.parametrize("module", ["_network", "reference.network"])
def test_residual_refuses_to_overwrite_what_it_reads(module: str) -> None:
    function = importlib.import_module(f"tracktion._core.{module}").residual
    x = activations(4, 8, 32)
    with pytest.raises(ValueError, match="same"):
        function(x, *layer(4, 2 * 5, 5), *layer(4, 2, 7), 5, 1, 8, 32, x)


@pytest.mark.usefixtures("returning")
@pytest.mark.parametrize("frames", FRAMES)
def test_dense(frames: int) -> None:
    out = np.zeros((12, -(-frames // 32) * 32), np.float32)
    both("network", "dense", activations(8, 16, frames), *layer(12, 4, 5), 16, frames, out, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("pairs", "margin", "made", "what"), [(2, 16, 12, "belong"), (4, 17, 12, "room"), (4, 16, 8, "room")]
)
def test_dense_refuses_what_does_not_fit(pairs: int, margin: int, made: int, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        both("network", "dense", activations(8, 16, 32), *layer(12, pairs, 5), margin, 32, random(made, 32))


@pytest.mark.parametrize("wrong", range(4))
def test_parts_of_a_layer_belong_together(wrong: int) -> None:
    weights, bias, scale = layer(4, 4, 5)
    parts = [
        (weights, bias[:2].copy(), scale),
        (weights, bias, scale[:2].copy()),
        (weights[:, :0].copy(), bias, scale),
        (np.zeros((1, 1025, 4, 2), np.int16), bias, scale),
    ][wrong]
    with pytest.raises(ValueError, match=r"belong|wide"):
        both("network", "dense", activations(8, 16, 32), *parts, 16, 32, random(4, 32))


@pytest.mark.usefixtures("returning")
def test_quantized_layer_gives_what_the_floats_do() -> None:
    weights, bias, x = random(8, 20, 2) / np.float32(7), random(8, seed=1), activations(40, 16, 300)
    out = np.zeros((8, 320), np.float32)
    made = quantized(weights, bias, unit=1.0)
    out = both("network", "dense", x, *made.parts, 16, 300, out, rtol=0, atol=0)
    exact = weights.reshape(8, -1) @ (x[:, 16:316].transpose(0, 2, 1).reshape(40, -1) * UNIT) + bias[:, None]
    np.testing.assert_allclose(out[:, :300], exact, atol=5e-3)


def test_quantized_layer_of_nothing_is_nothing() -> None:
    made = quantized(np.zeros((4, 3, 2), np.float32), np.zeros(4, np.float32))
    assert isinstance(made, Layer)
    assert not made.weights.any()
    assert not made.bias.any()


@pytest.mark.parametrize("shortest", [1, 3, 7, 8, 9, 10])
@pytest.mark.parametrize(("count", "reach"), [(1, 0), (5, 8), (91, 8), (256, 2)])
def test_beat_path_of_any_intervals(shortest: int, count: int, reach: int) -> None:
    cost = np.abs(np.arange(-reach, reach + 1, dtype=np.float32))[:, None] * np.full((1, count), 0.3, np.float32)
    for frames in (1, 50, 203):
        odds, prior = random(frames, seed=frames) * 2 - 1, random(count, seed=2) * np.float32(0.1)
        both("beats", "beat_path", odds, prior, shortest, np.ascontiguousarray(cost), rtol=0, atol=0)


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
    layers, x = (*layer(8, 4 * 5, 5), *layer(8, 4, 7)), activations(8, 16, 320)

    def run(_: int) -> bytes:
        out = np.zeros_like(x)
        residual(x, *layers, 5, 8, 16, 320, out)
        return out.tobytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(run, range(40)))) == 1
