"""The rhythm network: band levels → activations of beat and downbeat, and a distribution over tempi.

A temporal convolutional network in the manner of Davies and Böck, "Temporal convolutional networks for musical audio
beat tracking" (EUSIPCO 2019) and Böck, Davies and Knees, "Multi-task learning of tempo and beat" (ISMIR 2019), small
enough to cost less than the spectrogram that it reads. docs/explanation/rhythm.md says what it was trained on.
"""

from __future__ import annotations

import functools
import importlib.resources
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracktion._core.network import dense, front, residual
from tracktion.estimators.divided import divided
from tracktion.estimators.quantized import UNIT, Layer, quantized
from tracktion.features.rhythm import widen

__all__ = ["Activations", "activations", "compression", "weights"]

FloatArray = NDArray[np.float32]
Weights = dict[str, NDArray[np.float32]]
STRIDES = (3, 2)
SPAN = 32
TAPS = 5
TAPPED_BPM, TAPPED_OCTAVES = 120.0, 0.5
"""Where people like to tap (van Noorden and Moelants 1999 put it near 120 BPM), and how far they go from there: the
training music has more slow readings than recordings have, which this sets right."""
CHUNK = 15_000
"""Frames in one go (five minutes), so that memory does not grow with the piece."""
SUM_FRAMES = 500
"""Frames that are summed together, wherever a chunk begins, so that the sum is the same for any division."""
LOUDEST = 1e6
"""Above any magnitude of samples within full scale."""


@dataclass(frozen=True, slots=True, eq=False)
class Activations:
    """What the network says.

    Attributes
    ----------
    beat, downbeat
        Log odds that a beat, or a downbeat, falls on the frame [shape (frames,)].
    tempo
        Probability per tempo [shape (bins,)].
    bpm
        The tempi [shape (bins,)].
    """

    beat: FloatArray
    downbeat: FloatArray
    tempo: NDArray[np.float64]
    bpm: NDArray[np.float64]


@functools.cache
def weights() -> Weights:
    """Arrays of data/rhythm.npz."""
    file = importlib.resources.files("tracktion.estimators").joinpath("data/rhythm.npz")
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


@functools.cache
def _magnitudes() -> FloatArray:
    """Every value that the upper half of a positive float32 can have."""
    values = widen(np.arange(32768, dtype=np.uint16))
    return np.where(values < LOUDEST, values, np.float32(LOUDEST)).astype(np.float32)


def compression(bands: NDArray[np.uint16]) -> FloatArray:
    """Logarithmic level, relative to the mean of these bands, of every value they may have [shape (32768,)]."""
    return np.asarray(np.log1p(weights()["compression"] / max(_mean(bands), 1e-12) * _magnitudes()), np.float32)


