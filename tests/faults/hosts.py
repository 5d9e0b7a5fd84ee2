"""Programs that embed a Watcher, to be killed."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import signal
import time
from pathlib import Path
from typing import Any

import tracktion.analyzer  # imported here, so that a life begins with everything loaded
import tracktion.batch.isolated
import tracktion.storage.memory
import tracktion.storage.postgresql
import tracktion.storage.sqlite
import tracktion.watching.hints  # noqa: F401
from tracktion.results.analysis import Analysis
from tracktion.watcher import Watcher

logging.basicConfig(level=logging.ERROR)
if hasattr(signal, "SIGUSR1"):
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # a life that does not end is asked what it does


def pretend(source: Any) -> Analysis:
    """An analyzer that takes a moment and depends on nothing but the file."""
    content = Path(source).read_bytes()
    time.sleep(float(os.environ.get("PRETEND_SECONDS", "0.005")))
    return Analysis(duration=float(len(content)), sample_rate=44100, channels=2, source=str(source))


class Appender:
    """A publisher that appends to a file."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, message: dict[str, Any]) -> None:
        line = json.dumps([message["batch_id"], [item["id"] for item in message["items"]], message["files"]]) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def watch(
    root: str,
    url: str,
    *,
    seconds: float = 0.005,
    messages: str | None = None,
    debounce: float = 0.0,
    workers: int = 2,
    stay: bool = False,
    batch_size: int = 10,
    handled: str | None = None,
    stop_at_work: bool = False,
) -> int:
    """Watch until everything that is there is done and published (or for ever, or until something is in hand)."""
    os.environ["PRETEND_SECONDS"] = str(seconds)

    def handler(changes: list[Any]) -> None:
        time.sleep(seconds)
        descriptor = os.open(str(handled), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        lines = "".join(json.dumps([c.id, str(c.path), c.kind]) + "\n" for c in changes)
        os.write(descriptor, lines.encode())
        os.close(descriptor)

    watcher = Watcher(
        root,
        storage=url,
        analyzer=None if handled else pretend,
        handler=handler if handled else None,
        publisher=Appender(messages) if messages else None,
        debounce=debounce,
        workers=workers,
        isolation=None,
        batch_size=batch_size,
        owner_timeout=20.0,
    )
    with watcher:
        watcher.start()
        pause = 0.02
        while stay or not _finished(watcher):
            if stop_at_work and watcher.status().working:
                break
            time.sleep(pause)
            pause = pause if stop_at_work else min(0.25, 1.2 * pause)  # a look costs queries, which the work pays for
    return 0


def _finished(watcher: Watcher) -> bool:
    status = watcher.status()
    busy = status.settling + status.ready + status.working + status.unpublished
    return bool(status.healthy and status.scans and not busy and status.known)
