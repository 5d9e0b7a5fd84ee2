"""What an isolated worker may take from the machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tracktion.errors import UsageError

__all__ = ["WorkerLimits", "checked_limits"]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Limits of one isolated worker; reaching one costs the file in hand and nothing else.

    Parameters
    ----------
    memory_bytes
        Address space beyond what the clean worker maps.
    seconds
        Wall time for one file; the worker is killed after it.
    cpu_seconds
        Processor time for one file; None for the same as `seconds`.
    open_files
        Descriptors.
    written_bytes
        Largest file that a worker may write; it has no reason to write any.
    tasks
        Files after which a worker is replaced by a fresh one, so that leaks of decoders stay bounded.
    nice
        Added to the niceness, so that the embedding application stays responsive while all cores analyse.
    """

    memory_bytes: int = 2048 * MIB
    seconds: float = 300.0
    cpu_seconds: float | None = None
    open_files: int = 64
    written_bytes: int = MIB
    tasks: int = 1000
    nice: int = 5

    def to_dict(self) -> dict[str, Any]:
        """Plain form."""
        return asdict(self)


def checked_limits(limits: WorkerLimits | None) -> WorkerLimits:
    """Return `limits`, or the default ones; a `UsageError` for others, such as those of an Analyzer."""
    if limits is not None and not isinstance(limits, WorkerLimits):
        raise UsageError(f"limits of workers are WorkerLimits, not {type(limits).__name__}")
    return limits or WorkerLimits()
