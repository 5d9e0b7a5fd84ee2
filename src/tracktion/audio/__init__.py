"""Open, identify and decode audio, as data that may be hostile."""

from __future__ import annotations

from tracktion.audio.limits import Limits
from tracktion.audio.source import SourceLike
from tracktion.audio.stream import AudioStream, open_audio

__all__ = ["AudioStream", "Limits", "SourceLike", "open_audio"]
