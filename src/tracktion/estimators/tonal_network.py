"""The key network: pitches over time → logits of the 24 keys, for the piece and for each moment.

Every layer treats the twelve pitch classes alike, so that what was learned in one key holds in all. The weights are
made by ``training/key``; see docs/explanation/key.md for their data.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from tracktion._core.chroma import affine

__all__ = ["KeyModel", "KeyNetwork", "Layer", "load_model"]

OCTAVES = 6
BELOW, ABOVE = 4, 28
CHUNK = 256

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Weights [shape (inputs, outputs rounded up to 32)] and bias [shape (outputs rounded up to 32,)]."""

    weights: Floats
    bias: Floats

    def __call__(self, x: Floats, outputs: int, *, rectify: bool = True, onto: Floats | None = None) -> Floats:
        """Apply to rows [shape (n, inputs)]; add to `onto` where given."""
        out = np.empty((len(x), outputs), np.float32) if onto is None else onto
        affine(x, self.weights, self.bias, onto is not None, rectify, out)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class KeyNetwork:
    """One trained network.

    Attributes
    ----------
    layers
        Name to weights.
    overtones, hidden
        Channels of the first layer, and of the others per pitch class.
    steps
        Frames that the layer over time spans.
    """

    layers: dict[str, Layer]
    overtones: int
    hidden: int
    steps: int

    def logits(self, pitches: Floats) -> tuple[Floats, Floats]:
        """Logits of the piece [shape (24,)] and of each frame [shape (n, 24)] for pitches [shape (n, 72)], n ≥ 1."""
        count, width = len(pitches), 12 * self.hidden
        reach = self.steps // 2
        folded = np.zeros((count + 2 * reach, width), np.float32)
        for start in range(0, count, CHUNK):
            part = pitches[start : start + CHUNK]
            folded[reach + start : reach + start + len(part)] = self._fold(part)
        flowing = self._flow(folded.reshape(-1, self.hidden), count)
        del folded  # hours of music make each of these large
        mixed = self.layers["mix"](flowing, width)
        del flowing
        moments = self.layers["moment"](mixed, 24, rectify=False)
        deep = self.layers["deep"](_summary(mixed, self.hidden), width)
        return self.layers["piece"](deep, 24, rectify=False)[0], moments

    def _fold(self, pitches: Floats) -> Floats:
        """Overtones gathered at each pitch, then octaves at each pitch class [shape (n, 12 * hidden)]."""
        padded = np.zeros((len(pitches), BELOW + 72 + ABOVE), np.float32)
        padded[:, BELOW : BELOW + 72] = pitches
        flat = np.concatenate([padded.ravel(), np.zeros(BELOW + ABOVE, np.float32)])
        windows = np.lib.stride_tricks.sliding_window_view(flat, BELOW + 1 + ABOVE)
        everywhere = self.layers["partials"](windows[: padded.size], self.overtones)
        gathered = everywhere.reshape(len(pitches), -1, self.overtones)[:, :72]
        return self.layers["fold"](gathered.reshape(len(pitches), -1), 12 * self.hidden)

    def _flow(self, rows: Floats, count: int) -> Floats:
        """A residual convolution over time, the same at each pitch class [shape (count, 12 * hidden)]."""
        size, reach = 12 * count, self.steps // 2
        out = rows[12 * reach : 12 * reach + size].copy()
        for step in range(self.steps):
            last = step == self.steps - 1
            self.layers[f"flow{step}"](rows[12 * step : 12 * step + size], self.hidden, rectify=last, onto=out)
        return out.reshape(count, -1)


