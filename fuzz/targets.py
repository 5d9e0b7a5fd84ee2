"""What is fuzzed: functions of bytes that may raise nothing but `TracktionError`."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Callable

import numpy as np

from tracktion import audio, estimators, features
from tracktion.analyzer import Analyzer
from tracktion.audio import Limits, audio_identity, open_audio, read_tags
from tracktion.audio.chunks import aiff_declared_frames, ogg_layout, ogg_links, ogg_pages, wave_layout
from tracktion.audio.claims import missing_bytes
from tracktion.audio.id3 import read_id3
from tracktion.audio.mp3 import find_frames, parse_header, parse_info
from tracktion.audio.protected import is_protected
from tracktion.audio.sniff import find_adts, sniff
from tracktion.audio.source import open_source
from tracktion.errors import TracktionError
from tracktion.matching.folding import fold
from tracktion.matching.query import parse_query
from tracktion.matching.scoring import load_scorer, surface_text
from tracktion.matching.text import normalise_track, searchable
from tracktion.results.catalogue import Candidate, Track

__all__ = ["TARGETS", "TEXTS"]

# Everything is imported here, where the driver instruments it: what is imported in a target later is fuzzed blindly.
for _package in (audio, estimators, features):
    for _module in pkgutil.iter_modules(_package.__path__, f"{_package.__name__}."):
        if not _module.name.endswith("essentia"):
            importlib.import_module(_module.name)

TEXTS = (
    "Trapdoor (feat. Someone) [PAX Remix] - Radio Edit\nGorgon City & PAX, Third; The Fourth\nTrapdoor - EP",
    "08-Gypsy_Eyes.mp3\nJimi Hendrix\nElectric Ladyland (Disc 1)",
    "Björk - Jóga (Live at the Royal Opera House) [Official Video HD] 1997\nvs. Юность, The\nx",
    "U.N.K.L.E. with Thom Yorke (Cover of the Ramones)\nVarious Artists\nLP Version (2011 Remaster)",
)
"""Seeds of the target `text`: title, credit and album in lines."""

_LIMITS = Limits(max_seconds=30.0, max_tag_bytes=1 << 20)
_MAX_GROUPS = 10_000


def check(condition: bool) -> None:
    """Fail a target."""
    if not condition:
        raise AssertionError


def mp3(data: bytes) -> None:
    """Headers, Xing/LAME header, walk over the frames."""
    parse_header(data)
    parse_info(data)
    with open_source(data) as source:
        walk = find_frames(source)
        if walk is None:
            return
        frames = size = 0
        for count, group in enumerate(walk.groups(7)):
            frames += group.frames
            size += len(group.data)
            check(count < _MAX_GROUPS)
        check(frames == walk.frames)
        check(size <= len(data))


def containers(data: bytes) -> None:
    """Choice of the decoder; chunks of RIFF and IFF; boxes and objects of what may be encrypted; pages of Ogg."""
    with open_source(data) as source:
        kind, start = sniff(source)
        check(bool(kind))
        check(start >= 0)
        find_adts(source, start)
        wave = wave_layout(source)
        check(wave is None or 0 <= wave.size <= len(data))
        aiff_declared_frames(source)
        check(sum(len(page.data) for page in ogg_pages(source)) <= len(data))
        ogg_layout(source)
        links = ogg_links(source)
        check(links == sorted(set(links)))
        for magic in ("mp4", "asf", "wav", "aiff", "caf", "au", "matroska"):
            is_protected(source, magic)
            check(missing_bytes(source, magic) >= 0)


def identity(data: bytes) -> None:
    """Identity; the same again is the same."""
    if data:
        check(audio_identity(data, limits=_LIMITS) == audio_identity(bytearray(data), limits=_LIMITS))


def tags(data: bytes) -> None:
    """Tags of all kinds, bare ID3 too."""
    read_id3(data)
    with contextlib.suppress(TracktionError):
        read = read_tags(data, limits=_LIMITS)
        check(type(read).from_json(read.to_json()) == read)


def decode(data: bytes) -> None:
    """All the way to samples: our framing, and FFmpeg and libsndfile behind it."""
    with contextlib.suppress(TracktionError), open_audio(data, limits=_LIMITS) as stream:
        for block in stream.blocks():
            check(bool(np.isfinite(block).all()))


def ogg(data: bytes) -> None:
    """The same where the checksums of all Ogg pages are right, without which decoders pass over what was changed."""
    whole = bytearray(data)
    with open_source(data) as source:
        pages = [(page.start, 27 + len(page.segments) + len(page.data)) for page in ogg_pages(source)]
    for start, size in pages:
        whole[start + 22 : start + 26] = bytes(4)
        whole[start + 22 : start + 26] = _ogg_sum(whole[start : start + size]).to_bytes(4, "little")
    decode(bytes(whole))


def _ogg_sum(page: bytearray) -> int:
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ _OGG_SUMS[value >> 24 ^ byte]
    return value


def _ogg_sums() -> list[int]:
    sums = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
        sums.append(value)
    return sums


_OGG_SUMS = _ogg_sums()


def text(data: bytes) -> None:
    """Normalising of titles and credits, parsing of questions and file names, and the score of one for the other."""
    title, artist, album = [*data.decode("utf-8", "surrogateescape").split("\n", 2), "", ""][:3]
    fold(title)
    form = normalise_track(title, artist, album)
    check(searchable(title, artist) == form.search)
    row = Candidate(Track(title=title, artist=artist, album=album), form.search)
    fields = (None, None, None)
    for words, *named in ((f"{title} {artist}", *fields), (title, *fields), (None, title, artist, album)):
        with contextlib.suppress(TracktionError):
            query = parse_query(words, *named)
            spelt = surface_text(words, *named[:2])
            check(all(0.0 <= scored.probability <= 1.0 for scored in load_scorer().score(query, spelt, [row])))


def analysis(data: bytes) -> None:
    """Samples of any kind through features and estimators: kernels stay within their arrays, results are finite."""
    channels = data[0] % 3 + 1 if data else 1
    samples = np.frombuffer(data[: len(data) // 4 * 4], dtype=np.float32)
    samples = np.tile(samples[: len(samples) // channels * channels], 200).reshape(-1, channels)
    with contextlib.suppress(TracktionError):
        Analyzer(overlap=False).analyze((samples, 22050)).to_json()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "mp3": mp3,
    "containers": containers,
    "identity": identity,
    "tags": tags,
    "decode": decode,
    "ogg": ogg,
    "text": text,
    "analysis": analysis,
}
