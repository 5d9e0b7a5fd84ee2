"""From trained weights to layers of integers, which the kernels of `tracktion._core.network` take.

Activations are fixed-point numbers: `UNIT` each, so that ±64 fit; those of the shipped network stay below 25, whatever
it hears. Weights get a step of their own per output channel, as fine as 32 bits for the sums allow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNIT", "Layer", "quantized"]

UNIT = 1 / 512
MOST_WEIGHTS, MOST_BIAS = 60_000, 10**8
"""What the absolute weights of a channel may add up to, and its bias: see _network.pyi."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer of integers.

    Attributes
    ----------
    weights
        Four output channels by a pair of rows [shape (channels out / 4, pairs of rows, 4, 2)].
    bias
        Added to the sums [shape (channels out,)].
    scale
        From the sums to activations [shape (channels out,)].
    """

    weights: NDArray[np.int16]
    bias: NDArray[np.int32]
    scale: NDArray[np.float32]

    @property
    def parts(self) -> tuple[NDArray[np.int16], NDArray[np.int32], NDArray[np.float32]]:
        """As the kernels take them."""
        return self.weights, self.bias, self.scale


def quantized(weights: NDArray[np.float32], bias: NDArray[np.float32], *, unit: float = UNIT) -> Layer:
    """Round a layer to integers.

    Parameters
    ----------
    weights
        Rows in pairs that are multiplied alike [shape (channels out, pairs of rows, 2)].
    bias
        Shape (channels out,).
    unit
        What the output counts in; 1 for floats.
    """
    wide = np.asarray(weights, np.float64)
    room = np.abs(wide).sum(axis=(1, 2)) / MOST_WEIGHTS
    step = np.maximum.reduce([room, np.abs(wide).max(axis=(1, 2)) / 32767, np.abs(bias) / (UNIT * MOST_BIAS)])
    step = np.maximum(step, 1e-12)
    groups = np.rint(wide / step[:, None, None]).reshape(-1, 4, wide.shape[1], 2).transpose(0, 2, 1, 3)
    return Layer(
        weights=np.ascontiguousarray(groups, np.int16),
        bias=np.rint(bias / (UNIT * step)).astype(np.int32),
        scale=(step * (UNIT / unit)).astype(np.float32),
    )
