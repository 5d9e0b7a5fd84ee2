"""Loudness against FFmpeg's ebur128 filter, and its cost.

    python benchmarks/loudness.py FOLDER [--files 50]

FOLDER is searched for audio; every n-th file is taken. Prints the largest and mean differences, and the CPU time of the
level features for four minutes of stereo at 44.1 kHz.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import time
from pathlib import Path

import numpy as np

from tracktion.audio import open_audio
from tracktion.estimators.loudness import estimate_loudness
from tracktion.features.level import LevelTap
from tracktion.features.stream import extract_features, split

SUFFIXES = {".ogg", ".mp3", ".flac", ".wav", ".m4a", ".opus", ".aiff"}
FIELDS = {
    "integrated": r"I:\s+(-?[\d.]+) LUFS",
    "range": r"LRA:\s+([\d.]+) LU",
    "true_peak": r"Peak:\s+(-?[\d.]+) dBFS",
}


def ffmpeg(path: Path) -> dict[str, float]:
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-i", str(path)]
    command += ["-filter_complex", "ebur128=peak=true", "-f", "null", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stderr
    summary = text[text.rindex("Summary:") :]
    return {name: float(re.search(pattern, summary)[1]) for name, pattern in FIELDS.items()}


def ours(path: Path) -> dict[str, float]:
    with open_audio(path) as audio:
        rate, channels = audio.sample_rate, audio.channels
        features = extract_features(audio.blocks(), sample_rate=rate, channels=channels, kinds=["level"])
    loudness, notes = estimate_loudness(features)
    if loudness is None:
        raise ValueError(notes["loudness"])
    return {name: getattr(loudness, name) for name in FIELDS}


def cost(path: Path, seconds: int = 240, rate: int = 44_100) -> float:
    """CPU milliseconds of the level tap for `path` repeated to `seconds`, in stereo; best of five."""
    with open_audio(path) as audio:
        mono = np.resize(np.concatenate(list(audio.blocks()))[:, 0], seconds * rate)
    samples = np.stack([mono, 0.9 * np.roll(mono, 99)], axis=1).astype(np.float32)
    best = np.inf
    for _ in range(5):
        tap, start = LevelTap(sample_rate=rate, channels=2), time.process_time()
        for block in split(samples, 65_536):
            tap.push_source(block)
        tap.finish()
        best = min(best, time.process_time() - start)
    return best * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=50)
    options = parser.parse_args()
    found = sorted(p for p in options.folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    chosen = found[:: max(1, len(found) // options.files)][: options.files]
    differences: dict[str, list[float]] = {name: [] for name in FIELDS}
    for path in chosen:
        theirs, mine = ffmpeg(path), ours(path)
        for name, values in differences.items():
            values.append(mine[name] - theirs[name])
    print(f"{len(chosen)} files against FFmpeg ebur128 (which prints one decimal)")
    for name, values in differences.items():
        print(f"{name:12} mean {np.mean(values):+.3f}  largest {np.abs(values).max():.3f}")
    costs = [cost(path) for path in chosen[::10]]
    print(f"level features, 4 min stereo 44.1 kHz, ms CPU: {min(costs):.0f} to {max(costs):.0f}")


if __name__ == "__main__":
    main()
