"""Every encoding of one click track has its clicks at the same time."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio.clicks import FOLDER, SAMPLE_RATE, SECONDS, click_track, lateness_ms
from tracktion.audio import AudioStream, open_audio

FILES = sorted(path for path in FOLDER.iterdir() if path.suffix != ".py" and path.is_file())


def decode(source: object) -> tuple[np.ndarray, AudioStream]:
    with open_audio(source) as stream:
        return np.concatenate(list(stream.blocks())), stream


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_shipped_encodings_start_together(path: Path) -> None:
    samples, stream = decode(path)
    assert abs(lateness_ms(samples.mean(axis=1), stream.sample_rate)) < 0.5
    assert abs(len(samples) / stream.sample_rate - SECONDS) < 0.05
    assert stream.notes == {}


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        ("WAV", "PCM_U8"),
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("WAV", "FLOAT"),
        ("WAV", "DOUBLE"),
        ("WAV", "ULAW"),
        ("WAV", "IMA_ADPCM"),
        ("WAV", "MS_ADPCM"),
        ("RF64", "PCM_16"),
        ("W64", "PCM_16"),
        ("AIFF", "PCM_16"),
        ("AIFF", "PCM_24"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("MP3", "MPEG_LAYER_III"),
        ("CAF", "PCM_16"),
        ("AU", "PCM_16"),
    ],
)
def test_what_libsndfile_writes(container: str, subtype: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, click_track(), SAMPLE_RATE, format=container, subtype=subtype)
    samples, stream = decode(file.getvalue())
    assert abs(lateness_ms(samples[:, 0], stream.sample_rate)) < 0.5
    assert stream.notes == {}


def test_padding_behind_the_music_goes_too() -> None:
    for name in ("lame_cbr.mp3", "lame_vbr.mp3", "ffmpeg.mp3"):
        samples, _ = decode(FOLDER / name)
        assert len(samples) == round(SECONDS * SAMPLE_RATE), name


@pytest.mark.parametrize("sample_rate", [8000, 11025, 16000, 22050, 32000, 48000, 88200, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
def test_rates_and_channels(sample_rate: int, channels: int) -> None:
    rng = np.random.default_rng(5)
    given = rng.uniform(-0.5, 0.5, (sample_rate // 4, channels)).astype(np.float32)
    for container in ("WAV", "FLAC"):
        file = io.BytesIO()
        soundfile.write(file, given, sample_rate, format=container, subtype="PCM_24")
        samples, stream = decode(file.getvalue())
        assert (stream.sample_rate, stream.channels) == (sample_rate, channels)
        np.testing.assert_allclose(samples, given, atol=2e-7)
