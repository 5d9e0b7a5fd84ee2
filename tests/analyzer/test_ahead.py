"""Decoding ahead: same blocks, same errors, no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tracktion.audio.ahead import ahead


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "tracktion-decode"]


def test_blocks_come_in_order() -> None:
    assert list(ahead(range(1000), depth=2)) == list(range(1000))
    assert list(ahead([])) == []
    assert not threads()


def test_errors_come_in_their_place() -> None:
    def blocks() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    stream = ahead(blocks())
    assert next(stream) == 1
    with pytest.raises(OSError, match="gone"):
        next(stream)
    assert not threads()


def test_leaving_early_ends_the_thread() -> None:
    for block in ahead(iter(int, 1), depth=2):
        assert block == 0
        break
    assert not threads()
