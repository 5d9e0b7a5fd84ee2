"""Framing of MPEG audio (MP3, MP2, MP1): which bytes are frames, what the Xing/LAME header says.

Whole files of real life carry tags before, behind and between the frames, junk, half a frame at the end, and a first
frame that holds numbers instead of music. The walk over the frame headers (ISO/IEC 11172-3, 13818-3) sorts this out
once, for the decoder and for the identity of the audio.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tracktion.audio.source import Source

__all__ = [
    "DECODER_DELAY",
    "DEFAULT_ENCODER_DELAY",
    "SUBBAND_DELAY",
    "FrameGroup",
    "FrameHeader",
    "FrameWalk",
    "InfoFrame",
    "behind_id3v2",
    "find_frames",
    "id3v2_size",
    "parse_header",
    "parse_info",
]

DECODER_DELAY = 529
"""Samples by which every MP3 decoder is late (528 of the hybrid filter bank and 1)."""
DEFAULT_ENCODER_DELAY = 576
"""Samples by which LAME is late; taken for files that do not say."""
SUBBAND_DELAY = 481
"""Samples by which encoder and decoder of layers 1 and 2 together are late (the filter bank)."""

_KBITS = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_SEARCH_BYTES = 1 << 18
_RATE_BITS = 0x0C
_LAYER_BITS = 0x06
_JUNK_BYTES = 8 << 20
_MAX_TAGS = 64
_CHUNK_BYTES = 1 << 18
_FIRST_CHUNK_BYTES = 1 << 13
_MAX_FRAME_BYTES = 8192
_SURE_CHAIN = 3
_OTHER_CHAIN = 10
"""Frames that must follow one another before a stream is believed to go on at another rate."""
_FREE_FORMAT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """Four bytes, read.

    Attributes
    ----------
    lsf
        Low sampling frequencies: MPEG-2 and MPEG-2.5.
    layer, sample_rate, channels, samples
        1 to 3; Hz; count; samples per channel in a frame.
    size
        Bytes of the frame; 0 for free format, which does not say.
    """

    lsf: bool
    layer: int
    sample_rate: int
    channels: int
    samples: int
    size: int


def parse_header(data: bytes) -> FrameHeader | None:
    """Read a frame header from the first four bytes of `data`; None if they are none."""
    if len(data) < 4 or data[0] != 0xFF or data[1] < 0xE0:
        return None
    version, layer = (data[1] >> 3) & 3, 4 - ((data[1] >> 1) & 3)
    index, rate = data[2] >> 4, (data[2] >> 2) & 3
    if version == 1 or layer == 4 or index == 15 or rate == 3 or data[3] & 3 == 2:
        return None
    hz = _HZ[version][rate]
    lsf = version != 3
    kbits = _KBITS[2 if lsf else 1, layer][index]
    padding = (data[2] >> 1) & 1
    samples = 384 if layer == 1 else 576 if lsf and layer == 3 else 1152
    if kbits == 0:
        size = 0
    elif layer == 1:
        size = (12_000 * kbits // hz + padding) * 4
    else:
        size = samples // 8 * 1000 * kbits // hz + padding
    return FrameHeader(lsf, layer, hz, 1 if data[3] >> 6 == 3 else 2, samples, size)


@dataclass(frozen=True, slots=True)
class InfoFrame:
    """What a Xing, Info or VBRI frame says.

    Attributes
    ----------
    frames
        Frames that follow; None if it does not say.
    delay, padding
        Samples that the encoder put before and behind the music; None if it does not say.
    """

    frames: int | None
    delay: int | None
    padding: int | None


def parse_info(frame: bytes) -> InfoFrame | None:
    """Read a Xing/Info/VBRI header from the whole of the first frame; None if it is an ordinary frame."""
    header = parse_header(frame)
    if header is None or header.layer != 3:
        return None
    if frame[36:40] == b"VBRI" and len(frame) >= 54:
        return InfoFrame(struct.unpack_from(">I", frame, 50)[0], None, None)
    side = (9 if header.channels == 1 else 17) if header.lsf else (17 if header.channels == 1 else 32)
    for start in (4 + side, 6 + side):
        if frame[start : start + 4] in (b"Xing", b"Info") and len(frame) >= start + 8:
            return _parse_xing(frame, start)
    return None


def _parse_xing(frame: bytes, start: int) -> InfoFrame:
    flags = struct.unpack_from(">I", frame, start + 4)[0]
    at = start + 8
    frames = None
    if flags & 1 and len(frame) >= at + 4:
        frames = struct.unpack_from(">I", frame, at)[0]
    at += 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    encoder, packed = frame[at : at + 4], frame[at + 21 : at + 24]
    delay = padding = None
    if len(packed) == 3 and encoder.isalnum():
        both = int.from_bytes(packed, "big")
        if both:
            delay, padding = both >> 12, both & 0xFFF
    return InfoFrame(frames, delay, padding)


def id3v2_size(head: bytes) -> int:
    """Bytes of the ID3v2 tag that starts `head` (with its header and footer); 0 if none does."""
    if len(head) < 10 or head[:3] != b"ID3" or head[3] == 0xFF or head[4] == 0xFF or max(head[6:10]) > 0x7F:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def behind_id3v2(source: Source) -> int:
    """Byte behind the ID3v2 tags that start `source`; some files have several."""
    start = 0
    for _ in range(_MAX_TAGS):
        tag = id3v2_size(source.read_at(start, 10))
        if not tag:
            break
        start += tag
    return start


@dataclass(frozen=True, slots=True)
class FrameGroup:
    """Frames that follow one another without a gap.

    Attributes
    ----------
    data
        Their bytes.
    frames
        How many they are.
    """

    data: bytes
    frames: int


class FrameWalk:
    """Walk over the frames of one stream of MPEG audio.

    Attributes
    ----------
    header
        Of the first frame; from where the sample rate changes, of the first one at the new rate.
    info
        The Xing/Info/VBRI header, which is no part of the music; else None.
    offset
        Byte at which the music starts.
    frames
        Frames passed so far.
    junk_bytes
        Bytes between frames that are neither frame nor tag, so far.
    tail_bytes
        Bytes behind the last frame, so far as they are neither frame nor tag; known at the end.
    incomplete
        Whether the data ended within a frame.
    """

    def __init__(self, source: Source, offset: int) -> None:
        self._source = source
        head = source.read_at(offset, 4)
        header = parse_header(head)
        if header is None:
            raise ValueError(f"no frame header at byte {offset}")
        self.header = header
        self._second = head[1] | 1
        self._sizes = _sizes(head[1], head[2] & _RATE_BITS)
        self.info = parse_info(source.read_at(offset, header.size)) if header.size else None
        self.offset = offset + header.size if self.info else offset
        self.frames = 0
        self.junk_bytes = 0
        self.tail_bytes = 0
        self.incomplete = False

    def groups(self, frames: int) -> Iterator[FrameGroup]:
        """Yield all frames from `offset` to the end of the source, up to `frames` together."""
        at = self.offset
        buffer = b""
        position = 0
        # Small behind junk and growing, so that a file full of junk does not make us read it many times over.
        chunk = _FIRST_CHUNK_BYTES
        while True:
            start, count = position, 0
            limit = len(buffer) - 4
            sizes, second = self._sizes, self._second
            size = 0
            while position <= limit and count < frames:
                if buffer[position] != 0xFF or buffer[position + 1] | 1 != second:
                    break
                size = sizes[buffer[position + 2]]
                if not size or position + size > len(buffer):
                    break
                position += size
                count += 1
            if count:
                self.frames += count
                yield FrameGroup(buffer[start:position], count)
                continue
            # Neither a whole frame nor room for one: more bytes, or the next frame after junk, or the end.
            at += position
            wanted = self._source.read_at(at, chunk)
            if self._starts(wanted):
                buffer, position, chunk = wanted, 0, min(2 * chunk, _CHUNK_BYTES)
                continue
            if self._in_frame(wanted):
                self.incomplete = True
                return
            found = self._resync(at)
            if found is None:
                return
            at, buffer, position, chunk = found, b"", 0, _FIRST_CHUNK_BYTES

    def _size(self, data: bytes) -> int:
        if len(data) < 4 or data[0] != 0xFF or data[1] | 1 != self._second:
            return 0
        return self._sizes[data[2]]

    def _starts(self, data: bytes) -> bool:
        return 0 < self._size(data) <= len(data)

    def _in_frame(self, data: bytes) -> bool:
        return self._size(data) > len(data)

    def _resync(self, at: int) -> int | None:
        """Return where frames go on after `at`, where none starts; None if they do not."""
        for _ in range(_MAX_TAGS):
            tag = _tag_size(self._source.read_at(at, 32))
            at += tag
            if not tag:
                break
            if self._starts(self._source.read_at(at, _MAX_FRAME_BYTES)):
                return at
        start = at
        chunk = _FIRST_CHUNK_BYTES
        while at < self._source.size and self.junk_bytes + at - start < _JUNK_BYTES:
            data = self._source.read_at(at, chunk)
            chunk = min(2 * chunk, _CHUNK_BYTES)
            position = data.find(b"\xff")
            while 0 <= position < len(data) - 4:
                if self._go_on(data, position, at):
                    self.junk_bytes += at + position - start
                    return at + position
                position = data.find(b"\xff", position + 1)
            at += max(1, len(data) - 4)
        self.tail_bytes = self._source.size - start
        return None

    def _go_on(self, data: bytes, position: int, at: int) -> bool:
        """Whether the stream goes on here; as another one, such as a song behind a jingle, if enough of it follows."""
        head = data[position : position + 4]
        second, sizes, sure = self._second, self._sizes, _SURE_CHAIN
        size = self._size(head)
        if not size:
            if head[1] < 0xE0 or (head[1] ^ second) & _LAYER_BITS:
                return False
            second, sizes, sure = head[1] | 1, _sizes(head[1] | 1, head[2] & _RATE_BITS), _OTHER_CHAIN
            size = sizes[head[2]]
        behind = data[position + size : position + size + 4]
        if not size or (len(behind) == 4 and (behind[0] != 0xFF or behind[1] | 1 != second or not sizes[behind[2]])):
            return False
        if _chain(self._source, at + position, second, sizes, sure)[0] < sure:
            return False
        header = parse_header(head)
        self.header, self._second, self._sizes = header or self.header, second, sizes
        return True


def _tag_size(data: bytes) -> int:
    """Bytes of a tag that starts `data`: ID3v2, APEv2, ID3v1; 0 if none does."""
    if data[:8] == b"APETAGEX" and len(data) >= 32:
        size, flags = int.from_bytes(data[12:16], "little"), int.from_bytes(data[20:24], "little")
        return min(size, 1 << 28) + (32 if flags & 0x20000000 else 0)
    if data[:3] == b"TAG":
        return min(128, len(data))
    return id3v2_size(data)


@functools.cache
def _sizes(second: int, rate: int) -> tuple[int, ...]:
    """Frame size for each third byte of a header after `second`; 0 where its `rate` bits differ or it is none.

    Junk may hold a candidate every few bytes, so that each table is made only once.
    """
    sizes = []
    for third in range(256):
        header = parse_header(bytes((0xFF, second, third, 0))) if third & _RATE_BITS == rate else None
        sizes.append(header.size if header else 0)
    return tuple(sizes)


def _chain(source: Source, at: int, second: int, sizes: Sequence[int], sure: int = _SURE_CHAIN) -> tuple[int, bool]:
    """Count frame headers, up to `sure`, that follow one another from `at`; and whether the data ended there."""
    count = 0
    while count < sure:
        head = source.read_at(at, 4)
        if len(head) < 4:
            return count, True
        if head[0] != 0xFF or head[1] | 1 != second or not sizes[head[2]]:
            return count, head[:3] == b"TAG" or head == b"APET"
        count += 1
        at += sizes[head[2]]
    return count, False


def find_frames(source: Source) -> FrameWalk | None:
    """Find where MPEG audio starts in `source`, behind tags and junk; None if it is not MPEG audio.

    A single header proves nothing: three must follow one another, or the data must end before.
    """
    start = behind_id3v2(source)
    data = source.read_at(start, _SEARCH_BYTES)
    position = 0
    while 0 <= position < len(data) - 4:
        head = data[position : position + 4]
        header = parse_header(head)
        if header is not None and _is_start(source, data, start, position, header):
            return FrameWalk(source, start + position)
        position = data.find(b"\xff", position + 1)
    return None


def _is_start(source: Source, data: bytes, start: int, position: int, header: FrameHeader) -> bool:
    head = data[position : position + 4]
    if header.size == 0:
        again = data.find(bytes((0xFF, head[1], head[2] & 0xFD)), position + 24, position + _FREE_FORMAT_BYTES)
        return position == 0 and again > 0
    count, ended = _chain(source, start + position, head[1] | 1, _sizes(head[1], head[2] & _RATE_BITS))
    return count >= _SURE_CHAIN or (ended and (position == 0 or count > 1))
