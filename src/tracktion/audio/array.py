"""Samples that the caller already has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracktion.audio.decoder import FloatBlock
from tracktion.audio.limits import Limits
from tracktion.errors import UsageError

__all__ = ["ArrayDecoder", "checked_samples", "scaled"]


def checked_samples(samples: Any) -> NDArray[Any]:
    """Samples as an array of real numbers [shape (n, channels)].

    Raises
    ------
    UsageError
        Wrong shape or type.
    """
    try:
        array = np.asarray(samples)
    except ValueError as error:
        raise UsageError(f"samples must be one array: {error}", stage="open") from error
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] == 0:
        raise UsageError(f"samples must have the shape (n,) or (n, channels), not {array.shape}", stage="open")
    if array.dtype.kind not in "fiu":
        raise UsageError(f"samples must be real numbers, not {array.dtype}", stage="open")
    return array


def scaled(samples: NDArray[Any]) -> FloatBlock:
    """Checked samples as float32 of full scale ±1, in an array of their own; integers are scaled by their type."""
    kind, size = samples.dtype.kind, samples.dtype.itemsize * 8
    with np.errstate(over="ignore"):  # what is beyond float32 becomes infinite, which the stream notes
        block = np.array(samples, dtype=np.float32, order="C")
    if kind == "u":
        block -= np.float32(2.0 ** (size - 1))
    if kind in "iu":
        block *= np.float32(2.0 ** (1 - size))
    return block


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
        array = checked_samples(samples)
        if array.shape[1] > limits.max_channels:
            hint = "; transpose it" if array.shape[0] <= limits.max_channels else ""
            raise UsageError(f"shape {array.shape} means {array.shape[1]} channels{hint}", stage="open")
        try:
            rate = round(float(sample_rate))
        except (TypeError, ValueError, OverflowError) as error:
            raise UsageError(f"a sample rate in Hz is a number, not {sample_rate!r}", stage="open") from error
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
        return scaled(raw)

    def close(self) -> None:
        """Nothing to give back."""
