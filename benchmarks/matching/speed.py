"""Time, throughput and memory at many sizes of catalogue."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.matching.data import Row, read_questions, read_rows, recombined
from benchmarks.matching.peers import PEERS
from benchmarks.tables import table
from tracktion.cache import LRUCache
from tracktion.matcher import Matcher
from tracktion.storage import Storage, open_storage

HEADS = ("rows", "who", "CPU p50 / p95 ms", "wall p50 / p95 ms", "batch, a second", "hit µs", "rows in", "index", "MB")


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds that each call took."""

    cpu: np.ndarray
    wall: np.ndarray

    def cells(self) -> list[str]:
        """Median and 95th percentile in milliseconds, of both clocks."""
        return [" / ".join(f"{1e3 * np.percentile(t, q):.2f}" for q in (50, 95)) for t in (self.cpu, self.wall)]


def timed(search: Callable[[str], Any], texts: list[str]) -> Times:
    cpu, wall = [], []
    for text in texts:
        a, b = time.thread_time(), time.perf_counter()
        search(text)
        cpu.append(time.thread_time() - a)
        wall.append(time.perf_counter() - b)
    return Times(np.array(cpu), np.array(wall))


def scale(folder: Path, sizes: list[int], homes: list[str], peers: list[str], count: int) -> str:
    """One row for each size and each home or peer; seconds are of the wall clock where nothing else is said."""
    rows, questions = read_rows(folder), read_questions(folder)
    texts = [q["text"] for q in random.Random(1).sample(questions, count)]
    out: list[list[str]] = []
    for size in sizes:
        for url in homes:
            out.append(_home(url, rows, size, texts))
            print(*out[-1], sep="  ", flush=True)
        for row in _peers(peers, rows, size, texts[:500]):
            out.append(row)
            print(*row, sep="  ", flush=True)
    return table(HEADS, out, words=2)


def _home(url: str, rows: list[Row], size: int, texts: list[str]) -> list[str]:
    process = psutil.Process()
    before, clock = process.memory_info().rss, time.perf_counter()
    storage = open_storage(url)
    fresh = not storage.count_tracks()
    if fresh:
        storage.add_tracks(recombined(rows, size))
    added, clock = time.perf_counter() - clock, time.perf_counter()
    matcher = Matcher(storage, cache=None)
    matcher.warm()
    built, held = time.perf_counter() - clock, process.memory_info().rss - before
    single = timed(matcher.search, texts)
    clock = time.perf_counter()
    many = sum(1 for _ in matcher.match_many(texts))
    batch = many / (time.perf_counter() - clock)
    answer = [f"{size:,}", storage.home, *single.cells(), f"{batch:,.0f}", _hit(storage, texts[:100])]
    storage.close()
    return [*answer, f"{added:.1f} s" if fresh else "", f"{built:.1f} s", f"{held / 1e6:.0f}"]


def _hit(storage: Storage, texts: list[str]) -> str:
    cached = Matcher(storage, cache=LRUCache())
    cached.warm(texts)
    return f"{1e6 * np.median(timed(cached.search, texts * 5).wall):.0f}"


def _peers(peers: list[str], rows: list[Row], size: int, texts: list[str]) -> Iterator[list[str]]:
    for name in peers:
        search = PEERS[name](rows, size)
        if search:
            yield [f"{size:,}", name, *timed(search, texts).cells(), "", "", "", "", ""]
