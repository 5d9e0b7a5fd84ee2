"""Level of the original channels at the original rate: K-weighted energies in hops of 10 ms, sample peak and true peak.

The filters are those of ITU-R BS.1770-4, which gives their coefficients for 48 kHz alone; at other rates the analogue
filters behind them go through the bilinear transform again. The true peak is read from a four times oversampled signal
(Annex 2), here with a longer interpolator than the example filter of the recommendation.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracktion._core.loudness import peaks, weighted_energy
from tracktion.features.tap import Tap

__all__ = ["HOP_SECONDS", "LevelFeatures", "LevelTap", "channel_weights", "interpolator", "k_weighting"]

HOP_SECONDS = 0.01
INTERPOLATOR_LENGTH = 24
KAISER_BETA = 5.0
SURROUND_WEIGHT = 1.41


@dataclass(frozen=True, slots=True)
class LevelFeatures:
    """What loudness and silence are computed from.

    Attributes
    ----------
    energies
        K-weighted sum of squares over all frames and channels (surrounds weighted) of each whole hop
        [shape (hops,), float64].
    hop
        Frames per hop.
    sample_rate
        Hz.
    frames
        Frames in all, the unfinished last hop included.
    tail
        Energy of the unfinished last hop.
    sample_peak, true_peak
        Linear, full scale is 1.
    """

    energies: NDArray[np.float64]
    hop: int
    sample_rate: int
    frames: int
    tail: float
    sample_peak: float
    true_peak: float

    @property
    def hop_seconds(self) -> float:
        """Length of a hop in seconds: 10 ms, rounded to whole frames."""
        return self.hop / self.sample_rate


@functools.lru_cache(maxsize=64)
def k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """Coefficients of the two biquads, ``b0 b1 b2 a1 a2`` of each [shape (10,)].

    Parameters
    ----------
    sample_rate
        Hz.
    """
    # The analogue prototypes that reproduce the recommendation's 48 kHz table.
    shelf_hz, shelf_db, shelf_q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    pass_hz, pass_q = 38.13547087602444, 0.5003270373238773
    k = np.tan(np.pi * min(shelf_hz, 0.49 * sample_rate) / sample_rate)
    high = 10.0 ** (shelf_db / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / shelf_q + k * k
    shelf = np.array(
        [
            (high + band * k / shelf_q + k * k) / a0,
            2.0 * (k * k - high) / a0,
            (high - band * k / shelf_q + k * k) / a0,
            2.0 * (k * k - 1.0) / a0,
            (1.0 - k / shelf_q + k * k) / a0,
        ]
    )
    k = np.tan(np.pi * min(pass_hz, 0.49 * sample_rate) / sample_rate)
    a0 = 1.0 + k / pass_q + k * k
    high_pass = np.array([1.0, -2.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / pass_q + k * k) / a0])
    coefficients = np.concatenate([shelf, high_pass])
    coefficients.flags.writeable = False
    return coefficients


def channel_weights(channels: int) -> NDArray[np.float64]:
    """Weight of each channel in WAVE and FFmpeg order: 1, surrounds 1.41, no LFE [shape (channels,)].

    Parameters
    ----------
    channels
        Number of channels: 1 to 3 are front; 4 is quad; 5 is L R C Ls Rs; 6 is L R C LFE Ls Rs; 7 and 8 add more, with
        weight 1 where the recommendation names none.
    """
    weights = np.ones(channels)
    surrounds = {4: (2, 3), 5: (3, 4), 6: (4, 5), 7: (5, 6), 8: (6, 7)}.get(channels, ())
    weights[list(surrounds)] = SURROUND_WEIGHT
    if channels in {6, 7, 8}:
        weights[3] = 0.0
    return weights


@functools.lru_cache(maxsize=8)
def interpolator(factor: int) -> tuple[NDArray[np.float32], float]:
    """Oversampling filters, and the bound on what they add.

    A Kaiser-windowed sinc for each of the ``factor - 1`` points between two samples, corrected to pass straight lines
    exactly. It then equals linear interpolation plus a filter on second differences, whose summed magnitude is the
    bound: no interpolated value exceeds its two neighbours by more than that times the largest second difference in
    reach.

    Parameters
    ----------
    factor
        1, 2 or 4.

    Returns
    -------
    taps, gain
        Filters [shape (factor - 1, INTERPOLATOR_LENGTH), float32]; the bound.
    """
    half = INTERPOLATOR_LENGTH // 2
    offsets = np.arange(1 - half, half + 1, dtype=np.float64)
    taps, gain = np.empty((factor - 1, INTERPOLATOR_LENGTH)), 0.0
    for row in range(factor - 1):
        fraction = (row + 1) / factor
        distance = offsets - fraction
        window = np.i0(KAISER_BETA * np.sqrt(np.clip(1.0 - (distance / half) ** 2, 0.0, None))) / np.i0(KAISER_BETA)
        h = np.sinc(distance) * window
        basis = np.stack([window, window * distance])
        moments = np.stack([np.ones_like(distance), distance])
        h += np.linalg.solve(moments @ basis.T, np.array([1.0, 0.0]) - moments @ h) @ basis
        taps[row] = h
        rest = h.copy()
        rest[half - 1] -= 1.0 - fraction
        rest[half] -= fraction
        gain = max(gain, float(np.abs(np.cumsum(np.cumsum(rest))).sum()))
    result = taps.astype(np.float32)
    result.flags.writeable = False
    return result, gain * (1.0 + 1e-5)


class LevelTap(Tap):
    """Source tap: collects `LevelFeatures`.

    Parameters
    ----------
    sample_rate
        Hz.
    channels
        Number of channels.
    """

    def __init__(self, *, sample_rate: int, channels: int) -> None:
        super().__init__(sample_rate=sample_rate, channels=channels)
        self._hop = max(1, round(sample_rate * HOP_SECONDS))
        self._coefficients, self._weights = k_weighting(sample_rate), channel_weights(channels)
        self._state = np.zeros((channels, 4))
        self._energies: list[NDArray[np.float64]] = []
        self._frames, self._partial = 0, 0.0
        factor = next((f for f in (4, 2) if sample_rate * f < 2 * 192_000 and sample_rate < 192_000), 1)
        self._taps, self._gain = interpolator(factor)
        self._history = np.zeros((INTERPOLATOR_LENGTH - 1, channels), dtype=np.float32)
        self._sample_peak, self._true_peak = 0.0, 0.0

    def push_source(self, block: NDArray[np.float32]) -> None:
        """Take the next samples [shape (frames, channels), float32, finite, C-contiguous]."""
        energies, self._partial, self._state = weighted_energy(
            block, self._coefficients, self._weights, self._hop, self._frames % self._hop, self._partial, self._state
        )
        self._energies.append(energies)
        self._frames += len(block)
        self._peaks(block)

    def _peaks(self, block: NDArray[np.float32]) -> None:
        reach = INTERPOLATOR_LENGTH - 1
        if len(block) > reach:
            self._scan(np.concatenate([self._history, block[:reach]]))
            self._scan(block)
            self._history = block[-reach:].copy()
        else:
            edge = np.concatenate([self._history, block])
            self._scan(edge)
            self._history = edge[-reach:].copy()

    def _scan(self, samples: NDArray[np.float32]) -> None:
        sample, self._true_peak = peaks(samples, self._taps, self._gain, self._true_peak)
        self._sample_peak = max(self._sample_peak, sample)

    def finish(self) -> LevelFeatures:
        """Return what was collected."""
        self._peaks(np.zeros((INTERPOLATOR_LENGTH, self.channels), dtype=np.float32))
        return LevelFeatures(
            energies=np.concatenate(self._energies) if self._energies else np.empty(0),
            hop=self._hop,
            sample_rate=self.sample_rate,
            frames=self._frames,
            tail=self._partial,
            sample_peak=self._sample_peak,
            true_peak=self._true_peak,
        )
