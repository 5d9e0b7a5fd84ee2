"""libsndfile, through soundfile: the fast road for WAV, FLAC, AIFF, Ogg Vorbis and well-formed MP3."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import soundfile

from tracktion.audio.decoder import FloatBlock
from tracktion.audio.source import QuietReader, Source
from tracktion.errors import CorruptError, UnsupportedError

__all__ = ["SndfileDecoder"]

_UNKNOWN_FRAMES = 1 << 62


# Reads from start to end only: soundfile seeks after each read of a seekable file, which for MP3 decodes frames again.
_Forward: Any = type("_Forward", (soundfile.SoundFile,), {"seekable": lambda _self: False})


class SndfileDecoder:
    """Decode `source` with libsndfile; see `Decoder`.

    Parameters
    ----------
    source
        Open source.
    declared_frames
        Samples per channel that the file's header claims, where libsndfile quietly takes what is there.

    Raises
    ------
    UnsupportedError
        libsndfile does not know the format.
    """

    name = "libsndfile"

    def __init__(self, source: Source, *, declared_frames: int | None = None) -> None:
        self._source_name = source.name
        source.seek(0)
        self._reader = QuietReader(source)
        target = source.fd if source.fd is not None and os.name == "posix" else self._reader
        try:
            self._file = _Forward(target, closefd=False)
        except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
            if self._reader.error is not None:
                raise self._reader.error from error
            raise UnsupportedError(f"libsndfile: {_message(error)}", file=source.name, stage="open") from error
        self.sample_rate = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        frames = int(self._file.frames)
        self.declared_frames = frames if 0 <= frames < _UNKNOWN_FRAMES else None
        if declared_frames is not None:
            self.declared_frames = declared_frames
        self.format = str(self._file.format).lower()
        self.codec = str(self._file.subtype).lower()
        self.notes: dict[str, str] = {}

    def read(self, frames: int) -> FloatBlock:
        """Return the next samples; see `Decoder.read`."""
        block = np.empty((frames, self.channels), dtype=np.float32)
        n = self._read_into(block)
        if self._reader.error is not None:
            raise self._reader.error
        return block[:n]

    def _read_into(self, block: FloatBlock) -> int:
        try:
            return int(self._file.buffer_read_into(block, dtype="float32"))
        except (soundfile.SoundFileError, OSError) as error:
            raise CorruptError(f"libsndfile: {_message(error)}", file=self._source_name, stage="decode") from error

    def close(self) -> None:
        """Close libsndfile's handle; the descriptor stays the source's."""
        self._file.close()


def _message(error: Exception) -> str:
    text = getattr(error, "error_string", None)
    return str(text if isinstance(text, str) else error)
