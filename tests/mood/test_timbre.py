from __future__ import annotations

import numpy as np
import pytest

from tests._core.twins import both
from tracktion.features.stream import extract_features, split
from tracktion.features.timbre import BANDS, SLOT_COLUMNS, SLOT_FRAMES, TimbreTap, _bank, band_hz

BINS = 1025


def spectra(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(0.5, 1.0, (frames, BINS)).astype(np.float32)


@pytest.mark.parametrize("frames", [0, 1, 2, 24, 25, 26, 32, 64])
@pytest.mark.parametrize("offset", [0, 7, 24])
def test_twins(frames: int, offset: int) -> None:
    slots = np.zeros((8, BINS), np.float32)
    powers = both("timbre", "band_powers", spectra(frames), *_bank(), offset, 25, slots)
    assert powers.shape == (frames, BANDS)


def test_slots_are_sums_of_frames() -> None:
    from tracktion._core.timbre import band_powers

    slots, frames = np.zeros((3, BINS), np.float32), spectra(32)
    band_powers(frames, *_bank(), 20, 25, slots)
    np.testing.assert_allclose(slots[0], frames[:5].sum(0), rtol=1e-5)
    np.testing.assert_allclose(slots[1], frames[5:30].sum(0), rtol=1e-5)
    np.testing.assert_allclose(slots[2], frames[30:].sum(0), rtol=1e-5)


def test_twins_reject_what_does_not_fit() -> None:
    first, width, weights = _bank()
    good = [spectra(30), first, width, weights, 0, 25, np.zeros((2, BINS), np.float32)]
    wrongs = {1: first[:-1], 2: width + BINS, 3: weights[:-1], 4: 40, 5: 0, 6: np.zeros((2, 3), np.float32)}
    for place, wrong in wrongs.items():
        arguments = list(good)
        arguments[place] = wrong
        with pytest.raises(ValueError, match=r"fit|reach|must|beyond"):
            both("timbre", "band_powers", *arguments)


def test_a_sine_lies_in_its_band() -> None:
    t = np.arange(44_100 * 2) / 44_100
    for hertz in (200.0, 1000.0, 5000.0):
        samples = np.sin(2 * np.pi * hertz * t).astype(np.float32)[:, None]
        timbre = extract_features([samples], sample_rate=44_100, channels=1, kinds=["timbre"]).timbre
        loudest = timbre.bands(20, 80).mean(axis=0).argmax()
        assert abs(np.log2(band_hz()[loudest] / hertz)) < 0.25


def test_blocks_do_not_matter() -> None:
    samples = np.random.default_rng(0).standard_normal((150_000, 1)).astype(np.float32)
    made = [
        extract_features(split(samples, size), sample_rate=44_100, channels=1, kinds=["timbre"]).timbre
        for size in (977, 150_000)
    ]
    np.testing.assert_array_equal(made[0].halves, made[1].halves)
    np.testing.assert_array_equal(made[0].slots, made[1].slots)


@pytest.mark.parametrize("frames", [0, 1, 24, 49, 50, 51, 64 * 50 - 1, 64 * 50, 64 * 50 + 33])
def test_every_frame_has_a_slot(frames: int) -> None:
    tap = TimbreTap(sample_rate=44_100, channels=1)
    data = spectra(frames)
    for start in range(0, frames, 32):
        tap.push_magnitude(data[start : start + 32])
    timbre = tap.finish()
    assert timbre.halves.shape == (frames, BANDS)
    assert timbre.slots.shape == (-(-frames // SLOT_FRAMES), len(SLOT_COLUMNS))
    assert np.isfinite(timbre.slots).all()


def test_silence_is_finite() -> None:
    tap = TimbreTap(sample_rate=44_100, channels=1)
    tap.push_magnitude(np.zeros((32, BINS), np.float32))
    assert np.isfinite(tap.finish().slots).all()


def test_roughness_of_a_semitone_exceeds_that_of_a_fifth() -> None:
    t = np.arange(44_100 * 2) / 44_100
    rough = {}
    for name, ratio in (("semitone", 2 ** (1 / 12)), ("fifth", 1.5)):
        tones = sum(np.sin(2 * np.pi * 440 * r * k * t) / k for k in range(1, 6) for r in (1.0, ratio))
        samples = (0.1 * tones).astype(np.float32)[:, None]
        timbre = extract_features([samples], sample_rate=44_100, channels=1, kinds=["timbre"]).timbre
        rough[name] = timbre.slots[1, SLOT_COLUMNS.index("roughness")]
    assert rough["semitone"] > 1.3 * rough["fifth"]
