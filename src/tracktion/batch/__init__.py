"""Work on many files: executors, isolated workers, limits."""

from __future__ import annotations

from tracktion.batch.isolated import IsolatedPool
from tracktion.batch.limits import WorkerLimits
from tracktion.batch.run import default_workers, run
from tracktion.batch.task import Task
from tracktion.results.change import BatchItem

__all__ = ["BatchItem", "IsolatedPool", "Task", "WorkerLimits", "default_workers", "run"]
