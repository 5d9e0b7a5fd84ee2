"""What watching costs, and how quick it is.

``python -m benchmarks.watching scale --files 1000000`` measures the restart on a tree that is known already: seconds
and memory until the first scan is complete, and how long a single new file among them takes.
``python -m benchmarks.watching latency`` measures the time from a settled file to the handler.
``python -m benchmarks.watching bursts`` runs bursts, trees, moves and renames, and counts missed, early and repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from tracktion.results.catalogue import FileRecord
from tracktion.results.change import FileChange
from tracktion.storage import open_storage
from tracktion.watcher import Watcher

PER_FOLDER = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    scale = commands.add_parser("scale")
    scale.add_argument("--files", type=int, default=1_000_000)
    scale.add_argument("--folder", type=Path, help="where to make the tree; kept between runs")
    commands.add_parser("restart").add_argument("arguments", nargs=2)
    latency = commands.add_parser("latency")
    latency.add_argument("--files", type=int, default=300)
    bursts = commands.add_parser("bursts")
    bursts.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    if options.command == "scale":
        report_scale(options.files, options.folder)
    elif options.command == "restart":
        measure_restart(*map(Path, options.arguments))
    elif options.command == "latency":
        print(json.dumps(measure_latency(options.files)))
    else:
        for name, result in run_bursts(options.scale):
            print(f"{name:28}", json.dumps(result), flush=True)


# --- a million known files ------------------------------------------------------------------------------------------


def report_scale(files: int, folder: Path | None) -> None:
    place = folder or Path(tempfile.mkdtemp(prefix="tracktion-scale-"))
    tree, database = place / "music", place / "state.db"
    if not database.exists():
        started = time.monotonic()
        make_tree(tree, files)
        print(f"made {files} files in {time.monotonic() - started:.0f} s", flush=True)
        started = time.monotonic()
        know_tree(tree, database)
        print(f"stored {files} rows in {time.monotonic() - started:.0f} s", flush=True)
    subprocess.run(
        [sys.executable, "-m", "benchmarks.watching", "restart", str(tree), str(database)], check=True, timeout=600
    )
    if folder is None:
        shutil.rmtree(place)


def make_tree(tree: Path, files: int) -> None:
    for number in range(0, files, PER_FOLDER):
        album = tree / f"{number // 1200:04}" / f"{number:07}"
        album.mkdir(parents=True)
        for i in range(number, min(files, number + PER_FOLDER)):
            os.close(os.open(album / f"{i:07} some title of a song.mp3", os.O_CREAT | os.O_WRONLY))


def know_tree(tree: Path, database: Path) -> None:
    """Write the rows that a watcher would have written, without the analyses."""
    root = os.fsencode(tree)

    def records() -> Iterator[FileRecord]:
        for folder, _, names in os.walk(root):
            for name in names:
                path = folder + b"/" + name
                s = os.lstat(path)
                yield FileRecord(path, root, None, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_dev, s.st_ino, "done")

    with open_storage(f"sqlite:///{database}") as storage:
        batch: list[FileRecord] = []
        for record in records():
            batch.append(record)
            if len(batch) == 10_000:
                storage.put_files(batch)
                batch.clear()
        storage.put_files(batch)


def measure_restart(tree: Path, database: Path) -> None:
    """In a process of its own: print one line of JSON."""
    process = psutil.Process()
    seen: list[tuple[float, FileChange]] = []
    before = process.memory_info().rss
    started, cpu = time.monotonic(), sum(process.cpu_times()[:2])
    with Watcher(
        tree,
        storage=f"sqlite:///{database}",
        handler=lambda changes: seen.extend((time.monotonic(), c) for c in changes),
    ) as watcher:
        watcher.start()
        loaded = time.monotonic()
        while watcher.scans < 1:
            time.sleep(0.05)
        scanned, used = time.monotonic(), sum(process.cpu_times()[:2]) - cpu
        quiet = not seen
        new = next(path for path in sorted(tree.iterdir()) if path.is_dir()) / "new.mp3"
        new.write_bytes(str(time.time()).encode())
        wrote = time.monotonic()
        while not seen and time.monotonic() < wrote + 120:
            time.sleep(0.01)
        found = [change.path for _, change in seen] == [new]
        latency = seen[0][0] - wrote if seen else None
        peak = peak_rss()
        new.unlink()
    print(
        json.dumps(
            {
                "load_s": round(loaded - started, 1),
                "scan_s": round(scanned - loaded, 1),
                "total_s": round(scanned - started, 1),
                "cpu_s": round(used, 1),
                "peak_rss_mb": round(peak / 1e6),
                "rss_before_mb": round(before / 1e6),
                "quiet": quiet,
                "new_file_found": found,
                "new_file_s_with_debounce_2": latency and round(latency, 2),
            }
        )
    )


def peak_rss() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# --- latency --------------------------------------------------------------------------------------------------------


def measure_latency(files: int, *, quiet: float = 0.5) -> dict[str, Any]:
    """Seconds from the moment when a file has stood still for the debounce time until the handler has it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        written: dict[Path, float] = {}
        seen: dict[Path, float] = {}

        def handler(changes: list[FileChange]) -> None:
            now = time.time()
            seen.update({change.path: now for change in changes})

        with Watcher(root, handler=handler, debounce=quiet) as watcher:
            watcher.start()
            for i in range(files):
                path = root / f"{i % 20}" / f"{i}.mp3"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(b"x")
                written[path] = path.stat().st_ctime
                time.sleep(0.02)
            while len(seen) < files:
                time.sleep(0.01)
    late = sorted(seen[path] - written[path] - quiet for path in written)
    return {
        "files": files,
        "p50_s": round(statistics.median(late), 3),
        "p95_s": round(late[int(0.95 * files)], 3),
        "max_s": round(late[-1], 3),
        "early": sum(value < 0 for value in late),
    }


