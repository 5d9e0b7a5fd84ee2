"""Which metrical level is the beat."""

from __future__ import annotations

import numpy as np
import pytest

import tracktion
from tests.synth import joined, song
from tracktion.estimators import levels
from tracktion.estimators.network import Activations

BPM = np.geomspace(36, 330, 96)


def heard(tempo: np.ndarray, frames: int = 500) -> Activations:
    flat = np.zeros(frames, np.float32)
    return Activations(beat=flat, downbeat=flat, tempo=tempo / tempo.sum(), bpm=BPM)


@pytest.mark.parametrize("frames", [40, 1000, 20_000])
def test_correlations_are_means_of_products(frames: int) -> None:
    signals = np.random.default_rng(1).standard_normal((6, frames)).astype(np.float32)
    row = levels.correlations(signals, [24.0, 48.0])[0]
    for i, lag in ((0, 6), (3, 24), (31, 192)):
        direct = float(np.dot(signals[2, : frames - lag], signals[2, lag:]) / (frames - lag)) if lag < frames else 0.0
        expected = direct if lag + 1 < frames - levels.OVERLAP_FRAMES else 0.0
        assert row[2 * 32 + i] == pytest.approx(expected, abs=1e-4)
    first, second = levels.PAIRS[4]
    one, other = signals[first], signals[second]
    both = (np.dot(one[:-12], other[12:]) + np.dot(other[:-12], one[12:])) / 2 / (frames - 12)
    assert row[6 * 32 + 4 * 17 + 2] == pytest.approx(both, abs=1e-4)
    assert row.shape == (levels.SCORED,)


@pytest.mark.parametrize("frames", [1, 2, 8191, 8192, 8193])
def test_pulses_are_standardised_in_any_length(frames: int) -> None:
    bands = np.random.default_rng(2).integers(0x3C00, 0x4200, (frames, 72)).astype(np.uint16)
    out = levels.pulses(bands, heard(np.ones(96), frames))
    assert out.shape == (6, frames)
    assert np.all(np.isfinite(out))
    np.testing.assert_allclose(out.mean(axis=1), 0, atol=1e-3)
    if frames > 2:
        np.testing.assert_allclose(out[:4].std(axis=1), 1, atol=1e-3)


def test_what_the_tempo_head_gives_is_shared_out_by_the_odds() -> None:
    before = heard(np.exp(-0.5 * (np.log2(BPM / 120) / 0.1) ** 2) + 1e-3)
    after = levels.reweighted(before, 120.0, np.array([0.7, 0.2, 0.1]))
    assert after.tempo.sum() == pytest.approx(1.0)
    shares = [after.tempo[np.abs(np.log(BPM / bpm)) < levels.NEAR].sum() for bpm in (60, 120, 240)]
    np.testing.assert_allclose(np.array(shares) / sum(shares), [0.7, 0.2, 0.1], rtol=1e-6)


@pytest.mark.parametrize(("bpm", "impossible"), [(45.0, 0), (200.0, 2)])
def test_no_level_outside_the_tempi_that_there_are(bpm: float, impossible: int) -> None:
    bands = np.random.default_rng(3).integers(0x3C00, 0x4200, (800, 72)).astype(np.uint16)
    odds = levels.level_odds(bands, heard(np.ones(96), 800), np.arange(5.0, 800.0, 3000.0 / bpm), bpm)
    assert odds[impossible] == 0
    assert odds.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("bpm", [60, 84, 112, 128, 140, 148])
def test_plain_rock_is_heard_at_its_tempo(bpm: float) -> None:
    tempo = tracktion.Analyzer(compute=["rhythm"]).analyze(song(bpm=bpm, seconds=40).source).tempo
    assert tempo is not None
    assert tempo.bpm == pytest.approx(bpm, rel=0.01)
    assert tempo.candidates[0].bpm == tempo.bpm
    assert tempo.candidates[0].weight == max(c.weight for c in tempo.candidates)


def test_a_prior_of_the_caller_is_not_overruled() -> None:
    source = song(bpm=140, seconds=30).source
    slow = tracktion.Analyzer(compute=["rhythm"], tempo_prior=lambda bpm: np.exp(-0.5 * (np.log2(bpm / 70) / 0.2) ** 2))
    tempo = slow.analyze(source).tempo
    assert tempo is not None
    assert tempo.bpm == pytest.approx(70, rel=0.01)


def test_a_clock_that_ticks_with_the_beats_makes_them_even() -> None:
    beats = np.cumsum(np.concatenate([np.full(40, 25.0), np.full(40, 20.0)]))
    signals = np.zeros((2, 2000), np.float32)
    signals[0, beats.astype(int)] = 1.0
    even = levels.straightened(signals, beats, 22.0)
    peaks = np.flatnonzero(even[0] > 0.5 * even[0].max())
    places = np.unique(np.round(peaks / 22.0))
    assert np.abs(peaks - 22.0 * np.round(peaks / 22.0)).max() <= 1.0
    assert len(places) == 80


@pytest.mark.parametrize("bpms", [(110, 114.4), (120, 125), (128, 133), (140, 145.6)])
def test_a_change_of_tempo_does_not_halve_it(bpms: tuple[float, float]) -> None:
    clip = joined(*(song(bpm=bpm, seconds=60) for bpm in bpms))
    tempo = tracktion.Analyzer(compute=["rhythm"]).analyze(clip.source).tempo
    assert tempo is not None
    assert tempo.bpm == pytest.approx(bpms[1], rel=0.05)
