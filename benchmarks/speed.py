"""CPU and wall time of each stage on one file, of decoding alone, and of the installed peers, as ratios in one run.

    taskset -c 1 python -m benchmarks.speed FILE [--repeat 5] [--peers] [--write PAGE]      CPU, stage by stage
    taskset -c 1 python -m benchmarks.speed FILE --tables lengths [--write PAGE]            cost against length
    python -m benchmarks.speed FILE --tables workers wall [--write PAGE]                    what a second core gives

Every figure is the median of `--repeat` interleaved runs; the ratio is to decoding the same file to mono with
soundfile in the same process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

import tracktion
from benchmarks import peers
from benchmarks.tables import report, table
from tracktion.analyzer import PARTS
from tracktion.audio import open_audio
from tracktion.features.stream import KINDS, extract_features

Timing = tuple[float, float]


def decode_mono(path: str) -> int:
    """Decode to mono with soundfile, block by block: the yardstick."""
    total = 0
    with soundfile.SoundFile(path) as file:
        share = np.full(file.channels, 1 / file.channels, np.float32)
        while len(block := file.read(65536, dtype="float32", always_2d=True)):
            total += len(block @ share)
    return total


def timed(work: Callable[[], Any]) -> Timing:
    """(CPU seconds, wall seconds) of one call."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def medians(works: dict[str, Callable[[], Any]], repeat: int) -> dict[str, Timing]:
    """Run all in turn, `repeat` times after a warm-up, and take medians."""
    runs: dict[str, list[Timing]] = {name: [] for name in works}
    for turn in range(repeat + 1):
        for name, work in works.items():
            timing = timed(work)
            if turn:
                runs[name].append(timing)
    return {n: (statistics.median(t[0] for t in r), statistics.median(t[1] for t in r)) for n, r in runs.items()}


def stages(path: str) -> dict[str, Callable[[], Any]]:
    """Name of stage → work."""
    with open_audio(path) as audio:
        rate, channels = audio.sample_rate, audio.channels
        blocks = [block.copy() for block in audio.blocks()]

    def decode() -> None:
        with open_audio(path) as audio:
            for _ in audio.blocks():
                pass

    def features(*kinds: str) -> Callable[[], Any]:
        return lambda: extract_features(blocks, sample_rate=rate, channels=channels, kinds=kinds)

    whole = extract_features(blocks, sample_rate=rate, channels=channels)
    works: dict[str, Callable[[], Any]] = {
        "decode to mono (soundfile)": lambda: decode_mono(path),
        "decode (tracktion.audio)": decode,
        "features: none": features(),
    }
    works |= {f"features: {kind}": features(kind) for kind in KINDS}
    works["features: all"] = features(*KINDS)
    for part in PARTS:
        analyzer = tracktion.Analyzer(compute=[part], read_tags=False)
        works[f"estimate: {part}"] = lambda analyzer=analyzer: analyzer.estimate(whole)
    small = tracktion.Analyzer(compute=["rhythm", "tonal"])
    works["tempo + beats + key"] = lambda: small.analyze(path)
    complete = tracktion.Analyzer()
    works["complete analysis"] = lambda: complete.analyze(path)
    return works


def stage_table(path: str, repeat: int, with_peers: bool) -> str:
    """Times and ratios as Markdown."""
    works = stages(path)
    if with_peers:
        works |= {f"peer: {name}": (lambda run=run: run(path)) for name, run in peers.speed_runs().items()}
    found = medians(works, repeat)
    base = found["decode to mono (soundfile)"][0]
    rows = [(n, f"{cpu * 1e3:.1f}", f"{wall * 1e3:.1f}", f"{cpu / base:.2f}") for n, (cpu, wall) in found.items()]
    return table(["stage", "CPU ms", "wall ms", "CPU / decode"], rows)


def length_table(path: str, repeat: int) -> str:
    """Cost against length: the file's audio repeated to 1, 10, 60 and 180 minutes."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    analyzer = tracktion.Analyzer(read_tags=False)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for minutes in (1, 10, 60, 180):
            target = Path(folder) / f"{minutes}.flac"
            with soundfile.SoundFile(target, "w", rate, samples.shape[1], format="FLAC") as file:
                left = minutes * 60 * rate
                while left > 0:
                    file.write(samples[:left])
                    left -= len(samples[:left])
            cpu = medians({"": lambda target=target: analyzer.analyze(target)}, 1 if minutes > 10 else repeat)[""][0]
            rows.append((str(minutes), f"{cpu:.2f}", f"{cpu / minutes * 1e3:.0f}"))
    return table(["minutes", "CPU s", "CPU ms per minute"], rows)


def worker_table(path: str, repeat: int) -> str:
    """Files per second with one and two workers, as threads and as processes."""
    analyzer = tracktion.Analyzer(compute=["rhythm", "tonal"])
    rows = []
    for name, isolation in (("threads", None), ("processes", "process")):

        def work(workers: int, isolation: Any = isolation) -> None:
            for item in analyzer.analyze_many([path] * 12, workers=workers, isolation=isolation):
                item.unwrap()

        found = medians({"1": lambda: work(1), "2": lambda: work(2)}, repeat)
        one, two = (12 / found[n][1] for n in "12")
        rows.append((name, f"{one:.2f}", f"{two:.2f}", f"{two / one:.2f}"))
    return table(["workers are", "1", "2", "ratio"], rows)


def wall_table(path: str, repeat: int) -> str:
    """Wall time of one analysis with two cores, as a ratio to decoding."""
    works: dict[str, Callable[[], Any]] = {"decode to mono (soundfile)": lambda: decode_mono(path)}
    for name, parts in (("tempo + beats + key", ["rhythm", "tonal"]), ("complete analysis", list(PARTS))):
        for overlap in (True, False):
            analyzer = tracktion.Analyzer(compute=parts, overlap=overlap)
            works[f"{name}{'' if overlap else ', `overlap=False`'}"] = lambda analyzer=analyzer: analyzer.analyze(path)
    found = medians(works, repeat)
    base = found["decode to mono (soundfile)"][1]
    rows = [(name, f"{wall * 1e3:.1f}", f"{wall / base:.2f}") for name, (_, wall) in found.items()]
    return table(["what", "wall ms", "wall / decode"], rows)


def import_seconds() -> float:
    """Median seconds that ``import tracktion`` adds to ``import numpy``, over 10 fresh processes."""
    code = "import time, numpy; t = time.perf_counter(); import tracktion; print(time.perf_counter() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(10)
    ]
    return statistics.median(runs)


def stages_text(options: argparse.Namespace) -> str:
    """Table of stages, with what was measured."""
    seconds = soundfile.info(options.file).duration
    table = stage_table(options.file, options.repeat, options.peers)
    said = f"{seconds:.0f} s of audio, {options.repeat} runs, medians. NumPy {np.__version__}."
    return f"{said}\n\n{table}\n\n`import tracktion` beyond `import numpy`: {import_seconds() * 1e3:.0f} ms."


TABLES: dict[str, Callable[[argparse.Namespace], str]] = {
    "stages": stages_text,
    "lengths": lambda options: length_table(options.file, options.repeat),
    "workers": lambda options: worker_table(options.file, options.repeat),
    "wall": lambda options: wall_table(options.file, options.repeat),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="also time the peers that are installed")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=["stages"])
    parser.add_argument("--write", type=Path, help="put each table between its markers of this page")
    options = parser.parse_args()
    for name in options.tables:
        report(options.write, f"speed: {name}", TABLES[name](options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
