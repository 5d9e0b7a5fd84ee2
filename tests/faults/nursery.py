"""Many short lives of a host process, without paying for the imports each time.

A nursery process imports everything once and forks a life for each request; lives are killed with SIGKILL like any
process. Run as ``python -m tests.faults.nursery`` it speaks lines of JSON on its standard streams.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]


class Life:
    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery = nursery
        self.pid = pid

    def kill(self, number: int = signal.SIGKILL) -> None:
        self._nursery.ask(op="kill", pid=self.pid, signal=int(number))

    def wait(self, seconds: float) -> int | None:
        """Exit code; minus the signal that killed it; None while it lives."""
        return self._nursery.ask(op="wait", pid=self.pid, seconds=seconds)["status"]

    def finish(self, progress: Callable[[], Any], seconds: float = 120.0) -> None:
        """Wait for a good end as long as it goes on; what it was doing instead, where nothing changes for `seconds`."""
        before, since, code = progress(), time.monotonic(), None
        while code is None and time.monotonic() - since < seconds:
            code = self.wait(1.0)
            now = progress()
            if now != before:
                before, since = now, time.monotonic()
        if code is None:
            self.kill(signal.SIGUSR1)
            code = self.wait(2.0)
        assert code == 0, f"ended with {code}; so far {before}:\n{self._nursery.log()[-20_000:]}"


class Nursery:
    """The harness's end."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("ab")
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()
        self._log.close()

    def log(self) -> str:
        """What its lives wrote to their standard error."""
        return Path(self._log.name).read_text(errors="replace")

    def spawn(self, target: str, *, failpoint: str | None = None, **arguments: Any) -> Life:
        answer = self.ask(op="spawn", target=target, failpoint=failpoint, arguments=arguments)
        return Life(self, answer["pid"])

    def ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _serve() -> None:
    import tests.faults.hosts  # noqa: F401 - everything is imported once, here

    lives: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "spawn":
            pid = os.fork()
            if pid == 0:
                _live(request)
            lives.add(pid)
            answer: dict[str, Any] = {"pid": pid}
        elif request["op"] == "kill":
            if request["pid"] in lives:
                os.kill(request["pid"], request["signal"])
            answer = {}
        else:
            answer = {"status": _wait(request["pid"], request["seconds"])}
            if answer["status"] is not None:
                lives.discard(request["pid"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in lives:
        os.kill(pid, signal.SIGKILL)


def _wait(pid: int, seconds: float) -> int | None:
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.002)


def _live(request: dict[str, Any]) -> None:
    code = 70
    try:
        from tracktion.storage import journal_failpoints

        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 0)
        os.dup2(quiet, 1)
        journal_failpoints.arm(request["failpoint"])
        module, _, name = request["target"].partition(":")
        code = int(getattr(importlib.import_module(module), name)(**request["arguments"]) or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve()
