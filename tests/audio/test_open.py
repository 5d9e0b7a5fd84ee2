"""What may be opened, and what is refused."""

from __future__ import annotations

import errno
import gc
import io
import os
import socket
import tempfile
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from tests.audio.clicks import FOLDER, SAMPLE_RATE, click_track
from tracktion.audio import Limits, open_audio, open_source
from tracktion.errors import (
    EmptyError,
    ProtectedError,
    TooBigError,
    TooLongError,
    UnreadableError,
    UnsupportedError,
    UsageError,
)


def wav_bytes(samples: np.ndarray | None = None, sample_rate: int = SAMPLE_RATE, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, click_track() if samples is None else samples, sample_rate, format="WAV", subtype=subtype)
    return file.getvalue()


def frames(source: object, **options: object) -> int:
    with open_audio(source, **options) as stream:
        return sum(len(block) for block in stream.blocks())


class Named(os.PathLike):
    def __init__(self, name: bytes) -> None:
        self.name = name

    def __fspath__(self) -> bytes:
        return self.name


def test_every_kind_of_source(tmp_path: Path) -> None:
    data = wav_bytes()
    path = tmp_path / "a song.wav"
    path.write_bytes(data)
    expected = len(click_track())
    with path.open("rb") as file:
        assert frames(file) == expected
        assert not file.closed
    for source in (str(path), path, data, bytearray(data), memoryview(data), io.BytesIO(data)):
        assert frames(source) == expected
    assert frames((click_track(), SAMPLE_RATE)) == expected


def test_a_file_object_is_read_from_its_start() -> None:
    file = io.BytesIO(wav_bytes())
    file.seek(1000)
    assert frames(file) == len(click_track())


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9 \xff.wav"
    Path(os.fsdecode(name)).write_bytes(wav_bytes())
    assert frames(Named(name)) == len(click_track())
    assert frames(os.fsdecode(name)) == len(click_track())


