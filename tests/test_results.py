"""Results: frozen, equal by value, plain data and back."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from tracktion.errors import UsageError
from tracktion.results.analysis import Analysis
from tracktion.results.base import frozen_array
from tracktion.results.key import Key
from tracktion.results.loudness import Loudness
from tracktion.results.mood import Mood
from tracktion.results.rhythm import BeatGrid, Beats, GridSegment, Tempo, TempoCandidate
from tracktion.results.structure import Segment, Structure
from tracktion.results.tags import Tags


@pytest.fixture
def analysis() -> Analysis:
    grid = BeatGrid((GridSegment(0.0, 10.0, 120.0, 0.25, 4, 1), GridSegment(10.0, 20.0, 90.0, 10.1, 3, 0)))
    return Analysis(
        duration=20.0,
        sample_rate=44100,
        channels=2,
        source="a\udcff.mp3",
        tempo=Tempo(
            120.0, 0.9, (TempoCandidate(120.0, 0.7, "1"),), 0.8, frozen_array([0, 1]), frozen_array([120, 121])
        ),
        beats=Beats(frozen_array([0.25, 0.75]), 0.9),
        downbeats=Beats(frozen_array([0.75]), 0.5),
        grid=grid,
        key=Key.parse("F# minor"),
        mood=Mood(0.1, -0.2, {"power": 0.5}, 0.4, 0.3, {"valence": 0.6}),
        loudness=Loudness(-14.0, 5.0, -1.0, -1.2, -4.0, 0.9),
        structure=Structure(segments=(Segment(0, 20, 0.0),)),
        fingerprint=b"\x00\x01\xff",
        identity="flac:00",
        tags=Tags(title="x"),
        notes={"truncated": "ended early"},
        versions={"library": "0"},
    )


def test_analysis_survives_plain_data(analysis: Analysis) -> None:
    again = Analysis.from_json(analysis.to_json())
    assert again == analysis
    assert hash(again) == hash(analysis)
    assert again.fingerprint == b"\x00\x01\xff"
    assert isinstance(again.beats, Beats)
    assert again.truncated


def test_json_can_be_written_whatever_the_name(analysis: Analysis) -> None:
    text = dataclasses.replace(analysis, tags=Tags(title="Für")).to_json()
    assert "Für" in text
    assert json.loads(text.encode("utf-8"))["source"] == "a\udcff.mp3"


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))])
def test_copies_are_as_frozen(analysis: Analysis, way: Callable[[Analysis], Analysis]) -> None:
    again = way(analysis)
    assert again == analysis
    assert again.beats is not None
    with pytest.raises(ValueError, match="read-only"):
        again.beats.times[0] = 1.0


def test_a_doubled_grid_has_a_beat_between_each_two() -> None:
    grid = BeatGrid((GridSegment(0.0, 10.0, 60.0, 0.9, 4, 1), GridSegment(10.0, 20.0, 60.0, 10.9, 4, 0)))
    np.testing.assert_allclose(grid.doubled().beats(), np.arange(0.9, 20.0, 0.5))
    assert [segment.first_downbeat for segment in grid.doubled().segments] == [2, 1]


def test_results_are_frozen(analysis: Analysis) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        analysis.duration = 1.0  # type: ignore[misc]
    assert analysis.beats is not None
    with pytest.raises(ValueError, match="read-only"):
        analysis.beats.times[0] = 1.0


def test_unknown_entries_are_ignored_and_a_newer_schema_is_refused(analysis: Analysis) -> None:
    data = analysis.to_dict()
    assert Analysis.from_dict(data | {"invented": 1}) == analysis
    with pytest.raises(UsageError, match="update tracktion"):
        Analysis.from_dict(data | {"schema": 99})


def test_non_finite_numbers_become_null() -> None:
    assert Loudness(float("-inf"), 0, 0, 0, 0, 0).to_dict()["integrated"] is None


def test_grid_yields_its_beats(analysis: Analysis) -> None:
    assert analysis.grid is not None
    beats = analysis.grid.beats()
    assert len(beats) == 20 + 15
    np.testing.assert_allclose(beats[:3], [0.25, 0.75, 1.25])
    np.testing.assert_allclose(beats[20:22], [10.1, 10.1 + 2 / 3])
    assert not analysis.grid.constant
    assert analysis.grid.beats_per_bar in {3, 4}


def test_grid_can_be_shifted_doubled_halved() -> None:
    grid = BeatGrid((GridSegment(0.0, 10.0, 120.0, 0.25, 4, 1),))
    np.testing.assert_allclose(grid.shifted(0.1).beats(), grid.beats() + 0.1)
    np.testing.assert_allclose(grid.doubled().beats()[::2], grid.beats())
    half = grid.halved()
    np.testing.assert_allclose(half.beats(), grid.beats()[1::2])
    assert half.segments[0].first_downbeat == 0


def test_repr_is_short_and_helpful(analysis: Analysis) -> None:
    text = repr(analysis)
    assert "120.00 BPM" in text
    assert "F# minor" in text
    assert "truncated" in text
    assert len(text) < 250
