"""The numbers from which mood is estimated: timbre in windows of about 15 s, harmony in windows of about 30 s.

None depends on the gain of the recording. All are plain statistics of `TimbreFeatures` and `TonalFeatures`.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracktion.estimators.mood_harmony import harmony_numbers
from tracktion.features.tap import FRAME_RATE
from tracktion.features.timbre import BANDS, OCTAVES, SLOT_COLUMNS, SLOT_FRAMES, band_hz

if TYPE_CHECKING:
    from tracktion.features.stream import Features
    from tracktion.features.timbre import TimbreFeatures

__all__ = ["WINDOW_SECONDS", "mood_numbers", "timbre_numbers", "windows_of"]

WINDOW_SECONDS = 15.0
MOST_WINDOWS = 6
LEAST_SOUND = 0.1
"""Share of a window that sounds, below which it lies in a pause, as before a hidden track."""
SLOW_FRAMES = 25
FLOOR = 1e-7
DECIBELS = 10.0 / math.log(10.0)
CEPSTRA, DELTA_CEPSTRA = 20, 13
MODULATION_HZ = (0.2, 0.7, 1.5, 3.0, 6.0, 12.0, 25.0)
MODULATION_BANDS = {"low": slice(0, 8), "middle": slice(8, 22), "high": slice(22, BANDS)}
PULSE_LAGS = (12, 110)

Table = dict[str, NDArray[np.float64]]
Windows = NDArray[np.int64]
"""First frames of windows, and as last entry their common length [shape (windows + 1,)]."""


def windows_of(timbre: TimbreFeatures) -> Windows | None:
    """Windows of equal length over what is not silence at the ends, or None when there is less than a second.

    At most `MOST_WINDOWS`, evenly spread, without those in long pauses; their length is a whole number of slots.
    """
    power = timbre.power()
    if len(power) == 0 or power.max() <= 0:
        return None
    sounds = power > power.max() * 1e-6
    active = np.flatnonzero(sounds)
    begin, last = int(active[0]), int(active[-1]) + 1
    if last - begin < FRAME_RATE:
        return None
    first = -(-begin // SLOT_FRAMES) * SLOT_FRAMES
    if last - first < SLOT_FRAMES:
        first = begin // SLOT_FRAMES * SLOT_FRAMES
    length = last - first
    count = max(1, round(length / (WINDOW_SECONDS * FRAME_RATE)))
    size = length // min(count, MOST_WINDOWS)
    if count > MOST_WINDOWS:
        count, size = MOST_WINDOWS, round(WINDOW_SECONDS * FRAME_RATE)
    size = max(SLOT_FRAMES, size // SLOT_FRAMES * SLOT_FRAMES)
    starts = first + np.linspace(0, length - size, count).astype(np.int64) // SLOT_FRAMES * SLOT_FRAMES
    share = np.array([sounds[start : start + size].mean() for start in starts])
    heard = starts[share >= LEAST_SOUND] if (share >= LEAST_SOUND).any() else starts
    return np.concatenate([heard, [size]])


def mood_numbers(features: Features) -> Table | None:
    """All numbers, or None when less than a second sounds.

    Parameters
    ----------
    features
        With `timbre`; without `tonal`, harmony counts as absent.

    Returns
    -------
    numbers
        Name → value per window [each of shape (windows,)].
    """
    windows = windows_of(features.timbre)
    if windows is None:
        return None
    table = timbre_numbers(features.timbre, windows)
    seconds = windows[-1] / FRAME_RATE
    middles = windows[:-1] / FRAME_RATE + 0.5 * seconds
    rows = [harmony_numbers(features.tonal, m - seconds, m + seconds) for m in middles]
    return table | {name: np.array([row[name] for row in rows]) for name in rows[0]}


def timbre_numbers(timbre: TimbreFeatures, windows: Windows) -> Table:
    """Name → value per window [each of shape (windows,)]."""
    starts, size = windows[:-1], int(windows[-1])
    power = np.stack([timbre.bands(start, start + size) for start in starts])
    slots = timbre.slots[(starts // SLOT_FRAMES)[:, None] + np.arange(size // SLOT_FRAMES)]
    total = power.mean(axis=2)
    gain = total.mean(axis=1) + 1e-20
    power = power / gain[:, None, None]
    level = DECIBELS * np.log(power + np.float32(FLOOR))
    table: Table = {}
    _colour(table, level)
    _dynamics(table, total / gain[:, None])
    _shape(table, power)
    _onsets(table, power)
    _modulation(table, level)
    _slots(table, slots, np.log(gain))
    return table


@functools.cache
def _cosines() -> NDArray[np.float32]:
    k, b = np.arange(CEPSTRA)[:, None], np.arange(BANDS) + 0.5
    return np.asarray(np.sqrt(2.0 / BANDS) * np.cos(np.pi * k * b / BANDS), np.float32)


def _put(table: Table, name: str, values: NDArray[np.floating]) -> None:
    """Columns of `values` [shape (windows,) or (windows, n)] under `name`, numbered when there are several."""
    if values.ndim == 1:
        table[name] = values.astype(np.float64)
    else:
        table |= {f"{name}{i}": values[:, i].astype(np.float64) for i in range(values.shape[1])}


def _colour(table: Table, level: NDArray[np.float32]) -> None:
    cepstra = level @ _cosines().T
    mean = level.mean(axis=1)
    windows, frames, _ = cepstra.shape
    _put(table, "cepstrum_mean", cepstra.mean(axis=1))
    _put(table, "cepstrum_std", cepstra.std(axis=1))
    deltas = cepstra[:, 2:, :DELTA_CEPSTRA] - cepstra[:, :-2, :DELTA_CEPSTRA]
    _put(table, "cepstrum_delta", deltas.std(axis=1))
    slow = cepstra[..., :DELTA_CEPSTRA].reshape(windows, frames // SLOW_FRAMES, SLOW_FRAMES, -1).mean(axis=2)
    _put(table, "cepstrum_slow", slow.std(axis=1))
    _put(table, "band", mean - mean.mean(axis=1, keepdims=True))
    scaled = slow / (slow.std(axis=1, keepdims=True) + 1e-3)
    steps = np.abs(np.diff(scaled, axis=1))
    _put(table, "novelty", steps.mean(axis=(1, 2)) if slow.shape[1] > 1 else np.zeros(windows))
    around = level[:, :, 1:-1] - 0.5 * (level[:, :, :-2] + level[:, :, 2:])
    _put(table, "ridges", np.clip(around, 0.0, None).mean(axis=(1, 2)))
    before = level[:, 4:-4] - 0.5 * (level[:, :-8] + level[:, 8:])
    _put(table, "bursts", np.clip(before, 0.0, None).mean(axis=(1, 2)))


def _dynamics(table: Table, total: NDArray[np.float32]) -> None:
    level = DECIBELS * np.log(total + np.float32(FLOOR))
    windows = len(total)
    slow = DECIBELS * np.log(total.reshape(windows, -1, SLOW_FRAMES).mean(axis=2) + FLOOR)
    middle = np.median(level, axis=1)
    centred = level - level.mean(axis=1, keepdims=True)
    spread = level.std(axis=1) + 1e-3
    step = np.diff(level, axis=1)
    _put(table, "level_mean", level.mean(axis=1))
    _put(table, "level_std", spread)
    _put(table, "level_slow_std", slow.std(axis=1))
    _put(table, "level_skew", (centred**3).mean(axis=1) / spread**3)
    _put(table, "level_low", np.percentile(level, 10, axis=1) - middle)
    _put(table, "level_high", np.percentile(level, 90, axis=1) - middle)
    _put(table, "level_below_mean", (total < total.mean(axis=1, keepdims=True)).mean(axis=1))
    _put(table, "rise_mean", np.clip(step, 0.0, None).mean(axis=1))
    _put(table, "rise_share", (step > 0).mean(axis=1))
    _put(table, "rise_top", np.percentile(step, 95, axis=1))
    _put(table, "fall_top", np.percentile(step, 5, axis=1))


def _shape(table: Table, power: NDArray[np.float32]) -> None:
    octaves = np.log2(band_hz()).astype(np.float32)
    # Mean power times bandwidth is the power in the band.
    wide = power * np.gradient(band_hz()).astype(np.float32)
    root = np.sqrt(wide)
    weight = root.sum(axis=2) + 1e-12
    centre = (root @ octaves) / weight
    spread = np.sqrt(np.clip((root @ octaves**2) / weight - centre**2, 0.0, None))
    _put(table, "centroid_mean", centre.mean(axis=1))
    _put(table, "centroid_std", centre.std(axis=1))
    _put(table, "spread_mean", spread.mean(axis=1))
    _put(table, "spread_std", spread.std(axis=1))
    share = np.cumsum(wide, axis=2)
    share /= share[..., -1:] + 1e-12
    for percent in (50, 85, 95):
        edge = octaves[np.argmax(share >= percent / 100, axis=2)]
        _put(table, f"rolloff{percent}_mean", edge.mean(axis=1))
        _put(table, f"rolloff{percent}_std", edge.std(axis=1))


def _onsets(table: Table, power: NDArray[np.float32]) -> None:
    loud = np.log1p(1000.0 * power)
    rise = np.clip(np.diff(loud, axis=1), 0.0, None)
    flux = rise.mean(axis=2)
    mean, spread = flux.mean(axis=1), flux.std(axis=1) + 1e-6
    _put(table, "flux_mean", mean)
    _put(table, "flux_std", spread)
    _put(table, "flux_top", np.percentile(flux, 95, axis=1))
    _put(table, "flux_kurtosis", ((flux - mean[:, None]) ** 4).mean(axis=1) / spread**4)
    groups = rise.reshape(*rise.shape[:2], 5, BANDS // 5).mean(axis=3)
    _put(table, "flux_band_mean", groups.mean(axis=1))
    _put(table, "flux_band_std", groups.std(axis=1))
    _rate(table, flux, spread)
    _pulse(table, flux)


def _smooth(x: NDArray[np.floating], width: int) -> NDArray[np.float64]:
    """Running mean along the last axis; ends repeat."""
    before = width // 2
    padded = np.pad(x, ((0, 0), (before + 1, width - 1 - before)), mode="edge")
    total = np.cumsum(padded, axis=1, dtype=np.float64)
    return np.asarray((total[:, width:] - total[:, :-width]) / width)


def _rate(table: Table, flux: NDArray[np.float32], spread: NDArray[np.float32]) -> None:
    high = flux > _smooth(flux, 25) + 0.5 * spread[:, None]
    peak = (flux[:, 1:-1] > flux[:, :-2]) & (flux[:, 1:-1] >= flux[:, 2:]) & high[:, 1:-1]
    count = peak.sum(axis=1)
    _put(table, "onset_rate", count / (flux.shape[1] / FRAME_RATE))
    _put(table, "onset_strength", (flux[:, 1:-1] * peak).sum(axis=1) / np.maximum(1, count))
    middle, variation = np.zeros(len(flux)), np.zeros(len(flux))
    for i, row in enumerate(peak):
        gaps = np.diff(np.flatnonzero(row)) / FRAME_RATE
        if len(gaps) > 3:
            middle[i], variation[i] = np.log(np.median(gaps) + 0.02), gaps.std() / gaps.mean()
    _put(table, "gap_median", middle)
    _put(table, "gap_variation", variation)


def _pulse(table: Table, flux: NDArray[np.float32]) -> None:
    first, last = PULSE_LAGS
    o = flux - _smooth(flux, 50)
    size = 1 << int(np.ceil(np.log2(o.shape[1] + last)))
    own = np.fft.irfft(np.abs(np.fft.rfft(o, size, axis=1)) ** 2, axis=1)[:, :last]
    own = own[:, first:] / (own[:, :1] + 1e-12)
    _put(table, "pulse_max", own.max(axis=1))
    _put(table, "pulse_lag", np.log(first + own.argmax(axis=1)))
    _put(table, "pulse_mean", own.mean(axis=1))
    _put(table, "pulse_std", own.std(axis=1))


def _modulation(table: Table, level: NDArray[np.float32]) -> None:
    frames = level.shape[1]
    window = np.hanning(frames).astype(np.float32)
    hz = np.fft.rfftfreq(frames, 1 / FRAME_RATE)
    for name, part in MODULATION_BANDS.items():
        curve = level[:, :, part].mean(axis=2)
        power = np.abs(np.fft.rfft((curve - curve.mean(axis=1, keepdims=True)) * window, axis=1)) ** 2 / frames**2
        for i, (low, high) in enumerate(itertools.pairwise(MODULATION_HZ)):
            _put(table, f"modulation_{name}{i}", np.log(power[:, (hz >= low) & (hz < high)].sum(axis=1) + 1e-6))


def _slots(table: Table, slots: NDArray[np.float32], log_gain: NDArray[np.floating]) -> None:
    column = {name: slots[:, :, i] for i, name in enumerate(SLOT_COLUMNS)}
    for i in range(OCTAVES):
        contrast = column[f"peak{i}"] - column[f"valley{i}"]
        _put(table, f"contrast_mean{i}", contrast.mean(axis=1))
        _put(table, f"contrast_std{i}", contrast.std(axis=1))
        _put(table, f"valley{i}", np.maximum(column[f"valley{i}"].mean(axis=1) - 0.5 * log_gain, -12.0))
        _put(table, f"flatness_mean{i}", column[f"flatness{i}"].mean(axis=1))
        _put(table, f"flatness_std{i}", column[f"flatness{i}"].std(axis=1))
    for name in ("tonal_share", "peaks", "tonal"):
        _put(table, name, column[name].mean(axis=1))
    _put(table, "roughness_mean", column["roughness"].mean(axis=1))
    _put(table, "roughness_std", column["roughness"].std(axis=1))
