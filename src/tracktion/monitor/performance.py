"""How often, how long, how well: by operation, in constant memory."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tracktion.errors import UsageError, printable
from tracktion.monitor.histogram import Histogram
from tracktion.results.base import Result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

__all__ = ["Exporter", "OperationSummary", "PerformanceMonitor"]

logger = logging.getLogger("tracktion")

OTHERS = "(other operations)"


class Exporter(Protocol):
    """Receives each measurement; must be quick and must not raise."""

    def __call__(self, operation: str, seconds: float, *, success: bool) -> None:
        """Take one measurement."""
        ...


@dataclass(frozen=True, slots=True)
class OperationSummary(Result):
    """What is known of one operation.

    Attributes
    ----------
    operation
        Its name.
    count, failures
        Times that it ran, and that it raised.
    mean, min, max, p50, p95, p99
        Seconds; quantiles within 2.5 %.
    memory_bytes
        Mean growth of the process's resident memory over one run; None unless memory is measured.
    """

    operation: str
    count: int
    failures: int
    mean: float
    min: float
    max: float
    p50: float
    p95: float
    p99: float
    memory_bytes: float | None = None

    @property
    def success_rate(self) -> float:
        """Share of the runs that did not raise, 0 to 1."""
        return 1.0 - self.failures / self.count if self.count else 1.0


class _Operation:
    __slots__ = ("durations", "failures", "memory")

    def __init__(self) -> None:
        self.durations = Histogram()
        self.failures = 0
        self.memory = 0


class PerformanceMonitor:
    """Measures operations of a program, in memory that does not grow with their number.

    Parameters
    ----------
    slow_seconds
        Runs that take longer are logged as a warning; None: never.
    measure_memory
        Whether to read the process's resident memory before and after each run (about 10 µs each).
    max_operations
        Different names that are kept apart; further ones are counted, and exported, together, so that a file name used
        as an operation's name by mistake does no harm.
    clock
        Monotonic seconds.

    Examples
    --------
    >>> monitor = PerformanceMonitor()
    >>> with monitor.measure("search"):
    ...     pass
    >>> monitor.summary("search").count
    1
    """

    def __init__(
        self,
        *,
        slow_seconds: float | None = 5.0,
        measure_memory: bool = False,
        max_operations: int = 1000,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._slow = slow_seconds
        self._clock = clock
        self._max = max_operations
        self._lock = threading.Lock()
        self._operations: dict[str, _Operation] = {}
        self._exporters: list[Exporter] = []
        self._resident: Callable[[], int] | None = None
        if measure_memory:
            import psutil

            process = psutil.Process()
            self._resident = lambda: int(process.memory_info().rss)

    @contextmanager
    def measure(self, operation: str) -> Iterator[None]:
        """Measure the block; what it raises is counted as a failure and raised on."""
        memory = self._resident() if self._resident else 0
        begin = self._clock()
        success = False
        try:
            yield
            success = True
        finally:
            seconds = self._clock() - begin
            grown = self._resident() - memory if self._resident else 0
            self.record(operation, seconds, success=success, memory_bytes=grown)

    @asynccontextmanager
    async def measure_async(self, operation: str) -> AsyncIterator[None]:
        """Measure the block of a coroutine, its waits included."""
        with self.measure(operation):
            yield

    def record(self, operation: str, seconds: float, *, success: bool = True, memory_bytes: int = 0) -> None:
        """Take a measurement that was made elsewhere."""
        with self._lock:
            full = operation not in self._operations and len(self._operations) >= self._max
            name = OTHERS if full else operation
            known = self._operations.get(name) or self._operations.setdefault(name, _Operation())
            known.durations.add(seconds)
            known.failures += not success
            known.memory += memory_bytes
        if self._slow is not None and seconds > self._slow:
            logger.warning("slow: %s took %.1f s", printable(operation), seconds)
        for exporter in self._exporters:
            exporter(name, seconds, success=success)

    def summary(self, operation: str) -> OperationSummary | None:
        """Return what is known of an operation, or None."""
        with self._lock:
            known = self._operations.get(operation)
            return None if known is None else self._summary(operation, known)

    def summaries(self) -> list[OperationSummary]:
        """Return all, those that took most time in all first."""
        with self._lock:
            by_time = sorted(self._operations.items(), key=lambda item: -item[1].durations.total)
            return [self._summary(name, known) for name, known in by_time]

    def _summary(self, operation: str, known: _Operation) -> OperationSummary:
        durations = known.durations
        return OperationSummary(
            operation,
            durations.count,
            known.failures,
            durations.total / durations.count,
            durations.smallest,
            durations.largest,
            durations.quantile(0.5),
            durations.quantile(0.95),
            durations.quantile(0.99),
            known.memory / durations.count if self._resident else None,
        )

    def reset(self) -> None:
        """Forget all measurements."""
        with self._lock:
            self._operations.clear()

    # --- export ---------------------------------------------------------------------------------------------------

    def add_exporter(self, exporter: Exporter) -> None:
        """Give each further measurement to `exporter` too."""
        self._exporters.append(exporter)

    def export_to_prometheus(self, registry: object = None) -> None:
        """Export as ``tracktion_operation_seconds`` (histogram) with the labels ``operation`` and ``success``.

        Parameters
        ----------
        registry
            A ``prometheus_client.CollectorRegistry``; None is the global one.

        Raises
        ------
        UsageError
            The prometheus-client package is missing.
        """
        try:
            import prometheus_client
        except ModuleNotFoundError as error:
            raise UsageError("the prometheus-client package is missing: pip install prometheus-client") from error
        histogram = prometheus_client.Histogram(
            "tracktion_operation_seconds",
            "Duration of tracktion's operations",
            ["operation", "success"],
            registry=registry or prometheus_client.REGISTRY,
            buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 5, 20, 60, float("inf")),
        )

        def export(operation: str, seconds: float, *, success: bool) -> None:
            histogram.labels(operation, str(success).lower()).observe(seconds)

        self.add_exporter(export)

    def export_to_opentelemetry(self, meter: object = None) -> None:
        """Export as the histogram ``tracktion.operation.duration`` (s) with the same attributes.

        Parameters
        ----------
        meter
            An ``opentelemetry.metrics.Meter``; None is the global provider's.

        Raises
        ------
        UsageError
            The opentelemetry-api package is missing.
        """
        try:
            from opentelemetry import metrics
        except ModuleNotFoundError as error:
            raise UsageError("the opentelemetry-api package is missing: pip install opentelemetry-api") from error
        source: Any = meter or metrics.get_meter("tracktion")
        histogram = source.create_histogram("tracktion.operation.duration", unit="s")

        def export(operation: str, seconds: float, *, success: bool) -> None:
            histogram.record(seconds, {"operation": operation, "success": success})

        self.add_exporter(export)
