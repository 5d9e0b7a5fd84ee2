"""Caches in a child process: threads and locks of the parent are not waited for."""

from __future__ import annotations

import subprocess
import sys
import uuid

import pytest

from tracktion.cache import LRUCache

RUN = """
import os, sys, threading

def in_child(work):
    child = os.fork()
    if not child:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""

REMOTE = (
    RUN
    + """
from tracktion.cache import MISSING, RedisCache

with RedisCache(sys.argv[1], prefix=sys.argv[2], timeout=5) as cache:
    cache.set("a", 1)
    threads = [threading.Thread(target=lambda: [cache.get("a") for _ in range(20)]) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    in_child(lambda: cache.get("a") == 1 and not cache.stats().open)
    cache._breaker.fail()
    in_child(lambda: cache.get("a") == 1)
    cache._breaker.succeed()
    assert cache.get("a") == 1
    cache.clear()
"""
)

NEAR = (
    RUN
    + """
from tracktion.cache import LRUCache

cache = LRUCache(patience=3600)
cache.set("a", 1)
started, finish = threading.Event(), threading.Event()
flight = threading.Thread(target=cache.get_or_compute, args=("b", lambda: (started.set(), finish.wait())))
flight.start()
started.wait()
in_child(lambda: cache.get("a") == 1 and cache.get_or_compute("b", lambda: 2) == 2)
with cache._lock:
    in_child(lambda: cache.get_or_compute("a", lambda: 3) == 3)
finish.set()
flight.join()
"""
)


def run(code: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", code, *arguments], check=True, timeout=60)


@pytest.mark.redis
def test_redis_is_asked_in_a_child(redis_url: str) -> None:
    """After the parent's threads have all been started, and after its breaker has opened."""
    run(REMOTE, redis_url, f"tracktion-test-{uuid.uuid4().hex}:")


def test_a_child_waits_for_no_flight_or_lock_of_its_parent() -> None:
    run(NEAR)


def test_caches_are_forgotten() -> None:
    """Being told of forks keeps nothing alive."""
    from tracktion.cache import forks

    cache = LRUCache()
    before = len(forks._known)
    del cache
    assert len(forks._known) == before - 1
