"""Text frames of ID3v2 tags: read within bounds, replaced without a change of anything else.

mutagen would do, but it inflates compressed frames without a limit: 16 MB of tag can ask for 16 GB.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["NEW_TAG", "Id3Text", "read_id3", "with_texts"]

NEW_TAG = b"ID3\3" + bytes(6)
"""An empty tag of version 2.3, which all read."""

_PADDING = 2048
"""Bytes that are left free in a tag that grows, for the next frames."""

_MAX_FRAMES = 10_000
_UNSYNCHRONISED = 0x02
"""Flag of a frame of version 2.4; that of the tag says it of all frames."""
_MAX_FRAME_BYTES = 1 << 16
_ENCODINGS = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
_OLD_NAMES = {
    b"TT2": "TIT2",
    b"TP1": "TPE1",
    b"TP2": "TPE2",
    b"TAL": "TALB",
    b"TCO": "TCON",
    b"TYE": "TYER",
    b"TRK": "TRCK",
    b"TBP": "TBPM",
    b"TKE": "TKEY",
    b"TRC": "TSRC",
    b"TXX": "TXXX",
    b"UFI": "UFID",
}


@dataclass(slots=True)
class Id3Text:
    """Text frames of a tag.

    Attributes
    ----------
    frames
        Frame name (of ID3v2.3 and later) to its first value.
    user
        Description, in lower case, to value of the TXXX frames.
    ids
        Owner to identifier of the UFID frames.
    """

    frames: dict[str, str] = field(default_factory=dict)
    user: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)


def read_id3(tag: bytes) -> Id3Text:
    """Read the text frames of an ID3v2 tag; what is damaged is left out.

    Parameters
    ----------
    tag
        The whole tag, with its header.
    """
    text = Id3Text()
    for name, data in _frames(tag):
        if name == "TXXX":
            strings = _strings(data, 2)
            if len(strings) == 2:
                text.user.setdefault(strings[0].lower(), strings[1])
        elif name == "UFID":
            owner, _, identifier = data.partition(b"\0")
            text.ids.setdefault(owner.decode("latin-1"), identifier.decode("latin-1"))
        elif name[0] == "T":
            strings = _strings(data, 1)
            if strings and strings[0]:
                text.frames.setdefault(name, strings[0])
    return text


def with_texts(tag: bytes, texts: Mapping[str, str]) -> bytes | None:
    """Return a tag with these text frames in place of its own of the same names, all others as they are to the byte.

    Parameters
    ----------
    tag
        A whole tag with its header, or `NEW_TAG`.
    texts
        Names of frames to texts.

    Returns
    -------
    bytes or None
        None for what is not plain frames of version 2.3 or 2.4: version 2.2, unsynchronised, extended or damaged.
    """
    if tag[:3] != b"ID3" or tag[3] not in (3, 4) or tag[5] or len(tag) != 10 + _synchsafe(tag[6:10]):
        return None
    version, body, at = tag[3], tag[10:], 0
    frames = []
    while body[at : at + 1].isalpha() and len(body) >= at + 10:
        end = at + 10 + _frame_size(body, at, version)
        if body[at : at + 4].decode("latin-1") not in texts:
            frames.append(body[at:end])
        at = end
    if at > len(body) or body[at:].strip(b"\0"):
        return None
    frames += [_text_frame(name, text, version) for name, text in texts.items()]
    data = b"".join(frames)
    size = len(body) if len(data) <= len(body) else len(data) + _PADDING
    return tag[:6] + _safe(size) + data.ljust(size, b"\0")


def _text_frame(name: str, text: str, version: int) -> bytes:
    """A frame in Latin-1, or in UTF-16 where that does not do."""
    try:
        data = b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:
        data = b"\1" + text.encode("utf-16", "replace")
    return name.encode() + (_safe(len(data)) if version == 4 else len(data).to_bytes(4, "big")) + b"\0\0" + data


def _safe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def _frames(tag: bytes) -> Iterator[tuple[str, bytes]]:
    if len(tag) < 10 or tag[:3] != b"ID3" or tag[3] not in (2, 3, 4):
        return
    version, flags = tag[3], tag[5]
    body = tag[10:]
    if flags & 0x80 and version < 4:
        body = body.replace(b"\xff\x00", b"\xff")
    at = _extended(body, version) if flags & 0x40 and version > 2 else 0
    head = 6 if version == 2 else 10
    for _ in range(_MAX_FRAMES):
        frame = body[at : at + head]
        if len(frame) < head or not frame[:1].isalpha():
            return
        size = _frame_size(body, at, version)
        name, raw = frame[: 3 if version == 2 else 4], body[at + head : at + head + min(size, _MAX_FRAME_BYTES)]
        at += head + size
        known = _OLD_NAMES.get(name) if version == 2 else name.decode("latin-1")
        if known and (known[0] == "T" or known == "UFID"):
            how = frame[9] if version > 2 else 0
            data = _plain(raw, how | (_UNSYNCHRONISED if version == 4 and flags & 0x80 else 0), version)
            if data:
                yield known, data


def _extended(body: bytes, version: int) -> int:
    size = int.from_bytes(body[:4], "big") if version == 3 else _synchsafe(body[:4])
    return size + 4 if version == 3 else size


def _synchsafe(data: bytes) -> int:
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
    return value


def _frame_size(body: bytes, at: int, version: int) -> int:
    if version == 2:
        return int.from_bytes(body[at + 3 : at + 6], "big")
    data = body[at + 4 : at + 8]
    plain = int.from_bytes(data, "big")
    if version == 3:
        return plain
    # iTunes wrote plain sizes into version 2.4: believe the one behind which a frame or the padding starts.
    safe = _synchsafe(data)
    if safe != plain and not _continues(body, at + 10 + safe) and _continues(body, at + 10 + plain):
        return plain
    return safe


def _continues(body: bytes, at: int) -> bool:
    name = body[at : at + 4]
    return at == len(body) or name == b"\0\0\0\0" or (len(name) == 4 and name.isalnum() and name.isupper())


def _plain(raw: bytes, flags: int, version: int) -> bytes:
    """Data of a frame without compression and unsynchronisation; empty if it is encrypted or damaged."""
    if version == 3:
        if flags & 0x40:
            return b""
        start = (4 if flags & 0x80 else 0) + (1 if flags & 0x20 else 0)
        return _inflated(raw[start:]) if flags & 0x80 else raw[start:]
    if version == 4:
        if flags & 0x04:
            return b""
        raw = raw[(1 if flags & 0x40 else 0) + (4 if flags & 0x01 else 0) :]
        if flags & _UNSYNCHRONISED:
            raw = raw.replace(b"\xff\x00", b"\xff")
        return _inflated(raw) if flags & 0x08 else raw
    return raw


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MAX_FRAME_BYTES)
    except zlib.error:
        return b""


def _strings(data: bytes, count: int) -> list[str]:
    """Up to `count` strings of a text frame: an encoding byte, then strings that a zero ends."""
    encoding = _ENCODINGS.get(data[0])
    if encoding is None:
        return []
    rest = data[1:]
    wide = encoding.startswith("utf-16")
    strings = []
    for _ in range(count):
        end = _zero(rest, wide=wide)
        part, rest = rest[:end], rest[end + (2 if wide else 1) :]
        strings.append(part.decode(encoding, "replace").lstrip("\ufeff"))
        if not rest:
            break
    return strings


def _zero(data: bytes, *, wide: bool) -> int:
    """Where the first string ends."""
    end = data.find(b"\0\0" if wide else b"\0")
    while wide and end >= 0 and end % 2:
        end = data.find(b"\0\0", end + 1)
    return len(data) if end < 0 else end
