"""Twin of `_network`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["convolve", "front", "residual"]

F32 = NDArray[np.float32]


def front(
    halves: NDArray[np.uint16],
    table: F32,
    mean: F32,
    scale: F32,
    w1: F32,
    b1: F32,
    w2: F32,
    b2: F32,
    w3: F32,
    b3: F32,
    stride1: int,
    stride2: int,
    margin: int,
    out: F32,
) -> None:
    """See _network.pyi."""
    frames, bands = halves.shape
    c1, c2, c3 = len(b1), len(b2), len(b3)
    k1, k2 = w1.shape[1] // 3, w2.shape[1] // (3 * c1) if c1 else 0
    f1 = (bands - k1) // stride1 + 1 if min(stride1, stride2, k1, k2) > 0 else 0
    if f1 < max(k2, 1) or bands < k1:
        raise ValueError("strides and kernels must be positive and fit into the bands")
    f2 = (f1 - k2) // stride2 + 1
    if w1.shape != (c1 / 4, 3 * k1, 4) or w2.shape != (c2 / 4, 3 * k2 * c1, 4) or w3.shape != (c3 / 4, c2 * f2, 4):
        raise ValueError("weights and biases do not belong together")
    if len(table) != 32768 or len(mean) != bands or len(scale) != bands:
        raise ValueError("table needs 32768 entries, mean and scale one per band")
    if margin < 0 or len(out) != c3 or out.shape[1] < 2 * margin + -(-frames // 32) * 32:
        raise ValueError("out must have a row per channel with room for the margins")
    if frames == 0:
        return
    x = np.zeros((1, bands, frames + 2), np.float32)
    x[0, :, 1:-1] = ((table[halves & 0x7FFF] - mean) * scale).T
    first = np.zeros((c1, f1, frames + 2), np.float32)
    first[:, :, 1:-1] = _strided(x, w1, b1, k1, stride1, f1)
    second = _strided(first, w2, b2, k2, stride2, f2)
    third = np.einsum("grc,rt->gct", w3, second.reshape(c2 * f2, frames), optimize=True).reshape(c3, frames)
    out[:, margin : margin + frames] = np.maximum(third + b3[:, None], 0)
    out[:, margin + frames :] = 0


def _strided(x: F32, weights: F32, bias: F32, kernel: int, stride: int, made: int) -> F32:
    """Rectified convolution over bands (strided) and three frames; x has one frame more on either side."""
    channels, frames = len(x), x.shape[2] - 2
    w = weights.transpose(0, 2, 1).reshape(len(bias), channels, kernel, 3)
    y = np.zeros((len(bias), made, frames), np.float32)
    for k in range(kernel):
        for t in range(3):
            y += np.einsum(
                "oc,cft->oft", w[:, :, k, t], x[:, k : k + stride * made : stride, t : t + frames], optimize=True
            )
    return np.maximum(y + bias[:, None, None], np.float32(0))


def convolve(
    x: F32,
    weights: F32,
    bias: F32,
    taps: int,
    dilation: int,
    margin: int,
    frames: int,
    rectify: bool,
    out: F32,
) -> None:
    """See _network.pyi."""
    channels, made = len(x), len(bias)
    if taps < 1 or taps % 2 == 0 or dilation < 1 or frames < 0 or margin < taps // 2 * dilation:
        raise ValueError("taps must be odd, and the margin as wide as they reach")
    if weights.shape != (made / 4, channels * taps, 4):
        raise ValueError("weights and biases do not belong together")
    need = 2 * margin + -(-frames // 32) * 32
    if len(out) != made or out.shape[1] < need or x.shape[1] < need:
        raise ValueError("x and out must have a row per channel with room for the margins")
    w = weights.transpose(0, 2, 1).reshape(made, channels, taps)
    y = np.repeat(bias[:, None], frames, axis=1)
    for k in range(taps):
        start = margin + (k - taps // 2) * dilation
        y += w[:, :, k] @ x[:, start : start + frames]
    if rectify:
        np.maximum(y, 0, out=y)
    out[:, margin : margin + frames] = y
    out[:, margin + frames : margin + -(-frames // 32) * 32] = 0


def residual(
    x: F32,
    wide: F32,
    wide_bias: F32,
    narrow: F32,
    narrow_bias: F32,
    taps: int,
    dilation: int,
    margin: int,
    frames: int,
    out: F32,
) -> None:
    """See _network.pyi."""
    if len(x) > 64:
        raise ValueError("the network is too wide")
    if len(wide_bias) != len(x) or len(narrow_bias) != len(x) or len(out) != len(x):
        raise ValueError("weights and biases do not belong together")
    if x.size and np.shares_memory(x, out):
        raise ValueError("x and out must not be the same")
    hidden = np.zeros_like(x)
    convolve(x, wide, wide_bias, taps, dilation, margin, frames, True, hidden)
    convolve(hidden, narrow, narrow_bias, 1, 1, margin, frames, False, out)
    out[:, margin : margin + frames] += x[:, margin : margin + frames]
