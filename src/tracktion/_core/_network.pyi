"""A small convolutional network over frames.

Activations are float32 [shape (channels, margin + frames, rounded up to 32, + margin)], zero in the margins. Weights
are packed [shape (channels out / 4, rows, 4)]: four output channels side by side.
"""

import numpy as np
from numpy.typing import NDArray

def front(
    halves: NDArray[np.uint16],
    table: NDArray[np.float32],
    mean: NDArray[np.float32],
    scale: NDArray[np.float32],
    w1: NDArray[np.float32],
    b1: NDArray[np.float32],
    w2: NDArray[np.float32],
    b2: NDArray[np.float32],
    w3: NDArray[np.float32],
    b3: NDArray[np.float32],
    stride1: int,
    stride2: int,
    margin: int,
    out: NDArray[np.float32],
) -> None:
    """Squeeze the bands of each frame to a vector.

    Two rectified convolutions run over bands (strided) and three frames, a third over all that is left. `halves`
    [shape (frames, bands)] are upper halves of float32 values, looked up in `table` [shape (32768,)] and
    standardised as ``(value - mean) * scale`` per band. Rows of the weights run over (channel, band, frame).
    """

def convolve(
    x: NDArray[np.float32],
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    taps: int,
    dilation: int,
    margin: int,
    frames: int,
    rectify: bool,
    out: NDArray[np.float32],
) -> None:
    """Convolve over time with `taps` taps `dilation` frames apart, centred, into `out`; rectify.

    Rows of the weights run over (channel, tap).
    """

def residual(
    x: NDArray[np.float32],
    wide: NDArray[np.float32],
    wide_bias: NDArray[np.float32],
    narrow: NDArray[np.float32],
    narrow_bias: NDArray[np.float32],
    taps: int,
    dilation: int,
    margin: int,
    frames: int,
    out: NDArray[np.float32],
) -> None:
    """Write to `out` what two layers add to `x`: `wide` over time as in `convolve`, rectified, then `narrow`.

    `x` and `out` have at most 64 channels and may not share memory. The rows of `narrow` run over the channels.
    """
