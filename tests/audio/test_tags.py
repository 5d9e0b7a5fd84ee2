"""Tags: read within bounds, written without risk."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Literal

import mutagen.id3
import numpy as np
import pytest
import soundfile

from tests.audio.clicks import FOLDER, SAMPLE_RATE, click_track
from tests.audio.test_stream import decode
from tracktion.audio import Limits, audio_identity, read_tags, write_tags
from tracktion.audio.id3 import read_id3
from tracktion.errors import CorruptError, TracktionError, UnreadableError, UnsupportedError, UsageError
from tracktion.results.analysis import Analysis
from tracktion.results.key import Key
from tracktion.results.rhythm import Tempo
from tracktion.results.tags import Tags

ANALYSIS = Analysis(duration=2.0, sample_rate=44100, channels=1, tempo=Tempo(127.98, 0.9), key=Key("F#", "minor", 0.8))
WRITABLE = [
    "lame_cbr.mp3",
    "cbr_no_header.mp3",
    "layer2.mp2",
    "vorbis.ogg",
    "opus.opus",
    "flac.ogg",
    "aac.m4a",
    "alac.m4a",
    "aac.aac",
    "wma2.wma",
    "wavpack.wv",
    "made.flac",
    "made.wav",
    "made.aiff",
]


def copy_of(name: str, folder: Path) -> Path:
    path = folder / name
    if name.startswith("made."):
        soundfile.write(path, click_track(), SAMPLE_RATE, subtype="PCM_16")
    else:
        path.write_bytes((FOLDER / name).read_bytes())
    return path


@pytest.mark.parametrize("name", WRITABLE)
def test_round_trip(name: str, tmp_path: Path) -> None:
    path = copy_of(name, tmp_path)
    identity, (samples, _) = audio_identity(path), decode(path)
    path.chmod(0o640)
    assert read_tags(path).bpm is None
    assert write_tags(path, ANALYSIS)
    tags = read_tags(path)
    assert (tags.bpm, tags.key) == (128.0, "F#m")
    assert write_tags(path, ANALYSIS, key_notation="camelot", bpm_decimals=2)
    tags = read_tags(path)
    assert tags.bpm == (128.0 if path.suffix == ".m4a" else 127.98)
    assert tags.key == "11A"
    assert audio_identity(path) == identity
    np.testing.assert_array_equal(decode(path)[0], samples)
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_there_stays(tmp_path: Path) -> None:
    from mutagen.flac import FLAC
    from mutagen.id3 import ID3, TIT2, TKEY

    path = copy_of("made.flac", tmp_path)
    file = FLAC(path)
    file["title"], file["artist"], file["date"], file["tracknumber"] = "A", ["B", "C"], "2001-02-03", "7/12"
    file["initialkey"], file["isrc"], file["musicbrainz_trackid"] = "Gm", "USX", "abc"
    file.save()
    write_tags(path, ANALYSIS, key=False)
    tags = read_tags(path)
    assert tags == Tags(
        title="A", artist="B", year=2001, track=7, bpm=128.0, key="Gm", isrc="USX", mbid="abc", duration=2.0
    )
    mp3 = copy_of("lame_cbr.mp3", tmp_path)
    id3 = ID3()
    id3.add(TIT2(encoding=1, text=["Ünï\ncode\u202e"]))
    id3.add(TKEY(encoding=0, text=["Am"]))
    id3.save(mp3, v2_version=4)
    write_tags(mp3, ANALYSIS, bpm=False, key_notation="open_key")
    assert read_tags(mp3).title == "Ünï\ncode\u202e"
    assert read_tags(mp3).key == "4m"
    assert read_tags(mp3).bpm is None


def test_nothing_to_write(tmp_path: Path) -> None:
    path = copy_of("lame_cbr.mp3", tmp_path)
    before = path.stat()
    assert not write_tags(path, Analysis(duration=2.0, sample_rate=44100, channels=1))
    assert not write_tags(path, ANALYSIS, bpm=False, key=False)
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_time_of_modification(tmp_path: Path) -> None:
    path = copy_of("lame_cbr.mp3", tmp_path)
    os.utime(path, (1_000_000, 1_000_000))
    write_tags(path, ANALYSIS, keep_mtime=True)
    assert path.stat().st_mtime == 1_000_000
    write_tags(path, ANALYSIS, key_notation="name")
    assert path.stat().st_mtime > 1_600_000_000


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    path = copy_of("lame_cbr.mp3", tmp_path)
    link = tmp_path / "link.mp3"
    link.symlink_to(path)
    write_tags(link, ANALYSIS)
    assert link.is_symlink()
    assert read_tags(path).key == "F#m"


def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, error in (("ac3.ac3", UnsupportedError), ("aac.mka", UnsupportedError)):
        path = copy_of(name, tmp_path)
        with pytest.raises(error):
            write_tags(path, ANALYSIS)
        assert path.read_bytes() == (FOLDER / name).read_bytes()
    with pytest.raises(UnreadableError):
        write_tags(tmp_path, ANALYSIS)
    with pytest.raises(UnreadableError):
        write_tags(tmp_path / "missing.mp3", ANALYSIS)
    path = copy_of("lame_cbr.mp3", tmp_path)
    with pytest.raises(UsageError):
        write_tags(path, ANALYSIS, key_notation="solfège")
    with pytest.raises(UsageError, match="no analysis"):
        write_tags(path, None)
    before = path.read_bytes()
    broken = copy_of("aac.m4a", tmp_path)
    broken.write_bytes(broken.read_bytes()[:1500])
    with pytest.raises(CorruptError):
        write_tags(broken, ANALYSIS)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(UnreadableError, match="No space"):
        write_tags(path, ANALYSIS)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_a_file_that_changes_meanwhile_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracktion.audio import tagwrite

    path = copy_of("lame_cbr.mp3", tmp_path)
    settle = tagwrite._settle

    def interfere(*args: object, **options: object) -> None:
        settle(*args, **options)
        path.write_bytes(b"somebody else's")

    monkeypatch.setattr(tagwrite, "_settle", interfere)
    with pytest.raises(UnreadableError, match="changed meanwhile"):
        write_tags(path, ANALYSIS)
    assert path.read_bytes() == b"somebody else's"


WRITER = """
import sys
from tests.audio.test_tags import ANALYSIS
from tracktion.audio import write_tags
print("ready", flush=True)
while True:
    for notation in ("id3", "camelot", "open_key", "name"):
        write_tags(sys.argv[1], ANALYSIS, key_notation=notation)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("name", ["lame_cbr.mp3", "made.flac", "aac.m4a"])
