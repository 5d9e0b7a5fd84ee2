"""A small convolutional network over frames, in integers of 16 bits.

Integers, because machines add up twice as many of them at once as of floats, and because they come out the same
everywhere. Activations are int16 [shape (channels / 2, margin + frames, rounded up to 32, + margin, 2)]: two channels
side by side, frame by frame, zero in the margins, at most ±32 767; a layer's sums are multiplied with `scale`, one per
channel, rounded, and kept within that. Weights are int16 [shape (channels out / 4, pairs of rows, 4, 2)]: four output
channels by two rows. The absolute weights of a channel may add up to 60 000 and a few, its bias be at most 10⁸, so
that no sum can exceed 32 bits.
"""

import numpy as np
from numpy.typing import NDArray

def front(
    halves: NDArray[np.uint16],
    table: NDArray[np.float32],
    mean: NDArray[np.float32],
    scale: NDArray[np.float32],
    w1: NDArray[np.int16],
    b1: NDArray[np.int32],
    g1: NDArray[np.float32],
    w2: NDArray[np.int16],
    b2: NDArray[np.int32],
    g2: NDArray[np.float32],
    w3: NDArray[np.int16],
    b3: NDArray[np.int32],
    g3: NDArray[np.float32],
    stride1: int,
    stride2: int,
    margin: int,
    out: NDArray[np.int16],
) -> None:
    """Squeeze the bands of each frame to a vector.

    Two rectified convolutions run over bands (strided) and three frames, a third over all that is left; `w`, `b`, `g`
    are the weights, bias and scale of each. `halves` [shape (frames, bands)] are upper halves of float32 values, looked
    up in `table` [shape (32768,)] and standardised as ``(value - mean) * scale`` per band. Pairs of rows run over
    (band, (frame before, frame), (frame after, the one after it)) in the first, over (pair of channels, band, frame) in
    the second, over (pair of channels, band) in the third.
    """

def residual(
    x: NDArray[np.int16],
    wide: NDArray[np.int16],
    wide_bias: NDArray[np.int32],
    wide_scale: NDArray[np.float32],
    narrow: NDArray[np.int16],
    narrow_bias: NDArray[np.int32],
    narrow_scale: NDArray[np.float32],
    taps: int,
    dilation: int,
    margin: int,
    frames: int,
    out: NDArray[np.int16],
) -> None:
    """Write to `out` what two layers add to `x`.

    `wide` runs over time with `taps` taps `dilation` frames apart, centred, rectified; `narrow` over its channels.
    Pairs of rows run over (pair of channels, tap). `x` and `out` have at most 64 channels and may not share memory.
    """

def dense(
    x: NDArray[np.int16],
    weights: NDArray[np.int16],
    bias: NDArray[np.int32],
    scale: NDArray[np.float32],
    margin: int,
    frames: int,
    out: NDArray[np.float32],
) -> None:
    """Write to `out` [shape (channels out, frames, rounded up to 32, or more)] weighted sums of the channels of `x`."""
