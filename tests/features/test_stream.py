"""The streaming pass: stream equals whole, whatever the blocks."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import scipy.fft

from tests import synth
from tracktion.errors import UsageError
from tracktion.features import stream
from tracktion.features.stream import KINDS, FeatureExtractor, extract_features, split
from tracktion.features.tap import HOP, MONO_RATE, WINDOW, FloatBlock, Tap


class Recorder(Tap):
    """Keeps what it is given."""

    def __init__(self, *, sample_rate: int, channels: int) -> None:
        super().__init__(sample_rate=sample_rate, channels=channels)
        self.source: list[FloatBlock] = []
        self.mono: list[FloatBlock] = []
        self.magnitude: list[FloatBlock] = []

    def push_source(self, block: FloatBlock) -> None:
        self.source.append(block.copy())

    def push_mono(self, block: FloatBlock) -> None:
        self.mono.append(block.copy())

    def push_magnitude(self, block: FloatBlock) -> None:
        self.magnitude.append(block.copy())

    def finish(self) -> dict[str, FloatBlock]:
        return {
            "source": np.concatenate(self.source),
            "mono": np.concatenate(self.mono),
            "magnitude": np.concatenate(self.magnitude),
        }


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(stream, "_tap", lambda kind, rate, channels: Recorder(sample_rate=rate, channels=channels))

    def run(samples: FloatBlock, rate: int, block: int) -> dict[str, FloatBlock]:
        features = extract_features(
            split(samples, block), sample_rate=rate, channels=samples.shape[1], kinds=["timbre"]
        )
        found: dict[str, FloatBlock] = features.timbre
        return found

    return run


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
@pytest.mark.parametrize("seconds", [0.0001, 0.1, 3.1])
def test_taps_get_the_same_bits_for_any_block_size(recorded: Any, rate: int, seconds: float) -> None:
    length = max(1, int(seconds * rate))
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (length, 2)).astype(np.float32)
    whole = recorded(samples, rate, 10**6)
    for block in (1, 7, 4096) if length < 1e5 else (7777, 65537):
        parts = recorded(samples, rate, block)
        for name, expected in whole.items():
            np.testing.assert_array_equal(parts[name], expected)
    np.testing.assert_array_equal(whole["source"], samples)
    assert len(whole["magnitude"]) == 1 + len(whole["mono"]) // HOP


def test_frames_are_centred_on_multiples_of_the_hop(recorded: Any) -> None:
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, (3 * MONO_RATE, 1)).astype(np.float32)
    magnitude = recorded(samples, MONO_RATE, 1000)["magnitude"]
    padded = np.concatenate([np.zeros(WINDOW // 2), samples[:, 0], np.zeros(WINDOW)])
    window = np.hanning(WINDOW + 1)[:-1]
    for i in (0, 1, 31, 32, 33, len(magnitude) - 1):
        expected = np.abs(scipy.fft.rfft(padded[i * HOP : i * HOP + WINDOW] * window))
        np.testing.assert_allclose(magnitude[i], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("block", [1, 7, 4096])
def test_real_features_are_bit_identical_for_any_block_size(block: int) -> None:
    clip = synth.song(bpm=123, seconds=6, sample_rate=32000).stereo()
    samples, rate = np.ascontiguousarray(clip.samples), clip.sample_rate
    whole = extract_features([samples], sample_rate=rate, channels=2)
    parts = extract_features(split(samples, block), sample_rate=rate, channels=2)
    for kind in KINDS:
        assert_identical(getattr(whole, kind), getattr(parts, kind))


def assert_identical(a: Any, b: Any) -> None:
    if dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            assert_identical(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, np.ndarray):
        np.testing.assert_array_equal(a, b)
    else:
        assert a == b or a is b


@pytest.mark.parametrize(
    ("make", "silent", "antiphase"),
    [
        (lambda t: np.zeros((len(t), 2)), True, False),
        (lambda t: np.full((len(t), 2), 0.5), True, False),
        (lambda t: np.column_stack([np.sin(500 * t), -np.sin(500 * t)]), False, True),
        (lambda t: np.column_stack([np.sin(500 * t), np.sin(500 * t)]), False, False),
        (lambda t: np.column_stack([np.sin(500 * t), np.zeros_like(t)]), False, False),
        (lambda t: 1e-5 * np.random.default_rng(0).normal(size=(len(t), 2)), True, False),
    ],
    ids=["zeros", "constant", "antiphase", "sine", "one side", "dither"],
)
def test_what_cannot_be_answered_is_recognised(make: Any, silent: bool, antiphase: bool) -> None:
    samples = make(np.arange(22050) / 22050).astype(np.float32)
    features = extract_features([samples], sample_rate=22050, channels=2, kinds=[])
    assert (features.silent, features.antiphase) == (silent, antiphase)
    assert bool(features.unanswerable) == (silent or antiphase)


def test_nothing_at_all_is_answered_with_a_reason() -> None:
    features = extract_features([], sample_rate=44100, channels=1, kinds=[])
    assert features.duration == 0
    assert features.unanswerable == "there is no sample"


def test_wrong_blocks_and_kinds_are_refused() -> None:
    extractor = FeatureExtractor(sample_rate=44100, channels=2, kinds=[])
    with pytest.raises(UsageError, match="shape"):
        extractor.push(np.zeros((10, 1), np.float32))
    with pytest.raises(UsageError, match="no such features"):
        FeatureExtractor(sample_rate=44100, channels=2, kinds=["taste"])
