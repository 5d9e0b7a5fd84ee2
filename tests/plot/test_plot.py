"""Pictures with matplotlib: every kind, every missing part, no surprises."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.display import samples
from tracktion.errors import UsageError
from tracktion.plot import PlotKind, plot_analysis
from tracktion.results.analysis import Analysis

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    yield
    from matplotlib import pyplot as plt

    plt.close("all")


@pytest.mark.parametrize("kind", get_args(PlotKind))
@pytest.mark.parametrize(
    "analysis",
    [
        samples.analysis(),
        samples.analysis(duration=0.5),
        samples.analysis(duration=10_800.0),
        Analysis(0.0, 8000, 1, notes={"tempo": "silence, $ and _"}),
    ],
    ids=["whole", "short", "long", "empty"],
)
def test_every_kind_can_be_drawn(kind: str, analysis: Analysis, tmp_path: Path) -> None:
    """A file comes out, whatever is known or not."""
    ax = plot_analysis(analysis, kind=kind)
    ax.figure.savefig(tmp_path / "x.png", dpi=40)
    assert (tmp_path / "x.png").stat().st_size > 1000


@pytest.mark.parametrize("missing", ["tempo", "beats", "downbeats", "key", "mood", "loudness", "structure"])
def test_the_overview_lives_with_missing_parts(missing: str) -> None:
    """What is None is said in words, in its place."""
    ax = plot_analysis(samples.analysis(**{missing: None}))
    ax.figure.canvas.draw()
    assert len(ax.figure.axes) == 5
    assert len(ax.get_xticks()), "the timeline keeps its seconds"


@pytest.mark.parametrize("kind", [k for k in get_args(PlotKind) if k != "overview"])
def test_given_axes_are_drawn_on(kind: str) -> None:
    """``ax=`` is used and returned, and no other figure is made."""
    from matplotlib import pyplot as plt

    figure = plt.figure()
    ax = figure.add_subplot(projection="polar" if kind == "key" else None)
    assert samples.analysis().plot(kind=kind, ax=ax) is ax
    assert plt.get_fignums() == [figure.number]
    assert ax.has_data()


@pytest.mark.parametrize(("kind", "projection"), [("overview", None), ("key", None)])
def test_axes_that_do_not_fit_are_refused(kind: str, projection: Any) -> None:
    """With a sentence that says what would."""
    from matplotlib import pyplot as plt

    with pytest.raises(UsageError):
        plot_analysis(samples.analysis(), kind=kind, ax=plt.figure().add_subplot(projection=projection))


def test_unknown_kinds_are_refused() -> None:
    """The message lists what there is."""
    with pytest.raises(UsageError, match="timeline"):
        plot_analysis(samples.analysis(), kind="waveform")


def test_an_empty_timeline_says_why() -> None:
    """So do all kinds; the range of a short file is unknown too."""
    ax = plot_analysis(Analysis(1.0, 8000, 1, notes={"structure": "silence"}), kind="timeline")
    assert [text.get_text() for text in ax.texts] == ["structure: silence"]
    loudness = dataclasses.replace(samples.analysis().loudness, range=None)
    assert plot_analysis(samples.analysis(loudness=loudness), kind="loudness").get_xlabel() == "range unknown"
