from __future__ import annotations

import threading

import numpy as np
import pytest

from tests._core.twins import both
from tracktion.estimators.loudness import estimate_loudness
from tracktion.features.level import HOP_SECONDS, LevelTap, channel_weights, interpolator, k_weighting
from tracktion.features.stream import Features, extract_features, split

LENGTHS = (0, 1, 2, 23, 24, 25, 440, 441, 442, 441 * 16 - 1, 441 * 16, 441 * 16 + 1, 65_536)


def noise(frames: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (frames, channels)).astype(np.float32)


@pytest.mark.parametrize("frames", LENGTHS)
@pytest.mark.parametrize("channels", [1, 2, 3, 6])
@pytest.mark.parametrize("fill", [0, 100, 440])
def test_energy_twins(frames: int, channels: int, fill: int) -> None:
    state = np.random.default_rng(1).standard_normal((channels, 4))
    block, filters, weights = noise(frames, channels), k_weighting(44_100), channel_weights(channels)
    before = 0.5 if fill else 0.0
    energies, partial, after = both(
        "loudness", "weighted_energy", block, filters, weights, 441, fill, before, state, rtol=1e-8
    )
    assert len(energies) == (fill + frames) // 441
    assert partial >= 0
    assert after.shape == (channels, 4)


@pytest.mark.parametrize("hop", [1, 7, 80, 1920])
def test_energy_twins_hops(hop: int) -> None:
    both(
        "loudness",
        "weighted_energy",
        noise(10_000, 2),
        k_weighting(8000),
        channel_weights(2),
        hop,
        0,
        0.0,
        np.zeros((2, 4)),
        rtol=1e-8,
    )


def test_energy_rejects_what_does_not_fit() -> None:
    good = [noise(10, 2), k_weighting(44_100), channel_weights(2), 441, 0, 0.0, np.zeros((2, 4))]
    for place, wrong in (
        (0, np.empty((5, 0), np.float32)),
        (1, np.zeros(9)),
        (2, np.ones(3)),
        (3, 0),
        (4, 441),
        (6, np.zeros((2, 3))),
    ):
        arguments = list(good)
        arguments[place] = wrong
        with pytest.raises(ValueError, match=r"must|fit"):
            both("loudness", "weighted_energy", *arguments)


@pytest.mark.parametrize("frames", LENGTHS)
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("factor", [1, 2, 4])
def test_peak_twins(frames: int, channels: int, factor: int) -> None:
    taps, gain = interpolator(factor)
    both("loudness", "peaks", noise(frames, channels), taps, gain, 0.25)


@pytest.mark.parametrize("seed", range(8))
def test_skipping_never_misses_a_peak(seed: int) -> None:
    """Signals of many kinds against the twin, which skips nothing."""
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(rng.standard_normal((5000, 2)), axis=0)
    smooth /= np.abs(smooth).max()
    sparse = np.where(
        rng.random((5000, 2)) > 0.99, rng.uniform(-1, 1, (5000, 2)), 0.01 * rng.standard_normal((5000, 2))
    )
    clipped = np.clip(3 * np.sin(np.cumsum(rng.uniform(0, 1, (5000, 2)), axis=0)), -1, 1)
    taps, gain = interpolator(4)
    for samples in (smooth, sparse, clipped):
        both("loudness", "peaks", samples.astype(np.float32), taps, gain, 0.0)


def test_peaks_reject_odd_filters() -> None:
    with pytest.raises(ValueError, match="even length"):
        both("loudness", "peaks", noise(100, 1), np.zeros((1, 5), np.float32), 1.0, 0.0)


