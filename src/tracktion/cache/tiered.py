"""Two caches, one behind the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from tracktion.cache.fetching import FetchingCache
from tracktion.cache.lru import LRUCache
from tracktion.cache.protocol import DEFAULT, MISSING, CacheStats, Ttl

if TYPE_CHECKING:
    from tracktion.cache.remote import RedisCache

__all__ = ["TieredCache"]

T = TypeVar("T")


class TieredCache(FetchingCache):
    """Looks in memory, then in Redis; what is found there is kept in memory for the time that it has left.

    Parameters
    ----------
    memory
        The near one.
    remote
        The one that processes share. Without it, or while it is down, the near one goes on alone.
    """

    def __init__(self, memory: LRUCache, remote: RedisCache | None = None) -> None:
        super().__init__()
        self.memory = memory
        self.remote = remote

    def get(self, key: str, /) -> Any:
        """See `Cache.get`."""
        value = self.memory.get(key)
        if value is MISSING and self.remote is not None:
            value, left = self.remote.get_with_ttl(key)
            if value is not MISSING:
                self.memory.set(key, value, ttl=left)
        return value

    def set(self, key: str, value: Any, /, *, ttl: Ttl = DEFAULT) -> None:
        """See `Cache.set`."""
        self.memory.set(key, value, ttl=ttl)
        if self.remote is not None:
            self.remote.set(key, value, ttl=ttl)

    def delete(self, key: str, /) -> None:
        """See `Cache.delete`."""
        self.memory.delete(key)
        if self.remote is not None:
            self.remote.delete(key)

    def clear(self) -> None:
        """See `Cache.clear`."""
        self.memory.clear()
        if self.remote is not None:
            self.remote.clear()

    def _near(self, key: str) -> Any:
        # Without the remote one `get` asks the same, and would count a second miss.
        return MISSING if self.remote is None else self.memory.get(key)

    def shrink(self, fraction: float = 0.5) -> int:
        """See `Cache.shrink`."""
        return self.memory.shrink(fraction)

    def stats(self) -> CacheStats:
        """Return counts of both: a hit in either is a hit."""
        near = self.memory.stats()
        if self.remote is None:
            return near
        far = self.remote.stats()
        return CacheStats(near.hits + far.hits, far.misses, near.size, near.evictions, far.errors, far.open)

    def close(self) -> None:
        """See `Cache.close`."""
        self.memory.close()
        if self.remote is not None:
            self.remote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
