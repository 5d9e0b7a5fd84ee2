"""Durations by operation."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import sys
import threading
import types
from typing import Any

import pytest

from tracktion.errors import UsageError
from tracktion.monitor import Histogram, PerformanceMonitor
from tracktion.testing import FakeClock


def test_counts_rates_and_quantiles() -> None:
    clock = FakeClock()
    monitor = PerformanceMonitor(clock=clock)
    for step in range(1, 101):
        try:
            with monitor.measure("search"):
                clock.advance(step / 1000)
                if step % 10 == 0:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
    summary = monitor.summary("search")
    assert summary is not None
    assert (summary.count, summary.failures, summary.success_rate) == (100, 10, 0.9)
    assert summary.mean == pytest.approx(0.0505)
    assert (summary.min, summary.max) == (pytest.approx(0.001), pytest.approx(0.1))
    assert [summary.p50, summary.p95, summary.p99] == pytest.approx([0.05, 0.095, 0.099], rel=0.026)
    assert summary.memory_bytes is None
    monitor.reset()
    assert monitor.summary("search") is None


def test_quantiles_are_within_their_error_and_memory_is_bounded() -> None:
    """Log-normal durations over eight decades: 2.5 % at every quantile, at most some hundred counts."""
    chance = random.Random(1)
    values = sorted(math.exp(chance.gauss(-5, 4)) for _ in range(20_000))
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    for fraction in (0.01, 0.5, 0.9, 0.95, 0.99, 1.0):
        exact = values[max(0, math.ceil(fraction * len(values)) - 1)]
        if exact > 1e-7:
            assert histogram.quantile(fraction) == pytest.approx(exact, rel=0.026)
    assert len(list(histogram.buckets())) < 600
    assert list(histogram.buckets())[-1][1] == 20_000


def test_extreme_values_have_a_place() -> None:
    histogram = Histogram()
    assert histogram.quantile(0.5) == 0.0
    for value in (0.0, 1e-12, 1e9):
        histogram.add(value)
    assert (histogram.smallest, histogram.largest, histogram.count) == (0.0, 1e9, 3)
    assert 0 <= histogram.quantile(0.5) <= 1e9


def test_coroutines_are_measured_with_their_waits() -> None:
    clock = FakeClock()
    monitor = PerformanceMonitor(clock=clock)

    async def main() -> None:
        async with monitor.measure_async("wait"):
            await asyncio.sleep(0)
            clock.advance(2)

    asyncio.run(main())
    summary = monitor.summary("wait")
    assert summary is not None
    assert summary.mean == 2


def test_slow_operations_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """From five seconds on, with the name made printable."""
    monitor = PerformanceMonitor()
    with caplog.at_level(logging.WARNING, logger="tracktion"):
        monitor.record("a\nb", 5.1)
        monitor.record("quick", 4.9)
    assert [record.getMessage() for record in caplog.records] == ["slow: a\\nb took 5.1 s"]


def test_names_without_end_do_no_harm() -> None:
    """Neither here nor, as endless series, in what measurements are exported to."""
    exported: list[str] = []
    monitor = PerformanceMonitor(max_operations=10)
    monitor.add_exporter(lambda operation, seconds, *, success: exported.append(operation))
    for number in range(100):
        monitor.record(f"file {number}", 1.0)
    assert len(monitor.summaries()) == 11
    assert sum(summary.count for summary in monitor.summaries()) == 100
    assert len(exported) == 100
    assert set(exported) == {summary.operation for summary in monitor.summaries()}


def test_threads_lose_no_measurement() -> None:
    monitor = PerformanceMonitor(measure_memory=True)

    def work() -> None:
        for _ in range(200):
            with monitor.measure("x"):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    summary = monitor.summary("x")
    assert summary is not None
    assert summary.count == 1600
    assert summary.memory_bytes is not None


def test_exporters_get_each_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus and OpenTelemetry, by stand-ins with the same names."""
    seen: list[Any] = []

    class Histogram:
        def __init__(self, name: str, text: str, labels: list[str], **options: Any) -> None:
            seen.append((name, labels))

        def labels(self, *values: str) -> Any:
            return types.SimpleNamespace(observe=lambda seconds: seen.append((values, seconds)))

    prometheus = types.ModuleType("prometheus_client")
    prometheus.Histogram = Histogram  # type: ignore[attr-defined]
    prometheus.REGISTRY = object()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "prometheus_client", prometheus)
    meter = types.SimpleNamespace(
        create_histogram=lambda name, unit: types.SimpleNamespace(record=lambda *args: seen.append(args))
    )
    telemetry = types.ModuleType("opentelemetry")
    telemetry.metrics = types.SimpleNamespace(get_meter=lambda name: meter)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "opentelemetry", telemetry)

    monitor = PerformanceMonitor()
    monitor.export_to_prometheus()
    monitor.export_to_opentelemetry()
    monitor.record("search", 0.5, success=False)
    assert seen == [
        ("tracktion_operation_seconds", ["operation", "success"]),
        (("search", "false"), 0.5),
        (0.5, {"operation": "search", "success": False}),
    ]


def test_a_missing_exporter_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("prometheus_client", "opentelemetry"):
        monkeypatch.setitem(sys.modules, name, None)
    monitor = PerformanceMonitor()
    with pytest.raises(UsageError, match="pip install prometheus-client"):
        monitor.export_to_prometheus()
    with pytest.raises(UsageError, match="pip install opentelemetry-api"):
        monitor.export_to_opentelemetry()
