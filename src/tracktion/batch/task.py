"""Work that can be named instead of pickled: a target and plain options."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tracktion.errors import OutOfMemoryError, TracktionError, UnreadableError, UsageError, error_from_dict

__all__ = [
    "Analyzes",
    "Task",
    "callable_of",
    "check_work",
    "decode_outcome",
    "encode_outcome",
    "error_of",
    "rebuild",
    "task_of",
]


@dataclass(frozen=True)
class Task:
    """What to do with each source, in words that another process understands.

    Parameters
    ----------
    target
        ``package.module:name``. Without options, a function that takes one source; with options, a factory that is
        called once per worker as ``name(**options)`` and gives that function.
    options
        JSON values. None means that `target` is the function itself.
    """

    target: str
    options: Mapping[str, Any] | None = field(default=None)

    @property
    def key(self) -> str:
        """The same work has the same key."""
        return json.dumps([self.target, self.options], sort_keys=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain form."""
        return {"target": self.target, "options": None if self.options is None else dict(self.options)}

    def resolve(self) -> Callable[[Any], Any]:
        """Import the target, and call the factory if it is one."""
        found = _find(self.target)
        return callable_of(found if self.options is None else found(**self.options))


class Analyzes(Protocol):
    """What an Analyzer offers to a batch; with ``to_spec()`` and ``from_spec()`` it can be sent by name."""

    def analyze(self, source: Any) -> Any:
        """Analyse one source."""
        ...


def callable_of(work: Callable[[Any], Any] | Analyzes | Task) -> Callable[[Any], Any]:
    """Return the function of one source behind `work`."""
    if isinstance(work, Task):
        return work.resolve()
    method = getattr(work, "analyze", None)
    if isinstance(work, type) and method is not None:
        raise UsageError(f"work is an Analyzer, not its class: say {work.__name__}()")
    found = method if callable(method) else work
    if not callable(found):
        raise UsageError(f"work is an Analyzer, a Task or a function of one source, not {type(work).__name__}")
    return found


def check_work(work: Any) -> None:
    """Raise a `UsageError` now for what would fail with every source; a Task is looked at where it runs."""
    if not isinstance(work, Task):
        callable_of(work)


def task_of(work: Any) -> Task | None:
    """Find the task behind `work`: itself, what its owner's ``to_spec()`` says, or a module-level function's name.

    Raises
    ------
    UsageError
        The owner says that it cannot be sent (a prior that is a function).
    """
    if isinstance(work, Task):
        return work
    owner = getattr(work, "__self__", work)
    if callable(getattr(owner, "to_spec", None)) and callable(getattr(type(owner), "from_spec", None)):
        kind = type(owner)
        return Task(f"{__name__}:rebuild", {"kind": f"{kind.__module__}:{kind.__qualname__}", "spec": owner.to_spec()})
    if inspect.isfunction(work) and "." not in work.__qualname__ and work.__module__ != "__main__":
        return Task(f"{work.__module__}:{work.__qualname__}")
    return None


def rebuild(kind: str, spec: dict[str, Any]) -> Callable[[Any], Any]:
    """Make the analyzer that `task_of` described, in another process."""
    return callable_of(_find(kind).from_spec(spec))


def _find(target: str) -> Any:
    module, _, name = target.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def error_of(problem: BaseException, source: str | None, stage: str = "analyse") -> TracktionError:
    """Return `problem` as one of ours, with the file named."""
    if isinstance(problem, TracktionError):
        if problem.file is None:
            problem.file = source
        return problem
    if isinstance(problem, MemoryError):
        return OutOfMemoryError("the memory limit was reached", file=source, stage=stage)
    if isinstance(problem, OSError):
        return UnreadableError(problem.strerror or str(problem) or type(problem).__name__, file=source, stage="open")
    name = type(problem).__name__
    return TracktionError(f"{name}: {problem}" if str(problem) else name, file=source, stage=stage)


def encode_outcome(value: Any) -> dict[str, Any]:
    """Plain form of a result: objects with ``to_dict`` say so, the rest has to be JSON by itself."""
    plain = getattr(value, "to_dict", None)
    if callable(plain):
        return {"kind": type(value).__name__, "value": plain()}
    return {"kind": None, "value": value}


def decode_outcome(message: Mapping[str, Any], source: str | None) -> Any:
    """Inverse of `encode_outcome`; raises the error that the message carries.

    Only kinds of results that we know are rebuilt: a message never names what to import.
    """
    if not message.get("ok"):
        data = message.get("error")
        error = error_from_dict(data if isinstance(data, dict) else {"reason": "the worker gave no reason"})
        if error.file is None:
            error.file = source
        raise error
    value = message.get("value")
    if message.get("kind") != "Analysis":
        return value
    from tracktion.results.analysis import Analysis

    if not isinstance(value, dict):
        raise TracktionError("the worker gave something that is no analysis", file=source, stage="analyse")
    try:
        return Analysis.from_dict(value)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        reason = f"the worker gave an analysis that cannot be read: {error}"
        raise TracktionError(reason, file=source, stage="analyse") from error
