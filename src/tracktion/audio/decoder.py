"""What the stream asks of a decoder."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Decoder", "FloatBlock"]

FloatBlock = NDArray[np.float32]


class Decoder(Protocol):
    """Decodes one source from start to end.

    Attributes
    ----------
    sample_rate, channels
        Hz; count.
    declared_frames
        Samples per channel that the file claims, None when it does not say. A claim: never allocate from it.
    format, codec, name
        Container, codec, and the library that decodes.
    notes
        Code to sentence, for what a user should know about the file.
    """

    sample_rate: int
    channels: int
    declared_frames: int | None
    format: str
    codec: str
    name: str
    notes: dict[str, str]

    def read(self, frames: int) -> FloatBlock:
        """Return the next samples [shape (n, channels), n <= frames]; n = 0 at the end and only there."""

    def close(self) -> None:
        """Give back what the decoder holds."""
