"""Fingerprints: the same sound is found, another is not."""

from __future__ import annotations

import numpy as np
import pytest

from tracktion.features.fingerprint import FingerprintTap, codes_of
from tracktion.features.stream import extract_features
from tracktion.matching import fingerprint
from tracktion.matching.fingerprint import FingerprintIndex, decoded, index_of
from tracktion.storage import open_storage

RATE = 22050


def music(seed: int, seconds: float = 30.0) -> np.ndarray:
    """Chords that change, noise bursts and melodies; every seed another piece."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    out = 0.01 * rng.standard_normal(len(t))
    for start in np.arange(0, seconds, 0.4):
        part = (t >= start) & (t < start + 0.5)
        local = t[part] - start
        for hertz in rng.choice(220 * 2 ** (np.arange(40) / 12), 4):
            out[part] += 0.1 * np.sin(2 * np.pi * hertz * local) * np.exp(-3 * local)
    return out.astype(np.float32)


def codes(samples: np.ndarray, rate: int = RATE) -> bytes:
    features = extract_features([samples[:, None]], sample_rate=rate, channels=1, kinds=("fingerprint",))
    return bytes(features.fingerprint.data)


@pytest.fixture(scope="module")
def index() -> FingerprintIndex:
    made = FingerprintIndex()
    for seed in range(12):
        made.add(str(seed), codes(music(seed)))
    return made


def test_same_sound_quieter_trimmed_and_noisy(index: FingerprintIndex) -> None:
    sound = music(4)
    noise = 0.003 * np.random.default_rng(9).standard_normal(len(sound)).astype(np.float32)
    for changed in (sound, 0.5 * sound, sound[5 * RATE :], sound[: -5 * RATE], sound + noise, sound[RATE // 30 :]):
        hits = index.search(codes(np.ascontiguousarray(changed)))
        assert [hit.identity for hit in hits] == ["4"]
        assert hits[0].score > 0.6
    assert index.search(codes(np.ascontiguousarray(sound[5 * RATE :])))[0].offset == pytest.approx(5, abs=0.2)


def test_a_home_is_read_again_only_when_it_holds_more(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_storage("memory:")
    storage.put_fingerprint("0", codes(music(0)), duration=30.0)
    first = index_of(storage)
    assert [hit.identity for hit in first.search(codes(music(0)))] == ["0"]
    with monkeypatch.context() as patch:
        patch.setattr(type(storage), "iter_fingerprints", lambda _: pytest.fail("read again"))
        assert index_of(storage) is first
    storage.put_fingerprint("1", codes(music(1)), duration=30.0)
    assert [hit.identity for hit in index_of(storage).search(codes(music(1)))] == ["1"]


def test_searching_after_every_addition_sorts_codes_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a search for duplicates does: the time of each search must not grow with all that is there."""
    sorted_codes = 0
    merged = fingerprint._merged

    def counted(runs: list) -> tuple:
        nonlocal sorted_codes
        sorted_codes += sum(len(keys) for keys, _ in runs)
        return merged(runs)

    monkeypatch.setattr(fingerprint, "_merged", counted)
    rng = np.random.default_rng(0)
    step, once = FingerprintIndex(), FingerprintIndex()
    codes = [rng.integers(0, 2**32, 100, dtype=np.uint32).astype("<u4").tobytes() for _ in range(200)]
    for number, data in enumerate(codes):
        step.search(data)
        step.add(str(number), data)
    in_all = sum(int(fingerprint._chosen(decoded(data)).sum()) for data in codes)
    assert sorted_codes < 12 * in_all
    for number, data in enumerate(codes):
        once.add(str(number), data)
    assert [step.search(data) for data in codes] == [once.search(data) for data in codes]
    assert [hit.identity for data in codes for hit in once.search(data)] == [str(number) for number in range(200)]


def test_another_sound_is_not_found(index: FingerprintIndex) -> None:
    for seed in range(20, 26):
        assert index.search(codes(music(seed))) == []


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(30 * RATE), np.ones(30 * RATE), np.zeros(100)])
def test_nothing_to_hear_proves_nothing(index: FingerprintIndex, samples: np.ndarray) -> None:
    assert index.search(codes(samples.astype(np.float32))) == []


def test_blocks_of_any_size_give_the_same_codes() -> None:
    sound = music(1, 8.0)[:, None]
    whole = extract_features([sound], sample_rate=RATE, channels=1, kinds=("fingerprint",)).fingerprint
    parts = extract_features(
        np.array_split(sound, 97), sample_rate=RATE, channels=1, kinds=("fingerprint",)
    ).fingerprint
    np.testing.assert_array_equal(whole.codes, parts.codes)
    np.testing.assert_array_equal(decoded(whole.data), whole.codes)


def test_long_recordings_take_bounded_memory() -> None:
    tap = FingerprintTap(sample_rate=RATE, channels=1)
    block = np.random.default_rng(0).random((32, 1025), dtype=np.float32)
    for _ in range(400):
        tap.push_magnitude(block)
    kept = sum(part.nbytes for part in tap._energies)
    assert kept < 2_000_000
    assert tap.finish().duration == pytest.approx(400 * 32 / 50)


def test_codes_of_short_and_silent_energies_are_empty() -> None:
    assert len(codes_of(np.zeros((0, 33), dtype=np.float32))) == 0
    assert len(codes_of(np.zeros((500, 33), dtype=np.float32))) == 0
    assert len(codes_of(np.ones((500, 33), dtype=np.float32))) == 0
    assert len(codes_of(np.ones((50, 33), dtype=np.float32))) == 0
