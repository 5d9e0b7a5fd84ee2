"""F20, F21, F22: writers of all habits, slow consumers, and hosts that end in every way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.faults.checks import Record
from tests.watcher.ledger import Ledger, make, until
from tracktion.results.change import FileChange
from tracktion.watcher import Watcher

QUIET = 0.3
SECONDS = 3600.0
PENDING = int(os.environ.get("TRACKTION_FAULT_PENDING", "10000"))
WRITERS = int(os.environ.get("TRACKTION_FAULT_WRITERS", "48"))
PAUSE = float(os.environ.get("TRACKTION_FAULT_PAUSE", str(4 * QUIET)))


def write_in_pieces(path: Path, dice: random.Random) -> bytes:
    content = os.urandom(600)
    with path.open("wb") as file:
        for start in range(0, 600, 200):
            file.write(content[start : start + 200])
            file.flush()
            time.sleep(dice.uniform(0, PAUSE))
    return content


def write_again(path: Path, dice: random.Random) -> bytes:
    path.write_bytes(b"first draft")
    time.sleep(dice.uniform(0, QUIET / 2))
    content = os.urandom(300)
    path.write_bytes(content)
    return content


def preallocate(path: Path, dice: random.Random) -> bytes:
    content = os.urandom(500)
    with path.open("wb") as file:
        file.truncate(500)
        time.sleep(dice.uniform(0, PAUSE))
        file.write(content[:250])
        file.flush()
        time.sleep(dice.uniform(0, PAUSE))
        file.write(content[250:])
    return content


def resume(path: Path, dice: random.Random) -> bytes:
    content = os.urandom(400)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content[:100])
    time.sleep(dice.uniform(0, PAUSE))
    with part.open("ab") as file:
        file.write(content[100:])
    part.rename(path)
    return content


@pytest.mark.slow
def test_writers_of_all_habits(tmp_path: Path, record_property: Record) -> None:
    """F20: what is delivered last is the final content, and nothing is delivered before it is complete."""
    ledger, final = Ledger(), {}
    record_property("faults", WRITERS)
    habits = (write_in_pieces, write_again, preallocate, resume)

    def write(number: int) -> None:
        path = tmp_path / f"{number}.mp3"
        final[str(path)] = habits[number % 4](path, random.Random(number))

    with Watcher(tmp_path, handler=ledger, debounce=QUIET) as watcher:
        watcher.start()
        threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ledger.wait_for(final) == set()
        time.sleep(3 * QUIET)
    assert ledger.contents == final
    once = [change for change in ledger.changes if int(change.path.stem) % 4 != habits.index(write_again)]
    # write_again leaves a complete draft behind for a moment; on a busy machine it settles.
    assert len(once) == WRITERS - WRITERS // 4


@pytest.mark.slow
def test_slow_consumer_costs_no_memory(tmp_path: Path, record_property: Record) -> None:
    """F21."""
    root, url = tmp_path / "music", f"sqlite:///{tmp_path / 'state.db'}"
    for start in range(0, PENDING, 1000):
        make(root / f"{start}", min(1000, PENDING - start), content=b"")
    release = threading.Event()
    process = psutil.Process()
    with Watcher(root, storage=url, handler=lambda _: release.wait(SECONDS), debounce=0.1) as watcher:
        before = process.memory_info().rss
        watcher.start()
        assert until(lambda: watcher.status().known == PENDING, SECONDS)
        assert until(lambda: watcher.status().ready + watcher.status().working == PENDING, SECONDS)
        grown = process.memory_info().rss - before
        release.set()
    record_property("megabytes for what is pending", round(grown / 1e6, 1))
    assert grown < 100 << 20


def test_callback_that_raises_now_and_then(tmp_path: Path) -> None:
    """F21."""
    done: set[Path] = set()
    dice = random.Random(1)

    def handler(changes: list[FileChange]) -> None:
        if dice.random() < 0.2 and len(changes) > 1:
            raise ValueError("not now")
        done.update(change.path for change in changes)

    paths = set(make(tmp_path, 100))
    with Watcher(tmp_path, handler=handler, debounce=0.1) as watcher:
        watcher.start()
        assert until(lambda: done == paths)


HOST = """
import asyncio, os, signal, sys, threading, time
from tests.faults.hosts import pretend
from tracktion.watcher import Watcher
how, root, url = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
os.environ["PRETEND_SECONDS"] = "0.2"
options = dict(storage=url, analyzer=pretend, debounce=0.0, workers=2, isolation="process" if how != "thread" else None)
async def loop():
    async for batch in Watcher(root, **options):
        print("up", flush=True)
if how == "asyncio":
    asyncio.run(loop())
watcher = Watcher(root, **options)
if how == "run":
    threading.Timer(1.0, print, ("up",), {"flush": True}).start()
    with watcher:
        watcher.run()
else:
    watcher.start()
    while watcher.status().working == 0: time.sleep(0.01)
    print("up", flush=True)
    if how != "exit": time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "number"),
    [
        ("run", signal.SIGINT),
        ("run", signal.SIGTERM),
        ("exit", None),
        ("start", signal.SIGINT),
        ("start", signal.SIGTERM),
        ("thread", signal.SIGTERM),
        ("asyncio", signal.SIGINT),
        ("start", signal.SIGKILL),
    ],
)
def test_hosts_end_in_every_way(tmp_path: Path, how: str, number: int | None) -> None:
    """F22: soon, without orphans; what was in flight is done by the next life."""
    root, url = tmp_path / "music", f"sqlite:///{tmp_path / 'state.db'}"
    paths = make(root, 30)
    for count, path in enumerate(paths):
        path.write_bytes(b"%d" % count)
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, how, str(root), url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    assert host.stdout is not None
    with host.stdout:
        assert host.stdout.readline() == b"up\n"
        family = psutil.Process(host.pid).children(recursive=True)
        if number is not None:
            host.send_signal(number)
        started = time.monotonic()
        try:
            host.wait(60)
        finally:
            host.kill()
    assert time.monotonic() - started < 60
    _, alive = psutil.wait_procs(family, timeout=30)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    ledger = Ledger()
    with Watcher(root, storage=url, handler=ledger, debounce=0.0) as watcher:
        watcher.start()
        assert until(lambda: watcher.storage.count_files() == {"done": 30})
