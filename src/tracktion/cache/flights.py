"""Single flight: what many ask for at once is computed once."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["AsyncFlights", "Flights"]

T = TypeVar("T")


class Flights:
    """Computations that threads of this process wait for together.

    Parameters
    ----------
    patience
        Seconds to wait for another thread's computation before doing it oneself.
    """

    def __init__(self, patience: float = 60.0) -> None:
        self._patience = patience
        self.after_fork()

    def after_fork(self) -> None:
        """Forget the flights: in a child process nobody pilots them."""
        self._lock = threading.Lock()
        self._flights: dict[str, tuple[Future[Any], int]] = {}

    def fly(self, key: str, compute: Callable[[], T]) -> T:
        """Return ``compute()`` of the first thread that asked for `key`."""
        me = threading.get_ident()
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                mine: Future[Any] = Future()
                self._flights[key] = mine, me
        if flight is None:
            return self._pilot(key, mine, compute)
        future, pilot = flight
        return compute() if pilot == me else self._follow(future, compute)

    def _pilot(self, key: str, future: Future[Any], compute: Callable[[], T]) -> T:
        try:
            value = compute()
        except Exception as error:
            self._land(key)
            future.set_exception(error)
            raise
        except BaseException:
            # An interrupt concerns this thread only: the others compute for themselves.
            self._land(key)
            future.cancel()
            raise
        self._land(key)
        future.set_result(value)
        return value

    def _land(self, key: str) -> None:
        with self._lock:
            self._flights.pop(key, None)

    def _follow(self, future: Future[T], compute: Callable[[], T]) -> T:
        try:
            return future.result(timeout=self._patience)
        except CancelledError:
            return compute()
        except TimeoutError:
            if future.done():
                raise
            return compute()


class AsyncFlights:
    """The same for coroutines; each event loop has its own flights."""

    def __init__(self) -> None:
        self.after_fork()

    def after_fork(self) -> None:
        """Forget the tasks: their event loops run in the parent."""
        self._tasks: dict[tuple[int, str], asyncio.Task[Any]] = {}

    async def fly(self, key: str, compute: Callable[[], Awaitable[T]]) -> T:
        """Return what the first coroutine that asked for `key` computes.

        The computation is a task of its own: one waiter that is cancelled does not take it from the others.
        """
        place = (id(asyncio.get_running_loop()), key)
        task = self._tasks.get(place)
        if task is None:
            task = asyncio.ensure_future(_awaited(compute))
            self._tasks[place] = task
            task.add_done_callback(lambda _: self._tasks.pop(place, None))
        result: T = await asyncio.shield(task)
        return result


async def _awaited(compute: Callable[[], Awaitable[T]]) -> T:
    return await compute()
