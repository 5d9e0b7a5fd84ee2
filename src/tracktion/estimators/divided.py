"""One piece of work in several threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["divided"]

Item = TypeVar("Item")
Made = TypeVar("Made")


def divided(work: Callable[[Item], Made], items: Sequence[Item], workers: int) -> list[Made]:
    """`work` of every item, in order; `workers` threads take turns, the caller's is one of them.

    Plain threads, because a pool refuses work as soon as the main thread has ended, though others go on. What a thread
    raises is raised here.
    """
    made: dict[int, Made] = {}
    failed: list[BaseException] = []

    def every(first: int) -> None:
        try:
            for i in range(first, len(items), workers):
                made[i] = work(items[i])
        except BaseException as error:  # noqa: BLE001 - it is raised again by the caller
            failed.append(error)

    others = [
        threading.Thread(target=every, args=(first,), name="tracktion-share")
        for first in range(1, min(workers, len(items)))
    ]
    for thread in others:
        thread.start()
    every(0)
    for thread in others:
        thread.join()
    if failed:
        raise failed[0]
    return [made[i] for i in range(len(items))]