def activations(bands: NDArray[np.uint16], *, workers: int = 1) -> Activations:
    """Run the network.

    Parameters
    ----------
    bands
        `RhythmFeatures.bands` [shape (frames, 72)].
    workers
        Threads; the answer is the same to the last bit.

    Returns
    -------
    Activations
        The same for a louder or softer copy: levels enter relative to their mean.
    """
    w, frames, table = weights(), len(bands), compression(bands)
    share = max(SUM_FRAMES, -(-frames // workers // SUM_FRAMES) * SUM_FRAMES)
    starts = range(0, frames, min(CHUNK, share))

    def chunk(begin: int) -> tuple[FloatArray, NDArray[np.float64]]:
        return _chunk(w, table, bands, begin, min(frames, begin + starts.step))

    parts = divided(chunk, starts, workers)
    odds = np.concatenate([np.empty((2, 0), np.float32), *(heads for heads, _ in parts)], axis=1)
    pooled = np.concatenate([np.zeros((1, len(w["pool_b"]))), *(sums for _, sums in parts)]).sum(axis=0)
    return _activations(w, odds, pooled / max(1, frames))


def _activations(w: Weights, odds: FloatArray, pooled: NDArray[np.float64]) -> Activations:
    hidden = np.maximum(w["dense1_w"] @ pooled + w["dense1_b"], 0)
    logits = w["dense2_w"] @ hidden + w["dense2_b"]
    lowest, step = (float(v) for v in w["tempo"])
    bpm = np.asarray(lowest * step ** np.arange(len(logits)), np.float64)
    logits = logits - 0.5 * (np.log2(bpm / TAPPED_BPM) / TAPPED_OCTAVES) ** 2
    share = np.exp(logits - logits.max())
    return Activations(beat=odds[0], downbeat=odds[1], tempo=share / share.sum(), bpm=bpm)


def _chunk(
    w: Weights, table: FloatArray, bands: NDArray[np.uint16], begin: int, end: int
) -> tuple[FloatArray, NDArray[np.float64]]:
    """Log odds [shape (2, end - begin)], and sums of the pooling layer over every `SUM_FRAMES` frames."""
    reach = 2 * int(w["dilations"].sum()) + 2
    low, high = max(0, begin - reach), min(len(bands), end + reach)
    heads, pool = _run(w, table, bands[low:high])
    inside = slice(begin - low, end - low)
    sums = np.add.reduceat(pool[:, inside].astype(np.float64), np.arange(0, end - begin, SUM_FRAMES), axis=1)
    return heads[:2, inside].copy(), sums.T


def _run(w: Weights, table: FloatArray, bands: NDArray[np.uint16]) -> tuple[FloatArray, FloatArray]:
    """Outputs of the heads and of the pooling layer for a chunk [shapes (4, frames), (48, frames)]."""
    frames, layers = len(bands), _layers()
    dilations = [int(d) for d in w["dilations"]]
    margin, span = 2 * max(dilations), -(-frames // SPAN) * SPAN
    x, y = (np.zeros((len(w["front3_b"]) // 2, _apart(2 * margin + span), 2), np.int16) for _ in range(2))
    front(
        bands, table, w["mean"], w["scale"] / np.float32(UNIT), *layers["front1"].parts, *layers["front2"].parts,
        *layers["front3"].parts, *STRIDES, margin, x,
    )  # fmt: skip
    for i, dilation in enumerate(dilations):
        wide, narrow = layers[f"wide{i}"], layers[f"narrow{i}"]
        residual(x, *wide.parts, *narrow.parts, TAPS, dilation, margin, frames, y)
        x, y = y, x
    np.maximum(x, 0, out=x)
    heads, pool = (np.empty((len(layers[name].bias), span), np.float32) for name in ("heads", "pool"))
    dense(x, *layers["heads"].parts, margin, frames, heads)
    dense(x, *layers["pool"].parts, margin, frames, pool)
    return heads[:, :frames], np.maximum(pool[:, :frames], 0)


def _apart(width: int) -> int:
    """The same or a little more, so that rows do not fall on the same lines of the first-level cache."""
    line = 16
    return (-(-width // line) | 1) * line


@functools.cache
def _layers() -> dict[str, Layer]:
    """The network's layers in integers, by name."""
    w = weights()
    front1, front2, front3 = (_rows(w[f"front{i}_w"]) for i in (1, 2, 3))
    over_time = np.zeros((*front1.shape[:1], front1.shape[1] // 3, 4), np.float32)
    over_time[:, :, :3] = front1.reshape(len(front1), -1, 3)
    paired = {
        "front1": over_time.reshape(len(front1), -1, 2),
        "front2": _pairs(front2, len(front1)),
        "front3": _pairs(front3, len(front2)),
    }
    for i in range(len(w["dilations"])):
        for name in (f"wide{i}", f"narrow{i}"):
            paired[name] = _pairs(_rows(w[f"{name}_w"]), len(front3))
    layers = {name: quantized(rows, w[f"{name}_b"]) for name, rows in paired.items()}
    for name in ("heads", "pool"):
        layers[name] = quantized(_pairs(_rows(w[f"{name}_w"]), len(front3)), w[f"{name}_b"], unit=1.0)
    return layers


def _rows(packed: FloatArray) -> FloatArray:
    """Weights as they are kept, four channels side by side, by channel [shape (channels out, rows)]."""
    return packed.transpose(0, 2, 1).reshape(4 * len(packed), -1)


def _pairs(rows: FloatArray, channels: int) -> FloatArray:
    """Rows over (channel, what else) as pairs over (pair of channels, what else)."""
    return rows.reshape(len(rows), channels // 2, 2, -1).transpose(0, 1, 3, 2).reshape(len(rows), -1, 2)


def _mean(bands: NDArray[np.uint16]) -> float:
    """Mean level, summed in blocks so that a long piece needs no copy of itself."""
    total = sum(float(widen(bands[i : i + 8192]).sum(dtype=np.float64)) for i in range(0, len(bands), 8192))
    return total / max(1, bands.size)
