"""Samples that the caller already has."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracktion.audio.decoder import FloatBlock
from tracktion.audio.limits import Limits
from tracktion.errors import UsageError

__all__ = ["ArrayDecoder"]


class ArrayDecoder:
    """Stream an array as if it were a file; see `Decoder`.

    Parameters
    ----------
    samples
        Shape (n,) or (n, channels). Floats have full scale ±1; integers are scaled by their type.
    sample_rate
        Hz.
    limits
        Bounds.

    Raises
    ------
    UsageError
        Wrong shape, type or rate.
    """

    name = "array"
    format = "array"

    def __init__(self, samples: Any, sample_rate: float, *, limits: Limits) -> None:
        array = np.asarray(samples)
        if array.ndim == 1:
            array = array[:, np.newaxis]
        if array.ndim != 2 or array.shape[1] == 0:
            raise UsageError(f"samples must have the shape (n,) or (n, channels), not {array.shape}", stage="open")
        if array.shape[1] > limits.max_channels:
            hint = "; transpose it" if array.shape[0] <= limits.max_channels else ""
            raise UsageError(f"shape {array.shape} means {array.shape[1]} channels{hint}", stage="open")
        if array.dtype.kind not in "fiu":
            raise UsageError(f"samples must be real numbers, not {array.dtype}", stage="open")
        rate = round(float(sample_rate)) if math.isfinite(float(sample_rate)) else 0
        if not limits.min_sample_rate <= rate <= limits.max_sample_rate:
            raise UsageError(f"a sample rate of {sample_rate} Hz is outside of the limits", stage="open")
        self._array = array
        self._position = 0
        self.sample_rate = rate
        self.channels = int(array.shape[1])
        self.declared_frames: int | None = len(array)
        self.codec = str(array.dtype)
        self.notes: dict[str, str] = {}

    def read(self, frames: int) -> FloatBlock:
        """Return the next samples; see `Decoder.read`."""
        raw = self._array[self._position : self._position + frames]
        self._position += len(raw)
        kind, size = raw.dtype.kind, raw.dtype.itemsize * 8
        block = np.array(raw, dtype=np.float32, order="C")
        if kind == "u":
            block -= np.float32(2.0 ** (size - 1))
        if kind in "iu":
            block *= np.float32(2.0 ** (1 - size))
        return block

    def close(self) -> None:
        """Nothing to give back."""
