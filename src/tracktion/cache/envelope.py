"""Values as they travel: JSON with version, length and checksum, so that rubbish is a miss and never an answer."""

from __future__ import annotations

import json
import zlib
from typing import Any

from tracktion.cache.protocol import MISSING

__all__ = ["VERSION", "seal", "unseal"]

VERSION = 1
"""Of the envelope; another one is a miss."""


def seal(value: Any) -> bytes | None:
    """Return ``version:length:checksum:json``, or None for what is not plain JSON.

    That is, what would come back as another value: a tuple as a list, a number as the name of something as text.
    """
    try:
        body = json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
        same = json.loads(body) == value
    except (TypeError, ValueError, RecursionError):
        return None
    if not same:
        return None
    return b"%d:%d:%08x:%b" % (VERSION, len(body), zlib.crc32(body), body)


def unseal(data: Any) -> Any:
    """Return the value, or `MISSING` for anything that `seal` did not make."""
    if not isinstance(data, bytes):
        return MISSING
    parts = data.split(b":", 3)
    if len(parts) != 4:
        return MISSING
    version, length, checksum, body = parts
    if version != b"%d" % VERSION or length != b"%d" % len(body) or checksum != b"%08x" % zlib.crc32(body):
        return MISSING
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return MISSING
