"""Walks over chunks (RIFF, IFF), boxes (MP4), objects (ASF) and pages (Ogg): what they hold, what they claim."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tracktion.audio.source import Source

__all__ = [
    "UNKNOWN_SIZES",
    "Chunk",
    "OggLayout",
    "WaveLayout",
    "aiff_declared_frames",
    "asf_objects",
    "caf_chunks",
    "chunks",
    "mp4_boxes",
    "ogg_layout",
    "ogg_links",
    "ogg_pages",
    "wave_layout",
]

_MAX_CHUNKS = 10_000
_MAX_LINKS = 10_000
UNKNOWN_SIZES = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE})
"""What recorders and streams write where they do not know a size."""
_NEARLY_ALL = 0x7FFFF000
_PAGE_BATCH = 1 << 18
_MAX_PAGE = 27 + 255 + 255 * 255
_MAX_JUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk, box or object: its name, where its data starts, and the bytes that they claim."""

    name: bytes
    start: int
    size: int


def chunks(source: Source, endian: Literal["<", ">"]) -> Iterator[Chunk]:
    """Yield the chunks of a RIFF (`<`) or IFF (`>`) file, as far as they lie within it."""
    at = 12
    for _ in range(_MAX_CHUNKS):
        head = source.read_at(at, 8)
        if len(head) < 8:
            return
        name, size = struct.unpack(f"{endian}4sI", head)
        yield Chunk(name, at + 8, size)
        at += 8 + size + size % 2


def caf_chunks(source: Source) -> Iterator[Chunk]:
    """Yield the chunks of a Core Audio file; one that does not know its size is the last, and has 0 bytes."""
    at = 8
    for _ in range(_MAX_CHUNKS):
        head = source.read_at(at, 12)
        if len(head) < 12:
            return
        size = int.from_bytes(head[4:], "big", signed=True)
        yield Chunk(head[:4], at + 12, max(0, size))
        if size < 0:
            return
        at += 12 + size


def mp4_boxes(source: Source, at: int, stop: int) -> Iterator[Chunk]:
    """Yield the boxes of an MP4 file that lie beside each other between two bytes."""
    for _ in range(_MAX_CHUNKS):
        head = source.read_at(at, 16)
        if len(head) < 8 or at >= stop:
            return
        size, start = int.from_bytes(head[:4], "big"), 8
        if size == 1 and len(head) == 16:
            size, start = int.from_bytes(head[8:], "big"), 16
        elif size == 0:
            size = stop - at
        if size < start:
            return
        yield Chunk(head[4:8], at + start, size - start)
        at += size


def asf_objects(source: Source, at: int, stop: int) -> Iterator[Chunk]:
    """Yield the objects of an ASF file that lie beside each other between two bytes; a name is a GUID."""
    for _ in range(_MAX_CHUNKS):
        head = source.read_at(at, 24)
        size = int.from_bytes(head[16:], "little")
        if len(head) < 24 or size < 24 or at >= stop:
            return
        yield Chunk(head[:16], at + 24, size - 24)
        at += size


@dataclass(frozen=True, slots=True)
class WaveLayout:
    """What a WAVE file says about its data.

    Attributes
    ----------
    tag
        Format tag; of the sub-format for WAVE_FORMAT_EXTENSIBLE.
    start, size, missing
        Bytes of the data: where they start, how many really are there, how many more the header claims.
    declared_frames
        Samples per channel that the header claims, for formats with a fixed size per sample.
    size_unknown
        The header does not know the size of the data: a recorder that crashed, or a stream.
    byte_rate
        Bytes per second as stated.
    """

    tag: int
    start: int
    size: int
    declared_frames: int | None
    size_unknown: bool
    byte_rate: int
    missing: int

    @property
    def declared_seconds(self) -> float | None:
        """Length by the average bytes per second that the header states."""
        return self.size / self.byte_rate if self.byte_rate else None


def wave_layout(source: Source) -> WaveLayout | None:
    """Read the chunks of a WAVE file (RIFF, RIFX, RF64); None if there is no format or no data."""
    magic = source.read_at(0, 4)
    endian: Literal["<", ">"] = ">" if magic == b"RIFX" else "<"
    form = b""
    ds64 = b""
    for chunk in chunks(source, endian):
        if chunk.name == b"ds64":
            ds64 = source.read_at(chunk.start, 24)
        elif chunk.name == b"fmt ":
            form = source.read_at(chunk.start, min(chunk.size, 40))
        elif chunk.name == b"data":
            return _wave_data(source, chunk, form, ds64, endian)
    return None


