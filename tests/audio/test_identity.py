"""Identity follows the audio, not the file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio.clicks import FOLDER, SAMPLE_RATE, click_track
from tests.audio.test_mp3 import APE, ID3V1, id3v2
from tests.audio.test_open import wav_bytes
from tracktion.audio import audio_identity
from tracktion.errors import EmptyError, UnreadableError

FILES = sorted(path for path in FOLDER.iterdir() if path.suffix != ".py" and path.is_file())


def flac(compression: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, click_track(), SAMPLE_RATE, format="FLAC", compression_level=compression)
    return file.getvalue()


def test_every_file_has_its_own() -> None:
    seen = {audio_identity(path) for path in FILES}
    # ffmpeg and lame wrote the same frames into several of them.
    assert len(seen) >= len(FILES) - 3
    assert all(0 < len(kind) < 10 and len(rest) in (32, 40) for kind, rest in (name.split(":") for name in seen))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_name_and_way_of_opening_do_not_matter(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "renamed.txt"
    copy.write_bytes(path.read_bytes())
    assert audio_identity(copy) == audio_identity(path) == audio_identity(path.read_bytes())


def test_flac_names_its_samples() -> None:
    fast, small = flac(0.0), flac(1.0)
    assert fast != small
    assert audio_identity(fast) == audio_identity(small)
    assert audio_identity(fast).startswith("flac:")
    without = bytearray(fast)
    without[26:42] = bytes(16)
    assert audio_identity(bytes(without)).startswith("flac:")
    assert audio_identity(bytes(without)) != audio_identity(fast)


def test_mp3_tags_do_not_matter() -> None:
    data = (FOLDER / "lame_cbr.mp3").read_bytes()
    name = audio_identity(data)
    assert name.startswith("mp3:")
    for other in (id3v2(4000) + data, data + ID3V1, data + APE + ID3V1, id3v2(10) + data + APE):
        assert audio_identity(other) == name
    changed = bytearray(data)
    changed[9000] ^= 1
    assert audio_identity(bytes(changed)) != name


def test_unknown_data_without_its_tail_tags() -> None:
    data = (FOLDER / "wavpack.wv").read_bytes()
    assert audio_identity(data + APE + ID3V1) == audio_identity(data) == audio_identity(data + ID3V1)
    assert audio_identity(id3v2(77) + data) == audio_identity(data)


@pytest.mark.parametrize("frames", [5_000, 44_100 + 17, 4096 * 10, 4096 * 150])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_flac_is_taken_at_its_word_only_to_its_end(frames: int, channels: int, subtype: str) -> None:
    file = io.BytesIO()
    samples = np.random.default_rng(1).normal(0, 0.1, (frames, channels))
    soundfile.write(file, samples, SAMPLE_RATE, format="FLAC", subtype=subtype)
    data = file.getvalue()
    name = audio_identity(data)
    assert len(name.partition(":")[2]) == 32
    assert audio_identity(data + ID3V1) == name
    others = {audio_identity(data[:-cut]) for cut in (1, 2, 100, len(data) // 3)}
    others.add(audio_identity(data, trust_md5=False))
    assert len(others) == 5
    assert name not in others


def test_ogg_flac_is_taken_at_its_word_only_to_its_end() -> None:
    head = b"\x7fFLAC\x01\x00\x00\x01" + b"fLaC" + (34).to_bytes(4, "big") + bytes(13)
    head += (0xF0_0000_0000 | 88_200).to_bytes(5, "big") + bytes(range(16))
    first = page(head, granule=0, kind=2)
    data = first + page(b"frames" * 20, granule=88_200, kind=4)
    assert audio_identity(data) == f"flac:{bytes(range(16)).hex()}"
    for other in (data[:-1], first + page(b"frames" * 20, granule=44_100, kind=4), first):
        assert audio_identity(other).startswith("ogg:")


def page(data: bytes, *, granule: int, kind: int) -> bytes:
    head = b"OggS\x00" + bytes([kind]) + granule.to_bytes(8, "little") + bytes(12)
    return head + bytes([1, len(data)]) + data


def test_wav_chunks_do_not_matter() -> None:
    data = wav_bytes()
    extra = b"LIST" + (4).to_bytes(4, "little") + b"INFO"
    assert audio_identity(data + extra) == audio_identity(data)
    assert audio_identity(data[:-2] + b"xx") != audio_identity(data)


def test_arrays() -> None:
    samples = click_track()
    assert audio_identity((samples, 44100)) == audio_identity((samples.copy(), 44100.0))
    assert audio_identity((samples, 44100)) != audio_identity((samples, 48000))
    assert audio_identity((samples[:-1], 44100)) != audio_identity((samples, 44100))
    assert audio_identity((np.zeros(0), 1)).startswith("array:")


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(EmptyError):
        audio_identity(b"")
    with pytest.raises(UnreadableError):
        audio_identity(tmp_path)
