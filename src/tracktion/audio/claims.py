"""Where the audio of a file ends by what its container says, which is behind the end of a file that was cut off."""

from __future__ import annotations

from collections.abc import Callable

from tracktion.audio.chunks import UNKNOWN_SIZES, asf_objects, caf_chunks, chunks, mp4_boxes, wave_layout
from tracktion.audio.source import Source

__all__ = ["ASF_DATA", "is_much", "missing_bytes"]

ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")


_MUCH_BYTES, _MUCH_SHARE = 4096, 0.02


def is_much(size: int, of_file: int) -> bool:
    """Whether so many bytes without audio are more than an odd tag or a wrong header: a download that broke off."""
    return size > max(_MUCH_BYTES, _MUCH_SHARE * of_file)


def missing_bytes(source: Source, kind: str) -> int:
    """Bytes of audio that are missing at the end of a file (`kind` as by `sniff`); 0 where it does not say."""
    end = _ENDS.get(kind)
    return max(0, end(source) - source.size) if end else 0


def _wave_end(source: Source) -> int:
    layout = wave_layout(source)
    return layout.start + layout.size + layout.missing if layout else 0


def _aiff_end(source: Source) -> int:
    sound = (chunk for chunk in chunks(source, ">") if chunk.name == b"SSND" and chunk.size not in UNKNOWN_SIZES)
    return max((chunk.start + chunk.size for chunk in sound), default=0)


def _caf_end(source: Source) -> int:
    return max((chunk.start + chunk.size for chunk in caf_chunks(source) if chunk.name == b"data"), default=0)


def _au_end(source: Source) -> int:
    head = source.read_at(4, 8)
    size = int.from_bytes(head[4:], "big")
    return 0 if size in UNKNOWN_SIZES else int.from_bytes(head[:4], "big") + size


def _mp4_end(source: Source) -> int:
    media = (box for box in mp4_boxes(source, 0, source.size) if box.name in (b"mdat", b"moof"))
    return max((box.start + box.size for box in media), default=0)


def _asf_end(source: Source) -> int:
    data = (found for found in asf_objects(source, 0, source.size) if found.name == ASF_DATA)
    return max((found.start + found.size for found in data), default=0)


def _matroska_end(source: Source) -> int:
    """Of the segment behind the EBML header; both have a name of four bytes."""
    start = _element(source, 0)
    segment = _element(source, start)
    return segment if source.read_at(start, 4) == b"\x18\x53\x80\x67" else 0


def _element(source: Source, at: int) -> int:
    """Byte behind an element; 0 for one that does not know its size."""
    head = source.read_at(at + 4, 8)
    length = 9 - head[0].bit_length() if head and head[0] else 0
    if not length or len(head) < length:
        return 0
    size = int.from_bytes(head[:length], "big") - (1 << 7 * length)
    return 0 if size == (1 << 7 * length) - 1 else at + 4 + length + size


_ENDS: dict[str, Callable[[Source], int]] = {
    "wav": _wave_end,
    "aiff": _aiff_end,
    "caf": _caf_end,
    "au": _au_end,
    "mp4": _mp4_end,
    "asf": _asf_end,
    "matroska": _matroska_end,
}
