"""What a batch and a watcher hand over: one item per source, one change per file version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tracktion.errors import TracktionError
    from tracktion.results.analysis import Analysis

__all__ = ["BatchItem", "ChangeKind", "FileChange", "WatcherStatus"]

ChangeKind = Literal["added", "modified", "moved", "deleted"]


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One source of a batch: an analysis or an error, never both.

    Attributes
    ----------
    source
        As it was given.
    analysis
        The result; None when there is an error.
    error
        What went wrong, as a value.
    seconds
        Time the work took, without waiting in line.
    index
        Position of the source among the sources.
    """

    source: Any
    analysis: Analysis | None = None
    error: TracktionError | None = None
    seconds: float = 0.0
    index: int = 0

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return self.error is None

    def unwrap(self) -> Analysis:
        """Return the analysis, or raise the error."""
        if self.error is not None:
            raise self.error
        if self.analysis is None:
            message = "an item without an error holds an analysis"
            raise TypeError(message)
        return self.analysis


@dataclass(frozen=True, slots=True)
class FileChange:
    """One version of one file, settled on disk.

    Attributes
    ----------
    path
        Absolute path; undecodable bytes of the name are kept as surrogates, as `os.fsdecode` does.
    kind
        ``added`` and ``modified`` are versions to analyse; ``moved`` is a known version under a new path; ``deleted``
        is only reported when it was asked for.
    size, mtime_ns
        Of this version: bytes, and nanoseconds since 1970.
    root
        The watched root that holds it.
    previous
        Where a moved file was before.
    attempt
        1 for the first time this version is worked on; more after a crash or a failed handler.
    id
        Stable name of this version: a hash of root, path and signature. Repeated deliveries carry the same id.
    analysis, error
        Outcome when the watcher has an analyzer.
    """

    path: Path
    kind: ChangeKind = "added"
    size: int = 0
    mtime_ns: int = 0
    root: Path | None = None
    previous: Path | None = None
    attempt: int = 1
    id: str = ""
    analysis: Analysis | None = None
    error: TracktionError | None = None


@dataclass(frozen=True, slots=True)
class WatcherStatus:
    """How a watcher is doing.

    Attributes
    ----------
    healthy
        Running, every root online, storage reachable, nothing stuck.
    running
        Between start and stop.
    known, settling, ready, working, done, failed
        Files: known to the scan, waiting to stand still (or for their row), waiting for work, being worked on, finished
        since the start, ended as failed since the start.
    unpublished
        Messages in the outbox.
    offline
        Roots that are not there at the moment.
    polling
        Roots that are watched by scans alone (network file system, no watches left).
    scans, last_scan_seconds
        Complete scans since the start, and how long the last one took.
    last_error
        The latest trouble, as text; None when there was none.
    """

    healthy: bool
    running: bool
    known: int = 0
    settling: int = 0
    ready: int = 0
    working: int = 0
    done: int = 0
    failed: int = 0
    unpublished: int = 0
    offline: tuple[str, ...] = ()
    polling: tuple[str, ...] = ()
    scans: int = 0
    last_scan_seconds: float = 0.0
    last_error: str | None = None

    def _repr_html_(self) -> str:
        from tracktion.display import status_html

        return status_html(self)
