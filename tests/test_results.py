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
from tracktion.results.catalogue import Track
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


def test_json_is_strict_whatever_the_numbers_are() -> None:
    """NumPy's scalars and arrays too: RFC 8259 knows no NaN."""
    loudness = Loudness(np.float64("-inf"), np.float32("nan"), np.float64(1), np.int64(2), 0, 0)  # type: ignore[arg-type]
    assert json.loads(loudness.to_json())["integrated"] is None
    assert json.loads(Beats(np.array([1.0, np.nan])).to_json())["times"] == [1.0, None]
    assert Beats(np.array([np.nan])) == Beats(np.array([np.nan]))
    assert json.loads(Track(extra={"x": np.array([np.inf, 1.0]), "y": np.float32("nan")}).to_json())["extra"] == {
        "x": [None, 1.0],
        "y": None,
    }


def test_arrays_of_the_caller_stay_his() -> None:
    times = np.array([1.0, 2.0])
    beats = Beats(times)
    copy.copy(beats)
    times[0] = 9.0
    assert beats.times.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        beats.times[0] = 1.0
    assert Beats([1, 2]) == beats  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"duration": None}, "duration"),
        ({"duration": float("nan")}, "duration"),
        ({"duration": 10**400}, "duration"),
        ({"sample_rate": "fast"}, "sample_rate"),
        ({"channels": 1.5}, "channels"),
        ({"source": 5}, "source"),
        ({"notes": {"x": None}}, "notes"),
        ({"notes": []}, "notes"),
        ({"tags": {"title": ["x"]}}, "title"),
        ({"tempo": {"bpm": None, "confidence": 1}}, "bpm"),
        ({"tempo": {"bpm": 120, "confidence": 1, "candidates": None}}, "candidates"),
        ({"beats": {"times": [[1.0]]}}, "times"),
        ({"beats": {"times": [1.0, None]}}, "times"),
        ({"beats": []}, "Beats"),
        ({"fingerprint": "%%"}, "fingerprint"),
        ({"key": {"tonic": "H", "mode": "major"}}, "tonic"),
        ({"schema": None}, "schema"),
    ],
)
def test_plain_data_that_cannot_be_meant_are_refused(
    analysis: Analysis, changes: dict[str, object], field: str
) -> None:
    """With the name of the field; what is read can be shown."""
    with pytest.raises(UsageError, match=field):
        Analysis.from_dict(analysis.to_dict() | changes)


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_what_is_no_dict_is_no_analysis(data: object) -> None:
    with pytest.raises(UsageError, match="no Analysis"):
        Analysis.from_dict(data)  # type: ignore[arg-type]


def test_json_of_any_depth_is_read_or_refused() -> None:
    with pytest.raises(UsageError, match="JSON"):
        Analysis.from_json("[" * 100_000)


def test_whole_numbers_may_be_written_as_others_do(analysis: Analysis) -> None:
    assert Analysis.from_dict(analysis.to_dict() | {"sample_rate": 44100.0}) == analysis


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
    segments = tuple(Segment(i, i + 1) for i in range(100))
    structure = Structure(1.0, 2.0, 12.0, 90.0, segments, frozen_array(np.arange(1000)), frozen_array(np.arange(1000)))
    assert repr(structure) == "Structure(100 segments, intro to 12.0 s, outro from 90.0 s, silence 1.00 s and 2.00 s)"
