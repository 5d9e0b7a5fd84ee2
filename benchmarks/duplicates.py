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
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tracktion
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


def clusters(prints: dict[str, dict[str, Codes]]) -> None:
    """Print what `Matcher.duplicates` makes of all fingerprints, and who was not put beside the original."""
    storage = tracktion.open_storage("memory:")
    origin: dict[int, tuple[str, str]] = {}
    for file, row in prints.items():
        for variant, codes in row.items():
            identity = f"{len(origin):064x}"
            (track_id,) = storage.add_tracks([{"audio_identity": identity}])
            storage.put_fingerprint(identity, codes.astype("<u4").tobytes(), duration=len(codes) / CODE_RATE)
            origin[track_id] = file, variant
    begin = time.process_time()
    groups = list(tracktion.Matcher(storage).duplicates())
    took = time.process_time() - begin
    place = {track.id: number for number, group in enumerate(groups) for track in group.tracks}
    of_original = {file: place.get(track) for track, (file, variant) in origin.items() if variant == ORIGINAL}
    missed: Counter[str] = Counter()
    lost = []
    for track, (file, variant) in origin.items():
        if variant != ORIGINAL and (place.get(track) is None or place.get(track) != of_original[file]):
            missed[variant] += 1
            lost.append(f"{file} {variant}")
    total = len(origin) - len(prints)
    print(
        f"{len(prints)} recordings, {total} re-encodings; clusters {len(groups)}, {took:.1f} s CPU\n"
        f"recall {1 - sum(missed.values()) / total:.4f} ({total - sum(missed.values())} of {total})"
    )
    for variant in VARIANTS:
        print(f"  {variant:28s} {1 - missed[variant] / len(prints):.4f}")
    false = [sorted({origin[t.id][0] for t in group.tracks if t.id is not None}) for group in groups]
    false = [names for names in false if len(names) > 1]
    print(f"clusters that hold two recordings: {len(false)}")
    for names in false:
        print(f"  {', '.join(names)}")
    print(f"not found: {', '.join(lost) or 'none'}")


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


def lookups(prints: dict[str, dict[str, Codes]], count: int) -> None:
    index = FingerprintIndex()
    for file, row in prints.items():
        index.add(file, row[ORIGINAL].astype("<u4").tobytes())
    for number, codes in enumerate(others([row[ORIGINAL] for row in prints.values()], count - len(index))):
        index.add(f"other {number}", codes.astype("<u4").tobytes())
    begin = time.process_time()
    index.search(next(iter(prints.values()))[ORIGINAL].astype("<u4").tobytes())
    print(f"\n{len(index)} fingerprints, index made in {time.process_time() - begin:.1f} s CPU")
    cpu, wall, right, wrong, asked = [], [], 0, 0, 0
    for file, row in prints.items():
        for variant in VARIANTS:
            data = row[variant].astype("<u4").tobytes()
            a, b = time.thread_time(), time.perf_counter()
            hits = index.search(data)
            cpu.append(time.thread_time() - a)
            wall.append(time.perf_counter() - b)
            asked += 1
            right += bool(hits) and hits[0].identity == file
            wrong += any(hit.identity != file for hit in hits)
    p = [1e3 * float(np.percentile(values, q)) for values in (cpu, wall) for q in (50, 95)]
    print(
        f"looked up {asked}: found {right / asked:.4f}, something else found too or instead {wrong}\n"
        f"CPU p50 {p[0]:.1f} p95 {p[1]:.1f} ms   wall p50 {p[2]:.1f} p95 {p[3]:.1f} max {1e3 * max(wall):.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--prints", type=Path, help="where fingerprints are kept (.npz)")
    parser.add_argument("--others", type=int, default=100_000, help="size of the index for lookups; 0: none")
    options = parser.parse_args()
    prints = collect(options.folder, options.prints)
    clusters(prints)
    if options.others:
        lookups(prints, options.others)


if __name__ == "__main__":
    main()
