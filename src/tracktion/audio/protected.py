"""Encrypted files: what DRM leaves of the sound decodes to noise, or to nothing."""

from __future__ import annotations

import re

from tracktion.audio.chunks import asf_objects, mp4_boxes
from tracktion.audio.source import Source

__all__ = ["is_protected"]

_MP4_ENTRY = re.compile(rb"stsd.{12}(enca|drms|aavd)", re.DOTALL)
"""A description of samples whose first is under MPEG's common encryption, iTunes' FairPlay or Audible's."""
_MOST_MOOV_BYTES = 16 << 20
_ASF_OBJECTS = frozenset(
    map(
        bytes.fromhex,
        (
            "fbb31122 23bd d211 b4b7 00a0c955fc6e",
            "14e68a29 2226 174c b935 dae07ee9289c",
            "33850543 8169 e649 9b74 ad12cb86d58c",
        ),
    )
)
"""Content encryption, extended, advanced."""


def is_protected(source: Source, kind: str) -> bool:
    """Whether an MP4 or ASF file (`kind` as by `sniff`) says that its sound is encrypted."""
    if kind == "mp4":
        heads = (box for box in mp4_boxes(source, 0, source.size) if box.name == b"moov")
        return any(_MP4_ENTRY.search(source.read_at(box.start, min(box.size, _MOST_MOOV_BYTES))) for box in heads)
    if kind == "asf":
        size = int.from_bytes(source.read_at(16, 8), "little")
        return any(found.name in _ASF_OBJECTS for found in asf_objects(source, 30, size))
    return False
