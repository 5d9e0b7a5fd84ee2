"""Bodies of messages that are no batch."""

from __future__ import annotations

__all__ = ["BODIES"]

BODIES = {
    "no JSON": b"hello",
    "no UTF-8": b"\xff\xfe{",
    "nested without end": b"[" * 200_000,
    "a list": b"[]",
    "nothing in it": b"{}",
    "files are null": b'{"files": null}',
    "files are a number": b'{"files": 5}',
    "files are text": b'{"files": "abc"}',
    "files are numbers": b'{"files": [1]}',
    "items are a number": b'{"items": 7}',
    "an item is a list": b'{"items": [[]]}',
    "a size in letters": b'{"items": [{"path": "/x", "size": "abc"}]}',
    "a size that is a list": b'{"items": [{"path": "/x", "size": [1]}]}',
    "a size of 5000 digits": b'{"items": [{"path": "/x", "size": "' + b"1" * 5000 + b'"}]}',
    "an endless time": b'{"items": [{"path": "/x", "mtime_ns": 1e999}]}',
    "a time that is no number": b'{"items": [{"path": "/x", "mtime_ns": NaN}]}',
    "NUL in a path": rb'{"files": ["/x\u0000y"]}',
    "half a character in a path": rb'{"files": ["/x\ud800y"]}',
    "half a character in a root": rb'{"items": [{"path": "/x", "root": "/\ud800"}]}',
}
