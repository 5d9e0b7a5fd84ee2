"""`cached` for functions and coroutines, `warm` for what is going to be asked."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from tracktion.cache.keys import WARM_TTL, cache_key
from tracktion.cache.protocol import DEFAULT, MISSING, Cache, Ttl
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
        values have equal keys however they are passed.
    ttl
        Seconds; None never expires; by default what the cache was made with.

    Returns
    -------
    callable
        The function, with ``cache_key(*args, **kwargs)`` to know its key and ``forget(*args, **kwargs)`` to drop an
        answer.

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
        signature = inspect.signature(function)
        name = f"{function.__module__}.{function.__qualname__}"

        def default_key(*args: Any, **kwargs: Any) -> str:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return cache_key(name, dict(bound.arguments))

        make_key = key or default_key
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

    if workers <= 1:
        outcomes = [one(item) for item in items]
    else:
        with ThreadPoolExecutor(workers, thread_name_prefix="tracktion-warm") as pool:
            outcomes = list(pool.map(one, items))
    return WarmReport(*(outcomes.count(kind) for kind in ("computed", "present", "failed")))
