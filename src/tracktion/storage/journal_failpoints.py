"""Places where a test may kill the process: ``TRACKTION_FAILPOINT=name:nth`` in the environment.

Without the variable a failpoint costs one comparison. With it, the process is killed with SIGKILL when it passes the
named place for the `nth` time, as if the power cord of this process were pulled there.
"""

from __future__ import annotations

import os
import signal

__all__ = ["FAILPOINTS", "arm", "failpoint"]

FAILPOINTS = (
    "scan.listed",
    "scan.settled",
    "ready.begin",
    "ready.locked",
    "ready.put",
    "ready.committed",
    "gone.begin",
    "gone.committed",
    "claim.begin",
    "claim.committed",
    "work.begin",
    "work.done",
    "handler.before",
    "handler.after",
    "finish.begin",
    "finish.updated",
    "finish.analysed",
    "finish.tracked",
    "finish.outboxed",
    "finish.committed",
    "publish.begin",
    "publish.sent",
    "publish.marked",
    "recover.begin",
    "recover.committed",
    "stop.begin",
    "stop.released",
)
"""Every name, in the order of a file's way."""


def _parse(text: str) -> tuple[str, int]:
    name, _, nth = text.partition(":")
    return name, int(nth or 1)


def _from_environment() -> tuple[str, int] | None:
    text = os.environ.get("TRACKTION_FAILPOINT")
    return _parse(text) if text else None


_armed = _from_environment()
_passed = 0


def arm(text: str | None) -> None:
    """Set ``name:nth`` in a process that was forked after the import; None for no failpoint."""
    global _armed, _passed
    _armed, _passed = (_parse(text) if text else None), 0


def failpoint(name: str) -> None:
    """Die here, if the environment says so."""
    if _armed is None or _armed[0] != name:
        return
    global _passed  # noqa: PLW0603 - a counter for tests that end the process
    _passed += 1
    if _passed == _armed[1]:
        os.kill(os.getpid(), signal.SIGKILL)
