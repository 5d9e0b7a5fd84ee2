"""The signals of EBU Tech 3341 and 3342, synthesised, with the tolerances given there."""

from __future__ import annotations

import numpy as np
import pytest

from tracktion.estimators.loudness import estimate_loudness, loudness_range, loudness_series
from tracktion.features.level import LevelTap
from tracktion.features.stream import Features
from tracktion.results.loudness import Loudness

RATES = (44_100, 48_000)


def tone(*parts: tuple[float, float], sample_rate: int = 48_000, hertz: float = 1000.0) -> np.ndarray:
    """Stereo sine, phase-continuous, as (dBFS, seconds) one after the other."""
    gains = np.concatenate([np.full(round(s * sample_rate), 10 ** (db / 20)) for db, s in parts])
    sine = gains * np.sin(2 * np.pi * hertz * np.arange(len(gains)) / sample_rate)
    return np.ascontiguousarray(np.stack([sine, sine], axis=1), dtype=np.float32)


def features(samples: np.ndarray, sample_rate: int = 48_000) -> Features:
    tap = LevelTap(sample_rate=sample_rate, channels=samples.shape[1])
    for start in range(0, len(samples), 65_536):
        tap.push_source(samples[start : start + 65_536])
    return Features(
        duration=len(samples) / sample_rate, sample_rate=sample_rate, channels=samples.shape[1], level=tap.finish()
    )


def measure(samples: np.ndarray, sample_rate: int = 48_000) -> Loudness:
    loudness, notes = estimate_loudness(features(samples, sample_rate))
    assert loudness is not None, notes
    return loudness


SILENCE = -400.0


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([(-23, 20)], -23.0, id="1"),
        pytest.param([(-33, 20)], -33.0, id="2"),
        pytest.param([(-36, 10), (-23, 60), (-36, 10)], -23.0, id="3"),
        pytest.param([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0, id="4"),
        pytest.param([(-26, 20), (-20, 20.1), (-26, 20)], -23.0, id="5"),
    ],
)
def test_integrated_3341(sample_rate: int, parts: list[tuple[float, float]], expected: float) -> None:
    samples = tone(*parts, sample_rate=sample_rate)
    loudness = measure(samples, sample_rate)
    assert loudness.integrated == pytest.approx(expected, abs=0.1)
    if len(parts) == 1:
        assert loudness.momentary_max == pytest.approx(expected, abs=0.1)
        assert loudness.short_term_max == pytest.approx(expected, abs=0.1)


def test_surround_3341_case_6() -> None:
    gains = np.array([-28, -28, -24, SILENCE, -30, -30])
    sine = np.sin(2 * np.pi * 1000 * np.arange(20 * 48_000) / 48_000)
    samples = np.ascontiguousarray(sine[:, None] * 10 ** (gains / 20), dtype=np.float32)
    assert measure(samples).integrated == pytest.approx(-23.0, abs=0.1)
    assert measure(np.ascontiguousarray(samples[:, [0, 1, 2, 4, 5]])).integrated == pytest.approx(-23.0, abs=0.1)


def test_low_frequency_channel_does_not_count() -> None:
    samples = np.zeros((5 * 48_000, 6), dtype=np.float32)
    samples[:, 3] = 0.5 * np.sin(np.arange(len(samples)) * 0.1)
    loudness, notes = estimate_loudness(features(samples))
    assert loudness is None
    assert "silence" in notes["loudness"]


@pytest.mark.parametrize("sample_rate", RATES)
def test_short_term_3341_case_9(sample_rate: int) -> None:
    level = features(tone(*[(-20, 1.34), (-30, 1.66)] * 5, sample_rate=sample_rate), sample_rate).level
    times, lufs = loudness_series(level, window_seconds=3.0, step_seconds=0.1)
    assert times[0] == pytest.approx(3.0)
    np.testing.assert_allclose(lufs, -23.0, atol=0.1)


def test_short_term_maximum_3341_case_10() -> None:
    for i in range(20):
        loudness = measure(tone((SILENCE, i * 0.15), (-23, 3.0), (SILENCE, 1.0)))
        assert loudness.short_term_max == pytest.approx(-23.0, abs=0.1)


def test_short_term_live_3341_case_11() -> None:
    parts = [part for i in range(20) for part in ((SILENCE, i * 0.15), (-38 + i, 3.0), (SILENCE, 3.0 - i * 0.15))]
    times, lufs = loudness_series(features(tone(*parts)).level, window_seconds=3.0, step_seconds=0.05)
    for i in range(20):
        inside = (times > 6.0 * i + 1e-6) & (times <= 6.0 * (i + 1) + 1e-6)
        assert lufs[inside].max() == pytest.approx(-38 + i, abs=0.1)


