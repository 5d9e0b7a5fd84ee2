"""A handler that writes down what it was given, and the questions that tests ask of it."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from tracktion.results.change import FileChange


class Ledger:
    """Counts deliveries by path and version; knows which were early."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.changes: list[FileChange] = []
        self.times: dict[str, float] = {}
        self.contents: dict[str, bytes] = {}
        self.batches: list[int] = []

    def __call__(self, changes: list[FileChange]) -> None:
        now = time.monotonic()
        with self._lock:
            self.batches.append(len(changes))
            for change in changes:
                self.changes.append(change)
                self.times[str(change.path)] = now
                if change.size <= 4096 and change.path.exists():
                    self.contents[str(change.path)] = change.path.read_bytes()

    def paths(self, *kinds: str) -> set[str]:
        with self._lock:
            return {str(c.path) for c in self.changes if not kinds or c.kind in kinds}

    def versions(self) -> Counter[str]:
        """Deliveries of each version: 1 everywhere is the promise."""
        with self._lock:
            return Counter(c.id for c in self.changes if c.kind != "deleted")

    def twice(self) -> list[str]:
        return [name for name, count in self.versions().items() if count > 1]

    def wait_for(self, expected: Iterable[Path | str], seconds: float = 120.0) -> set[str]:
        """Wait until all are delivered; return what is missing."""
        wanted = {os.fspath(path) for path in expected}
        return set() if until(lambda: wanted <= self.paths(), seconds) else wanted - self.paths()


def until(condition: Callable[[], bool], seconds: float = 120.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def make(folder: Path, count: int, *, name: str = "track", content: bytes = b"x") -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}{i:05}.mp3" for i in range(count)]
    for path in paths:
        path.write_bytes(content)
    return paths
