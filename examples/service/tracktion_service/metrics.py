"""Counts and durations of requests, in the text form that Prometheus reads."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """An ASGI middleware that measures every request, by route."""

    def __init__(self) -> None:
        self.app: Any = None
        self.gauges: dict[str, Callable[[], float]] = {}
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(_BUCKETS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request and note how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noting(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Any, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"  # a client may make up any number of them
        self._requests[method, route, status] += 1
        place = next((i for i, limit in enumerate(_BUCKETS) if seconds <= limit), len(_BUCKETS))
        self._buckets[route][place] += 1
        self._seconds[route] += seconds

    def text(self) -> str:
        """The page."""
        lines = ["# TYPE service_requests_total counter"]
        for (method, route, status), count in sorted(self._requests.items()):
            labels = f'method="{method}",route="{route}",status="{status}"'
            lines.append(f"service_requests_total{{{labels}}} {count}")
        lines.append("# TYPE service_request_seconds histogram")
        for route, counts in sorted(self._buckets.items()):
            total = 0
            for limit, count in zip((*_BUCKETS, "+Inf"), counts, strict=True):
                total += count
                lines.append(f'service_request_seconds_bucket{{route="{route}",le="{limit}"}} {total}')
            lines.append(f'service_request_seconds_sum{{route="{route}"}} {self._seconds[route]:.6f}')
            lines.append(f'service_request_seconds_count{{route="{route}"}} {total}')
        for name, value in sorted(self.gauges.items()):
            lines += [f"# TYPE {name} gauge", f"{name} {value():g}"]
        return "\n".join(lines) + "\n"
