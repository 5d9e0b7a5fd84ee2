"""Computing what is missing, for caches whose `get` may go over a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from tracktion.cache.flights import AsyncFlights, Flights
from tracktion.cache.forks import renewed_in_children
from tracktion.cache.protocol import DEFAULT, MISSING, Ttl

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["FetchingCache"]

T = TypeVar("T")


class FetchingCache(ABC):
    """Looks a key up within the flight, so that of many who ask only one waits for the network."""

    def __init__(self) -> None:
        self._flights = Flights()
        self._async_flights = AsyncFlights()
        renewed_in_children(self)

    def after_fork(self) -> None:
        """See `tracktion.cache.forks`."""
        self._flights.after_fork()
        self._async_flights.after_fork()

    @abstractmethod
    def get(self, key: str, /) -> Any:
        """See `Cache.get`."""

    @abstractmethod
    def set(self, key: str, value: Any, /, *, ttl: Ttl = DEFAULT) -> None:
        """See `Cache.set`."""

    def _near(self, key: str) -> Any:
        """What lies in this process, or `MISSING`."""
        del key
        return MISSING

    def get_or_compute(self, key: str, compute: Callable[[], T], /, *, ttl: Ttl = DEFAULT) -> T:
        """See `Cache.get_or_compute`; one of this process computes, other processes may at the same time."""

        def work() -> T:
            value = self.get(key)
            if value is MISSING:
                value = compute()
                self.set(key, value, ttl=ttl)
            found: T = value
            return found

        near = self._near(key)
        kept: T = self._flights.fly(key, work) if near is MISSING else near
        return kept

    async def get_or_compute_async(self, key: str, compute: Callable[[], Awaitable[T]], /, *, ttl: Ttl = DEFAULT) -> T:
        """See `Cache.get_or_compute_async`; the event loop does not wait for the network."""
        from asyncio import to_thread

        async def work() -> T:
            value = await to_thread(self.get, key)
            if value is MISSING:
                value = await compute()
                await to_thread(self.set, key, value, ttl=ttl)
            found: T = value
            return found

        near = self._near(key)
        kept: T = await self._async_flights.fly(key, work) if near is MISSING else near
        return kept