@pytest.mark.parametrize("sample_rate", RATES)
def test_momentary_3341_case_12(sample_rate: int) -> None:
    level = features(tone(*[(-20, 0.18), (-30, 0.22)] * 25, sample_rate=sample_rate), sample_rate).level
    times, lufs = loudness_series(level, window_seconds=0.4, step_seconds=0.1)
    np.testing.assert_allclose(lufs[times >= 1.0], -23.0, atol=0.1)


def test_momentary_maximum_3341_case_13() -> None:
    for i in range(20):
        loudness = measure(tone((SILENCE, i * 0.02), (-23, 0.4), (SILENCE, 1.0)))
        assert loudness.momentary_max == pytest.approx(-23.0, abs=0.1)


def test_momentary_live_3341_case_14() -> None:
    parts = [part for i in range(20) for part in ((SILENCE, i * 0.02), (-38 + i, 0.4), (SILENCE, 0.4 - i * 0.02))]
    times, lufs = loudness_series(features(tone(*parts)).level, window_seconds=0.4, step_seconds=0.01)
    for i in range(20):
        inside = (times > 0.8 * i + 1e-6) & (times <= 0.8 * (i + 1) + 1e-6)
        assert lufs[inside].max() == pytest.approx(-38 + i, abs=0.1)


def peak_tone(*, divisor: float, phase: float, gain: float, sample_rate: int = 48_000) -> np.ndarray:
    n = sample_rate * 2
    fade = np.minimum(1.0, np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.2 * sample_rate))
    sine = gain * fade * np.sin(2 * np.pi * np.arange(n) / divisor + np.deg2rad(phase))
    return np.ascontiguousarray(np.stack([sine, sine], axis=1), dtype=np.float32)


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize(
    ("divisor", "phase", "gain", "expected"),
    [
        pytest.param(4, 0, 0.5, -6.0, id="15"),
        pytest.param(4, 45, 0.5, -6.0, id="16"),
        pytest.param(6, 60, 0.5, -6.0, id="17"),
        pytest.param(8, 67.5, 0.5, -6.0, id="18"),
        pytest.param(4, 45, 1.41, 3.0, id="19"),
    ],
)
def test_true_peak_3341(sample_rate: int, divisor: float, phase: float, gain: float, expected: float) -> None:
    loudness = measure(peak_tone(divisor=divisor, phase=phase, gain=gain, sample_rate=sample_rate), sample_rate)
    assert expected - 0.4 <= loudness.true_peak <= expected + 0.2


@pytest.mark.parametrize("offset", range(4))
def test_true_peak_between_samples_3341_cases_20_to_23(offset: int) -> None:
    """A loud moment at 4 x 48 kHz, low-passed and decimated at each of the four possible places."""
    rate, factor = 48_000, 4
    n = np.arange(rate * factor)
    base = 0.3 * np.sin(2 * np.pi * n / (factor * 6))
    middle = len(n) // 2
    grain = np.exp(-0.5 * ((n - middle) / (factor * 20.0)) ** 2) * np.cos(2 * np.pi * (n - middle) / (factor * 5))
    wide = base + grain - base * np.exp(-0.5 * ((n - middle) / (factor * 40.0)) ** 2)
    wide /= np.abs(wide).max()
    narrow = np.ascontiguousarray(np.stack([wide[offset::factor]] * 2, axis=1), dtype=np.float32)
    assert -0.4 <= measure(narrow).true_peak <= 0.2


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([(-20, 20), (-30, 20)], 10.0, id="1"),
        pytest.param([(-20, 20), (-15, 20)], 5.0, id="2"),
        pytest.param([(-40, 20), (-20, 20)], 20.0, id="3"),
        pytest.param([(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)], 15.0, id="4"),
    ],
)
def test_range_3342(parts: list[tuple[float, float]], expected: float) -> None:
    assert measure(tone(*parts)).range == pytest.approx(expected, abs=1.0)


def test_range_of_nothing_is_unknown() -> None:
    assert loudness_range(np.array([])) is None
    assert loudness_range(np.array([-90.0, -np.inf])) is None
    assert measure(tone((-20, 2.9))).range is None
    assert measure(tone((-20, 3.0))).range == pytest.approx(0.0, abs=0.1)
