"""Sources elsewhere: ``https://``, ``s3://`` and what else fsspec knows (extra ``remote``).

A remote file is copied to a temporary one first, within limits on size and time, and then opened like any other:
decoders jump about in files, and a connection that breaks must not look like a broken recording.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tracktion.errors import TimeoutExceededError, TooBigError, TracktionError, UnreadableError, UsageError
from tracktion.extras import needed

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["PROTOCOLS", "Remote", "RemoteLimits", "is_remote", "is_url", "name_of", "public_name"]

logger = logging.getLogger("tracktion")

PROTOCOLS = frozenset({"http", "https", "s3", "gs", "gcs", "az", "abfs", "abfss", "ftp", "sftp", "webdav", "memory"})
"""What is fetched unless a caller says otherwise: never local files, never chains (``zip://…::…``)."""

_CHUNK = 1 << 18
_HTTP = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """What a remote file may cost.

    Attributes
    ----------
    max_bytes
        Of the file as it arrives, after any transport compression.
    connect_seconds, idle_seconds, total_seconds
        To connect, without a byte, and in all.
    concurrency
        Fetches at the same time; others wait, at most `total_seconds`.
    protocols
        What may be fetched.
    """

    max_bytes: int = 100 * 1024 * 1024
    connect_seconds: float = 10.0
    idle_seconds: float = 30.0
    total_seconds: float = 300.0
    concurrency: int = 8
    protocols: frozenset[str] = PROTOCOLS


def is_url(source: object) -> bool:
    """Whether a source is text with a protocol, whatever that is; everything else that is text is a path."""
    return isinstance(source, str) and "://" in source


def is_remote(source: object) -> bool:
    """Whether a source is a URL that `Remote` would fetch: text with a known protocol before ``://``."""
    return is_url(source) and str(source).partition("://")[0].lower() in PROTOCOLS


def public_name(url: str) -> str:
    """The URL without user, password, query and fragment, which may be secrets: for messages and results."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return url.partition("://")[0] + "://…"
    if parts.hostname is None:
        return f"{parts.scheme}://{parts.path}"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path}"


def name_of(source: object) -> str | None:
    """Text that names a source to people: a path, a URL without secrets, or None for arrays, bytes, unnamed files."""
    if is_url(source):
        return public_name(str(source))
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else None


@dataclass(slots=True)
class Remote:
    """Fetches remote files within limits; may be used from many threads.

    Parameters
    ----------
    limits
        See `RemoteLimits`.
    options
        Options of fsspec's file systems by protocol, such as ``{"s3": {"anon": True}}``.

    Examples
    --------
    >>> import fsspec
    >>> with fsspec.open("memory://song.wav", "wb") as file:
    ...     file.write(b"RIFF")
    4
    >>> with Remote().fetch("memory://song.wav") as file:
    ...     file.read()
    b'RIFF'
    """

    limits: RemoteLimits = field(default_factory=RemoteLimits)
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    _gate: threading.BoundedSemaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.limits.concurrency < 1:
            raise UsageError("concurrency must be at least 1")
        self._gate = threading.BoundedSemaphore(self.limits.concurrency)

    @contextlib.contextmanager
    def fetch(self, url: str) -> Iterator[IO[bytes]]:
        """Copy a remote file to a temporary one, and give that, open at its start; it is gone afterwards.

        Parameters
        ----------
        url
            What to fetch.

        Raises
        ------
        UsageError
            A protocol that is not allowed, or fsspec or its part for it is not installed.
        UnreadableError
            Not there, not allowed, or the connection broke.
        TooBigError
            More bytes than allowed, declared or real.
        TimeoutExceededError
            No connection, no byte, or not done in time.
        """
        protocol = url.partition("://")[0].lower()
        if protocol not in self.limits.protocols or "::" in url:
            raise UsageError(f"{protocol}:// is not among the protocols that are fetched", file=public_name(url))
        deadline = time.monotonic() + self.limits.total_seconds
        with tempfile.TemporaryFile(prefix="tracktion-") as file:
            if not self._gate.acquire(timeout=self.limits.total_seconds):
                raise TimeoutExceededError("other fetches took too long", file=public_name(url), stage="fetch")
            try:
                with _translated(url):
                    self._copy(url, protocol, file, deadline)
            finally:
                self._gate.release()
            file.seek(0)
            yield file

    def _copy(self, url: str, protocol: str, file: IO[bytes], deadline: float) -> None:
        system = self._system(protocol, deadline)
        # With a size given, fsspec asks only once, and with no blocks it streams: servers that know no ranges are fine.
        options: dict[str, Any] = {"block_size": 0, "size": -1} if protocol in _HTTP else {}
        size = 0
        with system.open(url, "rb", **options) as remote:
            declared = getattr(getattr(remote, "r", remote), "content_length" if protocol in _HTTP else "size", None)
            if isinstance(declared, int) and declared > self.limits.max_bytes:
                raise TooBigError(f"{declared} bytes declared (RemoteLimits.max_bytes)", stage="fetch")
            while chunk := remote.read(_CHUNK):
                size += len(chunk)
                if size > self.limits.max_bytes:
                    raise TooBigError(
                        f"more than {self.limits.max_bytes} bytes (RemoteLimits.max_bytes)", stage="fetch"
                    )
                if time.monotonic() > deadline:
                    raise TimeoutExceededError("not done in time (RemoteLimits.total_seconds)", stage="fetch")
                file.write(chunk)
        logger.debug("fetched %d bytes from %s", size, public_name(url))

    def _system(self, protocol: str, deadline: float) -> AbstractFileSystem:
        fsspec = needed("fsspec", "remote", what="a remote source")
        options = dict(self.options.get(protocol, {}))
        if protocol in _HTTP:
            import aiohttp

            options["skip_instance_cache"] = True
            options["client_kwargs"] = options.get("client_kwargs", {}) | {
                "timeout": aiohttp.ClientTimeout(
                    total=max(0.001, deadline - time.monotonic()),
                    sock_connect=self.limits.connect_seconds,
                    sock_read=self.limits.idle_seconds,
                )
            }
        return fsspec.filesystem(protocol, **options)


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    """Errors of fsspec and its transports as ours, with the URL and without its secrets."""
    name = public_name(url)
    try:
        yield
    except TracktionError as error:
        error.file = error.file or name
        raise
    except TimeoutError as error:
        raise TimeoutExceededError("no answer in time (RemoteLimits)", file=name, stage="fetch") from error
    except ImportError as error:
        raise UsageError(f"{name} needs another package: {error}", file=name, stage="fetch") from error
    except FileNotFoundError as error:
        raise UnreadableError("not there", file=name, stage="fetch") from error
    except Exception as error:
        status = getattr(error, "status", None)
        reason = f"HTTP status {status}" if status else f"the connection failed ({type(error).__name__})"
        raise UnreadableError(reason, file=name, stage="fetch") from error
