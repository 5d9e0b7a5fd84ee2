"""Runs the table of faults, several processes at a time since most of a fault is waiting, and writes what happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults.table import FAULTS, Case, Fault
from benchmarks.tables import table

ROOT = Path(__file__).parents[2]
COLUMNS = ("push", "night")


@dataclass(frozen=True, slots=True)
class Job:
    """One process of pytest."""

    fault: Fault
    case: Case
    times: int
    settings: dict[str, str]


def jobs(column: int, only: set[str] | None = None) -> Iterator[Job]:
    """The column as processes, one part of each case after the other, so that long cases begin early."""
    cases = [(fault, case) for fault in FAULTS if not only or fault.number in only for case in fault.cases]
    for part in range(max(case.parts for _, case in cases)):
        for fault, case in cases:
            parts = case.parts if column else 1
            if part < parts:
                times = len(range(part, case.times[column], parts))
                yield Job(fault, case, times, {name: str(pair[column]) for name, pair in case.settings.items()})


def perform(job: Job) -> dict[str, Any]:
    """Run one process; what it counted."""
    tests = [f"tests/{test}" for test in job.case.tests.split()]
    with tempfile.TemporaryDirectory(prefix="tracktion-fault-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--timeout", "7200", "-p", "no:cacheprovider"]
        command += ["-p", "benchmarks.faults.repeat", "--times", str(job.times), "--junit-xml", str(report)]
        command += ["--basetemp", f"{folder}/tmp", "-o", "tmp_path_retention_policy=none"]
        command += ["-o", "junit_family=xunit1", *tests]  # of the second family, record_property is not a part
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | job.settings, capture_output=True, text=True, check=False
        )
        found = counted(report) if report.exists() else {"runs": 0, "faults": 0, "failed": 1, "notes": []}
    if done.returncode:
        found["failed"] = max(1, found["failed"])
        print(done.stdout[-20_000:], done.stderr[-2_000:], flush=True)
    return found | {"seconds": time.monotonic() - began, "fault": job.fault.number}


def counted(report: Path) -> dict[str, Any]:
    """Runs, faults and failures of a JUnit report; a test makes one fault unless it recorded another number."""
    found: dict[str, Any] = {"runs": 0, "faults": 0, "failed": 0, "skipped": 0, "notes": []}
    for case in ET.parse(report).iter("testcase"):
        recorded = {p.get("name", ""): p.get("value", "") for p in case.iter("property")}
        if case.find("skipped") is not None:
            found["skipped"] += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            found["failed"] += 1
        else:
            found["runs"] += 1
            found["faults"] += int(recorded.pop("faults", 1))
            found["notes"] += [f"{name}: {value}" for name, value in recorded.items()]
    return found


def run(*, night: bool, only: set[str] | None, at_once: int, results: Path | None) -> dict[str, Any]:
    """Run a column; figures by fault. `results` is updated, and keeps its figures of faults that are not run."""
    column = int(night)
    kept: dict[str, Any] = json.loads(results.read_text()) if results and results.exists() else {}
    plan = list(jobs(column, only))
    for job in plan:
        kept[job.fault.number] = {"column": COLUMNS[column], "asked": job.fault.asked[column], "left": 0, "notes": []}
        kept[job.fault.number] |= dict.fromkeys(("runs", "faults", "failed", "skipped", "seconds"), 0)
    for job in plan:
        kept[job.fault.number]["left"] += 1
    lock = threading.Lock()

    def work(job: Job) -> None:
        found = perform(job)
        with lock:
            row = kept[job.fault.number]
            row["left"] -= 1
            for name in ("runs", "faults", "failed", "skipped", "seconds", "notes"):
                row[name] += found.get(name, 0)
            if results:
                results.write_text(json.dumps(kept, indent=1))
            print(line(job, found), flush=True)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(work, plan))
    return kept


def line(job: Job, found: dict[str, Any]) -> str:
    """What one process did, for the log."""
    names = job.case.tests.replace("tests/", "")
    outcome = f"{found['failed']} FAILED" if found["failed"] else "ok"
    skipped = f", {found['skipped']} skipped" if found.get("skipped") else ""
    return (
        f"{time.strftime('%H:%M:%S')} {job.fault.number:4} {found['seconds']:6.0f} s  {found['faults']:6} faults in "
        f"{found['runs']} runs: {outcome}{skipped}  {names[:90]}"
    )


def complete(row: dict[str, Any]) -> bool:
    """Whether a fault was made as often as asked, without a failure."""
    return row["left"] == 0 and row["failed"] == 0 and row["faults"] >= row["asked"]


def figures(found: dict[str, Any]) -> str:
    """Figures as Markdown; minutes are those of all processes, of which several ran at a time."""
    rows = []
    for fault in FAULTS:
        if row := found.get(fault.number):
            what = fault.what + "".join(f"; {note}" for note in row["notes"])
            counts = (f"{row['asked']:,}", f"{row['faults']:,}", str(row["failed"]), f"{row['seconds'] / 60:.1f}")
            rows.append((fault.number, what, *counts))
    return table(["", "fault", "asked for", "made", "failed", "minutes"], rows, words=2)
