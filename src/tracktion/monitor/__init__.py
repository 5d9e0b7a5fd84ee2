"""Durations, rates and memory of a running program, and what to do when memory gets short."""

from __future__ import annotations

from tracktion.monitor.histogram import Histogram
from tracktion.monitor.memory import MemoryMonitor, MemoryReport
from tracktion.monitor.performance import OperationSummary, PerformanceMonitor

__all__ = ["Histogram", "MemoryMonitor", "MemoryReport", "OperationSummary", "PerformanceMonitor"]