def test_a_kill_leaves_the_old_or_the_new_file(name: str, tmp_path: Path) -> None:
    path = copy_of(name, tmp_path)
    identity = audio_identity(path)
    rng = np.random.default_rng(1)
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(float(rng.uniform(0.0, 0.05)))
            process.send_signal(signal.SIGKILL)
        assert audio_identity(path) == identity
        assert read_tags(path).key in {None, "F#m", "11A", "4m", "F# minor"}
    write_tags(path, ANALYSIS)
    assert read_tags(path).key == "F#m"


OTHERS = {
    b"TSOP": b"\0Beatles, The",
    b"TSOT": b"\0Day",
    b"TMOO": b"\0calm",
    b"TPE1": b"\0One\0Two",
    b"TCON": b"\0(17)Hard Rock",
    b"TYER": b"\x001967",
    b"TRDA": b"\0May",
}
"""Frames of version 2.3, some of which are only of 2.4 by the letter, as programs write them."""


@pytest.mark.parametrize("name", ["cbr_no_header.mp3", "made.wav", "made.aiff"])
def test_other_frames_of_an_old_tag_stay_as_they_are(name: str, tmp_path: Path) -> None:
    path = copy_of(name, tmp_path)
    tag = id3_tag(b"".join(id3_frame(frame, data) for frame, data in OTHERS.items()))
    if name.endswith(".mp3"):
        path.write_bytes(tag + path.read_bytes())
    else:
        order: Literal["little", "big"] = "little" if name.endswith(".wav") else "big"
        chunk = (b"id3 " if order == "little" else b"ID3 ") + len(tag).to_bytes(4, order) + tag + b"\0" * (len(tag) % 2)
        data = path.read_bytes() + chunk
        path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, order) + data[8:])
    assert write_tags(path, ANALYSIS)
    data = path.read_bytes()
    at = data.index(b"ID3\x03")
    kept = mutagen.id3.ID3(io.BytesIO(data[at:]), translate=False)
    assert kept.version == (2, 3, 0)
    assert set(kept) == {frame.decode() for frame in OTHERS} | {"TBPM", "TKEY"}
    assert kept["TPE1"].text == ["One", "Two"]
    assert kept["TCON"].text == ["(17)Hard Rock"]
    tags = read_tags(path)
    assert (tags.bpm, tags.key, tags.genre, tags.year) == (128.0, "F#m", "Hard Rock", 1967)


