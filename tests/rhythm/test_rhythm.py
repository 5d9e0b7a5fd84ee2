"""Tempo, beats, downbeats and grids of synthetic music."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import soxr

from tests import synth
from tracktion.errors import UsageError
from tracktion.estimators.grid import EVENNESS, LEAST_WEIGHT, Line, evened, segments
from tracktion.estimators.network import activations
from tracktion.estimators.rhythm import _on_line, estimate_rhythm
from tracktion.features.rhythm import RhythmFeatures, filterbank
from tracktion.features.stream import Features, extract_features
from tracktion.results.rhythm import Rhythm


def features(clip: synth.Clip) -> Features:
    samples = clip.samples if clip.samples.ndim == 2 else clip.samples[:, None]
    return extract_features([samples], sample_rate=clip.sample_rate, channels=samples.shape[1], kinds=["rhythm"])


def hear(clip: synth.Clip, **options) -> Rhythm:  # type: ignore[no-untyped-def]
    return estimate_rhythm(features(clip), **options)


def hits(found: np.ndarray, truth: np.ndarray, tolerance: float) -> float:
    """Share of true beats, the first and last second aside, with a found one near."""
    truth = truth[(truth > 1) & (truth < truth[-1] - 1)]
    return float(np.mean(np.abs(found[None, :] - truth[:, None]).min(axis=1) < tolerance))


@pytest.mark.parametrize("bpm", [84.0, 100.0, 123.4, 128.0, 140.0, 174.0])
@pytest.mark.parametrize("pattern", ["rock", "house"])
def test_tempo_and_beats_of_constant_music(bpm: float, pattern: str) -> None:
    clip = synth.song(bpm, seconds=30.0, pattern=pattern)
    rhythm = hear(clip)
    assert rhythm.tempo is not None
    assert rhythm.beats is not None
    assert rhythm.grid is not None
    octave = 2.0 ** np.round(np.log2(rhythm.tempo.bpm / bpm))
    assert rhythm.tempo.bpm / octave == pytest.approx(bpm, abs=0.05)
    assert rhythm.grid.constant
    np.testing.assert_allclose(rhythm.grid.beats()[: len(rhythm.beats.times)][-1], rhythm.beats.times[-1], atol=2.0)
    if octave == 1:
        assert hits(rhythm.beats.times, clip.beats, 0.02) > 0.9


def test_beats_follow_a_changing_tempo() -> None:
    clip = synth.song(110, beats=synth.ramp_beats(100, 125, seconds=40), seconds=40)
    rhythm = hear(clip)
    assert rhythm.beats is not None
    assert rhythm.tempo is not None
    assert hits(rhythm.beats.times, clip.beats, 0.07) > 0.85
    assert rhythm.tempo.curve_bpm[-1] > rhythm.tempo.curve_bpm[0] + 10
    assert len(rhythm.grid.segments) > 1


def test_answers_are_well_formed() -> None:
    rhythm = hear(synth.song(120, seconds=20.0))
    assert rhythm.tempo is not None
    assert 30 <= rhythm.tempo.bpm <= 300
    assert 0 <= rhythm.tempo.confidence <= 1
    assert rhythm.tempo.candidates[0].bpm == rhythm.tempo.bpm
    assert sum(c.weight for c in rhythm.tempo.candidates) <= 1 + 1e-9
    assert {"2", "1/2", "3/2", "2/3"} <= {c.relation for c in rhythm.tempo.candidates}
    assert np.all(np.diff(rhythm.beats.times) > 0)
    assert np.all(rhythm.beats.times >= 0)
    assert set(rhythm.downbeats.times) <= set(rhythm.beats.times)
    assert Rhythm.from_dict(rhythm.to_dict()) == rhythm


def test_louder_and_softer_copies_are_the_same_music() -> None:
    clip = synth.song(120, seconds=15.0)
    loud, soft = hear(clip), hear(dataclasses.replace(clip, samples=clip.samples * np.float32(0.1)))
    assert soft.tempo.bpm == pytest.approx(loud.tempo.bpm, abs=0.02)
    np.testing.assert_allclose(soft.beats.times, loud.beats.times, atol=0.005)


def test_sample_rate_does_not_matter() -> None:
    clip = synth.song(126, seconds=20.0)
    other = soxr.resample(clip.samples, 44100, 48000)
    a, b = hear(clip), hear(synth.Clip(other.astype(np.float32), 48000))
    assert a.tempo.bpm == pytest.approx(b.tempo.bpm, abs=0.05)
    n = min(len(a.beats), len(b.beats))
    np.testing.assert_allclose(a.beats.times[:n], b.beats.times[:n], atol=0.005)


@pytest.mark.parametrize(
    "clip",
    [
        synth.silence(10.0),
        synth.noise(10.0),
        synth.noise(10.0, colour="pink", level=0.3),
        synth.noise(10.0, level=0.001, seed=3),
        synth.sine(440.0, 10.0),
        synth.Clip(np.full(441000, 0.3, np.float32), 44100),
        synth.Clip(np.zeros(1, np.float32), 44100),
    ],
    ids=["silence", "white", "pink", "faint", "sine", "dc", "one sample"],
)
def test_no_invented_tempo(clip: synth.Clip) -> None:
    rhythm = hear(clip)
    assert rhythm.tempo is None
    assert rhythm.beats is None
    assert rhythm.downbeats is None
    assert rhythm.grid is None
    assert set(rhythm.notes) == {"tempo", "beats", "downbeats", "grid"}


def test_range_folds_the_tempo() -> None:
    clip = synth.song(120, seconds=20.0)
    low = hear(clip, bpm_range=(40, 80))
    assert low.tempo.bpm == pytest.approx(60, abs=0.2)
    assert np.median(np.diff(low.beats.times)) == pytest.approx(1.0, abs=0.01)
    high = hear(clip, bpm_range=(200, 280))
    assert high.tempo.bpm == pytest.approx(240, abs=0.5)
    for none in ((100, 101), (70, 100), (165, 200), (300, 500), (39, 41)):
        odd = hear(clip, bpm_range=none)
        assert "tempo" in odd.notes, none
        assert odd.tempo.bpm == pytest.approx(120, abs=0.2)


def test_prior_replaces_the_learned_one() -> None:
    clip = synth.song(120, seconds=20.0)
    slow = hear(clip, prior=lambda bpm: np.exp(-4 * np.log2(bpm / 60) ** 2 * 8))
    assert slow.tempo.bpm == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize("bpm_range", [(120, 120), (0, 100), (150, 90)])
def test_impossible_range_is_refused(bpm_range: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="bpm_range"):
        hear(synth.song(120, seconds=5.0), bpm_range=bpm_range)


def test_prior_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="prior"):
        hear(synth.song(120, seconds=5.0), prior=lambda bpm: -bpm)


def test_downbeats_of_a_waltz() -> None:
    clip = synth.song(96, seconds=30.0, beats_per_bar=3)
    rhythm = hear(clip)
    assert rhythm.grid.beats_per_bar in {3, 6}


def test_blocks_of_any_size_give_the_same_features() -> None:
    clip = synth.song(120, seconds=6.0)
    samples = clip.samples[:, None]
    whole = features(clip).rhythm
    for size in (997, 4096, 100_000):
        blocks = [samples[i : i + size] for i in range(0, len(samples), size)]
        cut = extract_features(blocks, sample_rate=44100, channels=1, kinds=["rhythm"]).rhythm
        np.testing.assert_array_equal(cut.bands, whole.bands)


def test_features_without_rhythm_say_so() -> None:
    rhythm = estimate_rhythm(Features(duration=10.0, sample_rate=44100, channels=1))
    assert rhythm.tempo is None
    assert "tempo" in rhythm.notes


def test_filterbank_covers_the_spectrum() -> None:
    bank = filterbank()
    assert len(bank.first) == 72
    assert np.all(np.diff(bank.first) >= 1)
    assert bank.first[-1] + bank.width[-1] >= 1020


@pytest.mark.parametrize("frames", [0, 1, 5, 40, 151])
def test_very_short_material(frames: int) -> None:
    bands = np.full((frames, 72), 0x3F00, np.uint16)
    material = RhythmFeatures(bands)
    rhythm = estimate_rhythm(Features(duration=frames / 50, sample_rate=44100, channels=1, rhythm=material))
    assert rhythm.tempo is None


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 50])
def test_evened_beats_are_the_least_squares(count: int) -> None:
    rng = np.random.default_rng(count)
    times, sure = np.cumsum(0.5 + 0.05 * rng.standard_normal(count)), rng.uniform(0.1, 1.0, count)
    found = evened(times, sure)
    if count < 3:
        np.testing.assert_array_equal(found, times)
        return
    bend = np.diff(np.eye(count), n=2, axis=0)
    weight = np.diag(sure + LEAST_WEIGHT)
    np.testing.assert_allclose(found, np.linalg.solve(weight + EVENNESS * bend.T @ bend, weight @ times), atol=1e-9)


def test_evening_leaves_even_beats_and_moves_unsure_ones() -> None:
    times, sure = np.arange(20) * 0.5, np.ones(20)
    np.testing.assert_allclose(evened(times, sure), times, atol=1e-9)
    times[10] += 0.05
    sure[10] = 0.05
    assert abs(evened(times, sure)[10] - 5.0) < 0.01


@pytest.mark.parametrize("seconds", [5.0, 30.0])
def test_two_threads_give_the_same_answer_to_the_last_bit(seconds: float) -> None:
    bands = features(synth.song(118.0, seconds=seconds)).rhythm.bands
    one, two = activations(bands), activations(bands, workers=2)
    for name in ("beat", "downbeat", "tempo"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_no_frames_give_no_activations() -> None:
    nothing = activations(np.empty((0, 72), np.uint16), workers=2)
    assert nothing.beat.shape == (0,)
    assert nothing.tempo.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("depth", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("seconds", [6.3, 10.0, 40.0])
def test_a_grid_holds_its_beats_within_30_ms(depth: float, seconds: float) -> None:
    """Tempo that sways by so much in so many seconds."""
    times = [0.5]
    while times[-1] < 60:
        times.append(times[-1] + 0.5 / (1 + depth * np.sin(2 * np.pi * times[-1] / seconds)))
    beats = np.array(times)
    made = segments(beats, np.arange(len(beats)) % 4, 4, 61.0)
    grid = np.concatenate([segment.beats() for segment in made])
    assert np.abs(beats[:, None] - grid[None]).min(axis=1).max() <= 0.0301
    assert len(made) < len(beats) / 2


def test_beats_on_a_line_end_with_the_file() -> None:
    times = np.arange(20) * 0.5
    times[-1] -= 0.2
    on_line, position = _on_line(Line(0.5, 0.0, 0.95), times, (np.arange(20) % 4).astype(np.int32), 4, 9.4)
    np.testing.assert_allclose(on_line, np.arange(19) * 0.5)
    assert len(position) == 19


@pytest.mark.parametrize("seconds", [2.0, 6.0])
def test_what_is_too_short_for_the_range_keeps_its_tempo_and_says_so(seconds: float) -> None:
    rhythm = hear(synth.song(120, seconds=seconds, first_beat=0.0), bpm_range=(30, 40) if seconds > 2 else (50, 90))
    assert rhythm.tempo is not None
    assert rhythm.tempo.bpm == pytest.approx(120, rel=0.01)
    assert "too short for beats of" in rhythm.notes["tempo"]
