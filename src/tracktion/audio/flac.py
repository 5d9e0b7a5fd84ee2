"""The MD5 that a FLAC file says its samples have, if the file reaches the end that it claims."""

from __future__ import annotations

import functools
from typing import NamedTuple

from tracktion.audio.source import Source

__all__ = ["claimed_md5"]

_TAIL_BYTES, _MOST_TAIL_BYTES = 1 << 16, 1 << 20
_ID3V1_BYTES = 128
_SAMPLE_COUNTS = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608} | {code: 256 << (code - 8) for code in range(8, 16)}
_SIZE_BYTES, _RATE_BYTES = {6: 1, 7: 2}, {12: 1, 13: 2, 14: 2}


class _Info(NamedTuple):
    """Of the STREAMINFO block: largest block in samples, largest frame in bytes, samples, MD5."""

    block: int
    frame_bytes: int
    samples: int
    md5: str


def claimed_md5(source: Source, kind: str) -> str | None:
    """Return the MD5 of all samples as STREAMINFO has it, in hexadecimal.

    Parameters
    ----------
    source
        A native FLAC file, or an Ogg file that may hold FLAC, from its first byte.
    kind
        ``"flac"`` or ``"ogg"``.

    Returns
    -------
    str or None
        None where there is none, and for a file that is cut off: its samples are not those that the MD5 is of. The
        MD5 is taken at its word otherwise; to check it means to decode the file.
    """
    head = source.read_at(0, 4096)
    if kind == "ogg":
        start = 27 + head[26] if len(head) > 27 else 0
        head = head[start + 9 :] if head[start : start + 5] == b"\x7fFLAC" else b""
    info = _stream_info(head)
    if info is None:
        return None
    whole = _ogg_ends(source, info) if kind == "ogg" else _frames_end(source, info)
    return info.md5 if whole else None


def _stream_info(head: bytes) -> _Info | None:
    if head[:4] != b"fLaC" or len(head) < 42 or head[4] & 0x7F != 0 or not any(head[26:42]):
        return None
    samples = int.from_bytes(head[21:26], "big") & 0xFFFFFFFFF
    return _Info(int.from_bytes(head[10:12], "big"), int.from_bytes(head[15:18], "big"), samples, head[26:42].hex())


def _ogg_ends(source: Source, info: _Info) -> bool:
    """Whether the last page ends the stream, and with its last sample."""
    tail = source.read_at(max(0, source.size - _TAIL_BYTES), _TAIL_BYTES)
    at = tail.rfind(b"OggS")
    page = tail[at:] if at >= 0 else b""
    if len(page) < 27 or len(page) < 27 + page[26]:
        return False
    size = 27 + page[26] + sum(page[27 : 27 + page[26]])
    return len(page) >= size and bool(page[5] & 4) and int.from_bytes(page[6:14], "little") == info.samples


def _frames_end(source: Source, info: _Info) -> bool:
    """Whether there is a last frame, whole, with the last sample that is claimed."""
    size = min(_MOST_TAIL_BYTES, max(_TAIL_BYTES, info.frame_bytes)) + _ID3V1_BYTES
    tail = source.read_at(max(0, source.size - size), size)
    if tail[-_ID3V1_BYTES:].startswith(b"TAG"):
        tail = tail[:-_ID3V1_BYTES]
    at = len(tail)
    while (at := tail.rfind(b"\xff", 0, at)) >= 0:
        if _last_sample(tail[at : at + 16], info) == info.samples and _crc16(tail[at:]) == 0:
            return True
    return False


def _last_sample(head: bytes, info: _Info) -> int | None:
    """Number of the sample behind a frame that begins with these bytes; None if none does."""
    if len(head) < 6 or head[1] & 0xFE != 0xF8 or head[3] & 1:
        return None
    ones = 8 - (head[4] ^ 0xFF).bit_length()
    if ones in (1, 8):
        return None
    number, at = head[4] & (0x7F >> ones), 5
    for byte in head[5 : 4 + max(1, ones)]:
        number, at = number << 6 | byte & 0x3F, at + 1
    code, rate = head[2] >> 4, head[2] & 15
    count = _SAMPLE_COUNTS.get(code, 0)
    if code in _SIZE_BYTES:
        count = int.from_bytes(head[at : at + _SIZE_BYTES[code]], "big") + 1
    at += _SIZE_BYTES.get(code, 0) + _RATE_BYTES.get(rate, 0)
    if not count or at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    return (number if head[1] & 1 else number * info.block) + count


@functools.cache
def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    made = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1) ^ (polynomial if value >> (bits - 1) & 1 else 0)
        made.append(value & ((1 << bits) - 1))
    return tuple(made)


def _crc8(data: bytes) -> int:
    table, value = _table(0x07, 8), 0
    for byte in data:
        value = table[value ^ byte]
    return value


def _crc16(data: bytes) -> int:
    """0 for data that end with their own sum."""
    table, value = _table(0x8005, 16), 0
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ table[value >> 8 ^ byte]
    return value
