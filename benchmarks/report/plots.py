"""The pictures: SVG with text as text, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAIN, SECOND, MARK, SOFT = "#00897b", "#8aa1b1", "#d9531e", "#7a8794"


def _style() -> Any:
    import matplotlib as mpl

    mpl.use("svg")
    return mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "tracktion",
            "font.family": "sans-serif",
            "text.color": SOFT,
            "axes.labelcolor": SOFT,
            "axes.edgecolor": SOFT,
            "xtick.color": SOFT,
            "ytick.color": SOFT,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
        }
    )


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, transparent=True, metadata={"Date": None})
    import matplotlib.pyplot as plt

    plt.close(figure)


def latencies(found: Mapping[str, tuple[Mapping[str, float], float | None]], path: Path) -> None:
    """Percentiles of each scenario on a logarithmic scale, with its goal."""
    with _style():
        import matplotlib.pyplot as plt

        figure, ax = plt.subplots(figsize=(8, 0.5 * len(found) + 1.2), layout="constrained")
        for row, (numbers, goal) in enumerate(reversed(found.values())):
            ax.plot([numbers["p50"], numbers["p99"]], [row, row], color=SECOND, linewidth=3, solid_capstyle="round")
            ax.plot(numbers["p50"], row, "o", color=SECOND, label="p50" if row == 0 else None)
            ax.plot(numbers["p95"], row, "o", color=MAIN, markersize=9, label="p95" if row == 0 else None)
            ax.plot(numbers["p99"], row, "|", color=SECOND, markersize=12, label="p99" if row == 0 else None)
            if goal is not None:
                ax.plot(goal, row, "x", color=MARK, markersize=9)
        ax.plot([], [], "x", color=MARK, markersize=9, label="goal")
        ax.set_xscale("log")
        ax.set_yticks(range(len(found)), list(reversed(found)))
        ax.set_xlabel("milliseconds")
        ax.grid(axis="x", color=SOFT, alpha=0.2)
        ax.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0), labelcolor=SOFT)
        _save(figure, path)


def reliability(
    confidence: Sequence[float], right: Sequence[float], counts: Sequence[int], path: Path, *, title: str
) -> None:
    """How often an answer of a certain confidence is right, beside the diagonal of perfect honesty."""
    with _style():
        import matplotlib.pyplot as plt

        figure, ax = plt.subplots(figsize=(4.2, 4.2), layout="constrained")
        ax.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle="--")
        sizes = [20 + 180 * count / max(1, *counts) for count in counts]
        ax.scatter(confidence, right, s=sizes, color=MAIN, zorder=3)
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        ax.set_aspect("equal")
        ax.set_xlabel("confidence")
        ax.set_ylabel("share that is right")
        ax.set_title(title, fontsize="medium", color=SOFT)
        _save(figure, path)


def bars(rows: Mapping[str, Mapping[str, float]], path: Path, *, unit: str, highlight: str = "tracktion") -> None:
    """Groups of horizontal bars: measure → peer → value."""
    with _style():
        import matplotlib.pyplot as plt

        count = sum(len(peers) for peers in rows.values())
        figure, ax = plt.subplots(figsize=(8, 0.28 * count + 0.25 * len(rows) + 0.8), layout="constrained")
        place, ticks = 0.0, []
        for measure, peers in rows.items():
            for peer, value in peers.items():
                ax.barh(place, value, color=MAIN if peer == highlight else SECOND)
                ax.text(value, place, f" {value:.3g}", va="center", fontsize="small", color=SOFT)
                ticks.append((place, f"{measure} · {peer}"))
                place -= 1.0
            place -= 0.7
        ax.set_yticks([tick for tick, _ in ticks], [name for _, name in ticks], fontsize="small")
        ax.set_xlabel(unit)
        _save(figure, path)