def _wave_data(source: Source, chunk: Chunk, form: bytes, ds64: bytes, endian: str) -> WaveLayout | None:
    if len(form) < 16:
        return None
    tag, _, _, byte_rate, align, bits = struct.unpack(f"{endian}HHIIHH", form[:16])
    if tag == 0xFFFE and len(form) >= 26:
        tag = struct.unpack(f"{endian}H", form[24:26])[0]
    claimed = chunk.size
    if ds64 and claimed == 0xFFFFFFFF:
        claimed = struct.unpack("<Q", ds64[8:16])[0] if len(ds64) >= 16 else claimed
        unknown = claimed == 0
    else:
        # Streams claim the most that fits in 31 or 32 bits, less what their programs count otherwise.
        unknown = claimed in UNKNOWN_SIZES or claimed & _NEARLY_ALL == _NEARLY_ALL
    rest = source.size - chunk.start
    size = rest if unknown else min(claimed, rest)
    fixed = tag in (1, 3, 6, 7) and align > 0 and bits > 0
    declared = claimed // align if fixed and not unknown else None
    missing = 0 if unknown else max(0, claimed - max(0, rest))
    return WaveLayout(tag, chunk.start, max(0, size), declared, unknown and rest > 0, byte_rate, missing)


def aiff_declared_frames(source: Source) -> int | None:
    """Samples per channel that the COMM chunk of an AIFF file claims."""
    for chunk in chunks(source, ">"):
        if chunk.name == b"COMM":
            data = source.read_at(chunk.start, min(chunk.size, 22))
            frames = int.from_bytes(data[2:6], "big")
            return None if len(data) < 6 or data[18:22] == b"ima4" else frames  # which counts packets
    return None


@dataclass(frozen=True, slots=True)
class OggLayout:
    """What the pages of an Ogg file tell.

    Attributes
    ----------
    codec
        ``vorbis``, ``opus``, ``flac``, ``speex`` or ``unknown``: of the first stream.
    regular
        One stream after its headers, without a gap between its pages.
    ended
        It is regular and has its last page.
    damaged
        A page of the first stream is missing.
    channels
        Of Vorbis; 0 of others.
    chained
        Another stream begins behind the first.
    """

    codec: str
    regular: bool
    ended: bool
    damaged: bool
    channels: int
    chained: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One Ogg page: where it starts, header type, serial and sequence number, segment table, data."""

    start: int
    kind: int
    serial: int
    sequence: int
    segments: bytes
    data: bytes
    gap: int


def ogg_pages(source: Source) -> Iterator[Page]:
    """Yield the pages of an Ogg file; `Page.gap` counts the bytes passed over before it."""
    at, gap = 0, 0
    while at < source.size:
        batch = source.read_at(at, _PAGE_BATCH + _MAX_PAGE)
        position = 0
        while position < len(batch) - 27 and position < _PAGE_BATCH:
            if batch[position : position + 4] != b"OggS":
                found = batch.find(b"OggS", position + 1)
                step = (found if found >= 0 else max(position + 1, len(batch) - 3)) - position
                position += step
                gap += step
                if gap > _MAX_JUNK:
                    return
                continue
            count = batch[position + 26]
            table = batch[position + 27 : position + 27 + count]
            start = position + 27 + count
            stop = start + sum(table)
            if stop > len(batch):
                return
            serial, sequence = struct.unpack_from("<II", batch, position + 14)
            yield Page(at + position, batch[position + 5], serial, sequence, table, batch[start:stop], gap)
            gap = 0
            position = stop
        if position == 0:
            return
        at += position


def ogg_links(source: Source) -> list[int]:
    """Bytes at which the links of a chained Ogg file start: first pages behind others."""
    starts: list[int] = []
    begun = False
    for page in ogg_pages(source):
        begins = bool(page.kind & 2)
        if begins and not begun and len(starts) < _MAX_LINKS:
            starts.append(page.start)
        begun = begins
    return starts


_CODECS = {b"\x01vorbis": "vorbis", b"OpusHead": "opus", b"\x7fFLAC": "flac", b"Speex  ": "speex"}


def ogg_layout(source: Source) -> OggLayout:
    """Tell by a walk over all pages whether it is one stream in one piece."""
    codec = "unknown"
    expected: int | None = None
    serial = None
    regular, damaged, last, channels = True, False, 0, 0
    for page in ogg_pages(source):
        if expected is None:
            codec = next((name for magic, name in _CODECS.items() if page.data.startswith(magic)), "unknown")
            channels = page.data[11] if codec == "vorbis" and len(page.data) > 11 else 0
            serial = page.serial
        elif page.serial != serial or page.sequence != expected or page.gap or page.kind & 2:
            regular = False
            damaged = page.gap > 0 or (page.serial == serial and not page.kind & 2)
            break
        expected = page.sequence + 1 & 0xFFFFFFFF
        last = page.kind
    chained = not regular and bool(last & 4) and bool(page.kind & 2)
    return OggLayout(codec, regular, regular and bool(last & 4), damaged, channels, chained)
