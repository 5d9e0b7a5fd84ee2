"""What each setting of the tuning guide does, measured one at a time.

    python -m benchmarks.storage_settings sqlite
    python -m benchmarks.storage_settings opening bench.db         what `benchmarks.storage` left
    python -m benchmarks.storage_settings postgresql postgresql+psycopg://postgres@127.0.0.1/bench
    python -m benchmarks.storage_settings cache redis://127.0.0.1:6379/0

Each line is one setting; compare lines of one run with each other, not with those of another machine.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.storage import catalogue, say, timed
from tracktion.storage import Storage, open_storage

ROWS = 20_000


def rate(storage: Storage, rows: int, batch: int) -> str:
    pending = list(catalogue(rows))
    for row in pending:
        row.pop("isrc", None)
    begin = time.perf_counter()
    for start in range(0, rows, batch):
        storage.add_tracks(pending[start : start + batch])
    return f"{rows / (time.perf_counter() - begin):,.0f} rows/s"


def threads(count: int, work: Callable[[int], Any], turns: int) -> str:
    begin = time.perf_counter()
    workers = [
        threading.Thread(target=lambda n=n: [work(n * turns + turn) for turn in range(turns)]) for n in range(count)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return f"{count * turns / (time.perf_counter() - begin):,.0f}/s"


def opening(file: Path) -> None:
    """What the checks on open cost; the seal is taken away as a kill would."""
    size = f"{file.stat().st_size / 2**20:.0f} MiB"
    for what, check, sealed in (
        ("none", "none", True),
        ("quick", "quick", True),
        ("full, closed in order", "full", True),
        ("full, after a kill", "full", False),
    ):
        if not sealed:
            file.with_name(f"{file.name}-seal").unlink(missing_ok=True)
        begin = time.perf_counter()
        storage = open_storage(file, check=check)
        took = time.perf_counter() - begin
        storage.close()
        say(f"check={what}: open {size}", f"{took * 1000:.0f} ms")


def sqlite(folder: Path) -> None:
    for durability in ("full", "normal"):
        with open_storage(folder / f"{durability}.db", durability=durability) as storage:
            say(f"durability={durability}: one row each", rate(storage, 500, 1))
            for batch in (10, 100, 1000):
                say(f"durability={durability}: {batch} rows each", rate(storage, min(20_000, 200 * batch), batch))
    with open_storage(folder / "big.db", durability="normal") as storage:
        ids = storage.add_tracks(catalogue(ROWS))
    for cache_mb in (1, 16, 64):
        with open_storage(folder / "big.db", cache_mb=cache_mb) as storage:
            asked = random.Random(1).choices(ids, k=4000)
            say(
                f"cache_mb={cache_mb}: get one of {ROWS:,}",
                timed(lambda n, a=asked: storage.get_track(a[n]), 4000),
            )
    for count in (1, 2, 4, 8):
        with open_storage(folder / "big.db") as storage:
            say(f"{count} threads that read", threads(count, lambda n: storage.get_track(ids[n % ROWS]), 2000 // count))
            say(f"{count} threads that write", threads(count, lambda n: storage.set_value("x", str(n)), 400 // count))
    opening(folder / "big.db")


def postgresql(url: str) -> None:
    with open_storage(url) as storage:
        for batch in (1, 10, 100, 1000):
            say(f"{batch} rows each", rate(storage, min(20_000, 200 * batch), batch))
        ids = [track.id or 0 for track in storage.iter_tracks()]
    for pool_size in (1, 4, 20):
        with open_storage(url, pool_size=pool_size, max_overflow=0) as storage:
            say(
                f"pool_size={pool_size}: 16 threads that read",
                threads(16, lambda n: storage.get_track(ids[n % len(ids)]), 200),
            )
    with open_storage(url) as storage:
        say("connections kept: get one", timed(lambda n: storage.get_track(ids[n % len(ids)]), 1000))
    with open_storage(url, recycle_seconds=0) as storage:
        say("a new connection for each call: get one", timed(lambda n: storage.get_track(ids[n % len(ids)]), 200))


def cache(url: str) -> None:
    from tracktion.cache import LRUCache, RedisCache, TieredCache

    value = [{"id": n, "score": 0.5} for n in range(10)]
    chance = random.Random(1)
    keys = [f"k{int(chance.paretovariate(0.6)) % 5000}" for _ in range(20_000)]
    with RedisCache(url, prefix="tracktion-bench:") as far:
        for name, made in (
            ("memory for 100", LRUCache(100)),
            ("memory for 1000", LRUCache(1000)),
            ("memory for 10000", LRUCache(10_000)),
            ("Redis alone", far),
            ("memory for 100, then Redis", TieredCache(LRUCache(100), far)),
        ):
            computed = [0]

            def compute(counted: list[int] = computed) -> Any:
                counted[0] += 1
                return value

            asked = keys if isinstance(made, LRUCache) else keys[:4000]
            figures = timed(lambda n, m=made, a=asked, c=compute: m.get_or_compute(a[n], c), len(asked))
            say(name, f"{figures}, computed {100 * computed[0] / len(asked):.1f} %")
            far.clear()


def main() -> int:
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what == "opening" and len(sys.argv) > 2:
        opening(Path(sys.argv[2]))
    elif what == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            sqlite(Path(folder))
    elif what == "postgresql" and len(sys.argv) > 2:
        postgresql(sys.argv[2])
    elif what == "cache" and len(sys.argv) > 2:
        cache(sys.argv[2])
    else:
        print(__doc__)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
