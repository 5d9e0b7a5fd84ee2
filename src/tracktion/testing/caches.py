"""The contract of `tracktion.cache.Cache` as a test class."""

from __future__ import annotations

import asyncio
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tracktion.cache.protocol import MISSING, Cache
from tracktion.testing.expect import equal, raises, true

__all__ = ["CacheConformance"]


class CacheConformance:
    """Every rule of the contract. Inherit it, and override `make`."""

    def make(self, *, ttl: float | None = None) -> Cache:
        """Return an empty cache, new for each test."""
        raise NotImplementedError

    def test_values_come_back(self) -> None:
        """Plain JSON values, None among them, come back equal."""
        with self.make() as cache:
            true(isinstance(cache, Cache), "names of the protocol are missing")
            values: list[Any] = [None, 0, "", [], {}, 1.5, "é🎵", [1, {"a": [None, True]}], "x" * 100_000]
            for number, value in enumerate(values):
                cache.set(f"k{number}", value)
            equal([cache.get(f"k{number}") for number in range(len(values))], values)
            equal(cache.get("none"), MISSING)
            cache.set("k0", 2)
            equal(cache.get("k0"), 2)
            stats = cache.stats()
            equal((stats.hits, stats.misses), (len(values) + 1, 1))

    def test_any_key_and_any_time(self) -> None:
        """Keys may hold lone surrogates, as names of files do; times without end keep for ever."""
        with self.make() as cache:
            for number, ttl in enumerate((math.inf, math.nan, 1e30, None)):
                cache.set(f"k{number}\udcff", number, ttl=ttl)
            equal([cache.get(f"k{number}\udcff") for number in range(4)], list(range(4)))
            cache.delete("k0\udcff")
            equal((cache.get("k0\udcff"), cache.get("\ud800")), (MISSING, MISSING))
            equal(cache.get("k1\udcff"), 1)
            true(not cache.stats().open, "nothing failed")

    def test_delete_and_clear(self) -> None:
        """Both forget; what is not there may be forgotten too."""
        with self.make() as cache:
            for number in range(20):
                cache.set(f"k{number}", number)
            cache.delete("k3")
            cache.delete("k3")
            equal(cache.get("k3"), MISSING)
            cache.clear()
            equal([cache.get(f"k{number}") for number in range(20)], [MISSING] * 20)

    def test_computed_once(self) -> None:
        """A hundred threads that want one key at the same time cause one computation, and all get its value."""
        with self.make() as cache:
            calls: list[int] = []
            start = threading.Barrier(100)

            def compute() -> dict[str, int]:
                calls.append(1)
                threading.Event().wait(0.05)
                return {"n": len(calls)}

            def ask(_: int) -> dict[str, int]:
                start.wait(20)
                return cache.get_or_compute("popular", compute)

            with ThreadPoolExecutor(100) as pool:
                answers = list(pool.map(ask, range(100)))
            equal(len(calls), 1)
            equal(answers, [{"n": 1}] * 100)

    def test_failures_are_not_kept(self) -> None:
        """What the computation raises reaches who asked; the next one computes again."""
        with self.make() as cache:

            def broken() -> int:
                raise ZeroDivisionError

            for _ in range(2):
                with raises(ZeroDivisionError):
                    cache.get_or_compute("k", broken)
            equal(cache.get_or_compute("k", lambda: 5), 5)
            equal(cache.get_or_compute("k", broken), 5)

    def test_a_computation_may_ask_again(self) -> None:
        """Asking for the same or another key while computing does not wait for itself."""
        with self.make() as cache:
            equal(
                cache.get_or_compute(
                    "a", lambda: cache.get_or_compute("a", lambda: 1) + cache.get_or_compute("b", lambda: 2)
                ),
                3,
            )

    def test_coroutines_compute_once(self) -> None:
        """Coroutines of one loop share a computation; one that is cancelled does not take it from the others."""
        with self.make() as cache:
            calls: list[int] = []

            async def main() -> list[Any]:
                begun, release = asyncio.Event(), asyncio.Event()

                async def compute() -> int:
                    calls.append(1)
                    begun.set()
                    await release.wait()
                    return 7

                tasks = [asyncio.ensure_future(cache.get_or_compute_async("k", compute)) for _ in range(50)]
                await begun.wait()
                tasks[0].cancel()
                await asyncio.sleep(0)
                release.set()
                return await asyncio.gather(*tasks, return_exceptions=True)

            answers = asyncio.run(main())
            true(isinstance(answers[0], asyncio.CancelledError), "the first was cancelled")
            equal(answers[1:], [7] * 49)
            equal(len(calls), 1)
            equal(cache.get("k"), 7)

    def test_a_question_counts_once(self) -> None:
        """As a miss or as a hit."""
        with self.make() as cache:
            for _ in range(3):
                cache.get_or_compute("k", lambda: 1)
            stats = cache.stats()
            equal((stats.hits, stats.misses), (2, 1))

    def test_shrink_and_close(self) -> None:
        """Giving up memory never raises; after close everything is a miss and nothing raises."""
        cache = self.make()
        cache.set("a", 1)
        true(cache.shrink() in (0, 1), "how many were given up")
        cache.close()
        cache.close()
        equal(cache.get("a"), MISSING)
        equal(cache.get_or_compute("a", lambda: 2), 2)
