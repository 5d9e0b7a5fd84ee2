"""Loops of a bar or two."""

from __future__ import annotations

import numpy as np
import pytest

import tracktion
from tests import synth
from tracktion.estimators.grid import loop_line

RATE = synth.SAMPLE_RATE


def hear(samples: np.ndarray) -> tracktion.Analysis:
    return tracktion.Analyzer(compute=["rhythm"]).analyze((samples.astype(np.float32), RATE))


@pytest.mark.parametrize("bars", [1, 2])
@pytest.mark.parametrize("bpm", [90.0, 120.0, 128.0, 140.0])
@pytest.mark.parametrize("pattern", ["rock", "house"])
def test_a_loop_has_the_tempo_that_its_length_says(bpm: float, bars: int, pattern: str) -> None:
    clip = synth.drum_loop(bpm, seconds=bars * 240 / bpm, first_beat=0.0, pattern=pattern)
    found = hear(clip.samples)
    assert found.tempo is not None
    assert found.beats is not None
    assert found.tempo.bpm == pytest.approx(bpm, abs=0.002)
    np.testing.assert_allclose(found.beats.times, clip.beats, atol=0.01)


@pytest.mark.parametrize("seconds", [1.6, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("sound", [synth.kick(), synth.snare(), synth.click(), synth.note(60, 1.5)])
def test_one_sound_has_no_tempo(sound: np.ndarray, seconds: float) -> None:
    samples = np.zeros(round(seconds * RATE))
    samples[: len(sound)] += sound[: len(samples)]
    found = hear(samples)
    assert found.tempo is None
    assert found.beats is None
    assert found.notes["tempo"]


def test_less_than_a_bar_is_too_short() -> None:
    found = hear(synth.drum_loop(120, seconds=1.4, first_beat=0.0).samples)
    assert found.tempo is None
    assert "too short" in found.notes["tempo"]


def test_beats_that_do_not_fill_the_file_say_their_own_tempo() -> None:
    assert loop_line(np.arange(4) * 0.5, np.ones(4), 2.2) is None
    clip = synth.drum_loop(120, seconds=4.2, first_beat=0.05)
    found = hear(clip.samples)
    assert found.tempo is not None
    assert found.tempo.bpm == pytest.approx(120, rel=0.01)


def test_a_line_of_a_loop_goes_through_the_middle_of_its_beats() -> None:
    times = 0.1 + 0.502 * np.arange(8)
    line = loop_line(times, np.ones(8), 4.0)
    assert line is not None
    assert line.period == 0.5
    assert np.mean(line.offset + line.period * np.arange(8) - times) == pytest.approx(0.0, abs=1e-9)