# --- bursts ---------------------------------------------------------------------------------------------------------


def run_bursts(scale: float) -> Iterator[tuple[str, dict[str, Any]]]:
    for count in (1_000, 10_000, 50_000):
        yield f"{count} creates", burst(lambda root, n=int(count * scale): flat(root, n))  # type: ignore[misc]
    yield "1000 albums x 12", burst(lambda root: tree(root, int(1000 * scale), 12))
    yield "300 folders 5 deep x 4", burst(lambda root: tree(root, int(300 * scale), 4, "a/b/c/d"))
    yield "300 albums moved in", burst(lambda root: moved_in(root, int(300 * scale)))
    yield "10k .part renames", burst(lambda root: parts(root, int(10_000 * scale)))


def burst(act: Callable[[Path], set[Path]], *, quiet: float = 0.5) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TRACKTION_BENCH_FOLDER")) as folder:
        root = Path(folder) / "music"
        root.mkdir()
        lock = threading.Lock()
        counts: dict[str, int] = {}
        versions: dict[str, int] = {}

        def handler(changes: list[FileChange]) -> None:
            with lock:
                for change in changes:
                    versions[change.id] = versions.get(change.id, 0) + 1
                    counts[str(change.path)] = counts.get(str(change.path), 0) + 1

        with Watcher(root, handler=handler, debounce=quiet, batch_size=100) as watcher:
            watcher.start()
            started = time.monotonic()
            expected = {str(path) for path in act(root)}
            made = time.monotonic()
            while not expected <= counts.keys() and time.monotonic() < made + 120:
                time.sleep(0.05)
            done = time.monotonic()
            time.sleep(2 * quiet)
    return {
        "files": len(expected),
        "made_per_s": round(len(expected) / (made - started)),
        "missed": len(expected - counts.keys()),
        "repeated": sum(n > 1 for n in versions.values()),
        "seconds_after_last": round(done - made, 2),
    }


def flat(root: Path, count: int) -> set[Path]:
    paths = {root / f"{i}.mp3" for i in range(count)}
    for path in paths:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    return paths


def tree(root: Path, folders: int, files: int, below: str = "") -> set[Path]:
    paths = set()
    for number in range(folders):
        album = root / f"{number}" / below
        album.mkdir(parents=True)
        for i in range(files):
            path = album / f"{i}.mp3"
            path.write_bytes(b"x")
            paths.add(path)
    return paths


def moved_in(root: Path, folders: int) -> set[Path]:
    outside = root.parent / "outside"
    paths = tree(outside, folders, 12)
    for album in list(outside.iterdir()):
        album.rename(root / album.name)
    return {root / path.relative_to(outside) for path in paths}


def parts(root: Path, count: int) -> set[Path]:
    for i in range(count):
        part = root / f"{i}.mp3.part"
        part.write_bytes(b"x")
        part.rename(root / f"{i}.mp3")
    return {root / f"{i}.mp3" for i in range(count)}


if __name__ == "__main__":
    main()
