"""Quick reads of the service: answers, mistakes, those who went away, and how often the loop is woken."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest


def readers(count: int = 1) -> Any:
    from tracktion_service.readers import Readers

    return Readers(count)


def test_everybody_gets_his_own_answer() -> None:
    async def ask() -> list[int]:
        threads = readers(3)
        try:
            return await asyncio.gather(*(threads.run(pow, n, 2) for n in range(200)))
        finally:
            threads.close()

    assert asyncio.run(ask()) == [n * n for n in range(200)]


def test_a_mistake_goes_to_who_asked_and_to_nobody_else() -> None:
    async def ask() -> list[Any]:
        threads = readers()
        found = await asyncio.gather(*(threads.run(divmod, 7, n) for n in (2, 0, 3)), return_exceptions=True)
        threads.close()
        return found

    first, wrong, last = asyncio.run(ask())
    assert (first, last) == ((3, 1), (2, 1))
    assert isinstance(wrong, ZeroDivisionError)


def test_what_queues_up_is_answered_by_one_wake_up() -> None:
    async def ask() -> int:
        threads, loop, woken = readers(), asyncio.get_running_loop(), []
        wake = loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *a, **k: (woken.append(a), wake(*a, **k))[1]  # type: ignore[method-assign]
        held = threading.Event()
        first = asyncio.ensure_future(threads.run(held.wait))
        others = [asyncio.ensure_future(threads.run(abs, -n)) for n in range(50)]
        await asyncio.sleep(0)
        held.set()
        assert await asyncio.gather(first, *others) == [True, *range(50)]
        threads.close()
        return len(woken)

    assert asyncio.run(ask()) < 10


def test_work_of_those_who_went_away_is_not_done() -> None:
    async def ask() -> list[int]:
        threads, held, done = readers(), threading.Event(), []
        first = asyncio.ensure_future(threads.run(held.wait))
        gone = asyncio.ensure_future(threads.run(done.append, 1))
        kept = asyncio.ensure_future(threads.run(done.append, 2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        held.set()
        await asyncio.gather(first, kept)
        threads.close()
        return done

    assert asyncio.run(ask()) == [2]


def test_threads_end_when_closed_or_when_the_loop_is_gone() -> None:
    begun, held = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        held.wait()

    async def leave(threads: Any) -> None:
        task = asyncio.ensure_future(threads.run(hold))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    left, closed = readers(), readers(2)
    asyncio.run(leave(left))
    held.set()
    closed.close()
    for thread in (*left._threads, *closed._threads):
        thread.join(10)
        assert not thread.is_alive()
