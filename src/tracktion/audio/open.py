"""Which decoder for which content."""

from __future__ import annotations

import itertools

from tracktion.audio.chunks import WaveLayout, aiff_declared_frames, ogg_layout, ogg_links, wave_layout
from tracktion.audio.claims import is_much, missing_bytes
from tracktion.audio.decoder import Decoder
from tracktion.audio.limits import Limits
from tracktion.audio.mp3 import find_frames
from tracktion.audio.protected import is_protected
from tracktion.audio.sniff import find_adts, sniff
from tracktion.audio.source import Source
from tracktion.errors import EmptyError, ProtectedError, TooBigError, TracktionError, UnsupportedError

__all__ = ["open_decoder"]

_SNDFILE_WAVE_TAGS = frozenset({1, 2, 3, 6, 7, 0x11, 0x31, 0x38, 0x40})
_DTS_SYNC = (b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\x00", b"\xff\x1f\x00\xe8")
_IEC_61937_SYNC = b"\x72\xf8\x1f\x4e"
_BITSTREAM_BYTES = 1 << 16
_REFUSED = {
    "midi": "MIDI: notes for instruments, no recording",
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
    if is_protected(source.window(start), kind):
        reason = "encrypted (DRM); only the player of the shop that sold it can decode it"
        raise ProtectedError(reason, file=source.name, stage="open")
    missing = missing_bytes(source.window(start), kind)  # before a decoder counts on the position of the file
    decoder = _checked(_chosen(source, kind, start, limits), source.name, limits)
    if is_much(missing, source.size):
        decoder.notes.setdefault("truncated", f"the file ends {missing} bytes before its audio does")
    return decoder


def _checked(decoder: Decoder, name: str, limits: Limits) -> Decoder:
    """Return `decoder`, or close it and raise if its channels or sample rate are beyond `limits`."""
    error: TracktionError | None = None
    if decoder.channels > limits.max_channels:
        error = TooBigError(f"{decoder.channels} channels (Limits.max_channels)", file=name, stage="open")
    elif not limits.min_sample_rate <= decoder.sample_rate <= limits.max_sample_rate or decoder.channels < 1:
        bounds = "Limits.min_sample_rate, max_sample_rate"
        reason = f"a sample rate of {decoder.sample_rate} Hz with {decoder.channels} channels ({bounds})"
        error = UnsupportedError(reason, file=name, stage="open")
    if error is not None:
        decoder.close()
        raise error
    return decoder


def _chosen(source: Source, kind: str, start: int, limits: Limits) -> Decoder:
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
    if layout.tag in _SNDFILE_WAVE_TAGS and not layout.size_unknown and not _holds_bitstream(source, layout):
        return _sndfile(source, limits, declared=layout.declared_frames)
    return _ffmpeg(source, limits)


def _holds_bitstream(source: Source, layout: WaveLayout) -> bool:
    """Whether what claims to be PCM is DTS (a DTS CD) or meant for a receiver, which would be heard as noise."""
    if layout.tag != 1:
        return False
    head = source.read_at(layout.start, min(layout.size, _BITSTREAM_BYTES)).lstrip(b"\0")
    return head.startswith(_DTS_SYNC) or head.startswith(_IEC_61937_SYNC)


def _open_ogg(source: Source, limits: Limits) -> Decoder:
    layout = ogg_layout(source)
    if layout.chained:
        return _open_chain(source, limits)
    # libsndfile leaves more than two channels of Vorbis in an order of their own.
    by_ffmpeg = layout.codec != "vorbis" or not layout.regular or layout.channels > 2
    decoder = _ffmpeg(source, limits) if by_ffmpeg else _sndfile(source, limits)
    if layout.regular and not layout.ended:
        decoder.notes["truncated"] = "the last page of the stream is missing"
    if layout.damaged:
        decoder.notes["repaired"] = "pages of the stream are missing"
    return decoder


def _open_chain(source: Source, limits: Limits) -> Decoder:
    from tracktion.audio.links import ChainedDecoder

    starts = ogg_links(source)
    links = [source.window(start, stop) for start, stop in itertools.pairwise([*starts, source.size])]

    def open_link(link: Source) -> Decoder:
        decoder = _ffmpeg(link, limits) if len(links) == 1 else _open_ogg(link, limits)
        return _checked(decoder, source.name, limits)

    return ChainedDecoder(links, open_link)


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
