"""One piece of work in several threads."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from tracktion.estimators.divided import divided


@pytest.mark.parametrize("workers", [1, 2, 3, 9])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_every_item_once_and_in_order(workers: int, count: int) -> None:
    seen: list[int] = []
    assert divided(lambda i: seen.append(i) or i * i, range(count), workers) == [i * i for i in range(count)]
    assert sorted(seen) == list(range(count))


def test_the_caller_works_too() -> None:
    names = divided(lambda _: threading.current_thread(), range(2), 2)
    assert names[0] is threading.current_thread()
    assert names[1] is not names[0]


@pytest.mark.parametrize("bad", [0, 1])
def test_what_a_thread_raises_is_raised(bad: int) -> None:
    def work(i: int) -> int:
        if i == bad:
            raise MemoryError("no room")
        return i

    with pytest.raises(MemoryError, match="no room"):
        divided(work, range(2), 2)


def test_works_after_the_main_thread_has_ended() -> None:
    code = """
import threading, time
from tracktion.estimators.divided import divided
def late():
    threading.main_thread().join()
    time.sleep(0.2)
    print(divided(lambda i: i + 1, range(4), 2))
threading.Thread(target=late).start()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[1, 2, 3, 4]"
