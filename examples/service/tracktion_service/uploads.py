"""Uploads: streamed to disk, counted on the way, named by their content."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

_BUFFER = 1 << 20
SUFFIXES = frozenset({".mp3", ".m4a", ".aac", ".ogg", ".opus", ".flac", ".wav", ".aif", ".aiff", ".wma"})


class TooLargeError(Exception):
    """More bytes than allowed."""


class TooSlowError(Exception):
    """The client stopped sending."""


async def receive(
    chunks: AsyncIterator[bytes], folder: Path, *, name: str, max_bytes: int, idle_seconds: float
) -> tuple[Path, int]:
    """Write a request's body to `folder` and return its path and size.

    The file is named by a hash of its content, so that the client's name never touches the disk and the same file
    twice is one file. Nothing is left behind when the client goes away, stops or sends too much.

    Parameters
    ----------
    chunks
        The body.
    folder
        Where to put it.
    name
        The client's name for it; only a known suffix is kept.
    max_bytes
        More raise `TooLargeError`.
    idle_seconds
        A pause longer than this raises `TooSlowError`.
    """
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".upload-")
    try:
        with os.fdopen(handle, "wb") as file:
            digest, size = await _copy(chunks, file, max_bytes, idle_seconds)
        suffix = Path(name).suffix.lower()
        target = folder / (digest + (suffix if suffix in SUFFIXES else ".audio"))
        await asyncio.to_thread(Path(temporary).replace, target)
    except BaseException:
        os.unlink(temporary)  # noqa: PTH108 - at once, also when this task is being cancelled
        raise
    return target, size


async def _copy(chunks: AsyncIterator[bytes], file: BinaryIO, max_bytes: int, idle_seconds: float) -> tuple[str, int]:
    digest, size, waiting = hashlib.blake2b(digest_size=20), 0, bytearray()

    def write(block: bytes) -> None:
        digest.update(block)
        file.write(block)

    iterator = aiter(chunks)
    while True:
        try:
            async with asyncio.timeout(idle_seconds):
                chunk = await anext(iterator)
        except StopAsyncIteration:
            break
        except TimeoutError as error:
            raise TooSlowError from error
        size += len(chunk)
        if size > max_bytes:
            raise TooLargeError
        waiting += chunk
        if len(waiting) >= _BUFFER:
            block, waiting = bytes(waiting), bytearray()
            await asyncio.to_thread(write, block)
    await asyncio.to_thread(write, bytes(waiting))
    return digest.hexdigest(), size
