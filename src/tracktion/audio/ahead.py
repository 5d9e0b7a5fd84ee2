"""Decode ahead of the consumer in a second thread; the decoders release the GIL."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

__all__ = ["ahead"]

Block = TypeVar("Block")
_LOOK_SECONDS = 0.05


def ahead(blocks: Iterable[Block], *, depth: int = 8) -> Generator[Block, None, None]:
    """Yield `blocks` in order, while a thread produces up to `depth` of them in advance.

    What the producer raises is raised here, in its place. Closing the generator early ends the thread, and has to be
    done before what the thread reads from is closed: a generator that is only dropped lives on in a traceback.
    """
    ready: queue.Queue[tuple[Block | None, BaseException | None]] = queue.Queue(depth)
    stop = threading.Event()

    def offer(item: tuple[Block | None, BaseException | None]) -> bool:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=_LOOK_SECONDS)
                return True
        return False

    def produce() -> None:
        try:
            for block in blocks:
                if not offer((block, None)):
                    return
            offer((None, None))
        except BaseException as error:  # noqa: BLE001 - it is raised again by the consumer
            offer((None, error))

    thread = threading.Thread(target=produce, name="tracktion-decode", daemon=True)
    try:
        thread.start()
        while True:
            block, error = ready.get()
            if error is not None:
                raise error
            if block is None:
                return
            yield block
    finally:
        stop.set()
        _join(thread)


def _join(thread: threading.Thread) -> None:
    """Wait for the thread even if interrupted: the decoder under it may be closed next. Then the interrupt goes on."""
    interrupt: BaseException | None = None
    while thread.is_alive():
        try:
            thread.join()
        except BaseException as error:  # noqa: BLE001 - raised below
            interrupt = error
    if interrupt is not None:
        raise interrupt
