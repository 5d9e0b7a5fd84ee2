"""Measure the example service under load, and write ``docs/load.md`` with its picture.

python -m benchmarks.load                     10 connections, 100 000 tracks in SQLite, 60 s for each scenario
python -m benchmarks.load --seconds 5 --tracks 2000 --output /tmp/load     a quick look
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import tracktion as tk
from benchmarks.load import catalogue, driver, scripts

GOALS = {"health": 5.0, "search": 20.0, "playlists": 20.0, "authentication": 20.0, "upload of 50 MB": 2000.0}


_PAGE = """# The service under load

`examples/service` in one process with one isolated worker, on {cores} cores ({machine}): {connections} connections of
wrk that pause for 100 to 300 ms between answer and question, a catalogue of {tracks:,} tracks in {home}, {seconds} s
for each scenario, and a ten-minute MP3 being analysed all the time ({analyses} analyses went through meanwhile).
wrk, service and analysis share the cores; the benchmark's niceness was {nice}.

Made by `python -m benchmarks.load`; times in milliseconds.

| Scenario | requests/s | p50 | p95 | p99 | max | errors | goal for p95 | requests/s without pauses |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

![Latencies by scenario, with goals](assets/load.svg){{ width="720" }}

- **search**: 5000 different questions, most with a typing error, in turn; repeated ones come from the cache.
- **playlists**: reads, additions at the end and at the front, lists; 20 playlists that grow meanwhile.
- **authentication**: checking a token. **log-in** pays for scrypt on purpose ({hash:.0f} ms each when idle).
- **upload**: one client, 50 MB a time, from the first byte to the answer that the file is on disk and in line.
"""


def main() -> int:
    """Run all scenarios; 0 when every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for each scenario")
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--storage", help="URL of an empty catalogue (default: SQLite in a temporary folder)")
    parser.add_argument(
        "--output", type=Path, default=driver.ROOT / "docs", help="folder for load.md and assets/load.svg"
    )
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("this benchmark needs wrk: apt-get install wrk", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="tracktion-load-") as name:
        found = measure(Path(name), options)
    write_report(found, options)
    late = [name for name, goal in GOALS.items() if judged(found, name) >= goal or found[name]["errors"]]
    print("all goals met" if not late else f"not met: {', '.join(late)}")
    return 1 if late else 0


def measure(folder: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """All scenarios, while an analysis runs all the time."""
    storage = options.storage or f"sqlite:///{folder / 'music.db'}"
    rows = list(catalogue.tracks(options.tracks))
    with tk.open_storage(storage) as home:
        began = time.perf_counter()
        home.add_tracks(rows)
        lists = [home.create_playlist(f"list {i}", track_ids=range(1, 51)).id for i in range(20)]
        print(f"{options.tracks} tracks stored in {time.perf_counter() - began:.1f} s", flush=True)
    found: dict[str, dict[str, float]] = {}
    with driver.service(folder, storage=storage) as target:
        plan: dict[str, Any] = {
            "health": scripts.get(target.token, ["/health"]),
            "search": scripts.get(target.token, catalogue.questions(rows, 5000)),
            "playlists": scripts.playlists(target.token, lists, options.tracks),
            "authentication": scripts.get(target.token, ["/auth/me"]),
            "log-in": scripts.log_in("admin", driver.PASSWORD),
        }
        with driver.analysing(target):
            time.sleep(2)
            for name, script in plan.items():
                paced = scripts.paced(script)
                found[name] = driver.wrk(target, paced, seconds=options.seconds, connections=options.connections)
                seconds = min(10, options.seconds)
                flat_out = driver.wrk(target, script, seconds=seconds, connections=options.connections)
                found[name]["capacity"] = flat_out["rate"]
                found[name]["errors"] += flat_out["errors"]
                show(name, found[name])
            name = "upload of 50 MB"
            found[name] = driver.uploads(target, count=max(3, options.seconds // 3))
            show(name, found[name])
        found["background"] = {"analyses": target.analysed, "errors": len(target.failed)}
        print(f"analyses meanwhile: {target.analysed}, failed: {target.failed}", flush=True)
    found["hash"] = {"p50": hash_cost()}
    return found


def judged(found: dict[str, dict[str, float]], name: str) -> float:
    """The 95th percentile that the goal is about, ms."""
    return found[name]["p95"]


def hash_cost() -> float:
    """What scrypt alone costs here, ms: the deliberate part of a log-in."""
    times = []
    for _ in range(11):
        began = time.perf_counter()
        hashlib.scrypt(b"x" * 20, salt=b"y" * 16, n=2**14, r=8, p=1, maxmem=64 * 1024 * 1024, dklen=32)
        times.append(1000 * (time.perf_counter() - began))
    return float(np.median(times))


def show(name: str, numbers: dict[str, float]) -> None:
    """One line for the terminal."""
    figures = ", ".join(f"{key} {numbers[key]:.1f}" for key in ("rate", "p50", "p95", "p99", "max"))
    print(f"{name}: {figures}, errors {numbers['errors']:.0f}", flush=True)


def write_report(found: dict[str, dict[str, float]], options: argparse.Namespace) -> None:
    """``load.md``, ``assets/load.json`` and ``assets/load.svg``."""
    assets = options.output / "assets"
    assets.mkdir(parents=True, exist_ok=True)
    (assets / "load.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    names = [name for name in (*GOALS, "log-in") if name in found]
    home = "SQLite" if not options.storage else options.storage.partition(":")[0]
    rows = []
    for name in names:
        n = found[name]
        goal = f"{GOALS[name]:g}" if name in GOALS else ""
        figures = " | ".join(f"{n[key]:.1f}" for key in ("rate", "p50", "p95", "p99", "max"))
        capacity = f"{n['capacity']:.0f}" if "capacity" in n else ""
        rows.append(f"| {name} | {figures} | {n['errors']:.0f} | {goal} | {capacity} |")
    page = _PAGE.format(
        cores=os.cpu_count(),
        nice=os.nice(0) if hasattr(os, "nice") else 0,
        machine=platform.machine(),
        connections=options.connections,
        tracks=options.tracks,
        home=home,
        seconds=options.seconds,
        analyses=int(found["background"]["analyses"]),
        rows="\n".join(rows),
        hash=found["hash"]["p50"],
    )
    (options.output / "load.md").write_text(page, encoding="utf-8")
    from benchmarks.report.plots import latencies

    latencies(found, GOALS, assets / "load.svg")


if __name__ == "__main__":
    sys.exit(main())
