"""Results as matplotlib pictures (extra ``plot``)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from tracktion.errors import UsageError
from tracktion.extras import needed
from tracktion.results.key import Key

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tracktion.results.analysis import Analysis

__all__ = ["PlotKind", "plot_analysis"]

PlotKind = Literal["overview", "timeline", "tempo", "key", "mood", "loudness"]

_MAIN, _TINT, _MARK, _SOFT = "#00796b", "#9fd3cc", "#c2410c", "#888888"
_MAX_TICKS = 400


def plot_analysis(analysis: Analysis, *, kind: PlotKind | str = "overview", ax: Axes | None = None) -> Axes:
    """Draw an analysis.

    Parameters
    ----------
    analysis
        Result of the Analyzer.
    kind
        ``overview``: all of the following. ``timeline``: energy, sections, beats (grey) and bars (red) over seconds.
        ``tempo``: BPM over seconds. ``key``: circle of fifths, on polar axes. ``mood``: plane of valence and arousal.
        ``loudness``: LUFS and dBTP.
    ax
        Where to draw; default: a new figure of pyplot, which stays open until ``plt.close(ax.figure)``. ``key`` needs
        polar axes, ``overview`` takes none.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on (of the overview: its timeline); ``.figure`` is the figure.

    Raises
    ------
    UsageError
        When there is no such kind, when `ax` does not fit it, or without matplotlib (extra ``plot``).
    """
    if kind not in get_args(PlotKind):
        raise UsageError(f"kind must be one of {', '.join(get_args(PlotKind))}, not {kind!r}")
    if kind == "overview":
        if ax is not None:
            raise UsageError("an overview makes its own figure; give ax to a single kind")
        return _overview(analysis)
    if ax is None:
        ax = _new_axes(polar=kind == "key")
    elif kind == "key" and ax.name != "polar":
        raise UsageError("the circle of fifths needs polar axes: plt.subplot(projection='polar')")
    _DRAWERS[kind](analysis, ax)
    return ax


def _new_axes(*, polar: bool) -> Axes:
    plt = needed("matplotlib.pyplot", "plot", what="a plot")
    size = (4.5, 4.5) if polar else (9.0, 3.0)
    figure = plt.figure(figsize=size, layout="constrained")
    axes: Axes = figure.add_subplot(projection="polar" if polar else None)
    return axes


def _overview(analysis: Analysis) -> Axes:
    plt = needed("matplotlib.pyplot", "plot", what="a plot")
    figure = plt.figure(figsize=(10.0, 8.0), layout="constrained")
    rows = figure.add_gridspec(3, 3, height_ratios=[1.1, 0.8, 1.5])
    timeline: Axes = figure.add_subplot(rows[0, :])
    _timeline(analysis, timeline)
    tempo = figure.add_subplot(rows[1, :], sharex=timeline)
    _tempo(analysis, tempo)
    _key(analysis, figure.add_subplot(rows[2, 0], projection="polar"))
    _mood(analysis, figure.add_subplot(rows[2, 1]))
    _loudness(analysis, figure.add_subplot(rows[2, 2]))
    figure.suptitle(_title(analysis))
    return timeline


def _title(analysis: Analysis) -> str:
    facts = []
    if analysis.tempo is not None:
        facts.append(f"{analysis.tempo.bpm:.2f} BPM ({analysis.tempo.confidence:.0%})")
    if analysis.key is not None:
        facts.append(f"{analysis.key.name}, {analysis.key.camelot} ({analysis.key.confidence:.0%})")
    return "  ·  ".join(facts) or "nothing known"


def _unknown(ax: Axes, analysis: Analysis, code: str) -> None:
    reason = analysis.notes.get(code, "not computed")
    ax.text(
        0.5, 0.5, f"{code}: {_plain(reason)}", ha="center", va="center", transform=ax.transAxes, color=_SOFT, wrap=True
    )
    if len(ax.get_shared_x_axes().get_siblings(ax)) == 1:
        ax.set_xticks([])
    ax.set_yticks([])


def _plain(text: str) -> str:
    """Text that matplotlib does not take for mathematics."""
    return text.replace("$", r"\$")


def _timeline(analysis: Analysis, ax: Axes) -> None:
    ax.set_xlim(0, max(analysis.duration, 1e-3))
    ax.set_ylim(-1.05, 1.05)
    ax.set_yticks([])
    ax.set_xlabel("seconds")
    ax.set_title("energy, beats, sections", loc="left", fontsize="medium")
    if analysis.structure is None and analysis.beats is None:
        _unknown(ax, analysis, "structure")
        return
    if analysis.structure is not None:
        times, energy = analysis.structure.energy_times, analysis.structure.energy
        ax.fill_between(times, energy, -energy, color=_MAIN, alpha=0.7, linewidth=0)
        for i, section in enumerate(analysis.structure.segments):
            if i % 2:
                ax.axvspan(section.start, section.end, color=_SOFT, alpha=0.18, linewidth=0)
    beats = analysis.beats.times if analysis.beats is not None else np.empty(0)
    bars = analysis.downbeats.times if analysis.downbeats is not None else np.empty(0)
    if len(beats) <= _MAX_TICKS:
        ax.vlines(beats, -1.0, -0.85, color=_SOFT, linewidth=0.8)
    stride = 4 ** max(0, math.ceil(math.log(max(1, len(bars)) / _MAX_TICKS, 4)))
    ax.vlines(bars[::stride], -1.0, -0.7, color=_MARK, linewidth=1.0)


def _tempo(analysis: Analysis, ax: Axes) -> None:
    ax.set_title("tempo", loc="left", fontsize="medium")
    tempo = analysis.tempo
    if tempo is None:
        _unknown(ax, analysis, "tempo")
        return
    ax.axhline(tempo.bpm, color=_TINT, linewidth=2)
    if len(tempo.curve_times) > 1:
        ax.plot(tempo.curve_times, tempo.curve_bpm, color=_MAIN)
    spread = max(float(np.ptp(tempo.curve_bpm)) if len(tempo.curve_bpm) else 0.0, tempo.bpm * 0.1)
    middle = float(np.median(tempo.curve_bpm)) if len(tempo.curve_bpm) else tempo.bpm
    ax.set_ylim(middle - spread * 0.6, middle + spread * 0.6)
    ax.set_xlim(0, max(analysis.duration, 1e-3))
    ax.set_xlabel("seconds")
    ax.set_ylabel("BPM")


def _key(analysis: Analysis, ax: Any) -> None:
    ax.set_title("key", loc="left", fontsize="medium")
    key = analysis.key
    if key is None:
        _unknown(ax, analysis, "key")
        return
    mixes = {other.index for other in key.compatible("camelot")}
    visited = {Key.parse(segment.name).index for segment in key.over_time}
    ax.set_theta_zero_location("N")
    ax.set_theta_direction(-1)
    for index in range(24):
        other = Key.from_index(index)
        step = (index * 7) % 12 if index < 12 else ((index - 9) * 7) % 12
        bottom = 0.35 if other.mode == "minor" else 0.68
        colour = _MAIN if index == key.index else _TINT if index in mixes else "#8884"
        edge = _MARK if index in visited and index != key.index else "white"
        angle = math.radians(30 * step)
        ax.bar(angle, 0.32, width=math.radians(29), bottom=bottom, color=colour, edgecolor=edge, linewidth=1)
        shade = "white" if index == key.index else None
        size = 8.5 if other.mode == "major" else 6.5
        ax.text(angle, bottom + 0.16, other.id3, ha="center", va="center", fontsize=size, color=shade)
    ax.text(0, 0, key.camelot, ha="center", va="center", fontsize="large")
    ax.set_ylim(0, 1)
    ax.set_axis_off()


def _mood(analysis: Analysis, ax: Axes) -> None:
    ax.set_title("mood", loc="left", fontsize="medium")
    if analysis.mood is None:
        _unknown(ax, analysis, "mood")
        return
    ax.axhline(0, color=_SOFT, linewidth=0.6)
    ax.axvline(0, color=_SOFT, linewidth=0.6)
    ax.scatter([analysis.mood.valence], [analysis.mood.arousal], s=90, color=_MARK, zorder=3)
    for x, y, word in ((-0.95, 0.95, "tense"), (0.95, 0.95, "excited"), (-0.95, -0.95, "sad"), (0.95, -0.95, "calm")):
        across, along = "left" if x < 0 else "right", "bottom" if y < 0 else "top"
        ax.text(x, y, word, ha=across, va=along, color=_SOFT, fontsize="small")
    ax.set_xlim(-1, 1)
    ax.set_ylim(-1, 1)
    ax.set_aspect("equal")
    ax.set_xlabel("valence")
    ax.set_ylabel("arousal")


def _loudness(analysis: Analysis, ax: Axes) -> None:
    ax.set_title("loudness", loc="left", fontsize="medium")
    found = analysis.loudness
    if found is None:
        _unknown(ax, analysis, "loudness")
        return
    named = [
        ("true peak, dBTP", found.true_peak),
        ("momentary max, LUFS", found.momentary_max),
        ("short-term max, LUFS", found.short_term_max),
        ("integrated, LUFS", found.integrated),
    ]
    known = [(name, max(-60.0, level)) for name, level in named if level is not None]
    floor = min(-40.0, min(level for _, level in known) - 3)
    ax.barh([name for name, _ in known], [level - floor for _, level in known], left=floor, color=_MAIN)
    for i, (_, level) in enumerate(known):
        ax.text(floor + 0.6, i, f"{level:.1f}", va="center", color="white", fontsize="small")
    ax.set_xlim(floor, 3)
    ax.axvline(0, color=_MARK, linewidth=0.8)
    ax.set_xlabel("range unknown" if found.range is None else f"range {found.range:.1f} LU")


_DRAWERS: dict[str, Callable[[Analysis, Any], None]] = {
    "timeline": _timeline,
    "tempo": _tempo,
    "key": _key,
    "mood": _mood,
    "loudness": _loudness,
}
