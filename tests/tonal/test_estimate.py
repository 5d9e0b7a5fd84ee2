"""Key estimation on synthetic music and on what is no music."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests import synth
from tracktion._core.reference import chroma as twin
from tracktion._core.reference import stft as stft_twin
from tracktion.estimators import tonal, tonal_network
from tracktion.features import tonal as tonal_features
from tracktion.features.stream import Features, extract_features, split
from tracktion.results.key import KEY_NAMES, Key


def features(clip: synth.Clip, *, block: int = 65536) -> Features:
    samples = clip.samples if clip.samples.ndim == 2 else clip.samples[:, None]
    return extract_features(
        split(np.ascontiguousarray(samples, np.float32), block),
        sample_rate=clip.sample_rate,
        channels=samples.shape[1],
        kinds=["tonal"],
    )


def estimate(clip: synth.Clip) -> tuple[Key | None, dict[str, str]]:
    return tonal.estimate_key(features(clip))


@pytest.mark.parametrize("key", synth.KEYS)
def test_all_keys(key: str) -> None:
    found, notes = estimate(synth.song(key=key, seconds=14, progression=(0, 3, 4, 0), seed=3))
    assert found is not None
    assert found.name == Key.parse(key).name
    assert notes == {}
    assert 0 < found.confidence <= 1
    assert found.second is not None
    assert found.margin == pytest.approx(found.confidence - found.second.probability)
    assert [c.name for c in found.candidates][:2] == [found.name, found.second.name]
    assert 0.95 < sum(c.probability for c in found.candidates) <= 1 + 1e-9


@pytest.mark.parametrize("tuning_hz", [428.0, 434.5, 440.0, 444.0, 452.0])
def test_detuned_music(tuning_hz: float) -> None:
    found, _ = estimate(synth.song(key="Eb major", seconds=12, progression=(0, 3, 4, 0), tuning_hz=tuning_hz))
    assert found is not None
    assert found.name == "Eb major"
    assert found.tuning_hz == pytest.approx(tuning_hz, abs=1.5)


@pytest.mark.parametrize(
    "clip",
    [
        synth.silence(),
        synth.silence(channels=2),
        synth.dc(),
        synth.noise(),
        synth.noise(colour="pink", seconds=12, seed=4),
        synth.noise(level=0.9, seconds=20, seed=1),
        synth.impulse(),
        synth.drum_loop(seconds=12),
        synth.drum_loop(seconds=20, bpm=171, pattern="house"),
        synth.click_track(seconds=12),
        synth.antiphase(synth.chords(seconds=3)),
        synth.chords(seconds=0.5),
        synth.Clip(np.zeros(1, np.float32), 44100),
        synth.Clip(np.ones(1, np.float32), 44100),
        synth.Clip(np.zeros(0, np.float32), 44100),
    ],
)
def test_no_key_is_invented(clip: synth.Clip) -> None:
    found, notes = estimate(clip)
    assert found is None
    assert set(notes) == {"key"}
    assert notes["key"]


def test_without_features_there_is_a_reason() -> None:
    found, notes = tonal.estimate_key(Features(duration=1.0, sample_rate=44100, channels=1))
    assert found is None
    assert "key" in notes


def test_confidence_falls_with_noise() -> None:
    clean = synth.song(key="G minor", seconds=12, progression=(0, 3, 4, 0))
    sure, _ = estimate(clean)
    unsure, _ = estimate(synth.with_noise(clean, snr_db=-25))
    assert sure is not None
    assert unsure is None or unsure.confidence < sure.confidence


def test_keys_over_time() -> None:
    first = synth.song(key="C major", seconds=30, progression=(0, 3, 4, 0))
    second = synth.song(key="Eb major", seconds=30, progression=(0, 3, 4, 0), seed=2)
    found, _ = estimate(synth.joined(first, second))
    assert found is not None
    assert found.modulates
    assert [s.name for s in found.over_time] == ["C major", "Eb major"]
    assert found.over_time[0].end == pytest.approx(30, abs=4)
    assert found.over_time[0].start == 0
    assert found.over_time[-1].end == pytest.approx(60, abs=0.1)
    for a, b in itertools.pairwise(found.over_time):
        assert a.end == b.start
        assert a.name != b.name


@pytest.mark.parametrize("parts", [(60, None), (None, 300), (None, 300, None)])
def test_silence_beside_the_music_has_no_key(parts: tuple[int | None, ...]) -> None:
    """The key is that of the music (None here), as sure as without the silence, and nothing modulates in it."""
    music = synth.song(key="A minor", seconds=20, progression=(0, 5, 3, 4))
    clip = synth.joined(*(music if seconds is None else synth.silence(seconds=seconds) for seconds in parts))
    plain, _ = estimate(music)
    found, notes = estimate(clip)
    assert plain is not None
    assert found is not None, notes
    assert found.name == plain.name
    assert found.confidence > plain.confidence - 0.02
    assert not found.modulates
    assert found.over_time[-1].end == pytest.approx(clip.seconds)


def test_keys_around_a_pause_keep_their_places() -> None:
    first, second = (synth.song(key=key, seconds=24, progression=(0, 3, 4, 0)) for key in ("C major", "Eb major"))
    found, _ = estimate(synth.joined(first, synth.silence(seconds=120), second))
    assert found is not None
    assert [s.name for s in found.over_time] == ["C major", "Eb major"]
    assert 20 < found.over_time[0].end < 148


def test_a_second_of_music_in_silence_is_too_short() -> None:
    found, notes = estimate(synth.joined(synth.chords(seconds=0.4), synth.silence(seconds=30)))
    assert found is None
    assert "too short" in notes["key"]


def test_a_piece_in_one_key_stays_in_it() -> None:
    found, _ = estimate(synth.song(key="A minor", seconds=40, progression=(0, 5, 3, 4)))
    assert found is not None
    assert {s.name for s in found.over_time} == {found.name}
    assert found.over_time[0].confidence > 0.3


@pytest.mark.parametrize("block", [441, 4096, 1_000_000])
def test_blocks_of_any_size_give_the_same_features(block: int) -> None:
    clip = synth.song(seconds=6).stereo()
    whole, parts = features(clip).tonal, features(clip, block=block).tonal
    assert np.array_equal(whole.pitches, parts.pitches)
    assert (whole.tuning_hz, whole.tuning_strength) == (parts.tuning_hz, parts.tuning_strength)


@pytest.mark.parametrize("samples", [0, 1, 2, 79, 80, 4095, 4096, 4097, 22050, 90_113])
def test_tap_takes_any_length_in_any_pieces(samples: int) -> None:
    x = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)

    def run(size: int) -> tonal_features.TonalFeatures:
        tap = tonal_features.TonalTap(sample_rate=22050, channels=1)
        for start in range(0, samples, size):
            tap.push_mono(x[start : start + size])
        return tap.finish()

    whole, parts = run(max(1, samples)), run(997)
    assert np.array_equal(whole.pitches, parts.pitches)
    assert whole.pitches.shape[1] == tonal_features.PITCHES
    assert len(whole.times) == len(whole.pitches) == len(whole.chroma)
    assert np.isfinite(whole.pitches).all()
    assert samples == 0 or whole.times[-1] >= samples / 22050 - 2 * whole.hop_seconds


def test_pitches_of_a_chord() -> None:
    found = features(synth.chords("C major", seconds=6, progression=(0,), bpm=60)).tonal
    chroma = found.chroma[2:12].mean(axis=0)
    assert set(np.argsort(chroma)[-3:]) == {0, 4, 7}


def test_the_twins_give_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = synth.song(key="F# minor", seconds=12, progression=(0, 3, 4, 0))
    compiled, _ = estimate(clip)
    monkeypatch.setattr(tonal_features, "decimate", twin.decimate)
    monkeypatch.setattr(tonal_features, "pitch_peaks", twin.pitch_peaks)
    monkeypatch.setattr(tonal_features, "stft_magnitude", stft_twin.stft_magnitude)
    monkeypatch.setattr(tonal_network, "affine", twin.affine)
    plain, _ = estimate(clip)
    assert compiled is not None
    assert plain is not None
    assert plain.name == compiled.name
    assert plain.confidence == pytest.approx(compiled.confidence, abs=2e-3)


def test_many_threads_give_the_same_answer() -> None:
    clips = [synth.song(key=key, seconds=5, seed=i) for i, key in enumerate(synth.KEYS[::6])] * 3
    serial = [estimate(clip) for clip in clips]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(estimate, clips)) == serial


def test_segments_follow_each_other() -> None:
    rng = np.random.default_rng(5)
    for count in (1, 2, 30, 400):
        moments = np.log(rng.dirichlet(np.full(24, 0.05), size=count) + 1e-9)
        moments = np.repeat(moments[:: max(1, count // 4)], max(1, count // 4), axis=0)[:count]
        found = tonal._segments(moments, 0.75 * np.arange(count), 0.75, count * 0.75, 3)
        assert found[0].start == 0
        assert found[-1].end == count * 0.75
        assert all(a.end == b.start and a.name != b.name for a, b in itertools.pairwise(found))
        assert all(s.name in KEY_NAMES and 0 <= s.confidence <= 1 for s in found)
