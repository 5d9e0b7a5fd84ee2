"""Comparisons that say what differs, with or without pytest."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Whole", "equal", "raises", "true"]


class Whole:
    """A whole number of another kind than int, such as NumPy has."""

    def __init__(self, value: int) -> None:
        self._value = value

    def __index__(self) -> int:
        return self._value


def equal(actual: Any, expected: Any) -> None:
    """Raise `AssertionError` unless both are equal."""
    if actual != expected:
        raise AssertionError(f"expected {expected!r}\n     got {actual!r}")


def true(condition: Any, rule: str) -> None:
    """Raise `AssertionError` with the rule that was broken."""
    if not condition:
        raise AssertionError(rule)


@contextmanager
def raises(kind: type[Exception]) -> Iterator[None]:
    """Raise `AssertionError` unless the block raises `kind`."""
    try:
        yield
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was expected")
