"""The application: routes over the library."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import tracktion as tk
from tracktion.errors import StorageBusyError, StorageError, UsageError
from tracktion_service.auth import Accounts
from tracktion_service.jobs import Analyses
from tracktion_service.metrics import Metrics
from tracktion_service.readers import Readers
from tracktion_service.settings import Settings
from tracktion_service.uploads import TooLargeError, TooSlowError, receive

_MAX_JSON = 64 * 1024
_MAX_TEXT = 300
_MAX_LIMIT = 100
T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]


class IdConvertor(Convertor[int]):
    """Ids in paths: numbers that a database can hold, and Python reads without a limit on digits."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        """Text to number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Number to text."""
        return str(value)


register_url_convertor("id", IdConvertor())


class Service:
    """What the routes share; made once for each application."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.uploads.mkdir(parents=True, exist_ok=True)
        self.storage = tk.open_storage(settings.storage)
        self.cache = tk.RedisCache(settings.redis) if settings.redis else tk.LRUCache()
        self.matcher = tk.Matcher(self.storage, resident=True)
        self.readers = Readers(settings.readers)
        self.accounts = Accounts(self.storage, token_seconds=settings.token_seconds)
        self.analyses = Analyses(
            self.storage,
            settings.uploads.absolute(),
            workers=settings.workers,
            timeout_seconds=settings.timeout_seconds,
        )
        self.metrics = Metrics()
        self.metrics.gauges["service_waiting_files"] = lambda: float(self.analyses.waiting)

    async def read(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do quick work that only reads; what writes or takes long has other threads (`asyncio.to_thread`)."""
        return await self.readers.run(work, *arguments)

    def found(self, text: str, limit: int) -> str:
        """The answer to a search, as JSON.

        Text is kept and not objects: tens of thousands of them in memory would be a burden for the garbage collector.
        """
        question = (self.storage.url, str(self.storage.revision), str(limit), " ".join(text.lower().split()))

        def answer() -> str:
            matches = [_match(match) for match in self.matcher.search(text, limit=limit)]
            return json.dumps({"matches": matches}, ensure_ascii=False, separators=(",", ":"))

        return self.cache.get_or_compute("search:" + "\x1f".join(question), answer, ttl=tk.cache.MATCH_TTL)

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Start and stop with the server."""
        await asyncio.to_thread(self.matcher.warm)
        await self.analyses.start()
        try:
            yield
        finally:
            await self.analyses.stop()
            self.readers.close()
            await asyncio.to_thread(self.storage.close)


def create_app(settings: Settings | None = None) -> Any:
    """Make the ASGI application."""
    service = Service(settings or Settings.from_environment())
    app = Starlette(
        routes=_routes(),
        lifespan=service.lifespan,
        exception_handlers={
            HTTPException: _refused,
            UsageError: _misused,
            StorageError: _unavailable,
            ClientDisconnect: _gone,
        },
    )
    app.state.service = service
    service.metrics.app = app
    return service.metrics


def _routes() -> list[Route]:
    return [
        Route("/health", health),
        Route("/ready", ready),
        Route("/metrics", metrics),
        Route("/auth/token", log_in, methods=["POST"]),
        Route("/auth/token", log_out, methods=["DELETE"]),
        Route("/auth/me", who_am_i),
        Route("/tracks", search),
        Route("/tracks/{id:id}", track),
        Route("/tracks/{id:id}/similar", similar),
        Route("/uploads", upload, methods=["POST"]),
        Route("/jobs/{name}", job),
        Route("/playlists", playlists),
        Route("/playlists", make_playlist, methods=["POST"]),
        Route("/playlists/{id:id}", playlist),
        Route("/playlists/{id:id}", drop_playlist, methods=["DELETE"]),
        Route("/playlists/{id:id}/entries", add_entries, methods=["POST"]),
        Route("/playlists/{id:id}/entries/{entry:id}", move_entry, methods=["PATCH"]),
        Route("/playlists/{id:id}/entries/{entry:id}", drop_entry, methods=["DELETE"]),
    ]


def _of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _refused(_request: Request, error: Exception) -> Response:
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
    headers = error.headers if isinstance(error, HTTPException) else None
    return JSONResponse({"error": detail}, status_code=status, headers=headers)


async def _misused(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": getattr(error, "reason", str(error))}, status_code=400)


async def _unavailable(_request: Request, error: Exception) -> Response:
    busy = isinstance(error, StorageBusyError)
    headers = {"Retry-After": "1"} if busy else None
    return JSONResponse({"error": "storage is busy" if busy else "storage failed"}, status_code=503, headers=headers)


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=499)


def authenticated(endpoint: Endpoint) -> Endpoint:
    """Let only requests with a good bearer token through."""

    @functools.wraps(endpoint)
    async def checked(request: Request) -> Response:
        service, token = _of(request), _token(request)
        user = service.accounts.remembered(token) or await service.read(service.accounts.user_of, token)
        if user is None:
            raise HTTPException(401, "a valid token is needed", headers={"WWW-Authenticate": "Bearer"})
        request.state.user = user
        return await endpoint(request)

    return checked


def _token(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


async def _json(request: Request) -> dict[str, Any]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_JSON:
            raise HTTPException(413, f"at most {_MAX_JSON} bytes of JSON")
    try:
        data = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is no JSON") from error
    if not isinstance(data, dict):
        raise HTTPException(400, "the body is no JSON object")
    return data


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_TEXT:
        raise HTTPException(400, f"{name!r} must be text of at most {_MAX_TEXT} characters")
    return value


def _ids(data: dict[str, Any], name: str) -> list[int]:
    values = data.get(name)
    if not isinstance(values, list) or not all(type(v) is int and 0 < v < 2**63 for v in values):
        raise HTTPException(400, f"{name!r} must be a list of track ids")
    return values


def _number(request: Request, name: str, default: int, highest: int) -> int:
    text = request.query_params.get(name, str(default))
    if not re.fullmatch(IdConvertor.regex, text) or int(text) > highest:
        raise HTTPException(400, f"{name!r} must be a number up to {highest}")
    return int(text)


async def health(request: Request) -> Response:
    """Whether the process answers at all: touches nothing else."""
    return JSONResponse({"status": "ok", "version": tk.__version__, "waiting": _of(request).analyses.waiting})


async def ready(request: Request) -> Response:
    """Whether the storage answers too, and somebody analyses."""
    service = _of(request)
    state = await asyncio.to_thread(service.storage.health)
    ok = state.ok and service.analyses.alive
    body = {"ok": ok, "home": state.home, "latency": state.latency, "analysing": service.analyses.alive}
    return JSONResponse(body, status_code=200 if ok else 503)


async def metrics(request: Request) -> Response:
    """Counts and durations, for Prometheus."""
    return PlainTextResponse(_of(request).metrics.text())


async def log_in(request: Request) -> Response:
    """User and password for a token."""
    data = await _json(request)
    user, password = _text(data, "user"), _text(data, "password")
    accounts = _of(request).accounts
    if not await asyncio.to_thread(accounts.check_password, user, password):
        raise HTTPException(401, "user or password is wrong")
    return JSONResponse({"token": await asyncio.to_thread(accounts.issue, user)}, status_code=201)


@authenticated
async def log_out(request: Request) -> Response:
    """End the token that this request carries."""
    await asyncio.to_thread(_of(request).accounts.revoke, _token(request))
    return Response(status_code=204)


@authenticated
async def who_am_i(request: Request) -> Response:
    """The user of the token."""
    return JSONResponse({"user": request.state.user})


@authenticated
async def search(request: Request) -> Response:
    """``?q=text&limit=10``: tracks like the text, best first."""
    text = request.query_params.get("q", "").strip()
    if not text or len(text) > _MAX_TEXT:
        raise HTTPException(400, f"'q' must be text of at most {_MAX_TEXT} characters")
    limit = _number(request, "limit", 10, _MAX_LIMIT)
    service = _of(request)
    found = await service.read(service.found, text, limit)
    return Response(found, media_type="application/json")


def _match(match: tk.Match) -> dict[str, Any]:
    return {"score": round(match.score, 4), "track": match.track.to_dict()}


async def _track(request: Request) -> tk.Track:
    found = await _of(request).read(_of(request).storage.get_track, request.path_params["id"])
    if found is None:
        raise HTTPException(404, "no such track")
    return found


@authenticated
async def track(request: Request) -> Response:
    """One track, with its analysis when there is one."""
    found = await _track(request)
    analysis = await asyncio.to_thread(_of(request).analyses.analysis_of, found)
    return JSONResponse({"track": found.to_dict(), "analysis": analysis})


@authenticated
async def similar(request: Request) -> Response:
    """Tracks that mix well with this one."""
    found, limit = await _track(request), _number(request, "limit", 10, _MAX_LIMIT)
    matches = await asyncio.to_thread(_of(request).matcher.compatible, found, limit=limit)
    return JSONResponse({"matches": [_match(match) for match in matches]})


@authenticated
async def upload(request: Request) -> Response:
    """Take the request's body as a file, ``?name=song.mp3``; it is analysed later, see the job."""
    service = _of(request)
    settings = service.settings
    declared = request.headers.get("content-length", "0")
    if re.fullmatch(IdConvertor.regex, declared) and int(declared) > settings.max_upload_bytes:
        raise HTTPException(413, f"at most {settings.max_upload_bytes} bytes")
    if service.analyses.waiting >= settings.queue:
        raise HTTPException(503, "too many files are waiting", headers={"Retry-After": "30"})
    try:
        path, size = await receive(
            request.stream(),
            settings.uploads.absolute(),
            name=request.query_params.get("name", ""),
            max_bytes=settings.max_upload_bytes,
            idle_seconds=settings.idle_seconds,
        )
    except TooLargeError as error:
        raise HTTPException(413, f"at most {settings.max_upload_bytes} bytes") from error
    except TooSlowError as error:
        raise HTTPException(408, "nothing came for too long") from error
    name = await service.analyses.submit(path, size)
    return JSONResponse({"job": name, "bytes": size}, status_code=202, headers={"Location": f"/jobs/{name}"})


@authenticated
async def job(request: Request) -> Response:
    """How far an upload is."""
    found = await _of(request).read(_of(request).analyses.find, request.path_params["name"])
    if found is None:
        raise HTTPException(404, "no such job")
    return JSONResponse(found)


@authenticated
async def playlists(request: Request) -> Response:
    """All playlists."""
    found = await _of(request).read(_of(request).storage.list_playlists)
    return JSONResponse({"playlists": [entry.to_dict() for entry in found]})


@authenticated
async def make_playlist(request: Request) -> Response:
    """``{"name": …, "tracks": [ids]}``."""
    data = await _json(request)
    name, tracks = _text(data, "name"), _ids(data, "tracks") if "tracks" in data else []
    made = await asyncio.to_thread(_of(request).storage.create_playlist, name, track_ids=tracks)
    return JSONResponse(made.to_dict(), status_code=201, headers={"Location": f"/playlists/{made.id}"})


@authenticated
async def playlist(request: Request) -> Response:
    """A playlist and a page of its entries, ``?offset=0&limit=100``."""
    storage, number = _of(request).storage, request.path_params["id"]
    offset, limit = _number(request, "offset", 0, 10**9), _number(request, "limit", 100, 1000)

    def read() -> dict[str, Any] | None:
        found = storage.get_playlist(number)
        if found is None:
            return None
        entries = storage.playlist_entries(number, offset=offset, limit=limit)
        return {**found.to_dict(), "entries": [entry.to_dict() for entry in entries]}

    found = await _of(request).read(read)
    if found is None:
        raise HTTPException(404, "no such playlist")
    return JSONResponse(found)


@authenticated
async def drop_playlist(request: Request) -> Response:
    """Delete a playlist."""
    if not await asyncio.to_thread(_of(request).storage.delete_playlist, request.path_params["id"]):
        raise HTTPException(404, "no such playlist")
    return Response(status_code=204)


@authenticated
async def add_entries(request: Request) -> Response:
    """``{"tracks": [ids], "position": 0}``; without a position at the end."""
    data, storage, number = await _json(request), _of(request).storage, request.path_params["id"]
    tracks = _ids(data, "tracks")
    if "position" in data:
        work = functools.partial(storage.insert_into_playlist, number, _position(data), tracks)
    else:
        work = functools.partial(storage.add_to_playlist, number, tracks)
    return JSONResponse({"entries": await asyncio.to_thread(work)}, status_code=201)


@authenticated
async def move_entry(request: Request) -> Response:
    """``{"position": 0}``."""
    data, where = await _json(request), request.path_params
    await asyncio.to_thread(_of(request).storage.move_in_playlist, where["id"], where["entry"], _position(data))
    return Response(status_code=204)


@authenticated
async def drop_entry(request: Request) -> Response:
    """Take one entry out."""
    where = request.path_params
    await asyncio.to_thread(_of(request).storage.remove_from_playlist, where["id"], [where["entry"]])
    return Response(status_code=204)


def _position(data: dict[str, Any]) -> int:
    value = data.get("position")
    if type(value) is not int or not 0 <= value < 2**31:
        raise HTTPException(400, "'position' must be a number from 0")
    return value
