"""Inside an isolated worker: give up privileges, take limits, then one file after the other."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracktion.batch.task import Task, encode_outcome, error_of
from tracktion.batch.wire import ClosedError, FrameError, receive, send
from tracktion.errors import OutOfMemoryError, TracktionError

__all__ = ["confine", "serve"]

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38


def confine(limits: dict[str, Any], parent: int) -> None:
    """Die with the parent, gain nothing by exec, leave no core, and take no more than `limits`."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)
    os.nice(int(limits["nice"]))
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, int(limits["open_files"]))
    _limit(resource.RLIMIT_FSIZE, int(limits["written_bytes"]))
    _limit(resource.RLIMIT_AS, _mapped_bytes() + int(limits["memory_bytes"]))


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (ceiling, ceiling))


def _mapped_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 0


def _allow_cpu(seconds: float) -> None:
    """Move the processor time limit on, from what is already used; the signal at its end kills this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(usage.ru_utime + usage.ru_stime + seconds) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def serve(channel: socket.socket, limits: dict[str, Any]) -> None:
    """Answer requests until the host closes the channel."""
    tasks: dict[str, Callable[[Any], Any]] = {}
    cpu_seconds = limits.get("cpu_seconds") or limits["seconds"]
    while True:
        try:
            request, descriptors = receive(channel, descriptors=1)
        except (ClosedError, FrameError, OSError):
            return
        _allow_cpu(float(cpu_seconds))
        answer = _answer(request, descriptors, tasks)
        answer["maxrss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            send(channel, answer)
        except (FrameError, ValueError, TypeError, MemoryError) as error:
            failed = TracktionError(f"the result cannot be sent: {error}", stage="analyse")
            send(channel, {"ok": False, "error": failed.to_dict(), "maxrss": answer["maxrss"]})
        except ClosedError:
            return


def _answer(request: dict[str, Any], descriptors: list[int], tasks: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    source: Any = None
    opened = None
    try:
        work = _work(request["task"], tasks)
        if descriptors:
            opened = os.fdopen(descriptors.pop(), "rb")
            source = opened
        else:
            source = request["source"]
        return {"ok": True, **encode_outcome(work(source))}
    except MemoryError:
        return {"ok": False, "error": OutOfMemoryError("the memory limit was reached", stage="analyse").to_dict()}
    except Exception as error:  # noqa: BLE001 - the border of the process: whatever it is becomes a value
        return {"ok": False, "error": error_of(error, None).to_dict()}
    finally:
        if opened is not None:
            opened.close()
        for descriptor in descriptors:
            os.close(descriptor)


def _work(task: dict[str, Any], tasks: dict[str, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    named = Task(task["target"], task["options"])
    if named.key not in tasks:
        tasks[named.key] = named.resolve()
    return tasks[named.key]
