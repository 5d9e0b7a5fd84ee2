"""Twin of `_network`. Sums are made in float64, which holds them exactly and multiplies faster than integers do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["dense", "front", "residual"]

F32 = NDArray[np.float32]
I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
Numbers = NDArray[Any]
MOST = 32767


def front(
    halves: NDArray[np.uint16],
    table: F32,
    mean: F32,
    scale: F32,
    w1: I16,
    b1: I32,
    g1: F32,
    w2: I16,
    b2: I32,
    g2: F32,
    w3: I16,
    b3: I32,
    g3: F32,
    stride1: int,
    stride2: int,
    margin: int,
    out: I16,
) -> None:
    """See _network.pyi."""
    for layer in ((w1, b1, g1), (w2, b2, g2), (w3, b3, g3)):
        _check(*layer)
    frames, bands = halves.shape
    p1, p2 = len(b1) // 2, len(b2) // 2
    k1, k2 = w1.shape[1] // 2, w2.shape[1] // (3 * p1)
    if min(stride1, stride2, k1, k2) < 1 or bands < k1 or (f1 := (bands - k1) // stride1 + 1) < k2:
        raise ValueError("strides and kernels must be positive and fit into the bands")
    f2 = (f1 - k2) // stride2 + 1
    if w1.shape[1] != 2 * k1 or w2.shape[1] != 3 * k2 * p1 or w3.shape[1] != p2 * f2:
        raise ValueError("weights of the layers do not belong together")
    if len(table) != 32768 or len(mean) != bands or len(scale) != bands:
        raise ValueError("table needs 32768 entries, mean and scale one per band")
    if margin < 0 or 2 * len(out) != len(b3) or out.shape[1] < 2 * margin + _rounded(frames) or out.shape[2] != 2:
        raise ValueError("out must have a row per pair of channels with room for the margins")
    if frames == 0:
        return
    x = np.zeros((1, bands, frames + 3))
    x[0, :, 1:-2] = _integers((table[halves & 0x7FFF] - mean) * scale).T
    first = np.zeros((2 * p1, f1, frames + 2))
    first[:, :, 1:-1] = _strided(x, _by_channel(w1).reshape(-1, 1, k1, 4), b1, g1, stride1, f1)
    w = _by_channel(w2).reshape(-1, p1, k2, 3, 2).transpose(0, 1, 4, 2, 3).reshape(-1, 2 * p1, k2, 3)
    second = _strided(first, w, b2, g2, stride2, f2)
    rows = second.reshape(p2, 2, f2, frames).transpose(0, 2, 1, 3).reshape(-1, frames)
    third = np.maximum(_integers(_scaled(_by_channel(w3) @ rows, b3, g3)), 0)
    out[:, margin : margin + frames] = _paired(third)
    out[:, margin + frames :] = 0


def residual(
    x: I16,
    wide: I16,
    wide_bias: I32,
    wide_scale: F32,
    narrow: I16,
    narrow_bias: I32,
    narrow_scale: F32,
    taps: int,
    dilation: int,
    margin: int,
    frames: int,
    out: I16,
) -> None:
    """See _network.pyi."""
    _check(wide, wide_bias, wide_scale)
    _check(narrow, narrow_bias, narrow_scale)
    pairs, need = len(x), 2 * margin + _rounded(frames)
    if taps < 1 or taps % 2 == 0 or dilation < 1 or frames < 0 or margin < taps // 2 * dilation:
        raise ValueError("taps must be odd, and the margin as wide as they reach")
    if {len(wide_bias), len(narrow_bias)} != {2 * pairs} or (wide.shape[1], narrow.shape[1]) != (pairs * taps, pairs):
        raise ValueError("weights of the layers do not belong together")
    if len(out) != pairs or out.shape[1] < need or x.shape[1] < need or x.shape[2] != 2 or out.shape[2] != 2:
        raise ValueError("x and out must have a row per pair of channels with room for the margins")
    if pairs > 32:
        raise ValueError("the network is too wide")
    if frames == 0:
        return
    if np.shares_memory(x, out):
        raise ValueError("x and out must not be the same")
    w = _by_channel(wide).reshape(-1, pairs, taps, 2).transpose(2, 0, 1, 3).reshape(taps, 2 * pairs, 2 * pairs)
    channels = _channels(x)
    starts = (margin + (k - taps // 2) * dilation for k in range(taps))
    sums = sum(w[k] @ channels[:, start : start + frames] for k, start in enumerate(starts))
    hidden = np.maximum(_integers(_scaled(sums, wide_bias, wide_scale)), 0)
    added = _integers(_scaled(_by_channel(narrow) @ hidden, narrow_bias, narrow_scale))
    total = np.clip(added + channels[:, margin : margin + frames], -MOST, MOST)
    out[:, margin : margin + frames] = _paired(total)
    out[:, margin + frames : margin + _rounded(frames)] = 0


def dense(x: I16, weights: I16, bias: I32, scale: F32, margin: int, frames: int, out: F32) -> None:
    """See _network.pyi."""
    _check(weights, bias, scale)
    span = _rounded(frames)
    if weights.shape[1] != len(x):
        raise ValueError("weights and x do not belong together")
    if (
        min(margin, frames) < 0
        or x.shape[1] < 2 * margin + span
        or x.shape[2] != 2
        or len(out) != len(bias)
        or out.shape[1] < span
    ):
        raise ValueError("x and out must have a row per pair of channels, or channel, with room for all frames")
    out[:, :span] = _scaled(_by_channel(weights) @ _channels(x[:, margin : margin + span]), bias, scale)


def _check(weights: I16, bias: I32, scale: F32) -> None:
    groups, rows, four, two = weights.shape
    if min(groups, rows) == 0 or 4 * groups != len(bias) or len(scale) != len(bias) or (four, two) != (4, 2):
        raise ValueError("weights, bias and scale do not belong together")
    if rows > 1024 or len(bias) > 512:
        raise ValueError("the network is too wide")


def _rounded(frames: int) -> int:
    return -(-frames // 32) * 32


def _by_channel(weights: I16) -> Numbers:
    """Weights [shape (channels out, rows)]."""
    return weights.transpose(0, 2, 1, 3).reshape(4 * len(weights), -1).astype(np.float64)


def _channels(x: I16) -> Numbers:
    """From pairs of channels to channels [shape (channels, frames)]."""
    return x.transpose(0, 2, 1).reshape(2 * len(x), -1).astype(np.float64)


def _paired(channels: Numbers) -> Numbers:
    """The other way."""
    return channels.reshape(len(channels) // 2, 2, -1).transpose(0, 2, 1)


def _scaled(sums: Numbers, bias: I32, scale: F32) -> F32:
    """What a layer gives before it is rounded; channels first."""
    ones = (1,) * (sums.ndim - 1)
    return (sums + bias.reshape(-1, *ones)).astype(np.float32) * scale.reshape(-1, *ones)


def _integers(values: F32) -> Numbers:
    return np.rint(np.clip(values, np.float32(-MOST), np.float32(MOST))).astype(np.float64)


def _strided(x: Numbers, weights: Numbers, bias: I32, scale: F32, stride: int, made: int) -> Numbers:
    """Rectified convolution over bands (strided) and frames; x has so many frames more as the taps need."""
    taps = weights.shape[3]
    frames = x.shape[2] - taps + 1
    y = np.zeros((len(weights), made, frames))
    for k in range(weights.shape[2]):
        for t in range(taps):
            shifted = x[:, k : k + stride * made : stride, t : t + frames]
            y += np.einsum("oc,cft->oft", weights[:, :, k, t], shifted, optimize=True)
    return np.maximum(_integers(_scaled(y, bias, scale)), 0)
