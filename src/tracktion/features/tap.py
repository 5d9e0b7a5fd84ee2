"""What the streaming pass feeds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FRAME_RATE", "HOP", "MONO_RATE", "WINDOW", "FloatBlock", "Tap"]

FloatBlock = NDArray[np.float32]

MONO_RATE = 22050
"""Sample rate of the mono analysis signal, Hz."""
HOP = 441
"""Samples between frames at `MONO_RATE`: 50 frames per second."""
WINDOW = 2048
"""Samples in the Hann window."""
FRAME_RATE = MONO_RATE / HOP
"""Frames per second."""


class Tap:
    """Base of what listens to the streaming pass; a tap overrides the pushes that it needs, and only those are called.

    Blocks are reused after a push returns: copy what is kept.

    Parameters
    ----------
    sample_rate, channels
        Of the source, Hz and count.
    """

    def __init__(self, *, sample_rate: int, channels: int) -> None:
        self.sample_rate = sample_rate
        self.channels = channels

    def push_source(self, block: FloatBlock) -> None:
        """Samples as decoded [shape (n, channels), full scale ±1]."""

    def push_mono(self, block: FloatBlock) -> None:
        """Mean of the channels at `MONO_RATE` [shape (n,)]."""

    def push_magnitude(self, block: FloatBlock) -> None:
        """Magnitudes of up to 128 frames [shape (m, WINDOW // 2 + 1)]; frame i is centred on sample ``i * HOP``."""

    def finish(self) -> Any:
        """Return the frozen features; called once, after the last push."""
        raise NotImplementedError
