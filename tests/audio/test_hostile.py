"""Damage of every kind ends in samples or in one of our errors, and never on stderr."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audio.clicks import FOLDER, SAMPLE_RATE, click_track
from tests.audio.test_open import wav_bytes
from tracktion.audio import Limits, audio_identity, open_audio, read_tags
from tracktion.errors import TracktionError

NAMES = sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".py" and path.is_file())
LIMITS = Limits(max_seconds=60.0)
MAGICS = [
    b"RIFF\x24\0\0\0WAVEfmt ",
    b"RF64\xff\xff\xff\xffWAVEds64",
    b"FORM\0\0\0\x20AIFFCOMM",
    b"fLaC\0\0\0\x22",
    b"OggS\0\x02",
    b"\0\0\0\x18ftypM4A ",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c",
    b"ID3\x04\0\0\0\0\0\x20",
    b"\xff\xfb\x90\x64",
    b"\xff\xf1\x50\x80",
    b"wvpk",
    b"MAC \x96\x0f",
    b"MP+\x07",
    b"MPCK",
    b"TTA1",
    b"DSD ",
    b"\x1a\x45\xdf\xa3",
    b"caff",
    b".snd",
    b"riff\x2e\x91\xcf\x11",
]


def survive(data: bytes) -> None:
    with contextlib.suppress(TracktionError), open_audio(data, limits=LIMITS) as stream:
        for block in stream.blocks():
            assert block.dtype == np.float32
            assert np.isfinite(block).all()
    for function in (audio_identity, read_tags):
        with contextlib.suppress(TracktionError):
            function(data)


def originals() -> list[bytes]:
    found = [(FOLDER / name).read_bytes() for name in NAMES]
    for container in ("FLAC", "AIFF", "W64", "CAF"):
        file = io.BytesIO()
        soundfile.write(file, click_track()[:8000], SAMPLE_RATE, format=container)
        found.append(file.getvalue())
    found.append(wav_bytes(click_track()[:4000]))
    return found


ORIGINALS = originals()


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_random_bytes(data: bytes) -> None:
    survive(data)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(MAGICS), st.binary(max_size=1500))
def test_random_bytes_behind_a_magic_number(magic: bytes, data: bytes) -> None:
    survive(magic + data)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(range(len(ORIGINALS))),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=40),
    st.booleans(),
)
def test_changed_bytes(which: int, changes: list[tuple[float, int]], near_start: bool) -> None:
    data = bytearray(ORIGINALS[which])
    reach = min(len(data), 600) if near_start else len(data)
    for place, value in changes:
        data[int(place * (reach - 1))] = value
    survive(bytes(data))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(range(len(ORIGINALS))), st.floats(0, 1), st.floats(0, 1))
def test_cut_and_shifted(which: int, first: float, second: float) -> None:
    data = ORIGINALS[which]
    a, b = sorted((int(first * len(data)), int(second * len(data))))
    survive(data[:a])
    survive(data[b:])
    survive(data[:a] + data[b:])


NOISY = """
import sys
import numpy as np
from pathlib import Path
from tests.audio.test_hostile import NAMES, survive
from tests.audio.clicks import FOLDER
rng = np.random.default_rng(4)
for name in NAMES:
    data = np.frombuffer((FOLDER / name).read_bytes(), dtype=np.uint8)
    for share in (0.0, 0.001, 0.02):
        changed = data.copy()
        places = rng.random(len(data)) < share
        changed[places] = rng.integers(0, 256, int(places.sum()))
        survive(changed.tobytes())
        survive(changed.tobytes()[: len(data) * 2 // 3])
"""


def test_nothing_reaches_stderr(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", NOISY], capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


def test_a_sparse_file_that_claims_hours(tmp_path: Path) -> None:
    path = tmp_path / "sparse.wav"
    head = bytearray(wav_bytes()[:44])
    head[4:8] = head[40:44] = (3 << 30).to_bytes(4, "little")
    path.write_bytes(head)
    with path.open("rb+") as file:
        file.truncate(1 << 30)
    with pytest.raises(TracktionError):
        for _ in open_audio(path, limits=LIMITS).blocks():
            pass
    with pytest.raises(TracktionError):
        open_audio(path, limits=Limits(max_file_bytes=100 << 20))