def test_interpolator_bound_holds_for_the_worst_signal() -> None:
    taps, gain = interpolator(4)
    rng = np.random.default_rng(0)
    for _ in range(200):
        x = rng.choice([-1.0, 1.0], taps.shape[1])
        middle = np.abs(x[taps.shape[1] // 2 - 1 : taps.shape[1] // 2 + 1]).max()
        assert np.abs(taps @ x).max() <= middle + gain * np.abs(np.diff(x, 2)).max()


def test_interpolator_passes_sines() -> None:
    taps, _ = interpolator(4)
    half = taps.shape[1] // 2
    n = np.arange(1 - half, half + 1)
    for cycles in (0.001, 0.05, 0.2, 0.35, 0.4):
        for row, fraction in zip(taps, (0.25, 0.5, 0.75), strict=True):
            phases = np.linspace(0, 2 * np.pi, 50)[:, None]
            got = np.sin(2 * np.pi * cycles * n + phases) @ row
            np.testing.assert_allclose(got, np.sin(2 * np.pi * cycles * fraction + phases[:, 0]), atol=0.01)


def test_k_weighting_is_the_table_of_the_recommendation() -> None:
    table = [1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585]
    table += [1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621]
    np.testing.assert_allclose(k_weighting(48_000), table, atol=1e-8)


@pytest.mark.parametrize("sample_rate", [8000, 11_025, 22_050, 32_000, 44_100, 88_200, 96_000, 192_000])
def test_loudness_does_not_depend_on_the_rate(sample_rate: int) -> None:
    t = np.arange(5 * sample_rate) / sample_rate
    samples = (0.1 * np.sin(2 * np.pi * 997 * t) + 0.05 * np.sin(2 * np.pi * 100 * t)).astype(np.float32)[:, None]
    loudness, _ = estimate_loudness(extract_features([samples], sample_rate=sample_rate, channels=1, kinds=["level"]))
    assert loudness is not None
    assert loudness.integrated == pytest.approx(-22.35, abs=0.1)
    assert loudness.true_peak == pytest.approx(20 * np.log10(0.15), abs=0.2)


@pytest.mark.parametrize("block", [1, 7, 23, 441, 5000])
def test_any_block_size_gives_the_same_peaks_and_nearly_the_same_energies(block: int) -> None:
    samples = noise(3000, 2)
    whole, parts = LevelTap(sample_rate=44_100, channels=2), LevelTap(sample_rate=44_100, channels=2)
    whole.push_source(samples)
    for piece in split(samples, block):
        parts.push_source(piece)
    a, b = whole.finish(), parts.finish()
    assert a.true_peak == pytest.approx(b.true_peak, rel=1e-6)
    assert (a.sample_peak, a.frames, a.hop) == (b.sample_peak, b.frames, b.hop)
    np.testing.assert_allclose(a.energies, b.energies, rtol=1e-9)
    assert a.tail == pytest.approx(b.tail, rel=1e-9)


def test_stream_equals_whole_to_the_bit() -> None:
    samples = noise(150_000, 2)
    answers = [
        extract_features(split(samples, size), sample_rate=44_100, channels=2, kinds=["level"]).level
        for size in (1000, 65_536, 150_000)
    ]
    for other in answers[1:]:
        np.testing.assert_array_equal(answers[0].energies, other.energies)
        assert answers[0].true_peak == other.true_peak


def test_threads_agree() -> None:
    samples, answers = noise(80_000, 2), []

    def work() -> None:
        level = extract_features([samples], sample_rate=44_100, channels=2, kinds=["level"]).level
        answers.append((level.energies.tobytes(), level.true_peak))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 8
    assert len(set(answers)) == 1


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.3, 5.0])
def test_silence_and_fragments_have_a_reason(seconds: float) -> None:
    samples = np.zeros((round(seconds * 44_100), 2), np.float32)
    loudness, notes = estimate_loudness(extract_features([samples], sample_rate=44_100, channels=2, kinds=["level"]))
    assert loudness is None
    assert notes["loudness"]


def test_without_level_features_there_is_a_reason() -> None:
    loudness, notes = estimate_loudness(Features(duration=1.0, sample_rate=44_100, channels=1))
    assert loudness is None
    assert "level" in notes["loudness"]


def test_silence_after_loud_music_stays_silent() -> None:
    samples = np.concatenate([noise(44_100, 1), np.zeros((44_100 * 4, 1), np.float32)])
    level = extract_features([samples], sample_rate=44_100, channels=1, kinds=["level"]).level
    assert level.energies[150] < 1e-9
    assert np.all(level.energies >= 0)
    assert level.hop_seconds == pytest.approx(HOP_SECONDS)


def test_replaygain() -> None:
    samples = 0.1 * noise(44_100 * 4, 2)
    loudness, _ = estimate_loudness(extract_features([samples], sample_rate=44_100, channels=2, kinds=["level"]))
    assert loudness is not None
    assert loudness.replaygain_gain == pytest.approx(-18 - loudness.integrated)
    assert loudness.replaygain_peak == pytest.approx(10 ** (loudness.sample_peak / 20))
