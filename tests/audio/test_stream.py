"""Blocks are finite, whole, and of any size; what was odd is noted."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr

from tests.audio.clicks import FOLDER, SAMPLE_RATE, click_track, lateness_ms
from tests.audio.test_open import wav_bytes
from tracktion.audio import AudioStream, open_audio
from tracktion.audio.claims import missing_bytes
from tracktion.audio.frames import Joiner
from tracktion.audio.source import open_source
from tracktion.errors import CorruptError, UsageError


def decode(source: object, frames: int = 65536) -> tuple[np.ndarray, AudioStream]:
    with open_audio(source) as stream:
        return np.concatenate(list(stream.blocks(frames))), stream


def encoded(container: str, subtype: str | None = None, seconds: float = 2.0) -> bytes:
    rng = np.random.default_rng(3)
    file = io.BytesIO()
    samples = rng.uniform(-0.5, 0.5, round(seconds * SAMPLE_RATE)).astype(np.float32)
    soundfile.write(file, samples, SAMPLE_RATE, format=container, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize(
    "name", ["lame_vbr.mp3", "vorbis.ogg", "aac.m4a", "opus.opus", "flac.ogg", "wma2.wma", "alac.m4a"]
)
def test_any_block_size_gives_the_same_samples(name: str) -> None:
    whole, stream = decode(FOLDER / name)
    assert whole.dtype == np.float32
    for frames in (1000, 7777, 1_000_000):
        with open_audio(FOLDER / name) as again:
            blocks = list(again.blocks(frames))
        assert all(0 < len(b) <= frames and b.flags.c_contiguous and b.flags.writeable for b in blocks)
        np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert stream.seconds == len(whole) / stream.sample_rate


def test_block_size_must_be_positive() -> None:
    with open_audio((np.zeros(10), 8000)) as stream, pytest.raises(UsageError):
        next(stream.blocks(0))


def test_few_nonfinite_samples_become_zero() -> None:
    samples = click_track()
    samples[100:110] = np.nan
    samples[200] = np.inf
    samples[201] = 1e30
    got, stream = decode(wav_bytes(samples, subtype="FLOAT"))
    assert np.isfinite(got).all()
    assert (got[100:110] == 0).all()
    assert got[200] == 0
    assert got[201] == 65536
    assert set(stream.notes) == {"nonfinite", "clamped"}
    assert "11 samples" in stream.notes["nonfinite"]


def test_many_nonfinite_samples_are_damage() -> None:
    samples = click_track()
    samples[::3] = np.nan
    with pytest.raises(CorruptError, match="NaN"):
        decode((samples, SAMPLE_RATE))


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("WAV", "PCM_16"), ("AIFF", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("RF64", "PCM_16")],
)
def test_a_file_that_ends_early_is_flagged(container: str, subtype: str) -> None:
    data = encoded(container, subtype)
    whole, clean = decode(data)
    assert clean.notes == {}
    got, stream = decode(data[: len(data) // 2])
    assert 0.15 * len(whole) < len(got) < 0.7 * len(whole)
    assert {"truncated", "repaired"} & set(stream.notes)
    np.testing.assert_allclose(got[: len(got) - 9000], whole[: len(got) - 9000], atol=1e-3)


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        ("CAF", "PCM_24"),
        ("AU", "PCM_16"),
        ("WAV", "IMA_ADPCM"),
        ("WAV", "MS_ADPCM"),
        ("AIFF", "IMA_ADPCM"),
        ("WAV", "GSM610"),
    ],
)
def test_a_file_whose_decoder_takes_what_is_there_is_flagged(container: str, subtype: str) -> None:
    data = encoded(container, subtype)
    _, clean = decode(data)
    assert clean.notes == {}
    _, stream = decode(data[: len(data) // 2])
    assert "bytes before its audio does" in stream.notes["truncated"]


@pytest.mark.parametrize("name", ["opus.opus", "flac.ogg"])
def test_ogg_of_any_codec_that_lost_pages_is_flagged(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    pages = [at for at in range(len(data)) if data.startswith(b"OggS", at)]
    _, stream = decode(data[: pages[-1]])
    assert "last page" in stream.notes["truncated"]
    _, stream = decode(data[: pages[2]] + data[pages[3] :])
    assert "pages" in stream.notes["repaired"]


@pytest.mark.parametrize(
    ("name", "kind"), [("aac.m4a", "mp4"), ("wma2.wma", "asf"), ("wma2.mka", "matroska"), ("mp3_in.wav", "wav")]
)
def test_bytes_that_a_container_claims_and_has_not(name: str, kind: str) -> None:
    data = (FOLDER / name).read_bytes()
    with open_source(data) as source:
        assert missing_bytes(source, kind) == 0
    with open_source(data[:2000]) as source:
        missing = missing_bytes(source, kind)
        assert 0 < missing <= len(data) - 2000
    with open_source(data[:1900]) as source:
        assert missing_bytes(source, kind) == missing + 100
    for size in range(100):
        with open_source(data[:size]) as source:
            missing_bytes(source, kind)


def test_packets_that_are_missing_in_the_middle_become_silence() -> None:
    packed = io.BytesIO()
    with av.open(FOLDER / "aac.mka") as given, av.open(packed, "w", format="matroska") as out:
        copied = out.add_stream_from_template(given.streams.audio[0])
        for number, packet in enumerate(given.demux(given.streams.audio[0])):
            if packet.size and not 30 <= number < 50:
                packet.stream = copied
                out.mux(packet)
    samples, stream = decode(packed.getvalue())
    whole, _ = decode(FOLDER / "aac.mka")
    assert stream.notes["repaired"] == "0.46 s of it are missing and became silence"
    assert len(samples) == pytest.approx(len(whole), abs=50)
    behind = slice(60 * 1024, None)
    assert np.abs(samples[behind]).argmax() == pytest.approx(np.abs(whole[behind]).argmax(), abs=50)


def test_nothing_but_damage_is_not_an_empty_file() -> None:
    data = bytearray((FOLDER / "wavpack.wv").read_bytes())
    blocks = [at for at in range(len(data)) if data.startswith(b"wvpk", at)]
    for start, stop in itertools.pairwise([*blocks, len(data)]):
        data[start + 32 : stop] = b"\xff" * (stop - start - 32)
    with pytest.raises(CorruptError, match="can be decoded"):
        decode(bytes(data))


def test_mp3_that_ends_early_is_flagged() -> None:
    for name in ("lame_cbr.mp3", "lame_vbr.mp3"):
        data = (FOLDER / name).read_bytes()
        got, stream = decode(data[: len(data) // 2])
        assert len(got) < 60_000
        assert "truncated" in stream.notes


def test_flac_with_a_hole_goes_on_behind_it() -> None:
    data = bytearray(encoded("FLAC"))
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    whole, _ = decode(encoded("FLAC"))
    got, stream = decode(bytes(data))
    assert "repaired" in stream.notes
    assert len(got) == len(whole)
    np.testing.assert_array_equal(got[-4096:], whole[-4096:])


def test_wav_whose_recorder_crashed() -> None:
    data = bytearray(wav_bytes())
    whole, _ = decode(bytes(data))
    at = data.index(b"data") + 4
    for size in (0, 0xFFFFFFFF, 0xFFFFF000, 0x7FFFF000, 0x7FFFFFDB):
        data[at : at + 4] = size.to_bytes(4, "little")
        got, stream = decode(bytes(data))
        np.testing.assert_array_equal(got, whole)
        assert stream.notes == {}


def test_aiff_that_counts_packets() -> None:
    container = io.BytesIO()
    with av.open(container, "w", format="aiff") as file:
        out = file.add_stream("adpcm_ima_qt", rate=SAMPLE_RATE, layout="mono")
        given = (click_track() * 32767).astype(np.int16)[: 64 * 1000]
        for i in range(0, len(given), 64):
            frame = av.AudioFrame.from_ndarray(given[None, i : i + 64], format="s16p", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            for packet in out.encode(frame):
                file.mux(packet)
    samples, stream = decode(container.getvalue())
    assert len(samples) == 64_000
    assert stream.notes == {}


def test_ogg_chained() -> None:
    data = (FOLDER / "vorbis.ogg").read_bytes()
    once, _ = decode(data)
    twice, stream = decode(data + data)
    np.testing.assert_array_equal(twice, np.concatenate([once, once]))
    assert stream.notes == {}


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("channels", [1, 2])
def test_links_of_another_format_are_brought_to_the_first(subtype: str, channels: int) -> None:
    clicks = click_track()
    links = []
    for rate, count in ((48000, channels), (24000, 1), (48000, 2)):
        given = soxr.resample(clicks, SAMPLE_RATE, rate)
        file = io.BytesIO()
        soundfile.write(file, np.stack([given] * count, axis=1), rate, format="OGG", subtype=subtype)
        links.append(file.getvalue())
    samples, stream = decode(b"".join(links))
    assert stream.sample_rate == 48000
    assert samples.shape == (pytest.approx(3 * 96000, abs=5), channels)
    assert "format_change" in stream.notes
    for part in np.split(samples[: len(samples) // 3 * 3], 3):
        assert abs(lateness_ms(part.mean(axis=1), 48000)) < 1
        assert np.abs(part).max() == pytest.approx(0.8, abs=0.15)


def ogg_sum(page: bytes) -> bytes:
    """Checksum of an Ogg page whose own is 0."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value.to_bytes(4, "little")


