"""What happens when memory gets short."""

from __future__ import annotations

import logging

import pytest

from tracktion.cache import LRUCache
from tracktion.monitor import MemoryMonitor, MemoryReport
from tracktion.testing import FakeClock

MEGABYTE = 2**20


def test_caches_give_up_their_oldest_half(caplog: pytest.LogCaptureFixture) -> None:
    """Above the limit the least recently used half goes, and it is said."""
    cache = LRUCache()
    for number in range(10):
        cache.set(str(number), number)
    reports: list[MemoryReport] = []
    sizes = iter([101 * MEGABYTE, 80 * MEGABYTE])
    monitor = MemoryMonitor(100, caches=[cache], on_pressure=reports.append, resident=lambda: next(sizes))
    with caplog.at_level(logging.WARNING, logger="tracktion"):
        report = monitor.check()
    assert report == MemoryReport(80, 100, over=False, given_up=5, slowdown=1)
    assert [cache.get(str(number)) for number in range(5, 10)] == [5, 6, 7, 8, 9]
    assert reports == [report]
    assert "caches gave up 5 entries" in caplog.text


def test_work_slows_down_while_nothing_helps() -> None:
    """2, 4, 8; back to full speed below 90 % of the limit, not before."""
    clock = FakeClock()
    size = [200]
    monitor = MemoryMonitor(100, resident=lambda: size[0] * MEGABYTE, clock=clock)
    seen = []
    for megabytes in (200, 200, 200, 200, 95, 89):
        size[0] = megabytes
        clock.advance(1.1)
        seen.append(monitor.check().slowdown)
    assert seen == [2, 4, 8, 8, 8, 1]
    assert monitor.slowdown == 1


def test_it_looks_at_most_once_an_interval() -> None:
    clock = FakeClock()
    looks: list[int] = []

    def resident() -> int:
        looks.append(1)
        return MEGABYTE

    monitor = MemoryMonitor(100, resident=resident, clock=clock)
    for _ in range(100):
        monitor.check()
    assert len(looks) == 1
    clock.advance(2)
    monitor.check()
    assert len(looks) == 2


def test_caches_are_not_kept_alive() -> None:
    monitor = MemoryMonitor(1, resident=lambda: 2 * MEGABYTE)
    monitor.register(LRUCache())
    assert monitor.check().given_up == 0


def test_the_real_process_is_measured() -> None:
    report = MemoryMonitor(10**6).check()
    assert 1 < report.resident_mb < 10**6
    assert not report.over
