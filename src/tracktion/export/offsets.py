"""Where other programs put time 0 of an MP3.

tracktion's time 0 is the first sample of the music: the encoder's delay and the decoder's own are dropped. Rekordbox
(since 1.5.4) and Traktor keep both. Traktor moreover plays the information frame at the start as music where it does
not trust it: when it was not written by LAME, or its checksum is missing or wrong. Other formats start alike.

Sources: Rekordbox release notes 1.5.4 and 1.6.2; the statistics over collections in
digital-dj-tools/dj-data-converter#3 (cases A to D); mixxxdj/mixxx#2119.
"""

from __future__ import annotations

from typing import Literal

from tracktion.audio.mp3 import DECODER_DELAY, DEFAULT_ENCODER_DELAY, FrameWalk, find_frames
from tracktion.audio.source import Source, open_source
from tracktion.errors import TracktionError

__all__ = ["Target", "decoder_offset"]

Target = Literal["rekordbox", "traktor"]

_TAGS = (b"LAME", b"L3.9", b"Lavf", b"Lavc")
_CRC_AT = 34


def decoder_offset(path: str, target: Target) -> float:
    """Seconds by which a target's time of the same sound is later than ours.

    Parameters
    ----------
    path
        The file. One that cannot be read counts as needing no offset.
    target
        ``rekordbox`` or ``traktor``.

    Returns
    -------
    float
        0 for all but MP3; there about 0.025, and for Traktor 0.051 where it plays the information frame.
    """
    try:
        with open_source(path) as source:
            walk = find_frames(source)
            if walk is None or walk.header.layer != 3:
                return 0.0
            delay = walk.info.delay if walk.info and walk.info.delay is not None else DEFAULT_ENCODER_DELAY
            samples = delay + DECODER_DELAY
            if target == "traktor" and walk.info is not None and not _trusted(_info_frame(source, walk)):
                samples += walk.header.samples
            return samples / walk.header.sample_rate
    except TracktionError:
        return 0.0


def _info_frame(source: Source, walk: FrameWalk) -> bytes:
    return source.read_at(walk.offset - walk.header.size, walk.header.size)


def _trusted(frame: bytes) -> bool:
    """Whether an information frame is by LAME and its checksum is right."""
    at = next((place for tag in _TAGS if (place := frame.find(tag, 0, 200)) > 0), -1)
    if at < 0 or frame[at : at + 3] == b"Lav" or len(frame) < at + _CRC_AT + 2:
        return False
    stored = int.from_bytes(frame[at + _CRC_AT : at + _CRC_AT + 2], "big")
    return stored != 0 and stored == _crc16(frame[: at + _CRC_AT])


def _crc16(data: bytes) -> int:
    """CRC-16 with the polynomial 0x8005, bits reflected, from 0: what LAME computes."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
