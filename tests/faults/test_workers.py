"""F3, F4, F5: isolated workers that crash, hang and eat memory, under a Watcher."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import psutil

from tests.batch.tasks import measure
from tests.faults.checks import Record
from tests.watcher.ledger import until
from tracktion.batch import IsolatedPool, WorkerLimits, run
from tracktion.watcher import Watcher

MIB = 1 << 20
CRASHES = int(os.environ.get("TRACKTION_FAULT_WORKERS", "600"))
STUCK = int(os.environ.get("TRACKTION_FAULT_STUCK", "6"))
KINDS = ("segfault", "abort", "exit", "sigkill")


def test_one_in_twenty_crashes(record_property: Record) -> None:
    """F3."""
    record_property("faults", CRASHES)
    names = [f"{KINDS[i // 20 % 4]}{i}" if i % 20 == 0 else f"file{i}" for i in range(CRASHES)]
    items = list(run(names, measure, workers=2, isolation="process"))
    assert Counter(type(item.error).__name__ for item in items) == {
        "NoneType": CRASHES * 19 // 20,
        "WorkerCrashedError": CRASHES // 20,
    }
    assert all(item.analysis == len(item.source) for item in items if item.ok)


def test_workers_that_hang_are_ended_in_time(record_property: Record) -> None:
    """F4."""
    record_property("faults", STUCK)
    with IsolatedPool(workers=2) as pool:
        pool.submit(measure, "warm").result(60)
        for number in range(STUCK):
            started = time.monotonic()
            error = pool.submit(measure, ("hang", "sigstop", "spin")[number % 3], timeout=0.3).exception(30)
            assert type(error).__name__ == "TimeoutExceededError"
            assert time.monotonic() - started < 60
            assert pool.submit(measure, "good").result(30) == 4


def test_workers_that_eat_memory_do_not_cost_the_host(record_property: Record) -> None:
    """F5."""
    record_property("faults", STUCK)
    with IsolatedPool(workers=2, limits=WorkerLimits(memory_bytes=256 * MIB)) as pool:
        pool.submit(measure, "warm").result(60)
        before = psutil.Process().memory_info().rss
        errors = Counter(
            type(pool.submit(measure, ("eat", "nibble")[n % 2]).exception(60)).__name__ for n in range(STUCK)
        )
        assert errors == {"OutOfMemoryError": STUCK}
        assert psutil.Process().memory_info().rss - before < 50 * MIB


def test_poison_files_under_a_watcher(tmp_path: Path) -> None:
    root = tmp_path / "music"
    root.mkdir()
    for i in range(200):
        (root / (f"{KINDS[i // 20 % 4]}{i}.mp3" if i % 20 == 0 else f"file{i}.mp3")).write_bytes(b"x")
    with Watcher(root, analyzer=measure, isolation="process", workers=2, debounce=0.1) as watcher:
        watcher.start()
        assert until(lambda: watcher.storage.count_files() == {"done": 190, "failed": 10})
        rows = list(watcher.storage.find_files(states=["failed"]))
    assert all((row.reason or "").startswith("WorkerCrashed") for row in rows)
    assert all(1 < row.attempts <= 3 for row in rows)
