from __future__ import annotations

import numpy as np
import pytest

from tests import synth
from tracktion.estimators.structure import estimate_structure, novelty_curve
from tracktion.features.stream import Features, extract_features
from tracktion.results.rhythm import Beats

RATE = 44_100


def features_of(samples: np.ndarray, kinds: tuple[str, ...] = ("timbre", "tonal", "level")) -> Features:
    return extract_features([samples.astype(np.float32)[:, None]], sample_rate=RATE, channels=1, kinds=kinds)


def noise(seconds: float, color: float, seed: int = 0) -> np.ndarray:
    """Noise through a one-pole low-pass."""
    white = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    from scipy.signal import lfilter

    shaped = lfilter([1 - color], [1, -color], white)
    return 0.1 * shaped / shaped.std()


@pytest.fixture(scope="module")
def parts() -> Features:
    """Silence 2 s, quiet A 20 s, A 20 s, B 20 s, A 20 s, silence 3 s."""
    a, b = noise(20, 0.9), synth.song(bpm=120, seconds=20).samples
    silence = np.zeros(RATE)
    return features_of(np.concatenate([silence, silence, 0.1 * a, a, b, a, silence, silence, silence]))


def test_boundaries(parts: Features) -> None:
    structure, notes = estimate_structure(parts)
    assert structure is not None
    assert not notes
    starts = [s.start for s in structure.segments]
    for expected in (22.0, 42.0, 62.0):
        assert min(abs(t - expected) for t in starts) <= 0.75
    assert len(starts) <= 6
    assert structure.segments[0].start == 0.0
    assert structure.segments[-1].end == pytest.approx(parts.duration)
    assert all(x.end == y.start for x, y in zip(structure.segments, structure.segments[1:], strict=False))
    assert all(0 <= s.novelty <= 1 for s in structure.segments)


def test_silences(parts: Features) -> None:
    structure, _ = estimate_structure(parts)
    assert structure.head_silence == pytest.approx(2.0, abs=0.02)
    assert structure.tail_silence == pytest.approx(3.0, abs=0.05)


def test_intro(parts: Features) -> None:
    structure, _ = estimate_structure(parts)
    assert structure.intro_end == pytest.approx(22.0, abs=0.75)
    assert structure.outro_start is None


def test_outro() -> None:
    a, b = noise(20, 0.9), noise(25, 0.8, 1)
    structure, _ = estimate_structure(features_of(np.concatenate([a, b, 0.05 * a])))
    assert structure.outro_start == pytest.approx(45.0, abs=0.75)
    assert structure.intro_end is None


def test_boundaries_move_to_beats(parts: Features) -> None:
    beats = Beats(np.arange(0.3, 80.0, 0.5), 0.9)
    structure, _ = estimate_structure(parts, beats=beats)
    for segment in structure.segments[1:]:
        assert np.abs(beats.times - segment.start).min() < 1e-9


def test_energy_curve(parts: Features) -> None:
    structure, _ = estimate_structure(parts)
    assert 0 < len(structure.energy) <= 1000
    assert len(structure.energy) == len(structure.energy_times)
    assert structure.energy.max() == pytest.approx(1.0)
    assert structure.energy.min() >= 0.0
    assert np.all(np.diff(structure.energy_times) > 0)


@pytest.mark.parametrize("kinds", [("timbre",), ("timbre", "tonal"), ("timbre", "level")])
def test_fewer_features_suffice(kinds: tuple[str, ...]) -> None:
    structure, _ = estimate_structure(features_of(np.concatenate([noise(15, 0.9), noise(15, 0.1)]), kinds))
    assert any(abs(s.start - 15.0) <= 0.75 for s in structure.segments)


def test_steady_music_is_one_segment() -> None:
    structure, _ = estimate_structure(features_of(noise(40, 0.5)))
    assert len(structure.segments) == 1


@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.0, 5.0])
def test_short_sounds(seconds: float) -> None:
    structure, _ = estimate_structure(features_of(noise(seconds, 0.5)))
    assert len(structure.segments) == 1
    assert structure.segments[0].end == pytest.approx(seconds, abs=0.001)


@pytest.mark.parametrize("seconds", [0.0, 3.0])
def test_silence_has_a_reason(seconds: float) -> None:
    structure, notes = estimate_structure(features_of(np.zeros(round(seconds * RATE))))
    assert structure is None
    assert notes["structure"]


def test_without_timbre_there_is_a_reason() -> None:
    structure, notes = estimate_structure(Features(duration=1.0, sample_rate=RATE, channels=1))
    assert structure is None
    assert "timbre" in notes["structure"]


def test_novelty_is_the_checkerboard_sum(parts: Features) -> None:
    """The linear form against the kernel over the whole self-similarity matrix."""
    from tracktion.estimators import structure as module

    groups = module._description(parts)
    reach = round(module.KERNEL_SECONDS / module.SLOT_SECONDS)
    taper = np.exp(-0.5 * (np.arange(reach) / (0.5 * reach)) ** 2)
    sides = np.concatenate([-taper[::-1], taper]) / taper.sum()
    _, novelty = novelty_curve(parts)
    for at in (reach, 60, 90, 124):
        checkerboard = np.outer(sides, sides)
        blocks = [group[at - reach : at + reach] for group in groups]
        totals = sorted((checkerboard * (block @ block.T)).sum() / block.shape[1] for block in blocks)
        total = (totals[-1] + totals[-2]) / 2
        assert novelty[at] == pytest.approx(1 - np.exp(-total / module.NOVELTY_SCALE), rel=1e-6)
