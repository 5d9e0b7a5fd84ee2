"""What poison files cost the embedding process."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import psutil


def host(files: int) -> dict[str, Any]:
    """One file in twenty is poison: growth of the host's memory, zombies, descriptors, lateness of a 10 ms timer."""
    from tests.batch.tasks import measure
    from tracktion.batch import run

    kinds = ("segfault", "abort", "exit", "sigkill")
    dice = random.Random(4)
    names = (f"{dice.choice(kinds)}{i}" if i % 20 == 0 else f"file{i}" for i in range(files))
    process = psutil.Process()
    list(run(["warm"] * 100, measure, workers=2, isolation="process"))
    late: list[float] = []
    stop = threading.Event()

    def timer() -> None:
        due = time.monotonic()
        while not stop.is_set():
            due = max(due + 0.01, time.monotonic())
            stop.wait(max(0.0, due - time.monotonic()))
            late.append(time.monotonic() - due)

    before, descriptors = process.memory_info().rss, process.num_fds()
    threading.Thread(target=timer, daemon=True).start()
    started, good, bad = time.monotonic(), 0, 0
    for item in run(names, measure, workers=2, isolation="process"):
        good += item.ok
        bad += not item.ok
    seconds = time.monotonic() - started
    stop.set()
    time.sleep(0.5)
    late.sort()
    return {
        "files": files,
        "good": good,
        "failed": bad,
        "seconds": round(seconds, 1),
        "ms_per_file": round(1000 * seconds / files, 2),
        "host_rss_growth_mb": round((process.memory_info().rss - before) / 1e6, 1),
        "descriptors_more": process.num_fds() - descriptors,
        "zombies": sum(child.status() == psutil.STATUS_ZOMBIE for child in process.children(recursive=True)),
        "timer_late_ms_p99": round(1000 * late[int(0.99 * len(late))], 1),
    }
