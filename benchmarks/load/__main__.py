"""Measure the example service under load, and write ``docs/load.md`` with its picture.

python -m benchmarks.load                     10 connections, 100 000 tracks in SQLite, 60 s for each scenario, with
                                              and without pauses between requests: about 11 minutes
python -m benchmarks.load --seconds 5 --tracks 2000 --output /tmp/load     a quick look
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import tracktion as tk
from benchmarks.load import catalogue, driver, scripts

TOKENS = 5000
UPLOAD, LOG_IN = "upload of 50 MB", "log-in"
GOALS = {"health": 5.0, "search": 20.0, "playlists": 20.0, "authentication": 20.0, UPLOAD: 2000.0}
PACES = {
    "with": (
        "With pauses",
        "each connection waits for 100 to 300 ms between answer and question, as people and players do",
    ),
    "without": ("Without pauses", "each connection asks again at once, so the service is as busy as it can be"),
}
Found = dict[str, dict[str, dict[str, float]]]
"""Pace → scenario → numbers."""

_PAGE = """# The service under load

`examples/service` in one process with one isolated worker, on {cores} cores ({machine}): {connections} connections of
wrk, a catalogue of {tracks:,} tracks in {home}, {seconds} s for each scenario and pace, and a ten-minute MP3 being
analysed all the time ({analyses} analyses went through meanwhile). wrk, service and analysis share the cores; the
benchmark's niceness was {nice}.

Made by `python -m benchmarks.load`; times in milliseconds.
{tables}
![Latencies by scenario, with goals](assets/load.svg){{ width="720" }}

- **search**: 5000 different questions, most with a typing error, in turn; repeated ones come from the cache, until the
  next analysed file changes the catalogue.
- **playlists**: reads, additions at the end and at the front, lists; 20 playlists that grow meanwhile. Half of the
  requests write, and are answered when the disk has it.
- **authentication**: checking a token, {tokens} of them in turn. **log-in** pays for scrypt on purpose
  ({hash:.0f} ms each when idle).
- **upload**: one client, 50 MB a time, from the first byte to the answer that the file is on disk and in line.
"""
_TABLE = """
## {title}

{what}.

| Scenario | requests/s | p50 | p95 | p99 | max | errors | goal for p95 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}
"""


def main() -> int:
    """Run all scenarios; 0 when every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for each scenario and pace")
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--pauses", choices=[*PACES, "both"], default="both", help="between requests of a connection")
    parser.add_argument("--storage", help="URL of an empty catalogue (default: SQLite in a temporary folder)")
    parser.add_argument(
        "--output", type=Path, default=driver.ROOT / "docs", help="folder for load.md and assets/load.svg"
    )
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("this benchmark needs wrk: apt-get install wrk", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="tracktion-load-") as name:
        found, beside = measure(Path(name), options)
    write_report(found, beside, options)
    late = [
        f"{name} ({pace} pauses)"
        for pace, scenarios in found.items()
        for name, numbers in scenarios.items()
        if numbers["errors"] or not numbers["requests"] or numbers["p95"] >= GOALS.get(name, math.inf)
    ]
    print("all goals met" if not late else f"not met: {', '.join(late)}")
    return 1 if late or beside["failed"] else 0


def measure(folder: Path, options: argparse.Namespace) -> tuple[Found, dict[str, float]]:
    """All scenarios at each pace, while an analysis runs all the time; and what happened beside."""
    storage = options.storage or f"sqlite:///{folder / 'music.db'}"
    rows = list(catalogue.tracks(options.tracks))
    with tk.open_storage(storage) as home:
        began = time.perf_counter()
        home.add_tracks(rows)
        lists = [home.create_playlist(f"list {i}", track_ids=range(1, 51)).id for i in range(20)]
        print(f"{options.tracks} tracks stored in {time.perf_counter() - began:.1f} s", flush=True)
        tokens = driver.tokens(home, TOKENS)
    found: Found = {pace: {} for pace in (PACES if options.pauses == "both" else [options.pauses])}
    with driver.service(folder, storage=storage) as target:
        plan = {
            "health": scripts.get([target.token], ["/health"]),
            "search": scripts.get([target.token], catalogue.questions(rows, 5000)),
            "playlists": scripts.playlists(target.token, lists, options.tracks),
            "authentication": scripts.get(tokens, ["/auth/me"]),
            LOG_IN: scripts.log_in("admin", driver.PASSWORD),
        }
        with driver.analysing(target):
            time.sleep(2)
            for pace, scenarios in found.items():
                for name, script in plan.items():
                    sent = scripts.paced(script) if pace == "with" else script
                    scenarios[name] = driver.wrk(target, sent, seconds=options.seconds, connections=options.connections)
                    show(f"{name}, {pace} pauses", scenarios[name])
            uploads = driver.uploads(target, count=max(3, options.seconds // 3))
            next(iter(found.values()))[UPLOAD] = uploads
            show(UPLOAD, uploads)
        print(f"analyses meanwhile: {target.analysed}, failed: {target.failed}", flush=True)
        beside = {"analyses": target.analysed, "failed": len(target.failed), "hash": hash_cost()}
    return found, beside


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


def write_report(found: Found, beside: dict[str, float], options: argparse.Namespace) -> None:
    """``load.md``, ``assets/load.json`` and ``assets/load.svg``."""
    assets = options.output / "assets"
    assets.mkdir(parents=True, exist_ok=True)
    (assets / "load.json").write_text(json.dumps(found | {"beside": beside}, indent=1) + "\n", encoding="utf-8")
    tables = []
    for pace, scenarios in found.items():
        title, what = PACES[pace]
        rows = "\n".join(_row(name, numbers) for name, numbers in scenarios.items())
        tables.append(_TABLE.format(title=title, what=what[0].upper() + what[1:], rows=rows))
    page = _PAGE.format(
        cores=os.cpu_count(),
        nice=os.nice(0) if hasattr(os, "nice") else 0,
        machine=platform.machine(),
        connections=options.connections,
        tracks=options.tracks,
        home="SQLite" if not options.storage else options.storage.partition(":")[0],
        seconds=options.seconds,
        analyses=int(beside["analyses"]),
        tables="".join(tables),
        tokens=TOKENS,
        hash=beside["hash"],
    )
    (options.output / "load.md").write_text(page, encoding="utf-8")
    from benchmarks.report.plots import latencies

    drawn = {
        name if name == UPLOAD else f"{name}, {pace} pauses": (numbers, GOALS.get(name))
        for pace, scenarios in found.items()
        for name, numbers in scenarios.items()
    }
    latencies(drawn, assets / "load.svg")


def _row(name: str, numbers: dict[str, float]) -> str:
    figures = " | ".join(f"{numbers[key]:.1f}" for key in ("rate", "p50", "p95", "p99", "max"))
    goal = f"{GOALS[name]:g}" if name in GOALS else ""
    return f"| {name} | {figures} | {numbers['errors']:.0f} | {goal} |"


if __name__ == "__main__":
    sys.exit(main())
