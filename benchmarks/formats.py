"""Does the same music in another encoding get the same answer?

``python -m benchmarks.formats FOLDER [--count 30]``

`--count` audio files, spread evenly over FOLDER, are written as WAV and in ten other encodings by the ``ffmpeg`` of the
system, and every analysis is compared with that of the WAV file: tempo within 0.1 BPM, the same key, and each beat
within 10 ms of one of the other's, in both directions. Music whose tempo is constant and music whose tempo is free are
counted apart: in the latter a beat can have two places that are as good as each other.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

import tracktion
from tracktion.matching.words import AUDIO_SUFFIXES

ENCODINGS: dict[str, tuple[str, list[str]]] = {
    "FLAC": ("flac", []),
    "AIFF": ("aiff", []),
    "MP3 CBR 192": ("mp3", ["-c:a", "libmp3lame", "-b:a", "192k"]),
    "MP3 VBR": ("mp3", ["-c:a", "libmp3lame", "-q:a", "2"]),
    "MP3 VBR, no Xing": ("mp3", ["-c:a", "libmp3lame", "-q:a", "2", "-write_xing", "0", "-id3v2_version", "0"]),
    "Ogg Vorbis": ("ogg", ["-c:a", "libvorbis", "-q:a", "5"]),
    "Opus 128": ("opus", ["-c:a", "libopus", "-b:a", "128k"]),
    "AAC/M4A 192": ("m4a", ["-c:a", "aac", "-b:a", "192k"]),
    "AAC/ADTS 192": ("aac", ["-c:a", "aac", "-b:a", "192k"]),
    "WMA 192": ("wma", ["-c:a", "wmav2", "-b:a", "192k"]),
}
NEAR_BPM, NEAR_SECONDS = 0.1, 0.010


class Difference(NamedTuple):
    """What differs between two analyses of the same music."""

    tempo: bool
    key: bool
    beats: bool

    @classmethod
    def between(cls, one: tracktion.Analysis, other: tracktion.Analysis) -> Difference:
        tempi = [a.tempo.bpm if a.tempo else 0.0 for a in (one, other)]
        keys = [a.key.name if a.key else "" for a in (one, other)]
        beats = [a.beats.times if a.beats else np.empty(0) for a in (one, other)]
        apart = max(farthest(*beats), farthest(*beats[::-1]))
        return cls(abs(tempi[0] - tempi[1]) > NEAR_BPM, keys[0] != keys[1], apart > NEAR_SECONDS)


def farthest(times: np.ndarray, others: np.ndarray) -> float:
    """The longest way from one of `times` to the nearest of `others`, in seconds."""
    if not len(times):
        return 0.0
    return float(np.abs(times[:, None] - others[None]).min(axis=1).max()) if len(others) else float("inf")


def encode(path: Path, made: Path, options: list[str]) -> Path:
    command = ["ffmpeg", "-v", "error", "-y", "-threads", "1", "-i", str(path), "-map", "0:a:0", "-map_metadata", "-1"]
    subprocess.run([*command, *options, str(made)], check=True, stdin=subprocess.DEVNULL)
    return made


def compare(path: Path, analyzer: tracktion.Analyzer, folder: Path) -> tuple[bool, dict[str, Difference]]:
    """Whether the tempo is constant, and what differs in each encoding."""
    wave = encode(path, folder / "made.wav", [])
    plain = analyzer.analyze(wave)
    found = {}
    for name, (suffix, options) in ENCODINGS.items():
        made = encode(wave, folder / f"made.{suffix}", options)
        found[name] = Difference.between(plain, analyzer.analyze(made))
        made.unlink()
    return plain.grid is not None and len(plain.grid.segments) == 1, found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.formats", description=__doc__.split("\n", maxsplit=1)[0]
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=30)
    options = parser.parse_args()
    files = sorted(p for p in options.folder.rglob("*") if p.suffix[1:].lower() in AUDIO_SUFFIXES)
    chosen = [files[i * len(files) // options.count] for i in range(min(options.count, len(files)))]
    analyzer = tracktion.Analyzer(compute=("rhythm", "tonal"))
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    with tempfile.TemporaryDirectory() as scratch:
        for path in chosen:
            constant, found = compare(path, analyzer, Path(scratch))
            count = counts[constant]
            count["files"] += 1
            count["pairs"] += len(found)
            count["agree"] += not any(any(each) for each in found.values())
            for name, each in found.items():
                count.update(field for field, differs in each._asdict().items() if differs)
                if any(each):
                    what = ", ".join(field for field, differs in each._asdict().items() if differs)
                    print(f"{path.name}, {'constant' if constant else 'free'} tempo, {name}: {what}", flush=True)
    print("\n| music | files | pairs | tempo differs | key differs | a beat differs | files that agree wholly |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for constant, count in counts.items():
        cells = [count[name] for name in ("files", "pairs", "tempo", "key", "beats", "agree")]
        print(f"| {'constant' if constant else 'free'} tempo | {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
