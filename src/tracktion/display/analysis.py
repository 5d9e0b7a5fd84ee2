"""One analysis on one card."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from tracktion.display.page import card, clock, escape, points, svg, table, text, tile
from tracktion.results.key import KEY_NAMES, Key

if TYPE_CHECKING:
    from tracktion.results.analysis import Analysis
    from tracktion.results.base import FloatArray
    from tracktion.results.loudness import Loudness
    from tracktion.results.mood import Mood
    from tracktion.results.rhythm import Tempo

__all__ = ["analysis_html"]

_WIDTH = 760.0
_MAX_TICKS = 240
_SHAPE_POINTS = 380


def analysis_html(analysis: Analysis) -> str:
    """The analysis as an HTML card.

    Energy with beats and sections, tempo over time, key on the circle of fifths, mood on the plane of valence and
    arousal, loudness; what is None is left out, with its reason below.

    Parameters
    ----------
    analysis
        Result of the Analyzer.

    Returns
    -------
    str
        HTML without scripts and without outside resources, everything from the file escaped.
    """
    cells = []
    if analysis.key is not None:
        cells.append(_cell("Key on the circle of fifths", circle_of_fifths(analysis.key)))
    if analysis.mood is not None:
        cells.append(_cell("Mood", mood_plane(analysis.mood)))
    if analysis.loudness is not None:
        cells.append(_cell("Loudness", loudness_bars(analysis.loudness)))
    curve = ""
    if analysis.tempo is not None and len(analysis.tempo.curve_times) > 1:
        picture = tempo_curve(analysis.tempo, analysis.duration)
        curve = f'<div class="tk-cap" style="margin-top:8px">Tempo, BPM</div>{picture}'
    notes = ""
    if analysis.notes:
        notes = table(["Note", ""], [(escape(code), escape(said)) for code, said in sorted(analysis.notes.items())])
    return card(
        _title(analysis),
        _subtitle(analysis),
        f'<div class="tk-tiles">{"".join(_tiles(analysis))}</div>',
        timeline(analysis) if analysis.beats is not None or analysis.structure is not None else "",
        curve,
        f'<div class="tk-row">{"".join(cells)}</div>' if cells else "",
        notes,
    )


def _cell(caption: str, content: str) -> str:
    return f'<div class="tk-cell"><div class="tk-cap">{caption}</div>{content}</div>'


def _title(analysis: Analysis) -> str:
    tags = analysis.tags
    if tags is not None and tags.title:
        return escape(f"{tags.artist} – {tags.title}" if tags.artist else tags.title)
    return escape(PurePath(analysis.source).name) if analysis.source else "Analysis"


def _subtitle(analysis: Analysis) -> str:
    channels = {1: "mono", 2: "stereo"}.get(analysis.channels, f"{analysis.channels} channels")
    facts = [clock(analysis.duration), f"{analysis.sample_rate / 1000:g} kHz", channels]
    facts += [str(fact) for fact in (analysis.codec or analysis.format,) if fact]
    if analysis.source:
        facts.append(PurePath(analysis.source).name)
    return " · ".join(escape(fact) for fact in facts)


def _tiles(analysis: Analysis) -> list[str]:
    found = []
    tempo, key, mood, loudness = analysis.tempo, analysis.key, analysis.mood, analysis.loudness
    if tempo is not None:
        others = ", ".join(f"{candidate.bpm:.1f}" for candidate in tempo.candidates[1:3])
        detail = f"sure to {tempo.confidence:.0%}" + (f"; or {others}" if others else "")
        found.append(tile("Tempo", f"{tempo.bpm:.2f} BPM", detail, tempo.confidence))
    else:
        found.append(tile("Tempo", "–", "unknown"))
    if key is not None:
        detail = f"sure to {key.confidence:.0%}" + (f"; or {escape(key.second.name)}" if key.second else "")
        found.append(tile("Key", f"{escape(key.name)} · {key.camelot}", detail, key.confidence))
    else:
        found.append(tile("Key", "–", "unknown"))
    if analysis.beats is not None:
        bar = analysis.grid.beats_per_bar if analysis.grid else None
        detail = f"{bar} to the bar" if bar else "bars unknown"
        found.append(tile("Beats", f"{len(analysis.beats)}", detail, analysis.beats.confidence))
    if mood is not None:
        found.append(tile("Mood", f"{mood.valence:+.2f} / {mood.arousal:+.2f}", "valence / arousal"))
    if loudness is not None:
        found.append(tile("Loudness", f"{loudness.integrated:.1f} LUFS", f"peak {loudness.true_peak:.1f} dBTP"))
    return found


def timeline(analysis: Analysis) -> str:
    """Energy of the piece with sections, beats and keys over a time axis."""
    duration = max(analysis.duration, 1e-3)
    keys = analysis.key.over_time if analysis.key is not None and analysis.key.modulates else ()
    body, lane, axis = 96.0, (18.0 if keys else 0.0), 18.0
    height = body + lane + axis

    def x(seconds: float) -> float:
        return _WIDTH * min(1.0, max(0.0, seconds / duration))

    parts = [f'<rect x="0" y="0" width="{_WIDTH:g}" height="{body:g}" fill="var(--tk-fill)"/>']
    if analysis.structure is not None:
        for i, section in enumerate(analysis.structure.segments):
            if i % 2:
                left, right = x(section.start), x(section.end)
                shade = 'fill="var(--tk-line)" opacity=".55"'
                parts.append(f'<rect x="{left:.1f}" y="0" width="{right - left:.1f}" height="{body:g}" {shade}/>')
        parts.append(_shape(analysis.structure.energy_times, analysis.structure.energy, duration, body))
    parts += _ticks(analysis, x, body)
    for segment in keys:
        left, right = x(segment.start), x(segment.end)
        parts.append(
            f'<rect x="{left:.1f}" y="{body + 2:g}" width="{max(0.0, right - left - 1):.1f}" height="{lane - 3:g}" '
            f'fill="var(--tk-tint)"><title>{escape(segment.name)}</title></rect>'
        )
        label = Key.parse(segment.name).id3
        if right - left > 9 * len(label):
            parts.append(text((left + right) / 2, body + lane - 5, escape(label), anchor="middle"))
    for seconds in _axis(duration):
        near_end = x(seconds) > _WIDTH - 20
        anchor = "start" if seconds == 0 else "end" if near_end else "middle"
        parts.append(text(x(seconds), height - 4, clock(seconds), anchor=anchor, kind="s"))
    return svg(_WIDTH, height, "Energy, beats and sections over time", *parts)


def _shape(times: FloatArray, energy: FloatArray, duration: float, body: float) -> str:
    if len(times) < 2:
        return ""
    groups = np.array_split(np.arange(len(times)), min(_SHAPE_POINTS, len(times)))
    middle, half = body / 2, body / 2 - 6
    upper = [(float(times[g].mean()) / duration * _WIDTH, float(np.clip(energy[g].max(), 0, 1)) * half) for g in groups]
    outline = [(px, middle - level) for px, level in upper] + [(px, middle + level) for px, level in reversed(upper)]
    return f'<polygon points="{points(outline)}" fill="var(--tk-main)" opacity=".75"/>'


def _ticks(analysis: Analysis, x: Callable[[float], float], body: float) -> list[str]:
    beats = analysis.beats.times if analysis.beats is not None else np.empty(0)
    bars = analysis.downbeats.times if analysis.downbeats is not None else np.empty(0)
    stride = 4 ** max(0, math.ceil(math.log(max(1, len(bars)) / _MAX_TICKS, 4)))
    drawn = []
    if len(beats) <= _MAX_TICKS:
        path = "".join(f"M{x(t):.1f} {body - 8:g}V{body:g}" for t in beats.tolist())
        drawn.append(f'<path d="{path}" stroke="var(--tk-fg)" stroke-width="1" opacity=".7"/>')
    path = "".join(f"M{x(t):.1f} {body - 16:g}V{body:g}" for t in bars[::stride].tolist())
    drawn.append(f'<path d="{path}" stroke="var(--tk-mark)" stroke-width="1.4"/>')
    return drawn


def _axis(duration: float) -> list[float]:
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
    step = next((s for s in steps if duration / s <= 10), 7200)
    return [float(t) for t in range(0, int(duration) + 1, step)]


def tempo_curve(tempo: Tempo, duration: float) -> str:
    """Tempo over time, in a range of at least ten percent about its middle."""
    low, high = _tempo_range(tempo)
    height, left = 64.0, 34.0
    duration = max(duration, 1e-3)
    keep = np.linspace(0, len(tempo.curve_times) - 1, min(_SHAPE_POINTS, len(tempo.curve_times))).astype(int)

    def y(bpm: float) -> float:
        return 6 + (height - 12) * (1 - (min(high, max(low, bpm)) - low) / (high - low))

    line = [
        (left + (_WIDTH - left) * min(1.0, float(t) / duration), y(float(bpm)))
        for t, bpm in zip(tempo.curve_times[keep], tempo.curve_bpm[keep], strict=True)
    ]
    parts = [f'<rect x="{left:g}" y="0" width="{_WIDTH - left:g}" height="{height:g}" fill="var(--tk-fill)"/>']
    for bpm in (low, (low + high) / 2, high):
        at = y(bpm)
        parts.append(f'<path d="M{left:g} {at:.1f}H{_WIDTH:g}" stroke="var(--tk-line)"/>')
        parts.append(text(left - 4, min(height - 2, max(10, at + 4)), f"{bpm:.0f}", anchor="end", kind="s"))
    style = 'fill="none" stroke="var(--tk-main)" stroke-width="1.8"'
    parts.append(f'<polyline points="{points(line)}" {style}/>')
    return svg(_WIDTH, height, "Tempo over time", *parts)


def _tempo_range(tempo: Tempo) -> tuple[float, float]:
    middle = float(np.median(tempo.curve_bpm))
    spread = max(float(np.ptp(tempo.curve_bpm)), middle * 0.1)
    centre = (float(tempo.curve_bpm.min()) + float(tempo.curve_bpm.max())) / 2
    return centre - spread * 0.55, centre + spread * 0.55


def circle_of_fifths(key: Key) -> str:
    """Major keys outside, minor inside; the key full, keys that mix with it tinted, others of the piece outlined."""
    size, parts = 230.0, []
    centre, rings = size / 2, {"major": (113.0, 78.0), "minor": (77.0, 44.0)}
    mixes = {other.index for other in key.compatible("camelot")}
    visited = {Key.parse(segment.name).index for segment in key.over_time}
    for index in range(24):
        other = Key.from_index(index)
        step = (index * 7) % 12 if index < 12 else ((index - 12 + 3) * 7) % 12
        outer, inner = rings[other.mode]
        chosen = index == key.index
        fill = "var(--tk-main)" if chosen else "var(--tk-tint)" if index in mixes else "var(--tk-fill)"
        border = "var(--tk-mark)" if index in visited and not chosen else "var(--tk-bg)"
        parts.append(_sector(centre, step, outer, inner, fill, border, KEY_NAMES[index]))
        angle = math.radians(30 * step - 90)
        radius = (outer + inner) / 2
        label = other.id3
        parts.append(
            text(
                centre + radius * math.cos(angle),
                centre + radius * math.sin(angle) + 4,
                escape(label),
                anchor="middle",
                kind="o" if chosen else "",
                size=10 if len(label) > 2 else 0,
            )
        )
    parts.append(text(centre, centre - 1, escape(key.camelot), anchor="middle", size=18))
    parts.append(text(centre, centre + 14, escape(key.open_key), anchor="middle", kind="s"))
    return svg(size, size, f"{key.name} on the circle of fifths", *parts)


def _sector(centre: float, step: int, outer: float, inner: float, fill: str, border: str, name: str) -> str:
    angles = [math.radians(30 * step - 90 + side) for side in (-15, 15)]
    (ax, ay), (bx, by) = [(centre + outer * math.cos(a), centre + outer * math.sin(a)) for a in angles]
    (cx, cy), (dx, dy) = [(centre + inner * math.cos(a), centre + inner * math.sin(a)) for a in reversed(angles)]
    path = (
        f"M{ax:.1f} {ay:.1f}A{outer:g} {outer:g} 0 0 1 {bx:.1f} {by:.1f}"
        f"L{cx:.1f} {cy:.1f}A{inner:g} {inner:g} 0 0 0 {dx:.1f} {dy:.1f}Z"
    )
    return f'<path d="{path}" fill="{fill}" stroke="{border}" stroke-width="2"><title>{escape(name)}</title></path>'


def mood_plane(mood: Mood) -> str:
    """Valence to the right, arousal upwards, and where this piece lies."""
    size, pad = 230.0, 16.0
    inner = size - 2 * pad
    x = pad + inner * (min(1.0, max(-1.0, mood.valence)) + 1) / 2
    y = pad + inner * (1 - min(1.0, max(-1.0, mood.arousal))) / 2
    middle = size / 2
    parts = [
        f'<rect x="{pad:g}" y="{pad:g}" width="{inner:g}" height="{inner:g}" fill="var(--tk-fill)"/>',
        f'<path d="M{pad:g} {middle:g}H{size - pad:g}M{middle:g} {pad:g}V{size - pad:g}" stroke="var(--tk-line)"/>',
        text(pad + 5, pad + 14, "tense", kind="s"),
        text(size - pad - 5, pad + 14, "excited", anchor="end", kind="s"),
        text(pad + 5, size - pad - 6, "sad", kind="s"),
        text(size - pad - 5, size - pad - 6, "calm", anchor="end", kind="s"),
        text(middle, pad - 4, "arousal", anchor="middle"),
        text(size - pad, middle - 4, "valence", anchor="end"),
    ]
    style = 'fill="var(--tk-mark)" stroke="var(--tk-bg)" stroke-width="2"'
    said = f"<title>valence {mood.valence:+.2f}, arousal {mood.arousal:+.2f}</title>"
    parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" {style}>{said}</circle>')
    return svg(size, size, "Mood: valence and arousal", *parts)


def loudness_bars(loudness: Loudness) -> str:
    """Integrated loudness and true peak on one scale of decibels, the range beside them."""
    width, low, high = 230.0, -40.0, 3.0
    rows = [
        ("integrated", loudness.integrated, f"{loudness.integrated:.1f} LUFS"),
        ("short-term max", loudness.short_term_max, f"{loudness.short_term_max or 0:.1f} LUFS"),
        ("momentary max", loudness.momentary_max, f"{loudness.momentary_max or 0:.1f} LUFS"),
        ("true peak", loudness.true_peak, f"{loudness.true_peak:.1f} dBTP"),
    ]
    parts, y = [], 0.0
    for name, level, said in rows:
        if level is None or not math.isfinite(level):
            continue
        share = min(1.0, max(0.0, (level - low) / (high - low)))
        colour = "var(--tk-mark)" if name == "true peak" and level > -1 else "var(--tk-main)"
        parts += [
            text(0, y + 12, name, kind="s"),
            text(width, y + 12, escape(said), anchor="end"),
            f'<rect x="0" y="{y + 18:g}" width="{width:g}" height="8" rx="4" fill="var(--tk-line)"/>',
            f'<rect x="0" y="{y + 18:g}" width="{width * share:.1f}" height="8" rx="4" fill="{colour}"/>',
        ]
        y += 38
    parts.append(text(0, y + 12, "range", kind="s"))
    spread = "–" if loudness.range is None else f"{loudness.range:.1f} LU"
    parts.append(text(width, y + 12, spread, anchor="end"))
    parts.append(text(0, y + 32, "ReplayGain", kind="s"))
    parts.append(text(width, y + 32, f"{loudness.replaygain_gain:+.1f} dB", anchor="end"))
    return svg(width, y + 40, "Loudness", *parts)
