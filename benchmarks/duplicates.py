"""Are the same recordings found again after other encodings, and others not?

``python -m benchmarks.duplicates FOLDER [--prints FILE] [--others 100000]``

Every audio file of FOLDER is re-encoded (MP3 at 96 and 320 kbit/s, AAC, Opus, five seconds off the beginning, five off
the end, 6 dB quieter, resampled, and several of these at once), by the ``ffmpeg`` of the system; only fingerprints are
kept, in FILE if one is named, so that a run that was stopped goes on. All of them become tracks without any words, and
`Matcher.duplicates` has to put each beside its original. Then the index is filled up with `--others` fingerprints made
of pieces of two seconds of real ones, and each re-encoding is looked up among them, one by one.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tracktion
from benchmarks.tables import report, table
from tracktion.audio import open_audio
from tracktion.features.fingerprint import CODE_RATE
from tracktion.features.stream import extract_features
from tracktion.matching.fingerprint import FingerprintIndex
from tracktion.matching.words import AUDIO_SUFFIXES

ORIGINAL = "original"
VARIANTS: dict[str, tuple[str, list[str]]] = {
    "MP3 96": ("mp3", ["-c:a", "libmp3lame", "-b:a", "96k"]),
    "MP3 320": ("mp3", ["-c:a", "libmp3lame", "-b:a", "320k"]),
    "AAC 128": ("m4a", ["-c:a", "aac", "-b:a", "128k"]),
    "Opus 96": ("opus", ["-c:a", "libopus", "-b:a", "96k"]),
    "without the first 5 s": ("wav", ["-af", "atrim=start=5"]),
    "without the last 5 s": ("wav", ["-af", "areverse,atrim=start=5,areverse"]),
    "-6 dB": ("wav", ["-af", "volume=-6dB"]),
    "32 kHz": ("wav", ["-ar", "32000"]),
    "MP3 96, cut, -6 dB, 32 kHz": (
        "mp3",
        ["-af", "atrim=start=5,volume=-6dB", "-ar", "32000", "-c:a", "libmp3lame", "-b:a", "96k"],
    ),
}
PIECE = int(2 * CODE_RATE)
FLIPPED = 0.05
Codes = NDArray[np.uint32]


def fingerprint(path: Path) -> Codes:
    with open_audio(path) as audio:
        features = extract_features(
            audio.blocks(), sample_rate=audio.sample_rate, channels=audio.channels, kinds=("fingerprint",)
        )
    return np.asarray(features.fingerprint.codes)


def re_encoded(path: Path, suffix: str, options: list[str], folder: Path) -> Codes:
    made = folder / f"made.{suffix}"
    command = ["ffmpeg", "-v", "error", "-y", "-threads", "1", "-i", str(path), "-map", "0:a:0", *options, str(made)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    codes = fingerprint(made)
    made.unlink()
    return codes


def collect(folder: Path, kept: Path | None) -> dict[str, dict[str, Codes]]:
    """Fingerprints by file and variant; those in `kept` are not made again."""
    found: dict[str, dict[str, Codes]] = {}
    if kept and kept.exists():
        with np.load(kept) as data:
            for name in data.files:
                file, _, variant = name.rpartition("|")
                found.setdefault(file, {})[variant] = data[name]
    files = sorted(p for p in folder.rglob("*") if p.suffix[1:].lower() in AUDIO_SUFFIXES)
    with tempfile.TemporaryDirectory() as scratch:
        for number, path in enumerate(files, 1):
            name = path.relative_to(folder).as_posix()
            if len(found.get(name, ())) == len(VARIANTS) + 1:
                continue
            prints = {ORIGINAL: fingerprint(path)}
            for variant, (suffix, options) in VARIANTS.items():
                prints[variant] = re_encoded(path, suffix, options, Path(scratch))
            found[name] = prints
            if kept and (number % 25 == 0 or number == len(files)):
                arrays = {f"{file}|{variant}": codes for file, row in found.items() for variant, codes in row.items()}
                np.savez(kept, **arrays)  # type: ignore[arg-type]
                print(f"{number} of {len(files)} files", flush=True)
    return found


def clusters(prints: dict[str, dict[str, Codes]]) -> str:
    """What `Matcher.duplicates` makes of all fingerprints; prints who was not put beside the original."""
    storage = tracktion.open_storage("memory:")
    origin: dict[int, tuple[str, str]] = {}
    for file, row in prints.items():
        for variant, codes in row.items():
            identity = f"{len(origin):064x}"
            (track_id,) = storage.add_tracks([{"audio_identity": identity}])
            storage.put_fingerprint(identity, codes.astype("<u4").tobytes(), duration=len(codes) / CODE_RATE)
            origin[track_id] = file, variant
    groups = list(tracktion.Matcher(storage).duplicates())
    place = {track.id: number for number, group in enumerate(groups) for track in group.tracks}
    of_original = {file: place.get(track) for track, (file, variant) in origin.items() if variant == ORIGINAL}
    lost = [
        (file, variant)
        for track, (file, variant) in origin.items()
        if variant != ORIGINAL and (place.get(track) is None or place.get(track) != of_original[file])
    ]
    mixed = [sorted({origin[t.id][0] for t in group.tracks if t.id is not None}) for group in groups]
    mixed = [names for names in mixed if len(names) > 1]
    print(f"clusters that hold two recordings: {'; '.join(map(', '.join, mixed)) or 'none'}")
    print(f"not found: {', '.join(map(' '.join, lost)) or 'none'}", flush=True)
    rows = [(variant, sum(v == variant for _, v in lost), len(prints)) for variant in VARIANTS]
    rows.append(("all", len(lost), len(prints) * len(VARIANTS)))
    cells = [[name, f"{total:,}", f"{total - missed:,}", f"{1 - missed / total:.4f}"] for name, missed, total in rows]
    recall = table(["encoding", "files", "clustered with the original", "share"], cells)
    return f"{recall}\n\nClusters: {len(groups)}; of these with two recordings: {len(mixed)}."


def others(real: list[Codes], count: int) -> Iterator[Codes]:
    """Fingerprints of nobody: pieces of two seconds of real ones, in any order, some bits flipped."""
    rng = np.random.default_rng(0)
    pool = np.concatenate(real)
    length = int(np.median([len(codes) for codes in real]))
    for _ in range(count):
        starts = rng.integers(0, len(pool) - PIECE, -(-length // PIECE))
        codes = pool[(starts[:, None] + np.arange(PIECE)).ravel()[:length]]
        flips = (rng.random((length, 32)) < FLIPPED) @ (1 << np.arange(32, dtype=np.uint64))
        yield codes ^ flips.astype(np.uint32)


def lookups(prints: dict[str, dict[str, Codes]], count: int) -> str:
    """Every re-encoding is looked up among `count` fingerprints."""
    index = FingerprintIndex()
    for file, row in prints.items():
        index.add(file, row[ORIGINAL].astype("<u4").tobytes())
    for number, codes in enumerate(others([row[ORIGINAL] for row in prints.values()], count - len(index))):
        index.add(f"other {number}", codes.astype("<u4").tobytes())
    index.search(next(iter(prints.values()))[ORIGINAL].astype("<u4").tobytes())
    cpu, wall, right, wrong = [], [], 0, 0
    for file, row in prints.items():
        for variant in VARIANTS:
            data = row[variant].astype("<u4").tobytes()
            a, b = time.thread_time(), time.perf_counter()
            hits = index.search(data)
            cpu.append(time.thread_time() - a)
            wall.append(time.perf_counter() - b)
            right += bool(hits) and hits[0].identity == file
            wrong += any(hit.identity != file for hit in hits)
    times = [" / ".join(f"{1e3 * np.percentile(values, q):.1f}" for q in (50, 95)) for values in (cpu, wall)]
    cells = [f"{len(index):,}", f"{len(cpu):,}", f"{right / len(cpu):.4f}", str(wrong), *times]
    return table(
        ["fingerprints", "looked up", "found", "others found", "CPU p50 / p95 ms", "wall p50 / p95 ms"], [cells]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--prints", type=Path, help="where fingerprints are kept (.npz)")
    parser.add_argument("--others", type=int, default=100_000, help="size of the index for lookups; 0: none")
    parser.add_argument("--write", type=Path, help="put the tables between the markers of this page")
    options = parser.parse_args()
    prints = collect(options.folder, options.prints)
    report(options.write, "matching: duplicates", clusters(prints))
    if options.others:
        report(options.write, "matching: lookups", lookups(prints, options.others))


if __name__ == "__main__":
    main()
