"""Frames decoded many at a time are the frames that PyAV decodes, and where they cannot be, PyAV does it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from tests.audio.test_mp3 import BARE, CBR, VBR
from tests.audio.test_stream import decode
from tracktion.audio import libav, mpegaudio
from tracktion.audio.libav import FrameDecoder


@pytest.fixture
def without_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PyAV alone, as where libavcodec is laid out in another way."""
    libav._library.cache_clear()
    monkeypatch.setattr(libav, "_MAJORS", range(0))
    yield
    libav._library.cache_clear()


def by_pyav(data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, dict[str, str]]:
    with monkeypatch.context() as patch:
        patch.setattr(mpegaudio.FrameDecoder, "open", lambda *_, **__: None)
        samples, stream = decode(data)
        return samples, dict(stream.notes)


@pytest.mark.parametrize("data", [CBR, BARE, VBR], ids=["cbr", "bare", "vbr"])
def test_the_same_samples_as_pyav(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    samples, stream = decode(data)
    plain, notes = by_pyav(data, monkeypatch)
    np.testing.assert_array_equal(samples, plain)
    assert dict(stream.notes) == notes


@pytest.mark.parametrize("seed", range(12))
def test_damage_costs_the_same_samples(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(seed)
    data = bytearray(VBR)
    for _ in range(60):
        data[dice.randrange(len(data))] = dice.randrange(256)
    samples, stream = decode(bytes(data))
    plain, notes = by_pyav(bytes(data), monkeypatch)
    assert samples.shape == plain.shape
    assert np.isfinite(samples).all()
    assert set(stream.notes) == set(notes)


def test_frames_of_other_channels_are_not_taken() -> None:
    decoder = FrameDecoder.open("mp3float", channels=1)
    assert decoder is not None
    assert decoder.decode(BARE[:4180], samples=12_000) is None
    decoder.close()


def test_no_more_samples_than_there_is_room_for() -> None:
    decoder = FrameDecoder.open("mp3float", channels=2)
    assert decoder is not None
    assert decoder.decode(BARE[:4180], samples=1151) is None


def test_no_such_decoder() -> None:
    assert FrameDecoder.open("no such codec", channels=2) is None


@pytest.mark.usefixtures("without_calls")
def test_pyav_decodes_where_the_library_is_another() -> None:
    assert FrameDecoder.open("mp3float", channels=2) is None
    samples, stream = decode(CBR)
    assert len(samples) > 0
    assert stream.notes == {}


def test_many_decoders_at_once() -> None:
    expected, _ = decode(VBR)
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(decode(VBR)[0])) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    for samples in found:
        np.testing.assert_array_equal(samples, expected)
