"""A Redis that is down, slow or full of rubbish costs speed, once, and never a result (F10)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.storage.servers import RedisServer, RubbishServer, free_port, wait_for
from tracktion.cache import MISSING, LRUCache, RedisCache, TieredCache
from tracktion.cache.breaker import Breaker
from tracktion.cache.envelope import seal
from tracktion.errors import UsageError
from tracktion.testing import FakeClock

pytestmark = pytest.mark.redis


@pytest.fixture
def cache(redis_url: str) -> Iterator[RedisCache]:
    with RedisCache(redis_url, prefix=f"tracktion-test-{uuid.uuid4().hex}:", timeout=5) as made:
        yield made
        made.clear()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    made = RedisServer()
    yield made
    made.close()


def raw(url: str) -> Any:
    return redis.Redis.from_url(url)


def full_name(cache: RedisCache, key: str) -> str:
    return cache._prefix + key


def test_values_have_a_time_to_live_in_redis(cache: RedisCache, redis_url: str) -> None:
    """Six hours by default; what `set` says wins; None is for ever."""
    cache.set("default", 1)
    cache.set("short", 1, ttl=0.05)
    cache.set("for ever", 1, ttl=None)
    with raw(redis_url) as client:
        assert 6 * 3600 - 5 <= client.ttl(full_name(cache, "default")) <= 6 * 3600
        assert client.ttl(full_name(cache, "for ever")) == -1
        wait_for(lambda: client.exists(full_name(cache, "short")) == 0)
    assert cache.get("short") is MISSING
    value, left = cache.get_with_ttl("default")
    assert value == 1
    assert left is not None
    assert 6 * 3600 - 5 < left <= 6 * 3600


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"rubbish",
        b"\x80\x04\x95pickle.",
        b"1:2:00000000:{}",
        b"9:2:a3830348:{}",
        b'{"json": true}',
        (seal([1, 2]) or b"")[:-1],
    ],
)
def test_a_damaged_value_is_a_miss_and_goes(cache: RedisCache, redis_url: str, data: bytes) -> None:
    """Wrong version, wrong checksum, cut off, pickle, plain JSON: computed anew, and stored well."""
    with raw(redis_url) as client:
        client.set(full_name(cache, "k"), data)
        assert cache.get("k") is MISSING
        assert client.exists(full_name(cache, "k")) == 0
    assert cache.get_or_compute("k", lambda: [1]) == [1]
    assert cache.get("k") == [1]
    assert cache.stats().errors >= 1
    assert not cache.stats().open


def test_a_value_of_another_type_is_a_miss_and_goes(cache: RedisCache, redis_url: str) -> None:
    """Somebody has put a list where our text should be."""
    with raw(redis_url) as client:
        client.rpush(full_name(cache, "k"), "a", "b")
        assert cache.get_or_compute("k", lambda: 5) == 5
        assert cache.get("k") == 5
    assert not cache.stats().open


def test_values_that_are_no_json_are_not_kept(cache: RedisCache) -> None:
    cache.set("k", {1, 2})
    assert cache.get("k") is MISSING
    assert cache.get_or_compute("k", lambda: frozenset([1])) == frozenset([1])
    cache.set("k", [1])
    cache.set("k", (1,))
    assert cache.get("k") is MISSING  # neither another value nor the old one


def test_a_value_that_expires_between_two_questions_is_not_kept_for_ever(
    cache: RedisCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis tells the value, and then of its time that there is none."""
    cache.set("k", 1)
    monkeypatch.setattr(redis.client.Pipeline, "execute", lambda *_, **__: [seal(1), -2])
    assert cache.get_with_ttl("k") == (1, 0.0)
    near = LRUCache()
    assert TieredCache(near, cache).get("k") == 1
    assert near.get("k") is MISSING


def test_clear_deletes_its_own_only(cache: RedisCache, redis_url: str) -> None:
    other = f"tracktion-other-{uuid.uuid4().hex}"
    with raw(redis_url) as client:
        client.set(other, "x", ex=60)
        for number in range(1200):
            cache.set(f"k{number}", number)
        cache.clear()
        assert client.get(other) == b"x"
        client.delete(other)
    assert cache.get("k7") is MISSING