@pytest.mark.parametrize("name", ["aac.m4a", "mp2.mka", "wavpack.wv"])
def test_tags_need_not_be_utf8(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    assert frames(data.replace(b"Lavf", b"L\xe4vf")) == frames(data)


def test_pyav_19_is_not_given_what_it_no_longer_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its `open` has no `metadata_errors`: it takes any tag."""
    given: dict[str, object] = {}

    def refuse(*_: object, **options: object) -> None:
        given.update(options)
        raise ValueError

    monkeypatch.setattr(av, "__version__", "19.0.0")
    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(UnsupportedError):
        open_audio(FOLDER / "aac.m4a")
    assert "buffer_size" in given
    assert "metadata_errors" not in given


@pytest.mark.parametrize(
    "name", ["-rf.mp3", "concat:a|b.wav", "http:⁄⁄x.wav", "pipe:0", "$(reboot).wav", "a\nb.wav", "🎵.wav"]
)
def test_names_are_only_names(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes((FOLDER / "aac.m4a").read_bytes())
    assert frames(name) > 0


class Unseekable(io.RawIOBase):
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: bytearray) -> int:
        return self._file.readinto(memoryview(buffer)[:100])


def test_a_file_object_that_cannot_seek() -> None:
    assert frames(Unseekable(wav_bytes())) == len(click_track())
    with pytest.raises(TooBigError):
        frames(Unseekable(wav_bytes()), limits=Limits(max_file_bytes=1000))


class Failing(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 300_000:
            raise OSError("the network is gone")
        return super().read(size)


@pytest.mark.parametrize("name", ["cbr_no_header.mp3", "vorbis.ogg", "aac.aac", "ac3.ac3"])
def test_a_file_object_that_fails(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = (FOLDER / name).read_bytes() * 200
    with pytest.raises(UnreadableError, match="the network is gone"):
        frames(Failing(data))
    assert capfd.readouterr().err == ""


class Few(io.RawIOBase):
    """Seekable, and gives a few bytes at a time, as sockets and remote files do."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: bytearray) -> int:
        return self._file.readinto(memoryview(buffer)[:7])


@pytest.mark.parametrize("name", ["vorbis.ogg", "lame_vbr.mp3", "aac.m4a"])
def test_a_file_object_that_gives_a_few_bytes_at_a_time(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    with open_audio(data) as whole, open_audio(Few(data)) as stream:
        assert stream._decoder.name == whole._decoder.name
        for block, expected in zip(stream.blocks(), whole.blocks(), strict=True):
            np.testing.assert_array_equal(block, expected)


def test_a_file_object_that_does_not_wait() -> None:
    """No data at the moment is not the end of the music."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.write(writing, wav_bytes()[:40_000])
    with os.fdopen(reading, "rb") as file, os.fdopen(writing, "wb"), pytest.raises(UnreadableError, match="no data"):
        frames(file)


@pytest.mark.parametrize("method", ["seek", "seekable", "tell"])
def test_a_file_object_that_raises_anything(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such bucket")

    class Remote(io.BytesIO):
        pass

    monkeypatch.setattr(Remote, method, fail, raising=False)
    with pytest.raises(UnreadableError, match="no such bucket"):
        frames(Remote(wav_bytes()))


def test_no_room_for_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda **_: Full())
    with pytest.raises(UnreadableError, match="No space left"):
        frames(Unseekable(wav_bytes()))


class Interrupted(io.BytesIO):
    """Ctrl-C comes once, while a decoder reads."""

    came = False

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 300_000 and not self.came:
            self.came = True
            raise KeyboardInterrupt
        return super().read(size)


@pytest.mark.parametrize("name", ["flac.ogg", "wavpack.wv", "wma2.mka", "vorbis.ogg", "ac3.ac3", "cbr_no_header.mp3"])
def test_ctrl_c_while_a_decoder_reads(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = (FOLDER / name).read_bytes() * 200
    with pytest.raises(KeyboardInterrupt):
        frames(Interrupted(data))
    with pytest.raises(KeyboardInterrupt):
        frames(Interrupted(wav_bytes(np.zeros(400_000, np.float32))))
    assert capfd.readouterr().err == ""


def test_text_files_are_misuse(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("x")
    with path.open() as file, pytest.raises(UsageError, match="binary"):
        frames(file)
    with pytest.raises(UsageError, match="expected a path"):
        frames(17)


def test_only_regular_files(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.mp3"
    os.mkfifo(fifo)
    loop = tmp_path / "loop.mp3"
    loop.symlink_to(loop)
    dangling = tmp_path / "dangling.mp3"
    dangling.symlink_to(tmp_path / "nowhere")
    device = tmp_path / "device.mp3"
    device.symlink_to("/dev/zero")
    sock = tmp_path / "s.mp3"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(sock))
        for path in (fifo, loop, dangling, device, sock, tmp_path, tmp_path / "missing.mp3"):
            with pytest.raises(UnreadableError):
                frames(path)
    with pytest.raises(UnreadableError):
        frames("zero\0byte.mp3")
    with pytest.raises(UnreadableError):
        frames("x" * 5000)


def test_symbolic_links_by_choice(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes())
    link = tmp_path / "b.wav"
    link.symlink_to(path)
    assert frames(link) == len(click_track())
    with pytest.raises(UnreadableError, match="symbolic link"):
        frames(link, follow_symlinks=False)


def test_only_below_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "music"
    (root / "album").mkdir(parents=True)
    inside, outside = root / "album" / "a.wav", tmp_path / "secret.wav"
    for path in (inside, outside):
        path.write_bytes(wav_bytes())
    (root / "in.wav").symlink_to(inside)
    (root / "out.wav").symlink_to(outside)
    (root / "back").symlink_to(tmp_path)
    for path in (inside, root / "in.wav", root / "album" / ".." / "in.wav"):
        with open_source(path, within=root) as source:
            assert frames(source) == len(click_track())
            assert source.fileno() > 2
    for path in (outside, root / "out.wav", root / "back" / "secret.wav", root / ".." / "secret.wav", root):
        with pytest.raises(UnreadableError):
            open_source(path, within=root)


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF\0\0\0\0WAVEjunk")
    good = tmp_path / "good.wav"
    good.write_bytes(wav_bytes())
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.glob("*")))
    for _ in range(5):
        with pytest.raises(UnsupportedError):
            open_audio(broken)
        open_audio(good).close()
        open_audio(FOLDER / "aac.m4a").close()
    assert len(list(descriptors.glob("*"))) == before


def test_a_stream_that_nobody_closed_keeps_no_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes())
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.glob("*")))

    def forget() -> None:
        next(open_audio(path).blocks())
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed"):
        forget()
    assert len(list(descriptors.glob("*"))) == before


def test_limits() -> None:
    data = wav_bytes()
    with pytest.raises(TooBigError, match="max_file_bytes"):
        frames(data, limits=Limits(max_file_bytes=1000))
    with pytest.raises(TooLongError, match="max_seconds"):
        frames(data, limits=Limits(max_seconds=1.0))
    many = wav_bytes(np.zeros((100, 40), dtype=np.float32))
    with pytest.raises(TooBigError, match="40 channels"):
        frames(many)
    assert frames(many, limits=Limits(max_channels=40)) == 100
    with pytest.raises(UnsupportedError, match="sample rate"):
        frames(wav_bytes(sample_rate=100))


def test_empty_files() -> None:
    with pytest.raises(EmptyError):
        frames(b"")
    with pytest.raises(EmptyError):
        frames(wav_bytes(np.zeros((0, 2), dtype=np.float32)))
    with pytest.raises(EmptyError):
        frames((np.zeros(0), 44100))


@pytest.mark.parametrize(
    "magic", [b"\x7fELF", b"PK\x03\x04", b"%PDF-1.4", b"<!DOCTYPE html>", b"#EXTM3U\nhttp://x/y.mp3"]
)
def test_no_audio_at_all(magic: bytes) -> None:
    with pytest.raises(UnsupportedError):
        frames(magic + bytes(range(256)) * 40)


@pytest.mark.parametrize(
    "head", [b"\0\0\1\xba", b"FLV\1\5", b"RIFF\0\0\0\0AVI ", b"G" + bytes(187) + b"G" + bytes(187) + b"G"]
)
def test_video_with_mpeg_audio_in_it_is_refused(head: bytes) -> None:
    """Frames that lie in pieces between packets of pictures would decode to noise."""
    layer2 = (FOLDER / "layer2.mp2").read_bytes()
    with pytest.raises(UnsupportedError, match="video"):
        frames(head + layer2)


@pytest.mark.parametrize("kind", [b"enca", b"drms", b"aavd"])
def test_encrypted_mp4(kind: bytes) -> None:
    data = (FOLDER / "aac.m4a").read_bytes()
    at = data.index(b"stsd") + 16
    assert data[at : at + 4] == b"mp4a"
    with pytest.raises(ProtectedError, match="DRM"):
        frames(data[:at] + kind + data[at + 4 :])


@pytest.mark.parametrize(
    "guid", ["fbb3112223bdd211b4b700a0c955fc6e", "14e68a292226174cb935dae07ee9289c", "338505438169e6499b74ad12cb86d58c"]
)
def test_encrypted_wma(guid: str) -> None:
    data = (FOLDER / "wma2.wma").read_bytes()
    added = bytes.fromhex(guid) + (40).to_bytes(8, "little") + bytes(16)
    size = int.from_bytes(data[16:24], "little")
    head = data[:16] + (size + 40).to_bytes(8, "little") + data[24:size]
    with pytest.raises(ProtectedError, match="DRM"):
        frames(head + added + data[size:])


def test_what_is_no_audio_is_said_in_words() -> None:
    with pytest.raises(UnsupportedError, match="no audio in a form that is known here"):
        frames(b"nut/multimedia container\0" + bytes(range(256)) * 40)


@pytest.mark.parametrize(
    "playlist",
    [
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\n/etc/hostname\n#EXT-X-ENDLIST\n",
        b"<MPD></MPD>",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 9 RTP/AVP 0\n",
    ],
)
def test_ffmpeg_opens_nothing_else(playlist: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.m3u8"
    path.write_bytes(playlist)
    with pytest.raises(UnsupportedError):
        frames(path)


def test_arrays() -> None:
    integers = np.array([[0, -32768], [16384, 32767]], dtype=np.int16)
    with open_audio((integers, 8000)) as stream:
        block = next(stream.blocks())
    np.testing.assert_array_equal(block, [[0, -1], [0.5, 32767 / 32768]])
    with open_audio((np.array([0, 128, 255], dtype=np.uint8), 8000)) as stream:
        np.testing.assert_allclose(next(stream.blocks())[:, 0], [-1, 0, 127 / 128])
    for bad in (np.zeros((2, 2, 2)), np.zeros((2, 1000)), np.array(["x"]), np.zeros(4, dtype=complex)):
        with pytest.raises(UsageError):
            frames((bad, 8000))
    for rate in (0, -1, float("nan"), 1e9):
        with pytest.raises(UsageError):
            frames((np.zeros(4), rate))


def test_source_windows() -> None:
    with open_source(bytes(range(100))) as source:
        window = source.window(10, 20)
        assert window.size == 10
        assert window.read() == bytes(range(10, 20))
        assert window.read_at(5, 100) == bytes(range(15, 20))
        assert window.window(2, 4).read() == bytes((12, 13))
        assert source.read_at(95, 100) == bytes(range(95, 100))
        with pytest.raises(UnreadableError):
            window.seek(-1)
