"""Files that are small and ask for much, or that nobody can keep in a repository; made on the spot.

Each runs alone in a child whose memory is measured: the right answer or a typed error within 512 MB and 20 s.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["LIMIT_MB", "LIMIT_SECONDS", "make_bombs", "run_bomb"]

LIMIT_MB = 512
LIMIT_SECONDS = 20.0
RATE = 44100


def _crc(data: bytes, bits: int, polynomial: int) -> int:
    value, top, mask = 0, 1 << (bits - 1), (1 << bits) - 1
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
    return value


def silent_flac(hours: float, *, claimed_hours: float | None = None) -> bytes:
    """Mono 16-bit silence as FLAC: frames of 32768 constant samples, 14 bytes each."""
    block = 32768
    count = round(hours * 3600 * RATE / block)
    claimed = round((hours if claimed_hours is None else claimed_hours) * 3600 * RATE)
    packed = (RATE << 44) | (0 << 41) | (15 << 36) | claimed
    info = struct.pack(">HH", block, block) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    frames = []
    for number in range(count):
        head = b"\xff\xf8\xf9\x08" + chr(number).encode("utf-8", "surrogatepass")
        head += bytes((_crc(head, 8, 0x07),))
        body = head + b"\x00\x00\x00"
        frames.append(body + _crc(body, 16, 0x8005).to_bytes(2, "big"))
    return b"fLaC\x80\x00\x00\x22" + info + b"".join(frames)


def silent_mp3(seconds: float, *, claimed_frames: int) -> bytes:
    """Silence as MP3 at 32 kbit/s mono, with a Xing header that claims so many frames."""
    head = bytes.fromhex("fffb10c4")
    frame = head + bytes(100)
    info = bytearray(frame)
    info[21:25] = b"Xing"
    info[25:33] = struct.pack(">II", 1, claimed_frames)
    return bytes(info) + frame * round(seconds * RATE / 1152)


def sparse_wav(path: Path, size: int) -> None:
    """A WAV that is one great hole."""
    head = (
        b"RIFF" + struct.pack("<I", size - 8) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, RATE, RATE * 4, 4, 16)
    )
    head += b"data" + struct.pack("<I", size - 44)
    path.write_bytes(head)
    with path.open("rb+") as file:
        file.truncate(size)


def many_channels(channels: int, seconds: float) -> bytes:
    """A WAV with more channels than anybody has ears."""
    size = round(seconds * RATE) * channels * 2
    head = b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt "
    head += struct.pack("<IHHIIHH", 16, 1, channels, RATE, RATE * channels * 2, channels * 2, 16)
    return head + b"data" + struct.pack("<I", size) + bytes(size)


def make_bombs(folder: Path) -> dict[str, Path]:
    """Write all bombs to `folder`; name to path."""
    found: dict[str, Path] = {}

    def put(name: str, file: str, data: bytes) -> None:
        found[name] = folder / file
        found[name].write_bytes(data)

    put("10 h of silence as FLAC", "silence.flac", silent_flac(10.0))
    put("12 s of FLAC that claim 10 h", "claims.flac", silent_flac(12 / 3600, claimed_hours=10.0))
    put("MP3 that claims 4 billion frames", "claims.mp3", silent_mp3(12.0, claimed_frames=0xFFFFFFFF))
    put("255 channels", "channels.wav", many_channels(255, 1.0))
    put("16 MB of zeros", "zeros.mp3", bytes(16 << 20))
    put("1 million empty ID3 tags", "tags.mp3", b"ID3\x03\x00\x00\x00\x00\x00\x00" * 1_000_000)
    found["4 GB sparse WAV"] = folder / "sparse.wav"
    sparse_wav(found["4 GB sparse WAV"], 0xFFFFFFF0)
    fifo = found["FIFO"] = folder / "fifo.mp3"
    os.mkfifo(fifo)
    device = found["link to /dev/zero"] = folder / "zero.mp3"
    device.symlink_to("/dev/zero")
    loop = found["loop of links"] = folder / "loop.mp3"
    loop.symlink_to(loop)
    return found


CHILD = """
import json, resource, sys, time
import tracktion
from tracktion.audio import read_tags, audio_identity
analyzer = tracktion.Analyzer()
analyzer.analyze((__import__("numpy").zeros(44100), 44100))
start = time.perf_counter()
try:
    analysis = analyzer.analyze(sys.argv[1])
    answer = f"{analysis.duration:.1f} s, tempo {analysis.tempo}, key {analysis.key}, notes {sorted(analysis.notes)}"
except tracktion.TracktionError as error:
    answer = f"{error.code}: {error.reason}"
took = time.perf_counter() - start
for function in (read_tags, audio_identity):
    try:
        function(sys.argv[1])
    except tracktion.TracktionError:
        pass
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"answer": answer, "peak_mb": peak, "seconds": took}))
"""


def run_bomb(path: Path) -> dict[str, Any]:
    """Analyse one bomb in a child; ``answer``, ``peak_mb``, ``seconds``, ``passed``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        return {"answer": "hangs", "peak_mb": 0.0, "seconds": time.perf_counter() - start, "passed": False}
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        return {"answer": f"UNTYPED {lines[-1]}", "peak_mb": 0.0, "seconds": 0.0, "passed": False}
    result: dict[str, Any] = json.loads(done.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result["cpu_seconds"] = cpu
    result["passed"] = result["peak_mb"] <= LIMIT_MB and result["seconds"] <= LIMIT_SECONDS
    return result
