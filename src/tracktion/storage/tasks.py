"""Units of work belong to a thread, and the coroutines of an event loop share one."""

from __future__ import annotations

import sys
from typing import Any

from tracktion.errors import UsageError

__all__ = ["demand_task", "running_task"]


def running_task() -> Any:
    """Return the task that runs in this thread, None without one."""
    asyncio = sys.modules.get("asyncio")  # who has not imported it has no tasks
    try:
        return None if asyncio is None else asyncio.current_task()
    except RuntimeError:  # no event loop runs here
        return None


def demand_task(task: Any) -> None:
    """Raise `UsageError` when a unit of work that `task` began would take in what another task does."""
    if task is not None and task is not running_task():
        raise UsageError(
            "another coroutine of this thread awaits inside of a unit of work, which would take in what this one does: "
            "do not await there, or give the whole unit to asyncio.to_thread"
        )
