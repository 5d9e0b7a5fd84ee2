"""`cached` for functions and coroutines, `warm` for what is going to be asked."""

from __future__ import annotations

import functools
import inspect
import itertools
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, NoneType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from tracktion.cache.keys import WARM_TTL, cache_key
from tracktion.cache.protocol import DEFAULT, MISSING, Cache, Ttl
from tracktion.errors import UsageError
from tracktion.results.base import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["WarmReport", "cached", "warm"]

P = ParamSpec("P")
R = TypeVar("R")
I = TypeVar("I")  # noqa: E741 - an item


def cached(
    cache: Cache, *, key: Callable[..., str] | None = None, ttl: Ttl = DEFAULT
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the answers of a function, or of a coroutine function, in `cache`.

    Parameters
    ----------
    cache
        Where.
    key
        Called with the arguments, returns the key. Without it, arguments must be plain JSON values, and equal
        values have equal keys however they are passed. They go with the function's module (a script: its file) and
        name, so that other processes find the answers. What no name leads to (a lambda, a function made in another
        one or typed at a prompt, a bound method, a ``partial``) has keys that nobody shares, new ones each time it is
        decorated.
    ttl
        Seconds; None never expires; by default what the cache was made with.

    Returns
    -------
    callable
        The function, with ``cache_key(*args, **kwargs)`` to know its key and ``forget(*args, **kwargs)`` to drop an
        answer.

    Raises
    ------
    UsageError
        The function is a generator, whose answer can be gone through once only.

    Examples
    --------
    >>> from tracktion.cache import LRUCache
    >>> @cached(LRUCache())
    ... def square(x):
    ...     return x * x
    >>> square(3), square(x=3)
    (9, 9)
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise UsageError("a generator can be gone through once only: let the function return a list")
        make_key = key or _default_key(function)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
                return await cache.get_or_compute_async(
                    make_key(*args, **kwargs), lambda: cast("Any", function(*args, **kwargs)), ttl=ttl
                )
        else:

            @functools.wraps(function)
            def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
                return cache.get_or_compute(make_key(*args, **kwargs), lambda: function(*args, **kwargs), ttl=ttl)

        made: Any = wrapper
        made.cache_key = make_key
        made.forget = lambda *args, **kwargs: cache.delete(make_key(*args, **kwargs))
        return cast("Callable[P, R]", made)

    return decorate


def _default_key(function: Callable[..., Any]) -> Callable[..., str]:
    try:
        signature, name = inspect.signature(function), _name_of(function)
    except ValueError as error:  # some that are written in C
        raise UsageError(f"{error}: give a key function") from None

    def make_key(*args: Any, **kwargs: Any) -> str:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return cache_key(name, dict(bound.arguments))

    return make_key


def _name_of(function: Callable[..., Any]) -> str:
    """Return what stands for a function in keys: the same in every process, or else this once."""
    name, place = getattr(function, "__qualname__", "<"), str(getattr(function, "__module__", "<"))
    if place == "__main__":
        # Of what a decorator made, the code is the decorator's: the same in every script.
        code = getattr(inspect.unwrap(function), "__code__", None)
        place = "<" if code is None else str(Path(code.co_filename).resolve())
    if "<" in place + name or not isinstance(getattr(function, "__self__", None), (NoneType, ModuleType)):
        return f"{name}:{uuid.uuid4().hex}"
    return f"{place}.{name}"


@dataclass(frozen=True, slots=True)
class WarmReport(Result):
    """What `warm` did: items computed, items that were there, items that failed."""

    computed: int
    present: int
    failed: int


def warm(
    cache: Cache,
    items: Iterable[I],
    compute: Callable[[I], Any],
    *,
    key: Callable[[I], str],
    ttl: Ttl = WARM_TTL,
    workers: int = 1,
) -> WarmReport:
    """Compute what is going to be asked, and keep it for a day.

    Parameters
    ----------
    cache
        Where.
    items
        What is going to be asked, say popular searches; read as it is worked on.
    compute
        Called with an item that the cache does not have; what it raises counts as a failure and stops nothing.
    key
        Called with an item.
    ttl
        Seconds.
    workers
        Threads.
    """

    def one(item: I) -> str:
        name = key(item)
        if cache.get(name) is not MISSING:
            return "present"
        try:
            value = compute(item)
        except Exception:  # noqa: BLE001 - warming is a favour
            return "failed"
        cache.set(name, value, ttl=ttl)
        return "computed"

    waiting, lock = iter(items), threading.Lock()

    def draw() -> list[I]:
        with lock:
            return list(itertools.islice(waiting, 1))

    def work() -> Counter[str]:
        return Counter(one(item) for drawn in iter(draw, []) for item in drawn)

    if workers <= 1:
        outcomes = work()
    else:
        with ThreadPoolExecutor(workers, thread_name_prefix="tracktion-warm") as pool:
            parts = [pool.submit(work) for _ in range(workers)]
        outcomes = sum((part.result() for part in parts), Counter())
    return WarmReport(*(outcomes[kind] for kind in ("computed", "present", "failed")))
