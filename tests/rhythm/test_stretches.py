"""Stretches of constant tempo within a piece."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tracktion
from tests import synth
from tracktion.estimators.grid import segments
from tracktion.estimators.stretches import LEAST_BEATS, Stretch, common_bpm, on_stretches, stretches


def medley(*parts: tuple[float, int]) -> np.ndarray:
    """Beats of parts of (BPM, beats)."""
    periods = np.concatenate([np.full(count, 60.0 / bpm) for bpm, count in parts])
    return 0.5 + np.concatenate([[0.0], np.cumsum(periods)[:-1]])


def bpm_of(found: tuple[Stretch, ...]) -> list[float]:
    return [60.0 / stretch.period for stretch in found]


def test_each_part_of_a_medley_is_a_stretch() -> None:
    times = synth.jittered(medley((120, 100), (128, 200), (90, 60)), ms=3)
    found = stretches(times)
    np.testing.assert_allclose(bpm_of(found), [120, 128, 90], rtol=5e-4)
    assert [abs(stretch.low - low) <= 1 for stretch, low in zip(found, (0, 100, 300), strict=True)]
    assert np.abs(on_stretches(times, found) - medley((120, 100), (128, 200), (90, 60))).max() < 0.01


def test_a_player_keeps_to_no_line() -> None:
    """Intervals that wander by a fiftieth, as in a steady performance."""
    rng = np.random.default_rng(4)
    wander = np.cumsum(rng.normal(0, 0.02, 400))
    times = 0.5 + np.cumsum(0.5 * np.exp(wander - np.convolve(wander, np.ones(50) / 50, "same")))
    held = sum(stretch.high - stretch.low for stretch in stretches(times))
    assert held < len(times) / 4


def test_a_stray_beat_does_not_part_a_stretch() -> None:
    times = medley((120, 200))
    times[90] += 0.02
    assert [stretch[:2] for stretch in stretches(times)] == [(0, 200)]


@pytest.mark.parametrize("count", [0, 1, 2, LEAST_BEATS - 1])
def test_a_few_beats_are_no_stretch(count: int) -> None:
    assert stretches(medley((120, count))) == ()


def test_the_tempo_is_that_of_most_beats() -> None:
    assert common_bpm(stretches(medley((120, 100), (90, 60), (120.1, 30))), 190) == pytest.approx(120.02, abs=0.01)


def test_where_few_beats_are_on_stretches_none_speaks_for_all() -> None:
    assert common_bpm((Stretch(0, 30, 0.5, 0.5),), 100) is None
    assert common_bpm((), 100) is None


@pytest.mark.parametrize("tail", [0, 1, 2, 9])
def test_a_grid_has_a_segment_for_each_stretch_and_holds_every_beat(tail: int) -> None:
    times = medley((120, 100), (126, 100))
    times = np.concatenate([times, times[-1] + np.cumsum(np.linspace(0.5, 0.7, tail))])
    held = stretches(times)
    made = segments(times, np.arange(len(times)) % 4, 4, float(times[-1]) + 1.0, held)
    grid = np.concatenate([segment.beats() for segment in made])
    assert np.abs(times[:, None] - grid[None]).min(axis=1).max() <= 0.0301
    np.testing.assert_allclose([segment.bpm for segment in made[:2]], [120, 126], rtol=1e-3)
    assert all(one.end == other.start for one, other in itertools.pairwise(made))
    assert all(np.diff(grid) > 0.3)


def test_a_grid_whose_line_begins_before_the_file_is_not_late() -> None:
    times = np.maximum(np.arange(100) * 0.5 - 0.02, 0.0)
    (made,) = segments(times, np.arange(100) % 4, 4, 50.0, (Stretch(0, 100, -0.02, 0.5),))
    np.testing.assert_allclose(made.beats()[:99], times[1:], atol=1e-9)
    assert made.first_downbeat == 3


def test_a_grid_that_begins_a_hair_before_the_file_begins_with_it() -> None:
    times = np.maximum(np.arange(100) * 0.5 - 0.001, 0.0)
    (made,) = segments(times, np.arange(100) % 4, 4, 50.0, (Stretch(0, 100, -0.001, 0.5),))
    assert (made.first_beat, made.first_downbeat) == (0.0, 0)


@pytest.mark.parametrize("cut", [0.0, 0.005, 0.01, 0.02])
@pytest.mark.parametrize("bpms", [(124,), (120, 128)])
def test_a_cut_into_the_first_beat_moves_neither_beats_nor_grid(bpms: tuple[float, ...], cut: float) -> None:
    clip = synth.joined(*(synth.song(bpm, seconds=31, first_beat=0.0) for bpm in bpms))
    samples = clip.samples[round(cut * clip.sample_rate) :]
    analysis = tracktion.Analyzer(compute=["rhythm"]).analyze((samples, clip.sample_rate))
    assert analysis.beats is not None
    assert analysis.grid is not None
    assert 0 <= analysis.beats.times[0] < analysis.beats.times[-1] <= analysis.duration
    inner = clip.beats[1 : round(30 * bpms[0] / 60)] - cut
    assert np.median(np.abs(inner[:, None] - analysis.grid.beats()[None]).min(axis=1)) < 0.004


@pytest.mark.parametrize("bpms", [(120, 128), (126, 127), (120, 126, 132)])
def test_a_song_that_changes_its_tempo_is_right_to_a_few_ms(bpms: tuple[float, ...]) -> None:
    clip = synth.joined(*(synth.song(bpm, seconds=60) for bpm in bpms))
    analysis = tracktion.Analyzer(compute=["rhythm"]).analyze(clip.source)
    assert analysis.grid is not None
    assert analysis.beats is not None
    np.testing.assert_allclose([segment.bpm for segment in analysis.grid.segments], bpms, rtol=2e-4)
    assert analysis.tempo is not None
    assert min(abs(analysis.tempo.bpm - bpm) for bpm in bpms) < 0.02
    distance = np.abs(clip.beats[:, None] - analysis.beats.times[None]).min(axis=1)
    assert distance.max() < 0.01
