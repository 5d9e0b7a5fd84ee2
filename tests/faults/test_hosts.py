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

from tests.watcher.ledger import Ledger, make, until
from tracktion.results.change import FileChange
from tracktion.watcher import Watcher

QUIET = 0.3
PENDING = int(os.environ.get("TRACKTION_FAULT_PENDING", "10000"))
ENDS = int(os.environ.get("TRACKTION_FAULT_ENDS", "4"))


def write_in_pieces(path: Path, dice: random.Random) -> bytes:
    content = os.urandom(600)
    with path.open("wb") as file:
        for start in range(0, 600, 200):
            file.write(content[start : start + 200])
            file.flush()
            time.sleep(dice.uniform(0, 4 * QUIET))
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
        time.sleep(dice.uniform(0, 3 * QUIET))
        file.write(content[:250])
        file.flush()
        time.sleep(dice.uniform(0, 3 * QUIET))
        file.write(content[250:])
    return content


def resume(path: Path, dice: random.Random) -> bytes:
    content = os.urandom(400)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content[:100])
    time.sleep(dice.uniform(0, 3 * QUIET))
    with part.open("ab") as file:
        file.write(content[100:])
    part.rename(path)
    return content


@pytest.mark.slow
def test_writers_of_all_habits(tmp_path: Path) -> None:
    """F20: what is delivered last is the final content, and nothing is delivered before it is complete."""
    ledger, final = Ledger(), {}
    habits = (write_in_pieces, write_again, preallocate, resume)

    def write(number: int) -> None:
        path = tmp_path / f"{number}.mp3"
        final[str(path)] = habits[number % 4](path, random.Random(number))

    with Watcher(tmp_path, handler=ledger, debounce=QUIET) as watcher:
        watcher.start()
        threads = [threading.Thread(target=write, args=(n,)) for n in range(48)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ledger.wait_for(final) == set()
        time.sleep(3 * QUIET)
    assert ledger.contents == final
    once = [change for change in ledger.changes if int(change.path.stem) % 4 != habits.index(write_again)]
    assert len(once) == 36  # write_again leaves a complete draft behind for a moment; on a busy machine it settles


@pytest.mark.slow
def test_slow_consumer_costs_no_memory(tmp_path: Path) -> None:
    """F21."""
    root, url = tmp_path / "music", f"sqlite:///{tmp_path / 'state.db'}"
    make(root, PENDING, content=b"")
    release = threading.Event()
    process = psutil.Process()
    with Watcher(root, storage=url, handler=lambda _: release.wait(60), debounce=0.1) as watcher:
        before = process.memory_info().rss
        watcher.start()
        assert until(lambda: watcher.status().known == PENDING, 120)
        assert process.memory_info().rss - before < 100 << 20
        release.set()


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
import asyncio, os, sys, threading, time
from tests.faults.hosts import pretend
from tracktion.watcher import Watcher
how, root, url = sys.argv[1:]
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
        host.wait(60)
    assert time.monotonic() - started < 60
    _, alive = psutil.wait_procs(family, timeout=30)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    ledger = Ledger()
    with Watcher(root, storage=url, handler=ledger, debounce=0.0) as watcher:
        watcher.start()
        assert until(lambda: watcher.storage.count_files() == {"done": 30})
