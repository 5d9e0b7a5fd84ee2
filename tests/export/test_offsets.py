"""Where Rekordbox and Traktor see time 0, on real files of each kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests import synth
from tracktion import export
from tracktion.audio import open_audio
from tracktion.export.offsets import decoder_offset

RATE = 44_100


@pytest.fixture(scope="module")
def lame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP3 by libsndfile's LAME, with a click at 1 s."""
    path = tmp_path_factory.mktemp("mp3") / "lame.mp3"
    clip = synth.click_track(bpm=30, seconds=5, first_beat=1.0)
    soundfile.write(path, clip.samples, RATE, format="MP3", subtype="MPEG_LAYER_III")
    return path


def damaged(path: Path, old: bytes, new: bytes, name: str) -> Path:
    content = bytearray(path.read_bytes())
    at = content.index(old)
    content[at : at + len(new)] = new
    out = path.with_name(name)
    out.write_bytes(content)
    return out


def test_a_file_by_lame_is_trusted(lame: Path) -> None:
    """Its checksum is right, so both programs keep nothing but the delays: 576 + 529 samples for LAME's default."""
    expected = (576 + 529) / RATE
    assert decoder_offset(str(lame), "rekordbox") == pytest.approx(expected, abs=0.02)
    assert decoder_offset(str(lame), "rekordbox") == decoder_offset(str(lame), "traktor")


@pytest.mark.parametrize("change", [(b"LAME", b"LAMF"), (b"LAME", b"Lavc"), (b"LAME3", b"LAME9")])
def test_traktor_plays_an_information_frame_that_it_does_not_trust(lame: Path, change: tuple[bytes, bytes]) -> None:
    """Not by LAME, or with a wrong checksum: one frame of 1152 samples more, in Traktor alone."""
    path = str(damaged(lame, *change, "other.mp3"))
    more = decoder_offset(path, "traktor") - decoder_offset(path, "rekordbox")
    assert more == pytest.approx(1152 / RATE, abs=1e-9)


def test_without_information_frame_there_is_the_usual_delay(lame: Path) -> None:
    """Nothing to mistrust: 576 + 529 samples in both."""
    content = lame.read_bytes()
    second = content.index(content[:2], 4)
    path = lame.with_name("bare.mp3")
    path.write_bytes(content[second:])
    for target in ("rekordbox", "traktor"):
        assert decoder_offset(str(path), target) == pytest.approx((576 + 529) / RATE, abs=1e-9)


def test_the_offset_is_what_our_decoder_drops(lame: Path) -> None:
    """A click at 1 s of the music is at 1 s here; in a decoder that drops nothing it is later by the offset."""
    with open_audio(lame) as stream:
        ours = np.concatenate([block[:, 0] for block in stream.blocks()])
    assert np.abs(ours).argmax() / RATE == pytest.approx(1.0, abs=0.003)


@pytest.mark.parametrize("content", [None, b"", b"no audio" * 100])
def test_what_is_no_mp3_needs_no_offset(content: bytes | None, tmp_path: Path) -> None:
    """WAV, rubbish, nothing at all."""
    path = tmp_path / "x.mp3"
    if content is not None:
        path.write_bytes(content)
    wav = synth.click_track(seconds=1).write(tmp_path / "x.wav")
    for name in (path, wav):
        assert decoder_offset(str(name), "traktor") == 0.0


@pytest.mark.parametrize("target", ["rekordbox", "traktor"])
def test_exports_shift_by_themselves(target: str, lame: Path, tmp_path: Path) -> None:
    """The grid in the file is the target's; reading it back gives ours."""
    write, read = getattr(export, f"write_{target}"), getattr(export, f"read_{target}")
    track = export.ExportTrack(str(lame), duration=5.0, grid=(export.GridAnchor(1.0, 30.0),), cues=(export.Cue(1.0),))
    write([track], tmp_path / "x.xml")
    raw = read(tmp_path / "x.xml", offset_seconds=0.0).tracks[0]
    assert raw.grid[0].seconds == pytest.approx(1.0 + decoder_offset(str(lame), target), abs=1e-9)
    back = read(tmp_path / "x.xml").tracks[0]
    assert back.grid[0].seconds == pytest.approx(1.0, abs=1e-9)
    assert back.cues[0].seconds == pytest.approx(1.0, abs=1e-9)
