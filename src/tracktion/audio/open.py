"""Which decoder for which content."""

from __future__ import annotations

from tracktion.audio.decoder import Decoder
from tracktion.audio.limits import Limits
from tracktion.audio.source import Source
from tracktion.errors import EmptyError, UnsupportedError

__all__ = ["open_decoder"]


def open_decoder(source: Source, *, limits: Limits) -> Decoder:
    """Choose the decoder by content and open it; see `open_audio` for the errors."""
    if source.size == 0:
        raise EmptyError("an empty file", file=source.name, stage="open")
    from tracktion.audio.ffmpeg import FFmpegDecoder
    from tracktion.audio.sndfile import SndfileDecoder

    try:
        return SndfileDecoder(source)
    except UnsupportedError:
        return FFmpegDecoder(source, max_channels=limits.max_channels)
