"""The cache that several processes share: Redis, which may be down, slow or full of rubbish at any time."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tracktion.cache.breaker import Breaker
from tracktion.cache.envelope import seal, unseal
from tracktion.cache.fetching import FetchingCache
from tracktion.cache.keys import MATCH_TTL
from tracktion.cache.protocol import DEFAULT, MISSING, CacheStats, Missing, Ttl, seconds_of
from tracktion.errors import UsageError
from tracktion.extras import needed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RedisCache"]

T = TypeVar("T")

logger = logging.getLogger("tracktion")

PAGE = 500
LONGEST = 1e12
"""Seconds beyond which an entry is kept for ever: Redis counts milliseconds in 64 bits."""


class RedisCache(FetchingCache):
    """Keeps plain JSON values in Redis, as text with version, length and checksum; never pickle.

    A call waits for Redis for `timeout` seconds in all. When that passes, or the connection fails, the answer is
    `MISSING` and a breaker opens: until a probe in the background finds Redis well again, no call waits for it at
    all. A value that is damaged, of another version or of another type is a miss and is deleted.

    Parameters
    ----------
    url
        ``redis://host:port/database``, ``rediss://…`` or ``unix://…``.
    prefix
        What all keys begin with; `clear` deletes no others.
    ttl
        Seconds that an entry is kept when `set` does not say; None: for ever.
    timeout
        Seconds that one call waits at most.
    pause
        Seconds before the first probe after a failure; doubles up to a minute.
    clock
        Monotonic seconds of the breaker.
    """

    def __init__(
        self,
        url: str = "redis://127.0.0.1:6379/0",
        *,
        prefix: str = "tracktion:",
        ttl: float | None = MATCH_TTL,
        timeout: float = 0.2,
        pause: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not prefix:
            raise UsageError("prefix must not be empty: clear() deletes what begins with it")
        redis = needed("redis", "redis", what="RedisCache")
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        try:
            self._client: Any = redis.Redis.from_url(
                url,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                retry=Retry(NoBackoff(), 0),
                max_connections=64,
            )
        except ValueError as error:  # the URL is not told, since it may hold a password
            raise UsageError(f"the URL leads to no Redis: {error}") from None
        self._answered = redis.ResponseError
        self._prefix = prefix
        self._ttl = ttl
        self._timeout = timeout
        self._breaker = Breaker(pause=pause, clock=clock)
        self._start_workers()
        self._hits = self._misses = self._errors = 0
        self._closed = False
        super().__init__()  # last: from now on a fork calls `after_fork`

    def _start_workers(self) -> None:
        # A total limit over connecting, greeting and reading cannot be set on a socket: waiting is done here, the
        # rest by these threads, whose own waits end too.
        self._workers = ThreadPoolExecutor(8, thread_name_prefix="tracktion-redis")
        self._lock = threading.Lock()

    def after_fork(self) -> None:
        """See `tracktion.cache.forks`; connections of the parent are left to it."""
        super().after_fork()
        self._start_workers()
        self._breaker.after_fork()
        self._client.connection_pool.reset()

    def _name(self, key: str) -> bytes:
        return (self._prefix + key).encode("utf-8", "surrogatepass")

    # --- asking Redis ---------------------------------------------------------------------------------------------

    def _ask(self, question: Callable[[], T]) -> T | Missing:
        """Return the answer of Redis, or `MISSING` after at most the time limit."""
        if self._closed:
            return MISSING
        if self._breaker.open:
            if self._breaker.may_probe():
                self._submit(self._probe)
            return MISSING
        future = self._submit(question)
        if future is None:
            return MISSING
        try:
            return future.result(timeout=self._timeout)
        except self._answered as error:
            self._count_error()
            logger.debug("Redis refused: %s", error)
        except TimeoutError:
            self._trip(f"no answer within {self._timeout:g} s")
        except Exception as error:  # noqa: BLE001 - a cache costs speed only, whatever breaks in it
            self._trip(f"{type(error).__name__}: {error}")
        return MISSING

    def _submit(self, question: Callable[[], T]) -> Future[T] | None:
        try:
            return self._workers.submit(question)
        except RuntimeError:  # closed meanwhile, or the interpreter ends
            return None

    def _probe(self) -> None:
        try:
            self._client.ping()
        except Exception:  # noqa: BLE001 - see _ask
            self._breaker.fail()
        else:
            self._breaker.succeed()
            logger.info("Redis answers again")

    def _trip(self, reason: str) -> None:
        self._count_error()
        if self._breaker.fail():
            logger.warning("Redis is left alone for a while: %s", reason)

    def _count_error(self) -> None:
        with self._lock:
            self._errors += 1

    # --- the cache ------------------------------------------------------------------------------------------------

    def get(self, key: str, /) -> Any:
        """See `Cache.get`."""
        return self.get_with_ttl(key)[0]

    def get_with_ttl(self, key: str, /) -> tuple[Any, float | None]:
        """Return the value and the seconds that it has left (None: for ever), or `MISSING`."""
        name = self._name(key)
        answer = self._ask(lambda: self._fetch(name))
        value, left = (MISSING, None) if isinstance(answer, Missing) else answer
        with self._lock:
            if value is MISSING:
                self._misses += 1
            else:
                self._hits += 1
        return value, left

    def _fetch(self, name: bytes) -> tuple[Any, float | None]:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.get(name)
            pipe.pttl(name)
            data, left = pipe.execute(raise_on_error=False)
        if data is None:
            return MISSING, None
        value = unseal(data)
        if value is MISSING:
            if isinstance(data, Exception) and not str(data).startswith("WRONGTYPE"):
                raise data
            self._count_error()
            self._client.delete(name)
        # -1: for ever; -2: it expired between the two questions.
        return value, None if left == -1 or not isinstance(left, int) else max(left, 0) / 1000

    def set(self, key: str, value: Any, /, *, ttl: Ttl = DEFAULT) -> None:
        """See `Cache.set`; a value that is not plain JSON is not kept, nor is the one that it was to replace."""
        data, name = seal(value), self._name(key)
        if data is None:
            self._count_error()
            self._ask(lambda: self._client.delete(name))
            return
        seconds = seconds_of(ttl, self._ttl)
        milliseconds = None if seconds is None or seconds > LONGEST else max(1, int(seconds * 1000))
        self._ask(lambda: self._client.set(name, data, px=milliseconds))

    def delete(self, key: str, /) -> None:
        """See `Cache.delete`."""
        name = self._name(key)
        self._ask(lambda: self._client.delete(name))

    def clear(self) -> None:
        """See `Cache.clear`; goes in pages, each within the time limit."""
        pattern = "".join(f"\\{c}" if c in "*?[]\\" else c for c in self._prefix) + "*"
        cursor = 0
        while True:
            answer = self._ask(lambda at=cursor: self._clear_page(at, pattern))  # type: ignore[misc]
            if isinstance(answer, Missing) or answer == 0:
                return
            cursor = answer

    def _clear_page(self, cursor: int, pattern: str) -> int:
        following, names = self._client.scan(cursor, match=pattern, count=PAGE)
        if names:
            self._client.unlink(*names)
        return int(following)

    def shrink(self, fraction: float = 0.5) -> int:
        """Nothing lies in this process: 0."""
        del fraction
        return 0

    def stats(self) -> CacheStats:
        """See `Cache.stats`; Redis is not asked for its size."""
        with self._lock:
            return CacheStats(self._hits, self._misses, -1, errors=self._errors, open=self._breaker.open)

    def close(self) -> None:
        """See `Cache.close`."""
        if not self._closed:
            self._closed = True
            self._workers.shutdown(wait=False, cancel_futures=True)
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
