"""Two caches, one behind the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from tracktion.cache.flights import AsyncFlights, Flights
from tracktion.cache.lru import LRUCache
from tracktion.cache.protocol import DEFAULT, MISSING, CacheStats, Ttl

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tracktion.cache.remote import RedisCache

__all__ = ["TieredCache"]

T = TypeVar("T")


class TieredCache:
    """Looks in memory, then in Redis; what is found there is kept in memory for the time that it has left.

    Parameters
    ----------
    memory
        The near one.
    remote
        The one that processes share. Without it, or while it is down, the near one goes on alone.
    """

    def __init__(self, memory: LRUCache, remote: RedisCache | None = None) -> None:
        self.memory = memory
        self.remote = remote
        self._flights = Flights()
        self._async_flights = AsyncFlights()

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

    def get_or_compute(self, key: str, compute: Callable[[], T], /, *, ttl: Ttl = DEFAULT) -> T:
        """See `Cache.get_or_compute`."""
        near = self.memory.get(key)
        if near is not MISSING:
            found: T = near
            return found

        def work() -> T:
            value = self.get(key)
            if value is not MISSING:
                kept: T = value
                return kept
            computed = compute()
            self.set(key, computed, ttl=ttl)
            return computed

        return self._flights.fly(key, work)

    async def get_or_compute_async(self, key: str, compute: Callable[[], Awaitable[T]], /, *, ttl: Ttl = DEFAULT) -> T:
        """See `Cache.get_or_compute_async`; the event loop does not wait for Redis."""
        from asyncio import to_thread

        near = self.memory.get(key)
        if near is not MISSING:
            found: T = near
            return found

        async def work() -> T:
            value = await to_thread(self.get, key)
            if value is not MISSING:
                kept: T = value
                return kept
            computed = await compute()
            await to_thread(self.set, key, computed, ttl=ttl)
            return computed

        return await self._async_flights.fly(key, work)

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