ODD = [
    (b"COMM", b"\0eng\0one"),
    (b"COMM", b"\0eng\0two"),
    (b"TIT3", b"\x09an encoding that is none"),
    (b"XYZW", b"unknown"),
    (b"GEOB", b"\0application/octet-stream\0\0Serato Markers2\0\1\2\3"),
    (b"TPE1", b"\1\xff\xfeA\0\0\0\xff\xfeB\0"),
]
"""Frames that a program that reads and writes them anew would change or drop."""


@pytest.mark.parametrize("version", [3, 4])
def test_other_frames_of_a_leading_tag_stay_to_the_byte(version: int, tmp_path: Path) -> None:
    path = copy_of("cbr_no_header.mp3", tmp_path)
    audio = path.read_bytes()
    others = b"".join(id3_frame(*frame) for frame in ODD)
    path.write_bytes(id3_tag(id3_frame(b"TBPM", b"\0" + b"99") + others + bytes(500), version) + audio)
    size = path.stat().st_size
    assert write_tags(path, ANALYSIS)
    ours = id3_frame(b"TBPM", b"\0" + b"128") + id3_frame(b"TKEY", b"\0F#m")
    data = path.read_bytes()
    assert data[10:].startswith(others + ours)
    assert data.endswith(audio)
    assert len(data) == size


def id3v1(title: bytes) -> bytes:
    return b"TAG" + title.ljust(30, b"\0") + b"Artist".ljust(30, b"\0") + bytes(34) + b"a comment".ljust(30) + b"\x11"


@pytest.mark.parametrize("front", [b"", b"TIT2"])
def test_what_stands_behind_the_audio_stays_to_the_byte(front: bytes, tmp_path: Path) -> None:
    path = copy_of("cbr_no_header.mp3", tmp_path)
    behind = id3v1("Группа крови".encode("cp1251"))
    tag = id3_tag(id3_frame(front, b"\1" + "Группа крови".encode("utf-16"))) if front else b""
    path.write_bytes(tag + path.read_bytes() + behind)
    before = read_tags(path)
    assert write_tags(path, ANALYSIS)
    assert path.read_bytes().endswith(behind)
    after = read_tags(path)
    assert (after.title, after.artist, after.bpm) == (before.title, before.artist, 128.0)


def test_a_first_leading_tag_repeats_what_the_last_one_says(tmp_path: Path) -> None:
    """In version 2.3, since there are players that look no further."""
    path = copy_of("cbr_no_header.mp3", tmp_path)
    path.write_bytes(path.read_bytes() + id3v1(b"Title"))
    assert write_tags(path, ANALYSIS)
    tag = mutagen.id3.ID3(path, translate=False, load_v1=False)
    assert tag.version == (2, 3, 0)
    assert {name: frame.text for name, frame in tag.items() if name[:2] in {"TI", "TP"}} == {
        "TIT2": ["Title"],
        "TPE1": ["Artist"],
    }


def test_tags_of_its_own_come_before_a_foreign_one_in_front(tmp_path: Path) -> None:
    path = copy_of("made.flac", tmp_path)
    tag = id3_tag(id3_frame(b"TBPM", b"\0" + b"60") + id3_frame(b"TIT2", b"\0Title"))
    path.write_bytes(tag + path.read_bytes())
    assert read_tags(path).bpm == 60
    assert write_tags(path, ANALYSIS)
    assert (read_tags(path).bpm, read_tags(path).title) == (128.0, "Title")


@pytest.mark.parametrize(("form", "endian"), [("RF64", "FILE"), ("WAV", "BIG")])
def test_forms_of_wav_that_are_not_tagged_say_so(form: str, endian: Literal["FILE", "BIG"], tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, click_track(), SAMPLE_RATE, "PCM_16", endian, form)
    with pytest.raises(UnsupportedError, match=r"RF64|RIFX"):
        write_tags(path, ANALYSIS)


@pytest.mark.parametrize("size", [bytes(4), b"\xff" * 4])
def test_a_wav_that_was_written_into_a_pipe_is_not_called_damaged(size: bytes, tmp_path: Path) -> None:
    path = copy_of("made.wav", tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[:4] + size + data[8:40] + size + data[44:])
    with pytest.raises(UnsupportedError, match="does not say its length"):
        write_tags(path, ANALYSIS)


def test_a_full_disk_is_no_damaged_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mutagen import MutagenError
    from mutagen.flac import FLAC

    def full(*_: object) -> None:
        raise MutagenError(OSError(28, "No space left on device"))

    monkeypatch.setattr(FLAC, "save", full)
    path = copy_of("made.flac", tmp_path)
    with pytest.raises(UnreadableError, match=r"made\.flac: No space left on device"):
        write_tags(path, ANALYSIS)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_may_not_be_written_is_named_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / ".secret.tracktion.part"))

    monkeypatch.setattr("tempfile.mkstemp", refused)
    with pytest.raises(UnreadableError, match="Permission denied") as caught:
        write_tags(copy_of("made.flac", tmp_path), ANALYSIS)
    assert ".part" not in str(caught.value)


