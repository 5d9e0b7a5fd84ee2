"""The clean helper: a process with one thread and everything loaded, from which workers are forked.

Forking a host that has threads can deadlock the child, and starting a Python for every crash costs a second. So the
host starts this helper once; it imports what the work needs, and forks a worker in a few milliseconds whenever asked.
It is also the only parent of the workers: a kill can never meet a recycled process id, and when the host dies in
whatever way, the helper sees the end of its channel and takes the workers with it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from tracktion.batch.wire import ClosedError, FrameError, receive, send
from tracktion.batch.worker import confine, serve

__all__ = ["main"]

DYING_SECONDS = 0.2


def main(descriptor: int) -> None:
    """Serve the host at the other end of `descriptor` until it goes away."""
    os.setsid()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    children: set[int] = set()
    try:
        _serve(control, children)
    finally:
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _serve(control: socket.socket, children: set[int]) -> None:
    while True:
        try:
            request, descriptors = receive(control, descriptors=1)
        except (ClosedError, FrameError, OSError):
            return
        try:
            if request["op"] == "load":
                answer = _load(request["modules"])
            elif request["op"] == "fork":
                answer = _fork(control, descriptors.pop(), request["limits"], children)
            else:
                answer = _reap(int(request["pid"]), children, patient=bool(request.get("patient")))
        except OSError as error:
            answer = {"problem": f"{type(error).__name__}: {error}"}
        finally:
            for extra in descriptors:
                os.close(extra)
        try:
            send(control, answer)
        except ClosedError:
            return


def _load(modules: list[str]) -> dict[str, Any]:
    """Import ahead of the first fork; what fails here fails again, with a reason, in the worker."""
    loaded = []
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001, S112 - a module that breaks must not take the helper with it
            continue
        loaded.append(name)
    return {"loaded": loaded, "threads": _threads()}


def _threads() -> int:
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return 1


def _fork(control: socket.socket, descriptor: int, limits: dict[str, Any], children: set[int]) -> dict[str, Any]:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            control.close()
            _become_worker(descriptor, limits, parent)
            status = 0
        finally:
            os._exit(status)
    os.close(descriptor)
    children.add(pid)
    return {"pid": pid}


def _become_worker(descriptor: int, limits: dict[str, Any], parent: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    os.close(quiet)
    confine(limits, parent)
    with socket.socket(fileno=descriptor) as channel:
        serve(channel, limits)


def _reap(pid: int, children: set[int], *, patient: bool) -> dict[str, Any]:
    """End one of our children and say how it ended; one that is dying by itself keeps its own cause of death."""
    if pid not in children:
        return {"problem": "no such worker"}
    deadline = time.monotonic() + (DYING_SECONDS if patient else 0.0)
    found, status, usage = os.wait4(pid, os.WNOHANG)
    while not found and time.monotonic() < deadline:
        time.sleep(0.001)
        found, status, usage = os.wait4(pid, os.WNOHANG)
    if not found:
        os.kill(pid, signal.SIGKILL)
        found, status, usage = os.wait4(pid, 0)
    children.discard(pid)
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status), "exit": None, "maxrss": usage.ru_maxrss}
    return {"signal": None, "exit": os.WEXITSTATUS(status), "maxrss": usage.ru_maxrss}


if __name__ == "__main__":
    main(int(sys.argv[1]))
