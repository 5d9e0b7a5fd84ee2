"""Threads for quick reads, which hand their answers back in lots.

Two threads of one interpreter that wake each other for every request spend a fifth of their time on that. Here a thread
does what has queued up meanwhile, for up to ten milliseconds, before it wakes the loop; alone, a request does not wait.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_LOT_SECONDS = 0.01


class Readers:
    """Run short functions in threads, for coroutines of one loop.

    Parameters
    ----------
    count
        Threads.
    """

    def __init__(self, count: int) -> None:
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._run, name=f"read-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Return ``work(*arguments)``, or raise what it raised."""
        job = _Job(asyncio.get_running_loop(), work, arguments)
        self._queue.put(job)
        answer: T = await job.future
        return answer

    def close(self) -> None:
        """End the threads once they have done what is queued."""
        for _ in self._threads:
            self._queue.put(None)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            lot, until = [job], time.monotonic() + _LOT_SECONDS
            job.do()
            while time.monotonic() < until:
                try:
                    another = self._queue.get_nowait()
                except queue.Empty:
                    break
                if another is None:
                    self._queue.put(None)  # for this thread, after the lot
                    break
                another.do()
                lot.append(another)
            try:
                job.loop.call_soon_threadsafe(_deliver, lot)
            except RuntimeError:  # the loop was closed meanwhile: nobody waits
                return


class _Job:
    """A function, and the future of its answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self._work, self._arguments = work, arguments
        self._answer: Any = None
        self._error: BaseException | None = None

    def do(self) -> None:
        """Run it, unless nobody waits any more."""
        if self.future.cancelled():
            return
        try:
            self._answer = self._work(*self._arguments)
        except BaseException as error:  # noqa: BLE001 - goes to who asked
            self._error = error

    def tell(self) -> None:
        """Give the answer; in the thread of the loop."""
        if self.future.done():
            return
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(self._answer)


def _deliver(lot: list[_Job]) -> None:
    for job in lot:
        job.tell()