def with_rate(vorbis: bytes, sample_rate: int) -> bytes:
    data = bytearray(vorbis)
    at = data.index(b"\x01vorbis") + 12
    data[at : at + 4] = sample_rate.to_bytes(4, "little")
    end = 27 + data[26] + sum(data[27 : 27 + data[26]])
    data[22:26] = bytes(4)
    data[22:26] = ogg_sum(data[:end])
    return bytes(data)


@pytest.mark.parametrize("sample_rate", [1, 10, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_link_of_an_absurd_rate_is_left_out(sample_rate: int) -> None:
    """At 1 Hz, 2 s of samples would become a day, and gigabytes in one block."""
    vorbis = (FOLDER / "vorbis.ogg").read_bytes()
    once, _ = decode(vorbis)
    samples, stream = decode(vorbis + with_rate(vorbis, sample_rate))
    np.testing.assert_array_equal(samples, once)
    assert "sample rate" in stream.notes["repaired"]


def test_a_link_of_a_low_rate_comes_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    vorbis = (FOLDER / "vorbis.ogg").read_bytes()
    most, resampled = 0, soxr.ResampleStream.resample_chunk

    def watched(*args: object, **options: object) -> np.ndarray:
        nonlocal most
        out = resampled(*args, **options)
        most = max(most, len(out))
        return out

    monkeypatch.setattr(soxr.ResampleStream, "resample_chunk", watched)
    samples, _ = decode(with_rate(vorbis, 96_000) + with_rate(vorbis, 1_000))
    assert len(samples) == pytest.approx(88_200 + 96 * 88_200, rel=0.001)
    assert most < 2 * 65_536


def frame(sample_rate: int, layout: str, samples: int) -> av.AudioFrame:
    channels = av.AudioLayout(layout).nb_channels
    made = av.AudioFrame.from_ndarray(np.zeros((channels, samples), np.float32), format="fltp", layout=layout)
    made.sample_rate = sample_rate
    return made


def test_frames_of_many_formats_in_turn() -> None:
    """None is lost, also where a second change follows the first."""
    notes: dict[str, str] = {}
    joiner = Joiner(sample_rate=48000, channels=2, layout="stereo", max_channels=8, source_name="a.aac", notes=notes)
    formats = [(48000, "stereo"), (44100, "stereo"), (44100, "mono"), (24000, "stereo"), (48000, "stereo")]
    given = [frame(rate, layout, rate // 10) for rate, layout in formats for _ in range(3)]
    assert sum(len(joiner.join([each])) for each in given) == pytest.approx(15 * 4800, abs=40)
    assert set(notes) == {"format_change"}


@pytest.mark.parametrize("sample_rate", [1, 1000, 4_000_000])
def test_frames_of_an_absurd_rate_are_left_out(sample_rate: int) -> None:
    notes: dict[str, str] = {}
    joiner = Joiner(sample_rate=48000, channels=1, layout="mono", max_channels=8, source_name="a.wv", notes=notes)
    assert len(joiner.join([frame(48000, "mono", 100), frame(sample_rate, "mono", 30_000)])) == 100
    assert "too far apart" in notes["repaired"]


@pytest.mark.parametrize("silence", [0, 2048])
def test_dts_that_claims_to_be_pcm(silence: int) -> None:
    """As on a DTS CD: players without a decoder hear noise."""
    raw = (FOLDER / "dts.dts").read_bytes()
    expected, _ = decode(raw)
    words = np.frombuffer(raw[: len(raw) // 2 * 2], ">i2").astype(np.int16)
    samples, stream = decode(wav_bytes(np.concatenate([np.zeros(silence, np.int16), words]).reshape(-1, 2), 16000))
    assert (stream.codec, stream.sample_rate, stream.channels) == ("dca", 16000, 1)
    np.testing.assert_array_equal(samples, expected)


def test_ac3_for_a_receiver_that_claims_to_be_pcm() -> None:
    raw = (FOLDER / "ac3.ac3").read_bytes()
    expected, _ = decode(raw)
    sync = b"\x0b\x77"
    starts = [0]
    while (at := raw.find(sync, starts[-1] + 2)) > 0:
        starts.append(at)
    bursts = [raw[a:b] for a, b in itertools.pairwise([*starts, len(raw)])]
    words = b"".join(
        (b"\xf8\x72\x4e\x1f\x00\x01" + (8 * len(burst)).to_bytes(2, "big") + burst).ljust(6144, b"\0")
        for burst in bursts
    )
    samples, stream = decode(wav_bytes(np.frombuffer(words, ">i2").astype(np.int16).reshape(-1, 2)))
    assert stream.codec == "ac3"
    np.testing.assert_array_equal(samples, expected)


def test_surround_has_one_order_of_channels() -> None:
    """Left, right, centre, bass, and two behind, whatever the codec keeps."""
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    left, right, centre, bass, left_behind, right_behind = 500, 700, 300, 60, 900, 1100
    as_vorbis_has_it = (left, centre, right, left_behind, right_behind, bass)
    file = io.BytesIO()
    given = np.stack([0.3 * np.sin(2 * np.pi * hertz * time) for hertz in as_vorbis_has_it], axis=1)
    soundfile.write(file, given, SAMPLE_RATE, format="OGG", subtype="VORBIS")
    samples, _ = decode(file.getvalue())
    spectra = np.abs(np.fft.rfft(samples[:SAMPLE_RATE], axis=0))
    wanted = [left, right, centre, bass, left_behind, right_behind]
    np.testing.assert_allclose(spectra.argmax(axis=0) * SAMPLE_RATE / len(samples[:SAMPLE_RATE]), wanted, atol=3)


def test_a_damaged_aac_frame_is_passed_over() -> None:
    data = bytearray((FOLDER / "aac.m4a").read_bytes())
    start = data.index(b"mdat") + 400
    for at in range(start, start + 1200):
        data[at] ^= 0x5A
    got, stream = decode(bytes(data))
    assert len(got) > SAMPLE_RATE
    assert np.isfinite(got).all()
    assert set(stream.notes) <= {"repaired", "truncated", "clamped"}


def test_repr_names_what_it_is() -> None:
    with open_audio(FOLDER / "aac.m4a") as stream:
        assert "aac" in repr(stream)
        assert "44100 Hz" in repr(stream)
        assert stream.declared_seconds == pytest.approx(2.0, abs=0.03)
    with open_audio(FOLDER / "aac.aac") as stream:
        assert "unknown length" in repr(stream)


def test_closed_streams_are_at_their_end() -> None:
    stream = open_audio(Path(FOLDER / "lame_cbr.mp3"))
    blocks = stream.blocks(1000)
    next(blocks)
    stream.close()
    stream.close()
    assert list(blocks) == []
