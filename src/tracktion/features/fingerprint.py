"""A fingerprint of how a recording sounds, from the same pass as everything else.

Energies of 33 bands that widen with pitch are smoothed over more than a second. A code of 32 bits for every 160 ms
says which of two neighbouring bands grew against the other over the last two thirds of a second. Level, equalisation,
codec and a few lost seconds change few of these bits; another recording has half of them different. The idea of
differences across time and bands is from Haitsma and Kalker, "A highly robust audio fingerprinting system", ISMIR
2002; the long smoothing that makes a slow code rate enough is from Chromaprint (Lukáš Lalinský).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracktion._core.fingerprint import band_energies
from tracktion.features.tap import FRAME_RATE, MONO_RATE, WINDOW, Tap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tracktion.features.tap import FloatBlock

__all__ = ["CODE_RATE", "FingerprintFeatures", "FingerprintTap", "codes_of"]

BITS = 32
LOWEST, HIGHEST = 250.0, 3500.0
SMOOTH = 50
STEP = 32
HOP_FRAMES = 8
SECONDS = 120.0
"""Only this much from the beginning is kept: enough to know a recording, and bounded for long ones."""

FLOOR = 1e-4
"""Added to the energies, relative to their mean, so that faint bands say nothing."""

CODE_RATE = FRAME_RATE / HOP_FRAMES
"""Codes per second."""


def _edges() -> NDArray[np.int32]:
    hertz = np.geomspace(LOWEST, HIGHEST, BITS + 2)
    edges = np.round(hertz * WINDOW / MONO_RATE).astype(np.int32)
    for place in range(1, len(edges)):
        edges[place] = max(edges[place], edges[place - 1] + 1)
    return edges


_EDGES = _edges()


@dataclass(frozen=True, slots=True, eq=False)
class FingerprintFeatures:
    """The fingerprint of a recording.

    Attributes
    ----------
    codes
        uint32 [shape (n,)], `CODE_RATE` a second; at most the first two minutes. Empty for less than two seconds,
        silence and constants.
    duration
        Seconds that were heard.
    """

    codes: NDArray[np.uint32]
    duration: float

    @property
    def data(self) -> bytes:
        """The codes as bytes (little-endian), as storage keeps them."""
        return self.codes.astype("<u4").tobytes()


class FingerprintTap(Tap):
    """Collects band energies and makes a `FingerprintFeatures` of them."""

    def __init__(self, *, sample_rate: int, channels: int) -> None:
        super().__init__(sample_rate=sample_rate, channels=channels)
        self._energies: list[NDArray[np.float32]] = []
        self._frames = 0
        self._limit = int(SECONDS * FRAME_RATE) + SMOOTH + STEP

    def push_magnitude(self, block: FloatBlock) -> None:
        """See `Tap.push_magnitude`."""
        if self._frames < self._limit:
            self._energies.append(band_energies(block, _EDGES))
        self._frames += len(block)

    def finish(self) -> FingerprintFeatures:
        """See `Tap.finish`."""
        energies = np.concatenate(self._energies) if self._energies else np.zeros((0, BITS + 1), dtype=np.float32)
        return FingerprintFeatures(codes_of(energies[: self._limit]), self._frames / FRAME_RATE)


def codes_of(energies: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Make codes of band energies [shape (frames, BITS + 1)]."""
    frames = len(energies)
    if frames < SMOOTH + STEP + HOP_FRAMES:
        return np.zeros(0, dtype=np.uint32)
    mean = float(energies.mean(dtype=np.float64))
    if not mean > 0:
        return np.zeros(0, dtype=np.uint32)
    sums = np.concatenate([np.zeros((1, energies.shape[1])), np.cumsum(energies / mean, axis=0, dtype=np.float64)])
    ends = np.arange(SMOOTH, frames + 1, HOP_FRAMES)
    smooth = np.log((sums[ends] - sums[ends - SMOOTH]) / SMOOTH + FLOOR)
    tilt = smooth[:, :-1] - smooth[:, 1:]
    step = STEP // HOP_FRAMES
    change = tilt[step:] - tilt[:-step]
    if float(np.abs(change).max(initial=0.0)) < 1e-3:
        return np.zeros(0, dtype=np.uint32)
    weights = (np.uint32(1) << np.arange(BITS, dtype=np.uint32)).astype(np.uint32)
    return np.asarray((change > 0).astype(np.uint32) @ weights, dtype=np.uint32)
