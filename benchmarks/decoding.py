"""What decoding costs: `open_audio` beside the libraries below it.

    python -m benchmarks.decoding [FILE ...]

CPU time of one thread, median of five, for each file; without files, for four minutes of stereo that are encoded on the
spot.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import soundfile

from tracktion.audio import open_audio

RATE = 44100
SECONDS = 240
RUNS = 5


def ours(path: Path) -> int:
    with open_audio(path) as stream:
        return sum(len(block) for block in stream.blocks())


def soundfile_read(path: Path) -> int:
    return len(soundfile.read(path, dtype="float32")[0])


def soundfile_blocks(path: Path) -> int:
    return sum(len(block) for block in soundfile.blocks(path, blocksize=65536, dtype="float32"))


def pyav_frames(path: Path) -> int:
    """Frame by frame into one array, as most programs do it."""
    out = np.empty((1 << 16, 2), dtype=np.float32)
    total = filled = 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray()
            samples = samples if frame.format.is_planar else samples.reshape(-1, 2).T
            n = samples.shape[1]
            filled = 0 if filled + n > len(out) else filled
            out[filled : filled + n] = samples.T
            filled, total = filled + n, total + n
    return total


ROADS: dict[str, Callable[[Path], int]] = {
    "open_audio": ours,
    "soundfile.read": soundfile_read,
    "soundfile.blocks": soundfile_blocks,
    "PyAV by frames": pyav_frames,
}


def made(folder: Path) -> list[Path]:
    """Four minutes of coloured noise with a beat, in the formats that libsndfile writes."""
    rng = np.random.default_rng(1)
    bar = np.cumsum(rng.normal(0.0, 1.0, (RATE * 2, 2)), axis=0)
    bar -= np.linspace(0.0, 1.0, len(bar))[:, np.newaxis] * bar[-1]
    bar *= 0.3 / np.abs(bar).max()
    bar += rng.normal(0.0, 0.1, bar.shape) * np.exp(-np.arange(len(bar)) % (RATE // 2) / 3000)[:, np.newaxis]
    samples = np.tile(bar.astype(np.float32), (SECONDS // 2, 1))
    paths = []
    for container in ("MP3", "OGG", "FLAC", "WAV"):
        paths.append(folder / f"four_minutes.{container.lower()}")
        with soundfile.SoundFile(paths[-1], "w", RATE, 2, format=container) as file:
            for start in range(0, len(samples), RATE):
                file.write(samples[start : start + RATE])
    return paths


def median_ms(road: Callable[[Path], int], path: Path) -> float:
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        road(path)
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def main() -> None:
    """Command line."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(name) for name in sys.argv[1:]] or made(Path(folder))
        print(f"| file | {' | '.join(f'{name}, ms' for name in ROADS)} |")
        print(f"| --- |{' --- |' * len(ROADS)}")
        for path in paths:
            cells = []
            for road in ROADS.values():
                try:
                    cells.append(f"{median_ms(road, path):.0f}")
                except (soundfile.SoundFileError, OSError):
                    cells.append("cannot")
            print(f"| {path.name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
