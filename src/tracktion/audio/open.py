"""Which decoder for which content."""

from __future__ import annotations

import itertools

from tracktion.audio.chunks import aiff_declared_frames, ogg_layout, ogg_links, wave_layout
from tracktion.audio.decoder import Decoder
from tracktion.audio.limits import Limits
from tracktion.audio.mp3 import find_frames
from tracktion.audio.sniff import find_adts, sniff
from tracktion.audio.source import Source
from tracktion.errors import EmptyError, UnsupportedError

__all__ = ["open_decoder"]

_SNDFILE_WAVE_TAGS = frozenset({1, 2, 3, 6, 7, 0x11, 0x31, 0x38, 0x40})
_REFUSED = {
    "module": "a tracker module: a score with samples, no recording",
    "other": "no audio: an archive, a program, a picture or text",
    "optimfrog": "OptimFROG, which no free decoder reads",
    "video": "a video file of a kind that is not read here; take its sound out of it",
}


def open_decoder(source: Source, *, limits: Limits) -> Decoder:
    """Choose the decoder by content and open it; see `open_audio` for the errors."""
    if source.size == 0:
        raise EmptyError("an empty file", file=source.name, stage="open")
    kind, start = sniff(source)
    if kind in _REFUSED:
        raise UnsupportedError(_REFUSED[kind], file=source.name, stage="open")
    inner = source.window(start)
    if kind == "wav":
        return _open_wave(inner, limits)
    if kind == "aiff":
        return _sndfile(inner, limits, declared=aiff_declared_frames(inner))
    if kind in ("flac", "au", "caf"):
        return _sndfile(inner, limits)
    if kind == "ogg":
        return _open_ogg(inner, limits)
    if kind == "unknown":
        return _open_frames(source, start, limits)
    return _ffmpeg(inner, limits)


def _open_wave(source: Source, limits: Limits) -> Decoder:
    layout = wave_layout(source)
    if layout is None:
        return _ffmpeg(source, limits)
    if layout.tag in (0x50, 0x55):
        data = source.window(layout.start, layout.start + layout.size)
        found = _mpeg(data, limits)
        return found or _ffmpeg(source, limits)
    if layout.tag in _SNDFILE_WAVE_TAGS and not layout.size_unknown:
        return _sndfile(source, limits, declared=layout.declared_frames)
    return _ffmpeg(source, limits)


def _open_ogg(source: Source, limits: Limits) -> Decoder:
    layout = ogg_layout(source)
    if layout.chained:
        return _open_chain(source, limits)
    # libsndfile leaves more than two channels of Vorbis in an order of their own.
    if layout.codec != "vorbis" or not layout.regular or layout.channels > 2:
        return _ffmpeg(source, limits)
    decoder = _sndfile(source, limits)
    if not layout.ended:
        decoder.notes["truncated"] = "the last page of the stream is missing"
    return decoder


def _open_chain(source: Source, limits: Limits) -> Decoder:
    from tracktion.audio.links import ChainedDecoder

    starts = ogg_links(source)
    links = [source.window(start, stop) for start, stop in itertools.pairwise([*starts, source.size])]
    return ChainedDecoder(links, lambda link: _ffmpeg(link, limits) if len(links) == 1 else _open_ogg(link, limits))


def _open_frames(source: Source, start: int, limits: Limits) -> Decoder:
    decoder = _mpeg(source, limits)
    if decoder is not None:
        return decoder
    adts = find_adts(source, start)
    if adts is not None:
        return _ffmpeg(source.window(adts), limits, demuxer="aac")
    return _ffmpeg(source.window(start), limits)


def _mpeg(source: Source, limits: Limits) -> Decoder | None:
    from tracktion.audio.mpegaudio import MpegAudioDecoder

    walk = find_frames(source)
    if walk is None:
        return None
    if walk.header.size == 0:
        # FFmpeg cannot, and mpg123 writes to stderr about each damaged frame.
        raise UnsupportedError("MPEG audio in free format", file=source.name, stage="open")
    return MpegAudioDecoder(source, walk, max_channels=limits.max_channels)


def _ffmpeg(source: Source, limits: Limits, *, demuxer: str | None = None) -> Decoder:
    from tracktion.audio.ffmpeg import FFmpegDecoder

    return FFmpegDecoder(source, demuxer=demuxer, max_channels=limits.max_channels)


def _sndfile(source: Source, limits: Limits, *, declared: int | None = None) -> Decoder:
    from tracktion.audio.rescue import RescuedDecoder
    from tracktion.audio.sndfile import SndfileDecoder

    try:
        first = SndfileDecoder(source, declared_frames=declared)
    except UnsupportedError:
        return _ffmpeg(source, limits)
    return RescuedDecoder(first, lambda: _ffmpeg(source, limits))
