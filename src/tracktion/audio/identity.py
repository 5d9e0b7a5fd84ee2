"""A name for the audio itself, which neither renaming nor retagging changes."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from tracktion.audio.chunks import Page, asf_objects, chunks, mp4_boxes, ogg_pages, wave_layout
from tracktion.audio.claims import ASF_DATA
from tracktion.audio.flac import claimed_md5
from tracktion.audio.limits import Limits
from tracktion.audio.mp3 import FrameWalk, find_frames, id3v2_size
from tracktion.audio.sniff import sniff
from tracktion.audio.source import Source, SourceLike, open_source
from tracktion.errors import EmptyError

__all__ = ["audio_identity"]

_CHUNK_BYTES = 1 << 20
_FRAMES_TOGETHER = 512
_MAX_BLOCKS = 10_000
_MAX_TAIL_TAGS = 16


def audio_identity(
    source: SourceLike | tuple[ArrayLike, float],
    *,
    limits: Limits | None = None,
    follow_symlinks: bool = True,
    trust_md5: bool = True,
) -> str:
    """Return a stable name for the audio in `source`, independent of its file name and tags.

    Two files with one identity hold the same encoded audio bit for bit. The same music encoded twice has two
    identities, except that FLAC names its samples, whatever the compression level: it is taken at its word, unless it
    is cut off or `trust_md5` is false.

    Parameters
    ----------
    source
        As for `open_audio`.
    limits
        Bounds; `Limits()` by default.
    follow_symlinks
        Whether a path that is a symbolic link may be opened.
    trust_md5
        Take FLAC at its word. If not, its frames are hashed: after decoding has found damage (`Analysis.damaged`), or
        to see whether the audio was changed.

    Returns
    -------
    str
        A kind, a colon, and a hash in hexadecimal: ``flac:`` with the MD5 of the samples where the file has it; else
        the kind (``mp3:``, ``ogg:``, ``mp4:``, ``wav:``, ...) with the 160-bit BLAKE2b of the encoded audio.

    Raises
    ------
    UnreadableError, TooBigError, EmptyError, UsageError
        As for `open_audio`. That there is audio to decode is not checked.
    """
    limits = limits or Limits()
    if isinstance(source, tuple):
        return _array_identity(*source)
    with open_source(source, limits=limits, follow_symlinks=follow_symlinks) as opened:
        if opened.size == 0:
            raise EmptyError("an empty file", file=opened.name, stage="identify")
        return _identity(opened, trust_md5=trust_md5)


def _identity(source: Source, *, trust_md5: bool) -> str:
    kind, start = sniff(source)
    inner = source.window(start)
    if kind in ("flac", "ogg") and trust_md5:
        md5 = claimed_md5(inner, kind)
        if md5:
            return f"flac:{md5}"
    readers: dict[str, Callable[[Source], Iterator[bytes]]] = {
        "flac": _flac_frames,
        "ogg": _ogg_payload,
        "mp4": _mp4_data,
        "asf": _asf_data,
        "wav": _wave_data,
        "aiff": _aiff_data,
        "dsf": _dsf_data,
    }
    parts = readers.get(kind)
    if kind == "unknown":
        walk = find_frames(source)
        if walk is not None and walk.header.size:
            kind, parts = "mp3", lambda _: _frame_data(walk)
    digest, empty = hashlib.blake2b(digest_size=20), True
    for part in parts(inner) if parts else ():
        digest.update(part)
        empty = empty and not part
    if empty:
        # Nothing of the expected structure: name the bytes between the tags.
        kind = "data"
        for part in _between_tags(inner):
            digest.update(part)
    return f"{kind}:{digest.hexdigest()}"


def _frame_data(walk: FrameWalk) -> Iterator[bytes]:
    for group in walk.groups(_FRAMES_TOGETHER):
        yield group.data


def _array_identity(samples: Any, sample_rate: float) -> str:
    array = np.ascontiguousarray(samples)
    digest = hashlib.blake2b(f"{array.dtype.str} {array.shape} {float(sample_rate)}".encode(), digest_size=20)
    digest.update(array.view(np.uint8).reshape(-1).data if array.size else b"")
    return f"array:{digest.hexdigest()}"


def _ranged(source: Source, start: int, size: int) -> Iterator[bytes]:
    stop = min(source.size, start + size)
    while start < stop:
        data = source.read_at(start, min(_CHUNK_BYTES, stop - start))
        if not data:
            return
        yield data
        start += len(data)


def _flac_frames(source: Source) -> Iterator[bytes]:
    at = 4
    for _ in range(_MAX_BLOCKS):
        head = source.read_at(at, 4)
        if len(head) < 4:
            return
        at += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:
            break
    yield from _ranged(source, at, source.size)


def _ogg_payload(source: Source) -> Iterator[bytes]:
    """Packets of all streams but their second, which holds the comments."""
    packets: dict[int, int] = {}
    for page in ogg_pages(source):
        if page.kind & 2:
            packets[page.serial] = 0
        done = packets.get(page.serial, 0)
        if done > 1:
            yield page.data
        else:
            for number, part in _segments(page, done):
                packets[page.serial] = number
                if number != 1:
                    yield part
            packets[page.serial] = done + sum(size < 255 for size in page.segments)


def _segments(page: Page, number: int) -> Iterator[tuple[int, bytes]]:
    """Parts of packets in a page, each with the number of its packet."""
    at = 0
    for size in page.segments:
        yield number, page.data[at : at + size]
        at += size
        number += size < 255


def _mp4_data(source: Source) -> Iterator[bytes]:
    for box in mp4_boxes(source, 0, source.size):
        if box.name == b"mdat":
            yield from _ranged(source, box.start, box.size)


def _asf_data(source: Source) -> Iterator[bytes]:
    for found in asf_objects(source, 0, source.size):
        if found.name == ASF_DATA:
            yield from _ranged(source, found.start + 26, found.size - 26)


def _wave_data(source: Source) -> Iterator[bytes]:
    endian: Literal["<", ">"] = ">" if source.read_at(0, 4) == b"RIFX" else "<"
    for chunk in chunks(source, endian):
        if chunk.name == b"fmt ":
            yield source.read_at(chunk.start, 16)
            break
    layout = wave_layout(source)
    if layout is not None:
        yield from _ranged(source, layout.start, layout.size)


def _aiff_data(source: Source) -> Iterator[bytes]:
    for chunk in chunks(source, ">"):
        if chunk.name == b"COMM":
            yield source.read_at(chunk.start, min(chunk.size, 22))
        elif chunk.name == b"SSND":
            yield from _ranged(source, chunk.start, chunk.size)


def _dsf_data(source: Source) -> Iterator[bytes]:
    head = source.read_at(0, 28)
    tag = struct.unpack_from("<Q", head, 20)[0] if len(head) == 28 else 0
    yield from _ranged(source, 28, (tag or source.size) - 28)


def _between_tags(source: Source) -> Iterator[bytes]:
    """All bytes but the ID3v1, APEv2 and ID3v2 tags at the end."""
    stop = source.size
    for _ in range(_MAX_TAIL_TAGS):
        if stop >= 128 and source.read_at(stop - 128, 3) == b"TAG":
            stop -= 128
            continue
        foot = source.read_at(stop - 32, 32)
        if foot[:8] == b"APETAGEX" and len(foot) == 32:
            size, flags = struct.unpack_from("<I4xI", foot, 12)
            stop -= size + (32 if flags & 0x80000000 else 0)
        elif foot[-10:-7] == b"3DI":
            stop -= id3v2_size(b"ID3" + foot[-7:])
        else:
            break
        if stop <= 0:
            stop = source.size
            break
    yield from _ranged(source, 0, stop)
