"""Caches: speed only. Losing one, or all that is in it, never changes a result."""

from __future__ import annotations

from tracktion.cache.decorator import cached, warm
from tracktion.cache.keys import ANALYSIS_TTL, MATCH_TTL, WARM_TTL, cache_key
from tracktion.cache.lru import LRUCache
from tracktion.cache.protocol import MISSING, Cache, CacheStats
from tracktion.cache.remote import RedisCache
from tracktion.cache.tiered import TieredCache

__all__ = [
    "ANALYSIS_TTL",
    "MATCH_TTL",
    "MISSING",
    "WARM_TTL",
    "Cache",
    "CacheStats",
    "LRUCache",
    "RedisCache",
    "TieredCache",
    "cache_key",
    "cached",
    "warm",
]
