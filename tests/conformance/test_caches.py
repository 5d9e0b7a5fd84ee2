"""Every cache keeps the whole contract."""

from __future__ import annotations

import uuid

import pytest

from tracktion.cache import Cache, LRUCache, RedisCache, TieredCache
from tracktion.testing import CacheConformance


class TestLRU(CacheConformance):
    def make(self, *, ttl: float | None = None) -> Cache:
        return LRUCache(ttl=ttl)


@pytest.mark.redis
class TestRedis(CacheConformance):
    @pytest.fixture(autouse=True)
    def server(self, redis_url: str) -> None:
        self.url = redis_url

    def make(self, *, ttl: float | None = None) -> Cache:
        return RedisCache(self.url, prefix=f"tracktion-test-{uuid.uuid4().hex}:", ttl=ttl or 60, timeout=5)


class TestTieredAlone(CacheConformance):
    def make(self, *, ttl: float | None = None) -> Cache:
        return TieredCache(LRUCache(ttl=ttl))


@pytest.mark.redis
class TestTiered(CacheConformance):
    @pytest.fixture(autouse=True)
    def server(self, redis_url: str) -> None:
        self.url = redis_url

    def make(self, *, ttl: float | None = None) -> Cache:
        remote = RedisCache(self.url, prefix=f"tracktion-test-{uuid.uuid4().hex}:", ttl=ttl or 60, timeout=5)
        return TieredCache(LRUCache(ttl=ttl), remote)