def test_what_a_first_tag_does_not_say_a_second_one_may(tmp_path: Path) -> None:
    path = copy_of("cbr_no_header.mp3", tmp_path)
    tags = [id3_tag(id3_frame(b"TIT2", b"\0One") + bytes(50)), id3_tag(id3_frame(b"TALB", b"\0Two"))]
    path.write_bytes(b"".join(tags) + path.read_bytes())
    assert write_tags(path, ANALYSIS)
    assert (read_tags(path).title, read_tags(path).album, read_tags(path).bpm) == ("One", "Two", 128.0)


def test_a_tag_of_version_2_2_loses_nothing(tmp_path: Path) -> None:
    path = copy_of("cbr_no_header.mp3", tmp_path)
    frames = {b"TT2": b"\0Hi", b"TSP": b"\0Beatles, The", b"TYE": b"\x001967"}
    old = b"".join(name + len(data).to_bytes(3, "big") + data for name, data in frames.items())
    path.write_bytes(id3_tag(old, 2) + path.read_bytes())
    assert write_tags(path, ANALYSIS)
    kept = mutagen.id3.ID3(path)
    assert {"TIT2", "TSOP", "TDRC", "TBPM", "TKEY"} == set(kept)


def test_an_mp4_has_one_key_however_it_is_spelt(tmp_path: Path) -> None:
    from mutagen.mp4 import MP4

    path = copy_of("aac.m4a", tmp_path)
    file = MP4(path)
    file["----:com.apple.iTunes:INITIALKEY"], file["----:com.serato.dj:key"] = [b"Am"], [b"Am"]
    file.save()
    assert write_tags(path, ANALYSIS)
    keys = {name: bytes(value[0]) for name, value in MP4(path).items() if name.lower().endswith("key")}
    assert keys == {"----:com.apple.iTunes:initialkey": b"F#m", "----:com.serato.dj:key": b"Am"}


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    """Names that other programs made up do not hide the standard ones."""
    path = copy_of("cbr_no_header.mp3", tmp_path)
    own = id3_frame(b"TXXX", b"\0BPM\x0060") + id3_frame(b"TXXX", b"\0INITIALKEY\0C")
    path.write_bytes(id3_tag(own, 4) + path.read_bytes())
    assert read_tags(path).bpm == 60
    assert write_tags(path, ANALYSIS)
    assert (read_tags(path).bpm, read_tags(path).key) == (128.0, "F#m")


def test_an_odd_wav_without_its_pad_byte_can_be_tagged(tmp_path: Path) -> None:
    path = tmp_path / "odd.wav"
    soundfile.write(path, click_track()[:8001], 8000, subtype="PCM_U8")
    data = path.read_bytes()
    path.write_bytes(data[: 44 + 8001])
    assert write_tags(path, ANALYSIS)
    assert read_tags(path).bpm == 128.0
    assert len(decode(path)[0]) == 8001


def test_wav_names_itself_in_a_list_too(tmp_path: Path) -> None:
    path = copy_of("made.wav", tmp_path)
    texts = {b"INAM": "Für Elise".encode(), b"IART": b"Ludwig", b"ICRD": b"1810-04-27", b"ITRK": b"3/9"}
    body = b"INFO"
    for name, text in texts.items():
        body += name + len(text).to_bytes(4, "little") + text + b"\0" * (len(text) % 2)
    data = path.read_bytes() + b"LIST" + len(body).to_bytes(4, "little") + body
    path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:])
    tags = read_tags(path)
    assert (tags.title, tags.artist, tags.year, tags.track) == ("Für Elise", "Ludwig", 1810, 3)


@pytest.mark.parametrize(
    ("text", "genre"),
    [
        ("(17)", "Rock"),
        ("17", "Rock"),
        ("(17)Hard Rock", "Hard Rock"),
        ("(RX)", "Remix"),
        ("(999)", "(999)"),
        ("2 Step", "2 Step"),
    ],
)
def test_genres_by_number(text: str, genre: str) -> None:
    tag = id3_tag(id3_frame(b"TCON", b"\0" + text.encode()))
    assert read_tags(tag + (FOLDER / "cbr_no_header.mp3").read_bytes()).genre == genre


