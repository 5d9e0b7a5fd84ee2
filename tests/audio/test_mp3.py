"""Framing of MPEG audio among tags, junk and lies."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from tests.audio.clicks import FOLDER, SAMPLE_RATE, lateness_ms
from tests.audio.test_stream import decode
from tracktion.audio import audio_identity, open_source
from tracktion.audio.mp3 import FrameWalk, find_frames, id3v2_size, parse_header, parse_info
from tracktion.errors import TracktionError, UnsupportedError

CBR = (FOLDER / "lame_cbr.mp3").read_bytes()
BARE = (FOLDER / "cbr_no_header.mp3").read_bytes()
VBR = (FOLDER / "vbr_no_header.mp3").read_bytes()
APE = (
    b"APETAGEX" + struct.pack("<IIII", 2000, 100, 1, 0xA0000000) + bytes(8) + bytes(68)
    + b"APETAGEX" + struct.pack("<IIII", 2000, 100, 1, 0x80000000) + bytes(8)
)  # fmt: skip
ID3V1 = b"TAG" + bytes(125)


def id3v2(size: int) -> bytes:
    length = bytes((size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127))
    return b"ID3\x03\x00\x00" + length + bytes(size)


def walk_of(data: bytes) -> FrameWalk:
    with open_source(data) as source:
        walk = find_frames(source)
        assert walk is not None
        for _ in walk.groups(7):
            pass
        return walk


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("fffb9064", (False, 3, 44100, 2, 1152, 417)),
        ("fffb92c4", (False, 3, 44100, 1, 1152, 418)),
        ("fff384c4", (True, 3, 24000, 1, 576, 192)),
        ("ffe348c4", (True, 3, 8000, 1, 576, 288)),
        ("fffd84c4", (False, 2, 48000, 1, 1152, 384)),
        ("ffff14c4", (False, 1, 48000, 1, 384, 32)),
        ("fffb00c4", (False, 3, 44100, 1, 1152, 0)),
    ],
)
def test_headers(head: str, expected: tuple[object, ...]) -> None:
    header = parse_header(bytes.fromhex(head))
    assert header is not None
    assert (header.lsf, header.layer, header.sample_rate, header.channels, header.samples, header.size) == expected


@pytest.mark.parametrize(
    "head", ["fffb90", "fefb9064", "ff1b9064", "ffeb9064", "fff99064", "fffbf064", "fffb9c64", "fffb9066"]
)
def test_what_is_no_header(head: str) -> None:
    assert parse_header(bytes.fromhex(head)) is None


def test_lame_header() -> None:
    walk = walk_of(CBR)
    assert walk.info is not None
    assert walk.info.frames == walk.frames
    assert walk.info.delay == 576
    assert 0 < (walk.info.padding or 0) < 2304
    assert parse_info(BARE[:500]) is None


def test_tags_around_and_between_change_nothing() -> None:
    plain, _ = decode(CBR)
    for data in (id3v2(5000) + CBR, id3v2(100) + id3v2(300) + CBR + ID3V1, CBR + APE + ID3V1, CBR + id3v2(50)):
        samples, stream = decode(data)
        np.testing.assert_array_equal(samples, plain)
        assert stream.notes == {}


def test_a_download_that_broke_off() -> None:
    """Its tail is zeros; a tag of an unknown kind is not."""
    samples, stream = decode(BARE[: len(BARE) // 2] + bytes(len(BARE) // 2))
    assert len(samples) < 60_000
    assert "hold no audio" in stream.notes["truncated"]
    _, stream = decode(BARE + b"some tag" * 200)
    assert stream.notes == {}


def test_files_laid_end_to_end() -> None:
    once = walk_of(BARE).frames
    for middle in (b"", id3v2(1000), ID3V1 + id3v2(2000), APE):
        assert walk_of(BARE + middle + BARE).frames == 2 * once


def test_junk_is_passed_over_and_noted() -> None:
    junk = np.random.default_rng(2).integers(0, 256, 30_000, dtype=np.uint8).tobytes()
    samples, stream = decode(junk + BARE)
    assert len(samples) > 80_000
    cut = BARE.index(BARE[:2], 8000)
    samples, stream = decode(BARE[:cut] + junk[:5000] + BARE[cut:])
    assert len(samples) > 80_000
    assert "repaired" in stream.notes


@pytest.mark.parametrize("data", [BARE, VBR])
def test_every_frame_counts_without_a_header(data: bytes) -> None:
    walk = walk_of(data)
    samples, stream = decode(data)
    assert walk.info is None
    assert len(samples) == walk.frames * 1152 - 1105
    assert abs(lateness_ms(samples[:, 0], SAMPLE_RATE)) < 0.5
    assert stream.declared_seconds is None


def test_a_header_that_lies_allocates_nothing() -> None:
    data = bytearray(CBR)
    at = data.index(b"Info") + 8
    honest, _ = decode(CBR)
    for frames in (0xFFFFFFFF, 1):
        data[at : at + 4] = frames.to_bytes(4, "big")
        samples, stream = decode(bytes(data))
        assert abs(len(samples) - len(honest)) < 3000
        assert {"truncated", "duration_mismatch"} & set(stream.notes)


def test_delay_of_unknown_encoders_is_lames() -> None:
    data = bytearray(CBR)
    at = data.index(b"Info")
    data[at + 120 : at + 145] = bytes(25)
    samples, _ = decode(bytes(data))
    assert abs(lateness_ms(samples[:, 0], SAMPLE_RATE)) < 0.5


def test_damaged_frames_keep_their_time() -> None:
    """A frame that cannot be decoded becomes silence: what follows stays where it was."""
    data = bytearray(BARE)
    with open_source(BARE) as source:
        walk = find_frames(source)
        assert walk is not None
        sizes = [len(group.data) for group in walk.groups(1)]
    start = sum(sizes[:30])
    for at in range(start + 4, start + sizes[30]):
        data[at] ^= 0xFF
    plain, _ = decode(BARE)
    samples, _ = decode(bytes(data))
    assert len(samples) == len(plain)
    np.testing.assert_allclose(samples[-20_000:], plain[-20_000:], atol=1e-6)


def test_one_header_is_no_mp3() -> None:
    noise = bytes(1000) + BARE[:4] + bytes(50_000)
    with pytest.raises(UnsupportedError):
        decode(noise)


def test_free_format_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="free format"):
        decode((bytes.fromhex("fffb00c4") + bytes(413)) * 20)


def test_mono_among_stereo_is_converted() -> None:
    joined = (FOLDER / "lame_cbr.mp3").read_bytes() + (FOLDER / "ffmpeg.mp3").read_bytes()
    samples, _ = decode(joined)
    assert samples.shape[1] == 1


def test_id3v2_sizes() -> None:
    assert id3v2_size(id3v2(300)) == 310
    assert id3v2_size(b"ID3\x04\x00\x10\x00\x00\x00\x0a") == 30
    for head in (b"", b"ID3", b"ID3\xff\x00\x00\x00\x00\x00\x01", b"ID3\x03\x00\x00\xff\x00\x00\x00"):
        assert id3v2_size(head) == 0


def test_endless_tags_end() -> None:
    with pytest.raises(TracktionError):
        decode(id3v2(0) * 100_000)
    with pytest.raises(TracktionError):
        decode((b"TAG" + bytes(125)) * 1000)


def mp3(rate: int, hertz: float, seconds: float = 2.0) -> bytes:
    """Without a header frame."""
    file = io.BytesIO()
    samples = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    soundfile.write(file, samples, rate, format="MP3", subtype="MPEG_LAYER_III")
    with open_source(file.getvalue()) as source:
        walk = find_frames(source)
        assert walk is not None
        return b"".join(group.data for group in walk.groups(50))


def test_a_song_behind_a_jingle_of_another_rate() -> None:
    jingle, song, other = mp3(48000, 300), mp3(44100, 1000, 5), mp3(44100, 1500, 5)
    samples, stream = decode(jingle + song + jingle)
    assert stream.sample_rate == 48000
    assert len(samples) / 48000 == pytest.approx(9, abs=0.2)
    assert set(stream.notes) == {"format_change"}
    middle = samples[4 * 48000 : 5 * 48000, 0]
    assert np.abs(np.fft.rfft(middle)).argmax() == 1000
    assert audio_identity(jingle + song) != audio_identity(jingle + other)
    assert len({audio_identity(data) for data in (jingle, jingle + song, jingle + song + jingle)}) == 3
