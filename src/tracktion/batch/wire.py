"""Frames between the host and its isolated workers: a length, then JSON. Never pickle; never longer than agreed.

A frame is four bytes of length (big endian) and that many bytes of UTF-8 JSON. Descriptors travel beside a frame as
``SCM_RIGHTS``. The worker reads hostile files, so what it says is data: the size is capped before memory is taken.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from typing import Any

__all__ = ["MAX_FRAME_BYTES", "ClosedError", "FrameError", "receive", "send"]

MAX_FRAME_BYTES = 64 * 1024 * 1024
_HEADER = struct.Struct(">I")
_CHUNK = 1 << 20


class ClosedError(Exception):
    """The other end is gone."""


class FrameError(Exception):
    """The other end does not speak this protocol."""


def send(channel: socket.socket, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    """Send one frame, with `descriptors` beside it."""
    body = json.dumps(message).encode("ascii")
    if len(body) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {len(body)} bytes is longer than the {MAX_FRAME_BYTES} agreed")
    data = _HEADER.pack(len(body)) + body
    try:
        if descriptors:
            sent = socket.send_fds(channel, [data], list(descriptors))
            data = data[sent:]
        channel.sendall(data)
    except (BrokenPipeError, ConnectionResetError, ConnectionAbortedError) as error:
        raise ClosedError from error


def receive(
    channel: socket.socket, *, deadline: float | None = None, descriptors: int = 0
) -> tuple[dict[str, Any], list[int]]:
    """Receive one frame and up to `descriptors` descriptors.

    Raises
    ------
    TimeoutError
        `deadline` (`time.monotonic`) passed first.
    ClosedError, FrameError
        The other end is gone, or sent something else.
    """
    header, received = _exactly(channel, _HEADER.size, deadline, descriptors)
    (length,) = _HEADER.unpack(header)
    if length > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {length} bytes is longer than the {MAX_FRAME_BYTES} agreed")
    body, _ = _exactly(channel, length, deadline, 0)
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame that is not JSON") from error
    if not isinstance(message, dict):
        raise FrameError("a frame that is not a JSON object")
    return message, received


def _exactly(
    channel: socket.socket, size: int, deadline: float | None, descriptors: int
) -> tuple[bytearray, list[int]]:
    data = bytearray()
    received: list[int] = []
    while len(data) < size:
        if deadline is not None:
            _wait_readable(channel, deadline)
        want = min(size - len(data), _CHUNK)
        try:
            if descriptors:
                chunk, new, _, _ = socket.recv_fds(channel, want, descriptors)
                received += new
            else:
                chunk = channel.recv(want)
        except (ConnectionResetError, ConnectionAbortedError) as error:
            raise ClosedError from error
        if not chunk:
            raise ClosedError
        data += chunk
    return data, received


def _wait_readable(channel: socket.socket, deadline: float) -> None:
    poller = select.poll()
    poller.register(channel, select.POLLIN)
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if poller.poll(min(left, 60.0) * 1000):
            return
