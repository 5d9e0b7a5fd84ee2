"""Starts the service in a process of its own, keeps an analysis running in it, and measures with wrk on loopback."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

ROOT = Path(__file__).parents[2]
PASSWORD = "only for the benchmark"


@dataclass(slots=True)
class Target:
    """The service that is being measured."""

    url: str
    folder: Path
    token: str = ""
    analysed: int = 0
    failed: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: bytes | None = None) -> Any:
        """One request; the decoded answer."""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")


@contextlib.contextmanager
def service(folder: Path, *, storage: str) -> Iterator[Target]:
    """The service with its own SQLite file or server, on a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "TRACKTION_SERVICE_STORAGE": storage,
        "TRACKTION_SERVICE_UPLOADS": str(folder / "uploads"),
        "TRACKTION_SERVICE_PORT": str(port),
        "PASSWORD": PASSWORD,
        "OMP_NUM_THREADS": "1",
    }
    program = [sys.executable, str(ROOT / "examples" / "service")]
    subprocess.run([*program, "set-password", "admin"], env=environment, check=True, timeout=60)
    process = subprocess.Popen(program, env=environment)
    try:
        target = Target(f"http://127.0.0.1:{port}", folder)
        _wait(target, process)
        body = json.dumps({"user": "admin", "password": PASSWORD}).encode()
        target.token = target.call("POST", "/auth/token", body)["token"]
        yield target
    finally:
        process.terminate()
        process.wait(30)


def tokens(storage: Any, count: int) -> list[str]:
    """Tokens of the user ``admin``, made as the service makes them, without the log-in before."""
    sys.path.insert(0, str(ROOT / "examples" / "service"))
    from tracktion_service.auth import Accounts

    accounts = Accounts(storage, token_seconds=3600.0)
    with storage.transaction():
        return [accounts.issue("admin") for _ in range(count)]


def _wait(target: Target, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the service ended with {process.returncode}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            target.call("GET", "/health")
            return
        time.sleep(0.1)
    raise RuntimeError("the service did not start")


def music(seconds: float) -> bytes:
    """An MP3 of noise bursts at 120 BPM, stereo."""
    rng = np.random.default_rng(0)
    bar = 88_200
    beat = np.exp(-(np.arange(bar) % 22_050) / 2000.0)[:, None] * rng.standard_normal((bar, 2)) * 0.2
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", 44_100, 2, format="MP3", subtype="MPEG_LAYER_III") as file:
        for _ in range(int(seconds * 44_100) // bar):
            file.write(beat)
    return out.getvalue()


@contextlib.contextmanager
def analysing(target: Target, *, seconds: float = 600.0) -> Iterator[None]:
    """Keep the service's worker busy: the next file waits in line before the last is done."""
    stop = threading.Event()
    content = music(seconds)

    def upload(number: int) -> str:
        # Another tag at the end makes it another file.
        changed = content + b"TAG" + str(number).encode().ljust(125)
        return str(target.call("POST", f"/uploads?name={number}.mp3", changed)["job"])

    def work() -> None:
        number, line = 1, [upload(0)]
        while not stop.is_set():
            line.append(upload(number))
            number += 1
            job = line.pop(0)
            while not stop.wait(0.2):
                state = target.call("GET", f"/jobs/{job}")
                if state["state"] in {"done", "failed"}:
                    target.analysed += state["state"] == "done"
                    if state["state"] == "failed":
                        target.failed.append(str(state["reason"]))
                    (target.folder / "uploads" / job).unlink(missing_ok=True)
                    break

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def wrk(target: Target, script: str, *, seconds: int, connections: int) -> dict[str, float]:
    """Run wrk with a script; its numbers, times in milliseconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", file.name, target.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True)
    found = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk said: {done.stdout}{done.stderr}")
    numbers: dict[str, float] = json.loads(found[1])
    numbers["errors"] = sum(numbers[name] for name in ("status", "connect", "read", "write", "timeout"))
    numbers["rate"] = numbers["requests"] / numbers["seconds"]
    return numbers


def uploads(target: Target, *, count: int, megabytes: int = 50) -> dict[str, float]:
    """Time from the first byte of a large upload to its acceptance, milliseconds."""
    times, errors = [], 0
    block = np.random.default_rng(3).bytes(1 << 20)
    for number in range(count):
        body = number.to_bytes(16, "little") + block * megabytes
        began = time.perf_counter()
        try:
            job = target.call("POST", "/uploads?name=x.bin", body)["job"]
            times.append(1000 * (time.perf_counter() - began))
            (target.folder / "uploads" / job).unlink(missing_ok=True)
        except urllib.error.URLError:
            errors += 1
    p50, p90, p95, p99 = np.percentile(times, [50, 90, 95, 99]).tolist()
    return {
        "requests": count,
        "seconds": sum(times) / 1000,
        "mean": float(np.mean(times)),
        "p50": p50,
        "p90": p90,
        "p95": p95,
        "p99": p99,
        "max": max(times),
        "errors": errors,
        "rate": 1000 * count / sum(times),
    }
