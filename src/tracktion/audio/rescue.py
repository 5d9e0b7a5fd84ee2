"""A second decoder takes over where the first gives up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tracktion.audio.decoder import Decoder, FloatBlock
from tracktion.errors import CorruptError, FileError

__all__ = ["RescuedDecoder"]

_TOLERANCE_SECONDS = 0.1
_SKIP_FRAMES = 65536


class RescuedDecoder:
    """Read from `first`; where it fails or ends early, go on with the second at the same sample; see `Decoder`.

    Parameters
    ----------
    first
        An open decoder.
    second
        Opens another for the same source.
    """

    def __init__(self, first: Decoder, second: Callable[[], Decoder]) -> None:
        self._decoder = first
        self._second: Callable[[], Decoder] | None = second
        self._position = 0
        self._ended = False
        self.sample_rate = first.sample_rate
        self.channels = first.channels
        self.declared_frames = first.declared_frames
        self.format = first.format
        self.codec = first.codec
        self.name = first.name
        self.notes: dict[str, str] = first.notes

    def read(self, frames: int) -> FloatBlock:
        """Return the next samples; see `Decoder.read`."""
        if self._ended:  # a decoder that failed may fail again, even when asked for nothing
            return np.zeros((0, self.channels), dtype=np.float32)
        try:
            block = self._decoder.read(frames)
        except CorruptError as error:
            if self._take_over(error.reason):
                return self.read(frames)
            if self._position == 0:
                raise
            self._ended = True
            self.notes = {**self.notes, "truncated": f"damaged: {error.reason}"}
            return self.read(frames)
        self._position += len(block)
        if not len(block) and self._ends_early() and self._take_over("it ends early"):
            return self.read(frames)
        return block

    def _ends_early(self) -> bool:
        missing = (self.declared_frames or 0) - self._position
        return missing > _TOLERANCE_SECONDS * self.sample_rate

    def _take_over(self, reason: str) -> bool:
        """Replace the decoder by the second, at the same sample; False if it has nothing more."""
        if self._second is None:
            return False
        opening, self._second = self._second, None
        try:
            second = opening()
        except FileError:
            return False
        if (second.sample_rate, second.channels) != (self.sample_rate, self.channels):
            second.close()
            return False
        rest = self._position
        try:
            while rest:
                n = len(second.read(min(rest, _SKIP_FRAMES)))
                if n == 0:
                    break
                rest -= n
        except FileError:
            rest = 1
        if rest:
            second.close()
            return False
        self._decoder.close()
        self._decoder = second
        self.notes = {**self.notes, **second.notes, "repaired": f"damaged: {reason}; FFmpeg took over"}
        return True

    def close(self) -> None:
        """Close whichever decoder is open."""
        self._decoder.close()
