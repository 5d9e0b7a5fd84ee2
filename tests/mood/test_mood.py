from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests import synth
from tracktion.estimators.mood import _model, estimate_mood
from tracktion.estimators.mood_features import MOST_WINDOWS, mood_numbers, windows_of
from tracktion.estimators.mood_harmony import harmony_numbers
from tracktion.features.stream import Features, extract_features
from tracktion.features.timbre import BANDS, SLOT_COLUMNS, TimbreFeatures
from tracktion.results.mood import EMOTIONS, Mood
from tracktion.results.rhythm import Beats, Tempo

KINDS = ["timbre", "tonal"]


def features_of(samples: np.ndarray, kinds: list[str] = KINDS) -> Features:
    block = samples[:, None] if samples.ndim == 1 else samples
    return extract_features([block.astype(np.float32)], sample_rate=44_100, channels=block.shape[1], kinds=kinds)


def mood_of(samples: np.ndarray, **options: object) -> Mood:
    mood, notes = estimate_mood(features_of(samples), **options)
    assert mood is not None, notes
    return mood


@pytest.fixture(scope="module")
def song() -> np.ndarray:
    return synth.song(bpm=120, seconds=20).samples


@pytest.fixture(scope="module")
def calm() -> np.ndarray:
    """Slow soft chords without drums."""
    t = np.arange(20 * 44_100) / 44_100
    swell = 0.2 * (1.2 + np.sin(2 * np.pi * t / 8))
    return swell * sum(np.sin(2 * np.pi * f * t) for f in (220.0, 277.2, 329.6)) / 3


def test_everything_lies_in_its_range(song: np.ndarray) -> None:
    mood = mood_of(song)
    assert -1 <= mood.valence <= 1
    assert -1 <= mood.arousal <= 1
    assert set(mood.tags) == set(EMOTIONS)
    assert all(0 <= p <= 1 for p in mood.tags.values())
    assert 0 <= mood.energy <= 1
    assert 0 <= mood.danceability <= 1
    assert set(mood.confidence) == {*EMOTIONS, "valence", "arousal", "energy", "danceability"}
    assert all(0 <= c <= 1 for c in mood.confidence.values())


def test_drums_excite_more_than_soft_chords(song: np.ndarray, calm: np.ndarray) -> None:
    loud, soft = mood_of(song), mood_of(calm)
    assert loud.arousal > soft.arousal
    assert loud.energy > soft.energy
    assert loud.danceability > soft.danceability
    assert loud.tags["calmness"] < soft.tags["calmness"]


def test_major_is_heard_as_brighter_than_minor() -> None:
    def valence(third: int) -> float:
        t = np.arange(4 * 44_100) / 44_100
        parts = []
        for root in (0, 5, 7, 0, 5):
            pitches = [48 + root, 60 + root, 60 + root + third, 67 + root]
            waves = [2 * np.pi * k * 440 * 2 ** ((p - 69) / 12) * t for p in pitches for k in (1, 2, 3)]
            parts.append(sum(np.sin(w) for w in waves))
        return mood_of(0.05 * np.concatenate(parts) * np.tile(np.exp(-(t % 1.0) * 3), 5)).valence

    assert valence(4) > valence(3)


def test_gain_does_not_matter(song: np.ndarray) -> None:
    loud, soft = mood_of(song), mood_of(0.05 * song)
    assert soft.valence == pytest.approx(loud.valence, abs=0.02)
    assert soft.arousal == pytest.approx(loud.arousal, abs=0.02)
    assert soft.energy == pytest.approx(loud.energy, abs=0.02)


def test_the_same_input_gives_the_same_answer(song: np.ndarray) -> None:
    assert mood_of(song) == mood_of(song)


@pytest.mark.parametrize("seconds", [0.0, 0.5, 3.0])
def test_silence_and_fragments_have_a_reason(seconds: float) -> None:
    mood, notes = estimate_mood(features_of(np.zeros(round(seconds * 44_100))))
    assert mood is None
    assert notes["mood"]


def test_without_features_there_is_a_reason() -> None:
    mood, notes = estimate_mood(Features(duration=1.0, sample_rate=44_100, channels=1))
    assert mood is None
    assert "timbre" in notes["mood"]


def test_without_harmony_it_says_so(song: np.ndarray) -> None:
    mood, notes = estimate_mood(features_of(song, ["timbre"]))
    assert mood is not None
    assert "tonal" in notes["mood"]


def test_tempo_moves_danceability_within_bounds(song: np.ndarray) -> None:
    plain = mood_of(song).danceability
    near = mood_of(song, tempo=Tempo(120.0, 0.9), beats=Beats(np.array([0.5, 1.0]), 1.0)).danceability
    far = mood_of(song, tempo=Tempo(82.0, 0.9), beats=Beats(np.array([0.5, 1.0]), 1.0)).danceability
    half = mood_of(song, tempo=Tempo(60.0, 0.9)).danceability
    assert far < plain < near <= 1
    assert half > far


def test_numbers_are_those_of_the_model(song: np.ndarray) -> None:
    table = mood_numbers(features_of(song))
    assert table is not None
    assert tuple(table) == _model().names
    assert all(np.isfinite(v).all() for v in table.values())


@pytest.mark.parametrize("frames", [49, 50, 51, 99, 750, 751, 1500, 6000, 20_000])
def test_windows_lie_inside(frames: int) -> None:
    timbre = TimbreFeatures(
        np.full((frames, BANDS), 0x3F80, np.uint16), np.zeros((-(-frames // 50), len(SLOT_COLUMNS)), np.float32)
    )
    windows = windows_of(timbre)
    if frames < 50:
        assert windows is None
        return
    starts, size = windows[:-1], windows[-1]
    assert 1 <= len(starts) <= MOST_WINDOWS
    assert (starts >= 0).all()
    assert (starts + size <= frames).all()
    assert (starts % 50 == 0).all()
    assert size % 50 == 0


def test_silence_around_does_not_matter(song: np.ndarray) -> None:
    around = np.concatenate([np.zeros(44_100), song, np.zeros(44_100 * 2)])
    plain, padded = mood_of(song), mood_of(around)
    assert padded.arousal == pytest.approx(plain.arousal, abs=0.15)
    assert padded.valence == pytest.approx(plain.valence, abs=0.15)


def test_a_long_pause_in_the_middle_has_no_mood(song: np.ndarray) -> None:
    """As before a hidden track; what is heard is the music on both sides."""
    plain, parted = mood_of(song), mood_of(np.concatenate([song, np.zeros(44_100 * 120), song]))
    assert parted.arousal == pytest.approx(plain.arousal, abs=0.1)
    assert parted.valence == pytest.approx(plain.valence, abs=0.1)
    assert parted.danceability == pytest.approx(plain.danceability, abs=0.1)


def test_harmony_of_nothing_is_finite() -> None:
    assert all(np.isfinite(v) for v in harmony_numbers(None, 0.0, 30.0).values())


def test_noise_is_no_error() -> None:
    noise = np.random.default_rng(0).standard_normal(44_100 * 5) * 0.1
    features = features_of(noise)
    mood, _ = estimate_mood(dataclasses.replace(features, tonal=None))
    assert mood is not None
