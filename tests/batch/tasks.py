"""Work for isolated workers: well behaved and not."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any


def measure(source: Any) -> Any:
    """Length of a file or text; a name says how to misbehave."""
    if not isinstance(source, str):
        return len(source.read())
    name = Path(source).name
    for word, act in MISBEHAVE.items():
        if word in name:
            return act(source)
    return len(name)


def _segfault(_: str) -> None:
    ctypes.string_at(0)


def _abort(_: str) -> None:
    os.abort()


def _exit(_: str) -> None:
    os._exit(3)


def _kill(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(_: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(3600)


def _stop(_: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _spin(_: str) -> None:
    while True:
        pass


def _eat(_: str) -> int:
    return len(bytearray(4 << 30))


def _nibble(_: str) -> int:
    kept = []
    while True:
        kept.append(bytes(bytearray(os.urandom(1 << 20))))


def _rubbish(_: str) -> object:
    return object()


def _nan(_: str) -> float:
    return float("nan")


def _raise(_: str) -> None:
    raise ZeroDivisionError("by design")


def _bulk(_: str) -> str:
    return "x" * (70 << 20)


def _open_files() -> list[str]:
    """What the descriptors of this process lead to, sorted; without the listing itself, which is closed by then."""
    found: list[str] = []
    for entry in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):
            found.append(str(entry.readlink()))
    return sorted(found)


def _state(_: str) -> dict[str, Any]:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return {
        "open_files": _open_files(),
        "no_new_privs": "NoNewPrivs:\t1" in status,
        "threads": threading.active_count(),
        "pid": os.getpid(),
    }


MISBEHAVE = {
    "segfault": _segfault,
    "abort": _abort,
    "exit": _exit,
    "sigkill": _kill,
    "hang": _hang,
    "sigstop": _stop,
    "spin": _spin,
    "eat": _eat,
    "nibble": _nibble,
    "rubbish": _rubbish,
    "nan": _nan,
    "raise": _raise,
    "bulk": _bulk,
    "state": _state,
}


class Multiplier:
    """Stands for an Analyzer: bound methods are described, not pickled."""

    def __init__(self, factor: int = 1) -> None:
        self.factor = factor

    def to_spec(self) -> dict[str, Any]:
        return {"factor": self.factor}

    @classmethod
    def from_spec(cls, spec: dict[str, Any]) -> Multiplier:
        return cls(**spec)

    def analyze(self, source: Any) -> Any:
        return self.factor * len(Path(source).name)


def make_multiplier(factor: int) -> Any:
    return Multiplier(factor).analyze


def broken_factory(**options: Any) -> Any:
    raise ImportError("no such engine")