def _summary(mixed: Floats, hidden: int) -> Floats:
    """Mean, spread, means of the first and last quarter, side by side at each pitch class [shape (1, 48 * hidden)]."""
    place = (np.arange(len(mixed)) + 0.5) / len(mixed)
    mean = mixed.mean(axis=0, dtype=np.float64)
    centre, squares = mean.astype(np.float32), np.zeros(mixed.shape[1])
    for start in range(0, len(mixed), CHUNK):
        squares += np.square(mixed[start : start + CHUNK] - centre).sum(axis=0, dtype=np.float64)
    spread = np.sqrt(squares / len(mixed) + 1e-4)
    ends = (mixed[near] for near in (place < 0.25, place > 0.75))
    parts = [mean, spread, *(end.mean(axis=0, dtype=np.float64) if len(end) else np.zeros_like(mean) for end in ends)]
    stacked = np.stack([part.reshape(12, hidden) for part in parts], axis=1)
    return np.ascontiguousarray(stacked.reshape(1, -1), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class KeyModel:
    """The shipped networks and how to use them.

    Attributes
    ----------
    networks
        Their log probabilities are averaged.
    slope
        What these are multiplied with to become honest probabilities.
    floor
        Probability below which there is no answer.
    every
        Neighbouring frames that are averaged to one before the networks.
    """

    networks: tuple[KeyNetwork, ...]
    slope: float
    floor: float
    every: int

    def log_chances(self, pitches: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log probabilities of the piece [shape (24,)], and of each averaged frame [shape (max(1, n // every), 24)]."""
        rows = len(pitches) // self.every
        pooled = pitches[: rows * self.every].reshape(rows, self.every, -1).mean(axis=1) if rows else pitches[:1]
        made = [network.logits(pooled) for network in self.networks]
        piece = np.mean([log_softmax(whole) for whole, _ in made], axis=0)
        return log_softmax(self.slope * piece), np.mean([log_softmax(each) for _, each in made], axis=0)


def log_softmax(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logarithms of the probabilities that logits stand for, along the last axis."""
    shifted = x.astype(np.float64) - x.max(axis=-1, keepdims=True)
    logs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs


@functools.cache
def load_model(name: str = "key") -> KeyModel:
    """Networks of one shipped file, read once: ``key``, or ``mode``, the one whose answers mood was fitted to."""
    trained: dict[str, dict[str, Floats]] = {}
    source = resources.files("tracktion.estimators").joinpath("data", f"{name}.npz")
    with source.open("rb") as file, np.load(file, allow_pickle=False) as data:
        slope, floor, every = (float(data[name]) for name in ("slope", "floor", "every"))
        for entry in data.files:
            number, _, layer = entry.partition(".")
            if layer:
                trained.setdefault(number, {})[layer] = data[entry].astype(np.float32)
    return KeyModel(tuple(_assemble(weights) for _, weights in sorted(trained.items())), slope, floor, round(every))


def _assemble(trained: dict[str, Floats]) -> KeyNetwork:
    """Trained convolutions as matrices over all pitch classes and channels."""
    overtones, hidden = len(trained["partials.bias"]), len(trained["mix.bias"])
    layers = {"partials": _padded(trained["partials.weight"][:, 0].T, trained["partials.bias"])}
    fold, bias = _circle(trained["fold.weight"], trained["fold.bias"])
    fold = fold.reshape(12, overtones, OCTAVES, -1).transpose(2, 0, 1, 3).reshape(72 * overtones, -1)
    layers["fold"] = _padded(fold, bias)
    flow = trained["flow.weight"][:, :, :, 0]
    for step in range(flow.shape[2]):
        layers[f"flow{step}"] = _padded(flow[:, :, step].T, trained["flow.bias"] * np.float32(step == 0))
    for name in ("mix", "deep", "moment", "piece"):
        matrix, bias = _circle(trained[f"{name}.weight"], trained[f"{name}.bias"])
        if name in {"moment", "piece"}:
            matrix = matrix.reshape(-1, 12, 2).transpose(0, 2, 1).reshape(-1, 24)
            bias = bias.reshape(12, 2).T.reshape(24)
        layers[name] = _padded(matrix, bias)
    return KeyNetwork(layers, overtones, hidden, flow.shape[2])


def _circle(weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """A circular convolution [shape (out, in, 12)] as a matrix from (pitch class, in) to (pitch class, out)."""
    outputs, inputs, _ = weight.shape
    full = np.zeros((12, inputs, 12, outputs), np.float32)
    for pitch in range(12):
        full[:, :, pitch] = np.roll(weight.transpose(2, 1, 0), pitch, axis=0)
    return full.reshape(12 * inputs, 12 * outputs), np.tile(bias, 12)


def _padded(weights: Floats, bias: Floats) -> Layer:
    inputs, outputs = weights.shape
    wide = -(-outputs // 32) * 32
    w, b = np.zeros((inputs, wide), np.float32), np.zeros(wide, np.float32)
    w[:, :outputs], b[:outputs] = weights, bias
    return Layer(w, b)