def test_an_address_that_cannot_be_is_refused() -> None:
    for url in ("localhost:6379", "http://localhost", "redis://localhost:port"):
        with pytest.raises(UsageError, match="URL"):
            RedisCache(url)


def test_an_empty_prefix_is_refused() -> None:
    with pytest.raises(UsageError):
        RedisCache(prefix="")


def check_f10(url: str) -> None:
    """Results are the same, and only the first call asked Redis at all: the others did not wait."""
    with TieredCache(LRUCache(), RedisCache(url, prefix="t:", pause=30)) as cache:
        for number in range(20):
            assert cache.get_or_compute(f"k{number}", lambda n=number: n * n) == number * number
        cache.set("x", 1)
        cache.delete("k1")
        cache.clear()
        assert cache.stats().open
        assert cache.stats().errors == 1


@pytest.mark.parametrize("turn", range(10))
def test_redis_down(turn: int) -> None:
    """Nobody listens."""
    check_f10(f"redis://127.0.0.1:{free_port()}/0")


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(14))
def test_redis_silent(server: RedisServer, turn: int) -> None:
    """It accepts connections and does not answer, as one that swaps or is stopped."""
    server.pause()
    try:
        check_f10(server.url)
    finally:
        server.resume()


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(13))
def test_redis_answers_rubbish(turn: int) -> None:
    """What speaks there is no Redis."""
    other = RubbishServer(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    try:
        check_f10(other.url)
    finally:
        other.close()


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(13))
def test_redis_drips(turn: int) -> None:
    """One byte every 50 ms, each within the time-out of the socket: the whole call still ends in time."""
    other = RubbishServer(b"+", pause=0.05)
    try:
        check_f10(other.url)
    finally:
        other.close()


def test_redis_comes_back() -> None:
    """A probe in the background closes the breaker; what was lost is computed anew."""
    server = RedisServer()
    try:
        with RedisCache(server.url, pause=0.05) as cache:
            cache.set("k", 1)
            assert cache.get("k") == 1
            server.stop()
            assert cache.get("k") is MISSING
            assert cache.stats().open
            server.start()
            wait_for(lambda: cache.get("k") is MISSING and not cache.stats().open)
            assert cache.get_or_compute("k", lambda: 2) == 2
            assert cache.get("k") == 2
    finally:
        server.close()


def test_many_threads_wait_at_the_same_time_only(server: RedisServer) -> None:
    """A hundred threads meet a silent Redis: each gets its result, none waits behind the others."""
    server.pause()
    try:
        with RedisCache(server.url, pause=30) as cache:
            answers: list[int] = []
            threads = [
                threading.Thread(target=lambda n=n: answers.append(cache.get_or_compute(f"k{n}", lambda: n)))
                for n in range(100)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            assert sorted(answers) == list(range(100))
    finally:
        server.resume()


def test_what_one_process_computed_another_finds(redis_url: str) -> None:
    """Two near caches, one far: the second finds it there and keeps it near."""
    prefix = f"tracktion-test-{uuid.uuid4().hex}:"
    first, second = (TieredCache(LRUCache(), RedisCache(redis_url, prefix=prefix, timeout=5)) for _ in range(2))
    with first, second:
        first.set("k", {"a": 1}, ttl=60)
        assert second.get("k") == {"a": 1}
        assert second.memory.get("k") == {"a": 1}
        first.clear()


def test_the_breaker_rests_longer_each_time() -> None:
    """1, 2, 4 … 60 seconds; one probe at a time; success starts anew."""
    clock = FakeClock()
    breaker = Breaker(clock=clock)
    assert breaker.fail()
    rests = []
    for _ in range(8):
        rest = 0
        while not breaker.may_probe():
            clock.advance(1)
            rest += 1
        assert not breaker.may_probe()
        assert not breaker.fail()
        rests.append(rest)
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]
    breaker.succeed()
    assert not breaker.open
    assert breaker.fail()
