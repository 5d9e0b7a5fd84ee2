"""Open, identify, decode and tag audio files, as data that may be hostile."""

from __future__ import annotations

from tracktion.audio.identity import audio_identity
from tracktion.audio.limits import Limits
from tracktion.audio.source import Source, SourceLike, open_source
from tracktion.audio.stream import AudioStream, open_audio
from tracktion.audio.tags import read_tags
from tracktion.audio.tagwrite import write_tags

__all__ = [
    "AudioStream",
    "Limits",
    "Source",
    "SourceLike",
    "audio_identity",
    "open_audio",
    "open_source",
    "read_tags",
    "write_tags",
]
