"""`cached`, `warm`, keys and the envelope."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracktion.cache import MISSING, WARM_TTL, LRUCache, cache_key, cached, warm
from tracktion.cache.envelope import seal, unseal
from tracktion.errors import UsageError
from tracktion.testing import FakeClock


def test_equal_arguments_are_one_key_however_they_are_passed() -> None:
    """Positional, by keyword or by default."""
    calls: list[Any] = []

    @cached(LRUCache())
    def search(text: str, *, limit: int = 10) -> list[Any]:
        calls.append((text, limit))
        return [text, limit]

    assert search("a") == search(text="a") == search("a", limit=10) == ["a", 10]
    assert search("a", limit=5) == ["a", 5]
    assert calls == [("a", 10), ("a", 5)]
    search.forget("a")  # type: ignore[attr-defined]
    search("a")
    assert len(calls) == 3
    assert search.__name__ == "search"


def test_a_key_function_decides() -> None:
    """Case and spacing can be made not to matter."""
    calls: list[str] = []

    @cached(LRUCache(), key=lambda text: cache_key("search", " ".join(text.lower().split())))
    def search(text: str) -> str:
        calls.append(text)
        return text

    assert search("A  b") == search("a B") == "A  b"
    assert len(calls) == 1


def test_coroutines_are_cached_too() -> None:
    calls: list[int] = []

    @cached(LRUCache())
    async def double(x: int) -> int:
        calls.append(x)
        await asyncio.sleep(0)
        return 2 * x

    async def main() -> list[int]:
        return list(await asyncio.gather(*(double(4) for _ in range(10))))

    assert asyncio.run(main()) == [8] * 10
    assert calls == [4]


def test_arguments_without_a_plain_form_need_a_key_function() -> None:
    @cached(LRUCache())
    def f(x: object) -> int:
        return 1

    with pytest.raises(UsageError, match="key function"):
        f(object())


def test_functions_that_share_a_name_share_no_answers() -> None:
    """Lambdas, functions made by one function, methods of two objects: what no name tells apart has its own keys."""
    cache = LRUCache()

    def times(factor: int) -> Any:
        def product(x: int) -> int:
            return factor * x

        return product

    class Shop:
        def __init__(self, price: int) -> None:
            self.price = price

        def total(self, x: int) -> int:
            return self.price * x

    functions = [
        lambda x: x + 1,
        lambda x: x + 2,
        times(2),
        times(3),
        Shop(2).total,
        Shop(3).total,
        functools.partial(pow, 2),
        functools.partial(pow, 3),
    ]
    kept = [cached(cache)(function) for function in functions]
    for _ in range(2):
        assert [function(5) for function in kept] == [6, 7, 10, 15, 10, 15, 32, 243]
    assert cache.stats().hits == len(functions)


def test_a_name_that_leads_to_one_function_is_its_key_in_every_process() -> None:
    """Module and name; for the function of a script, which is always ``__main__``, the script's file."""

    def plain(function: Any) -> Any:
        return function

    def wrapped(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    def key_in(file: str, decorator: Any) -> str:
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile("def f(x):\n    return x", file, "exec"), names)
        return cached(LRUCache())(decorator(names["f"])).cache_key(1)  # type: ignore[attr-defined, no-any-return]

    for decorator in (plain, wrapped, functools.lru_cache):
        assert key_in("a.py", decorator) == key_in("a.py", decorator) != key_in("b.py", decorator)
        assert key_in("<stdin>", decorator) != key_in("<stdin>", decorator)
    key = cached(LRUCache())(os.path.join).cache_key("a")  # type: ignore[attr-defined]
    assert key == cache_key(f"{os.path.join.__module__}.join", {"a": "a", "p": []})


def test_functions_that_do_not_tell_their_arguments_need_a_key_function() -> None:
    with pytest.raises(UsageError, match="key function"):
        cached(LRUCache())("abc".index)
    assert cached(LRUCache(), key=str)("abc".index)("b") == 1


def test_generators_are_refused() -> None:
    """The answer that was kept would be empty at the second call."""

    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    for function in (numbers, later):
        with pytest.raises(UsageError, match="list"):
            cached(LRUCache())(function)


def test_names_in_a_key_are_text() -> None:
    """JSON would make one key of both."""
    for parts in ({1: 2}, [{"a": {None: 1}}], ({True: 1},)):
        with pytest.raises(UsageError, match="key function"):
            cache_key("f", parts)


def test_warm_reads_what_is_asked_as_it_works() -> None:
    """With two workers, all but one of the items before are done when the next is read: they may be without end."""
    done: list[int] = []
    early: list[int] = []
    ended = threading.Event()

    def items() -> Iterator[int]:
        for number in range(6):
            early.extend([number] if len(done) < number - 1 else [])
            yield number
        ended.set()

    def compute(item: int) -> int:
        ended.wait(0.05)  # time to read on, for who does
        done.append(item)
        return item

    report = warm(LRUCache(), items(), compute, key=str, workers=2)
    assert (report.computed, report.present, report.failed) == (6, 0, 0)
    assert early == []


def test_warm_computes_what_is_missing_and_survives_failures() -> None:
    """Answers computed ahead are kept for a day."""
    clock = FakeClock()
    cache = LRUCache(ttl=60, clock=clock)
    cache.set("k2", "there", ttl=None)
    report = warm(cache, [1, 2, 0], lambda item: 10 // item, key=lambda item: f"k{item}", workers=2)
    assert (report.computed, report.present, report.failed) == (1, 1, 1)
    clock.advance(WARM_TTL - 1)
    assert (cache.get("k1"), cache.get("k2"), cache.get("k0")) == (10, "there", MISSING)
    clock.advance(2)
    assert cache.get("k1") is MISSING


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(PLAIN)
def test_sealed_values_come_back(value: Any) -> None:
    data = seal(value)
    assert data is not None
    assert unseal(data) == value


@given(PLAIN, st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_byte_is_a_miss(value: Any, place: int, change: int) -> None:
    """No single changed byte gets through, whatever it hits."""
    data = bytearray(seal(value) or b"")
    data[place % len(data)] ^= change
    assert unseal(bytes(data)) is MISSING


@given(st.binary() | st.none() | st.text())
def test_rubbish_is_a_miss(data: Any) -> None:
    assert unseal(data) is MISSING


def test_what_is_no_json_is_not_sealed() -> None:
    """Nor what would come back as something else."""
    for value in (object(), float("nan"), (1, 2), {"a": [(1,)]}, {1: "a"}):
        assert seal(value) is None