def test_unsynchronised_tags_of_version_2_4() -> None:
    text = b"\1\xff\xfe" + "Aÿ".encode("utf-16-le")
    frame = id3_frame(b"TIT2", text.replace(b"\xff", b"\xff\0"))
    tag = bytearray(id3_tag(frame, 4))
    tag[5] = 0x80
    assert read_id3(bytes(tag)).frames["TIT2"] == "Aÿ"


def id3_tag(frames: bytes, version: int = 3) -> bytes:
    size = len(frames)
    length = bytes((size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127))
    return b"ID3" + bytes((version, 0, 0)) + length + frames


def id3_frame(name: bytes, data: bytes, flags: bytes = b"\0\0") -> bytes:
    return name + len(data).to_bytes(4, "big") + flags + data


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\0Caf\xe9\0", "Café"),
        (b"\1\xff\xfeH\0i\0\0\0", "Hi"),
        (b"\1\xfe\xff\0H\0i", "Hi"),
        (b"\2\0H\0i", "Hi"),
        (b"\3" + "日本\0more".encode(), "日本"),
        (b"\3\xff\xfe", "��"),
        (b"\1\xff\xfe\0\xd8", "�"),
        (b"\7nope", None),
        (b"\0", None),
    ],
)
def test_id3_text(data: bytes, text: str | None) -> None:
    assert read_id3(id3_tag(id3_frame(b"TIT2", data))).frames.get("TIT2") == text


def test_id3_bombs_inflate_to_nothing_much() -> None:
    bomb = zlib.compress(b"\0" + b"A" * 50_000_000, 9)
    frame = id3_frame(b"TIT2", len(bomb).to_bytes(4, "big") + bomb, b"\0\x80")
    title = read_id3(id3_tag(frame)).frames["TIT2"]
    assert len(title) <= 1 << 16
    tags = read_tags(id3_tag(frame) + (FOLDER / "lame_cbr.mp3").read_bytes(), limits=Limits(max_text=10))
    assert tags.title == "A" * 10


def test_old_and_odd_id3() -> None:
    old = b"TT2" + (3).to_bytes(3, "big") + b"\0Hi" + b"TBP" + (4).to_bytes(3, "big") + b"\x00128"
    assert read_id3(id3_tag(old, 2)).frames == {"TIT2": "Hi", "TBPM": "128"}
    long = id3_frame(b"TIT2", b"\0" + b"x" * 300) + id3_frame(b"TALB", b"\0A")
    assert read_id3(id3_tag(long, 4)).frames["TALB"] == "A"
    assert read_id3(id3_tag(id3_frame(b"TXXX", b"\0MusicBrainz Track Id\0abc"))).user == {"musicbrainz track id": "abc"}
    for junk in (b"", b"ID3", id3_tag(b"\0" * 50), id3_tag(b"TIT2" + b"\xff" * 20), id3_tag(bytes(range(256)))):
        assert read_id3(junk).frames == {}


def test_id3v1_and_ape_behind_the_audio() -> None:
    data = (FOLDER / "cbr_no_header.mp3").read_bytes()
    old = (
        b"TAG"
        + b"Title".ljust(30, b"\0")
        + b"Artist".ljust(30, b"\0")
        + b"Album".ljust(30, b"\0")
        + b"1999"
        + bytes(29)
        + b"\x07\x11"
    )
    tags = read_tags(data + old)
    assert (tags.title, tags.artist, tags.album, tags.year) == ("Title", "Artist", "Album", 1999)
    assert (tags.track, tags.genre) == (7, "Rock")
    assert read_tags(data) == Tags()


def test_numbers_in_tags_are_strangers_too() -> None:
    known = {b"128": 128.0, b"127,5 bpm": 127.5, b"-1": None, b"1e9": 1.0, b"NaN": None, b"0": None}
    for text, bpm in known.items():
        tag = id3_tag(b"".join(id3_frame(name, b"\0" + text) for name in (b"TBPM", b"TYER", b"TRCK")))
        assert read_tags(tag + (FOLDER / "cbr_no_header.mp3").read_bytes()).bpm == bpm


def test_tags_larger_than_the_limit(tmp_path: Path) -> None:
    from mutagen.flac import FLAC

    path = copy_of("made.flac", tmp_path)
    file = FLAC(path)
    file["title"] = "x" * 3_000_000
    file.save()
    assert read_tags(path).title == "x" * 4096
    streaminfo = path.read_bytes()[8:42]
    path.write_bytes(b"fLaC\0\0\0\x22" + streaminfo + b"\x04\xff\xff\xff" * 100 + bytes(30 << 20))
    with pytest.raises(TracktionError):
        read_tags(path, limits=Limits(max_tag_bytes=1 << 20))
