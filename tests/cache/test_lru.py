"""The cache in memory: order of eviction, time, single flight."""

from __future__ import annotations

import threading

import pytest

from tracktion.cache import MISSING, LRUCache
from tracktion.errors import UsageError
from tracktion.testing import FakeClock


def kept(cache: LRUCache, keys: str) -> str:
    return "".join(key for key in keys if cache.get(key) is not MISSING)


def test_the_least_recently_used_goes_first() -> None:
    """Reading and writing both count as use."""
    cache = LRUCache(maxsize=3)
    for key in "abc":
        cache.set(key, key)
    cache.get("a")
    cache.set("b", "again")
    cache.set("d", "d")
    assert kept(cache, "abcd") == "abd"
    assert cache.stats().evictions == 1


def test_an_entry_lives_for_its_time() -> None:
    """An entry is there just before its time is over, and gone when it is; every entry has its own time."""
    clock = FakeClock()
    cache = LRUCache(ttl=10, clock=clock)
    cache.set("default", 1)
    cache.set("short", 1, ttl=2)
    cache.set("for ever", 1, ttl=None)
    clock.advance(1.999)
    assert [cache.get(key) for key in ("default", "short", "for ever")] == [1, 1, 1]
    clock.advance(0.002)
    assert [cache.get(key) for key in ("default", "short", "for ever")] == [1, MISSING, 1]
    clock.advance(8)
    assert cache.get("default") is MISSING
    clock.advance(1e9)
    assert cache.get("for ever") == 1


def test_setting_again_starts_the_time_anew() -> None:
    """A value that is set again lives its full time."""
    clock = FakeClock()
    cache = LRUCache(ttl=10, clock=clock)
    cache.set("a", 1)
    clock.advance(9)
    cache.set("a", 2)
    clock.advance(9)
    assert cache.get("a") == 2


def test_expired_entries_make_room_before_living_ones() -> None:
    """A full cache drops what is over before it evicts."""
    clock = FakeClock()
    cache = LRUCache(maxsize=2, clock=clock)
    cache.set("old", 1, ttl=1)
    cache.set("living", 1)
    clock.advance(2)
    cache.set("new", 1)
    assert cache.get("living") == 1
    assert cache.stats().evictions == 0


def test_shrink_gives_up_the_oldest_half() -> None:
    """Half of the entries, the least recently used ones."""
    cache = LRUCache()
    for key in "abcdef":
        cache.set(key, key)
    cache.get("a")
    assert cache.shrink() == 3
    assert kept(cache, "abcdef") == "aef"


def test_a_slow_pilot_is_not_waited_for_without_limit() -> None:
    """Who has waited long enough computes alone."""
    cache = LRUCache(patience=0.05)
    begun, release = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        release.wait(10)
        return "slow"

    pilot = threading.Thread(target=cache.get_or_compute, args=("k", slow))
    pilot.start()
    begun.wait(10)
    assert cache.get_or_compute("k", lambda: "own") == "own"
    release.set()
    pilot.join(10)


def test_an_interrupted_pilot_leaves_the_others_to_themselves() -> None:
    """KeyboardInterrupt in one thread is not everybody's."""
    cache = LRUCache()
    begun, release = threading.Event(), threading.Event()

    def interrupted() -> str:
        begun.set()
        release.wait(10)
        raise KeyboardInterrupt

    def fly() -> None:
        with pytest.raises(KeyboardInterrupt):
            cache.get_or_compute("k", interrupted)

    answers: list[str] = []
    pilot = threading.Thread(target=fly)
    pilot.start()
    begun.wait(10)
    follower = threading.Thread(target=lambda: answers.append(cache.get_or_compute("k", lambda: "own")))
    follower.start()
    release.set()
    pilot.join(10)
    follower.join(10)
    assert answers == ["own"]


def test_room_for_nothing_is_refused() -> None:
    with pytest.raises(UsageError):
        LRUCache(maxsize=0)
