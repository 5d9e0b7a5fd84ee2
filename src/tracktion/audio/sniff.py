"""What kind of file it is, by content; names and their extensions say nothing."""

from __future__ import annotations

from tracktion.audio.mp3 import behind_id3v2
from tracktion.audio.source import Source

__all__ = ["find_adts", "sniff"]

_MAGIC = (
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b".snd", "au"),
    (0, b"caff", "caf"),
    (4, b"ftyp", "mp4"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"MAC ", "ape"),
    (0, b"wvpk", "wavpack"),
    (0, b"MP+", "musepack"),
    (0, b"MPCK", "musepack"),
    (0, b"TTA1", "tta"),
    (0, b"tBaK", "tak"),
    (0, b"DSD ", "dsf"),
    (0, b"FRM8", "dsdiff"),
    (0, b"#!AMR", "amr"),
    (0, b"ajkg", "shorten"),
    (0, b"\x0b\x77", "ac3"),
    (0, b"\x7f\xfe\x80\x01", "dts"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (0, b"OFR ", "optimfrog"),
    (0, b"MThd", "midi"),
    (8, b"RMID", "midi"),
    (0, b"Extended Module: ", "module"),
    (0, b"IMPM", "module"),
    (44, b"SCRM", "module"),
    (1080, b"M.K.", "module"),
    (1080, b"M!K!", "module"),
    (1080, b"FLT4", "module"),
    (1080, b"4CHN", "module"),
    (1080, b"6CHN", "module"),
    (1080, b"8CHN", "module"),
)
_NO_AUDIO = (
    b"\x7fELF",
    b"MZ",
    b"PK\x03\x04",
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"Rar!",
    b"SQLite format 3",
    b"<!DOCTYPE",
    b"<html",
    b"<?xml",
    b"#EXTM3U",
    b"#!/",
)
_VIDEO = (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"FLV\x01")
_SEARCH_BYTES = 1 << 16
_SURE_CHAIN = 3


def sniff(source: Source) -> tuple[str, int]:
    """Return the kind of content and the byte at which it starts, behind ID3v2 tags.

    ``wav``, ``aiff``, ``flac``, ``ogg``, ``mp4``, ``asf``, ... or ``unknown``, which MPEG audio is too: it has no magic
    number.
    """
    start = behind_id3v2(source)
    head = source.read_at(start, 1088)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "wav", start
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff", start
    if head.startswith(_NO_AUDIO):
        return "other", start
    if _is_video(head):
        return "video", start
    for offset, magic, kind in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return kind, start
    return "unknown", start


def _is_video(head: bytes) -> bool:
    """Whether it is a container that we do not open, in which frames of MPEG audio lie about in pieces."""
    transport = len(head) > 376 and head[0] == head[188] == head[376] == 0x47
    return head.startswith(_VIDEO) or transport or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")


def find_adts(source: Source, start: int) -> int | None:
    """Return the byte at which a chain of ADTS frames (raw AAC) starts, at or after `start`; None if none does."""
    data = source.read_at(start, _SEARCH_BYTES)
    position = data.find(b"\xff")
    while position >= 0:
        if _adts_size(data[position : position + 7]) and _is_chain(source, start + position, first=position == 0):
            return start + position
        position = data.find(b"\xff", position + 1)
    return None


def _adts_size(head: bytes) -> int:
    """Bytes of the ADTS frame that starts `head`; 0 if none does."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or (head[2] >> 2) & 15 > 12:
        return 0
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return size if size >= 7 else 0


def _is_chain(source: Source, at: int, *, first: bool) -> bool:
    count = 0
    while count < _SURE_CHAIN:
        if at >= source.size:
            return count > (0 if first else 1)
        head = source.read_at(at, 7)
        size = _adts_size(head)
        if not size:
            return count > 1 and head[:3] == b"TAG"
        count += 1
        at += size
    return True
