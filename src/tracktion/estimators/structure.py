"""Where a recording begins, changes and ends.

Boundaries are peaks of novelty (Foote 2000): a checkerboard kernel along the diagonal of the self-similarity matrix.
For inner products that sum equals the squared difference between the tapered means of what comes before and after, so
the matrix is never made and the cost is linear in the length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracktion.features.rows import widen
from tracktion.features.tap import FRAME_RATE
from tracktion.features.timbre import BANDS
from tracktion.results.base import frozen_array
from tracktion.results.structure import Segment, Structure

if TYPE_CHECKING:
    from tracktion.features.level import LevelFeatures
    from tracktion.features.stream import Features
    from tracktion.features.timbre import TimbreFeatures
    from tracktion.results.rhythm import Beats

__all__ = ["estimate_structure", "novelty_curve"]

SLOT_FRAMES = 25
CHUNK_SLOTS = 400
SLOT_SECONDS = SLOT_FRAMES / FRAME_RATE
KERNEL_SECONDS = 10.0
SHORTEST_SECONDS = 8.0
SNAP_SECONDS = 0.6
NOVELTY_FLOOR = 0.3
NOVELTY_SCALE = 1.2
SILENCE_DB = -60.0
ABSOLUTE_SILENCE_LUFS = -70.0
QUIETER_DB = 3.0
EDGE_SHARE = 0.4
CURVE_POINTS = 1000
STEVENS = 0.3
CEPSTRA = 12
LEVEL_FLOOR, COLOUR_FLOOR, FLUX_FLOOR, CHROMA_FLOOR = 0.4, 0.5, 0.05, 0.05
Array = NDArray[np.float64]


def estimate_structure(features: Features, *, beats: Beats | None = None) -> tuple[Structure | None, dict[str, str]]:
    """Silence, intro, outro, sections and the energy curve.

    Parameters
    ----------
    features
        With `timbre`; `tonal` adds changes of harmony, `level` makes the silences exact to 10 ms.
    beats
        Boundaries move to the nearest beat within 0.6 s.

    Returns
    -------
    structure, notes
        None with the reason under ``structure`` for silence.
    """
    timbre = features.timbre
    if timbre is None:
        return None, {"structure": "no timbre features were extracted"}
    power = timbre.power().astype(np.float64)
    if len(power) == 0 or power.max() <= 0:
        return None, {"structure": features.unanswerable or "silence"}
    duration = features.duration
    head, tail = _silences(features.level, power, duration)
    slots = _slot_means(power)
    times, strength = _boundaries(features, head, duration - tail)
    if beats is not None:
        times = _snapped(times, beats)
    edges = np.concatenate([[0.0], times, [duration]])
    novelty = np.concatenate([[1.0], strength])
    segments = tuple(
        Segment(start=float(a), end=float(b), novelty=float(n))
        for a, b, n in zip(edges, edges[1:], novelty, strict=False)
        if b > a
    )
    intro, outro = _intro_outro(slots, times, head, duration - tail)
    curve_times, curve = _energy_curve(power, duration)
    return Structure(
        head_silence=head,
        tail_silence=tail,
        intro_end=intro,
        outro_start=outro,
        segments=segments,
        energy_times=frozen_array(curve_times),
        energy=frozen_array(curve),
    ), {}


def novelty_curve(features: Features) -> tuple[Array, Array]:
    """Novelty every half second.

    Parameters
    ----------
    features
        With `timbre`, and `tonal` if harmony shall count.

    Returns
    -------
    times, novelty
        Seconds and strength, 0 to 1 [both shape (n,)].
    """
    groups = _description(features)
    reach = max(1, round(KERNEL_SECONDS / SLOT_SECONDS))
    taper = np.exp(-0.5 * (np.arange(reach) / (0.5 * reach)) ** 2)
    count = len(groups[0])
    ones = np.concatenate([[0.0], np.ones(count)])[1:]
    weight_after = _tapered_sum(ones[:, None], taper)
    weight_before = _tapered_sum(ones[:, None], taper)[::-1]
    distance = np.zeros(count)
    if count > 1:
        steps = []
        for group in groups:
            after, before = _tapered_sum(group, taper), _tapered_sum(group[::-1], taper)[::-1]
            steps.append(np.square(after[1:] / weight_after[1:] - before[:-1] / weight_before[:-1]).mean(axis=1))
        # What changes need not change everything: the two clearest of level, colour, onsets and harmony count.
        step = np.sort(steps, axis=0)[-2:].mean(axis=0)
        # Near the ends one side holds little; what little it says counts less.
        sure = np.minimum(weight_after[1:, 0], weight_before[:-1, 0]) / taper.sum()
        distance[1:] = step * np.minimum(1.0, 2.0 * sure)
    return np.arange(count, dtype=np.float64) * SLOT_SECONDS, 1.0 - np.exp(-distance / NOVELTY_SCALE)


def _tapered_sum(x: Array, taper: Array) -> Array:
    """Sum over taper[k] * x[t + k]."""
    padded = np.concatenate([x, np.zeros((len(taper) - 1, x.shape[1]))])
    return np.asarray(np.stack([np.convolve(column, taper[::-1], "valid") for column in padded.T], axis=1))


def _slot_means(x: NDArray[np.floating]) -> Array:
    """Means over slots of half a second along the first axis; the last may be shorter."""
    starts = np.arange(0, len(x), SLOT_FRAMES)
    counts = np.minimum(SLOT_FRAMES, len(x) - starts)
    sums = np.add.reduceat(x, starts, axis=0, dtype=np.float64)
    return np.asarray(sums / counts.reshape(-1, *[1] * (x.ndim - 1)))


def _description(features: Features) -> list[Array]:
    """Level, colour, onsets and harmony of each half second, standardised [each of shape (slots, columns)]."""
    timbre: TimbreFeatures = features.timbre
    mean, flux = _level_and_flux(timbre)
    b = np.arange(BANDS) + 0.5
    cosines = np.cos(np.pi * np.arange(1, CEPSTRA + 1)[:, None] * b / BANDS) * np.sqrt(2.0 / BANDS)
    groups = [
        _standard(mean.mean(axis=1, keepdims=True), LEVEL_FLOOR),
        _standard(mean @ cosines.T, COLOUR_FLOOR),
        _standard(flux, FLUX_FLOOR),
    ]
    if features.tonal is not None and len(features.tonal.pitches):
        chroma = features.tonal.pitches.reshape(len(features.tonal.pitches), -1, 12).sum(axis=1)
        chroma = chroma / (chroma.sum(axis=1, keepdims=True) + 0.5)
        at = (np.arange(len(mean)) + 0.5) * SLOT_SECONDS / features.tonal.hop_seconds
        near = np.minimum(np.rint(at).astype(int), len(chroma) - 1)
        groups.append(_standard(chroma[near].astype(np.float64), CHROMA_FLOOR))
    return groups


def _level_and_flux(timbre: TimbreFeatures) -> tuple[Array, Array]:
    """Mean log power per band and mean rise of four groups of bands, a row for each half second."""
    count, chunk = len(timbre.halves), CHUNK_SLOTS * SLOT_FRAMES
    floor = float(widen(timbre.halves.max(axis=0)).max()) * 1e-8 + 1e-12
    means, fluxes = [], []
    for start in range(0, count, chunk):
        before = max(0, start - 1)
        level = np.log(timbre.bands(before, start + chunk) + np.float32(floor))
        own = level[start - before :]
        rise = np.clip(np.diff(level, axis=0, prepend=level[: 1 - (start - before)]), 0.0, None)
        means.append(_slot_means(own))
        fluxes.append(_slot_means(rise.reshape(len(rise), 4, -1).mean(axis=2)))
    return np.concatenate(means), np.concatenate(fluxes)


def _standard(x: Array, floor: float) -> Array:
    """Standard scores; what varies less than `floor` is not blown up."""
    return np.asarray((x - x.mean(axis=0)) / np.hypot(x.std(axis=0), floor))


def _boundaries(features: Features, begin: float, end: float) -> tuple[Array, Array]:
    """Times and strengths of novelty peaks between `begin` and `end`, at least `SHORTEST_SECONDS` apart."""
    times, novelty = novelty_curve(features)
    reach = round(SHORTEST_SECONDS / SLOT_SECONDS)
    chosen: list[int] = []
    for i in np.argsort(-novelty, kind="stable"):
        if novelty[i] < NOVELTY_FLOOR:
            break
        inside = begin + SHORTEST_SECONDS / 2 <= times[i] <= end - SHORTEST_SECONDS / 2
        around = novelty[max(0, i - 4) : i + 5]
        if inside and novelty[i] >= around.max() and all(abs(i - j) >= reach for j in chosen):
            chosen.append(int(i))
    at = np.array(sorted(chosen), dtype=int)
    return times[at], novelty[at]


def _snapped(times: Array, beats: Beats) -> Array:
    if len(beats.times) == 0 or len(times) == 0:
        return times
    after = np.clip(np.searchsorted(beats.times, times), 1, max(1, len(beats.times) - 1))
    before = after - 1
    after = np.minimum(after, len(beats.times) - 1)
    nearer = times - beats.times[before] <= beats.times[after] - times
    nearest = np.where(nearer, beats.times[before], beats.times[after])
    return np.where(np.abs(nearest - times) <= SNAP_SECONDS, nearest, times)


def _silences(level: LevelFeatures | None, power: Array, duration: float) -> tuple[float, float]:
    """Seconds of silence at the head and at the tail."""
    step, loudness = 1.0 / FRAME_RATE, power
    floor = power.max() * 10.0 ** (SILENCE_DB / 10.0)
    if level is not None and len(level.energies) and level.energies.max() > 0:
        step, loudness = level.hop_seconds, level.energies
        absolute = level.hop * 10.0 ** (ABSOLUTE_SILENCE_LUFS / 10.0)
        floor = max(loudness.max() * 10.0 ** (SILENCE_DB / 10.0), absolute)
    heard = np.flatnonzero(loudness > floor)
    if len(heard) == 0:
        return 0.0, 0.0
    return float(heard[0] * step), float(max(0.0, duration - (heard[-1] + 1) * step))


def _intro_outro(slots: Array, times: Array, begin: float, end: float) -> tuple[float | None, float | None]:
    """First boundary after a quieter beginning, last boundary before a quieter end."""
    level = 10.0 * np.log10(slots + slots.max() * 1e-8)
    body = float(np.percentile(level, 70))
    at = np.arange(len(level)) * SLOT_SECONDS
    length, quiet = end - begin, body - QUIETER_DB

    def mean(first: float, last: float) -> float:
        inside = level[(at >= first) & (at < last)]
        return float(inside.mean()) if len(inside) else body

    def opens(t: float) -> bool:
        return t - begin <= EDGE_SHARE * length and mean(begin, t) <= quiet < mean(t, t + SHORTEST_SECONDS)

    def closes(t: float) -> bool:
        return end - t <= EDGE_SHARE * length and mean(t, end) <= quiet < mean(t - SHORTEST_SECONDS, t)

    intro = next((t for t in times if opens(t)), None)
    outro = next((t for t in times[::-1] if closes(t)), None)
    return (None if intro is None else float(intro)), (None if outro is None else float(outro))


def _energy_curve(power: Array, duration: float) -> tuple[Array, Array]:
    """At most `CURVE_POINTS` times and levels; Stevens' power law makes equal steps look equally loud."""
    width = -(-len(power) // CURVE_POINTS)
    starts = np.arange(0, len(power), width)
    means = np.add.reduceat(power, starts) / np.minimum(width, len(power) - starts)
    times = np.minimum((starts + 0.5 * width) / FRAME_RATE, duration)
    return times, (means / means.max()) ** STEVENS
