"""What notebooks show: complete, escaped, self-contained, the same every time."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.display import samples
from tracktion import display
from tracktion.errors import CorruptError
from tracktion.results.analysis import Analysis
from tracktion.results.catalogue import Track
from tracktion.results.change import BatchItem, WatcherStatus
from tracktion.results.key import KEY_NAMES
from tracktion.results.match import FieldScore, Match
from tracktion.results.mood import Mood
from tracktion.results.tags import Tags

VOID = {"br"}
NASTY = "<script>alert(1)</script>\"'&\x1b[2J\u202e\ud800 <img src=x onerror=y>"


class Checker(HTMLParser):
    """Collects tags and text, and insists that tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


def checked(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    assert not checker.tags & {"script", "link", "iframe", "img", "object", "embed", "foreignobject", "use", "image"}
    names = {name for name, _ in checker.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not names & {"href", "src", "id", "xlink:href"}
    assert "url(" not in html
    assert "@import" not in html
    assert "http" not in html
    assert "nan" not in re.findall(r"[a-z]+", html.lower())
    return checker


def match(*, why: tuple[FieldScore, ...] = (FieldScore("title", 0.99, "one letter"),), **changes: Any) -> Match:
    track = {"id": 3, "artist": "Ann", "title": "One", "album": "First", "year": 2013, "duration": 272.0}
    return Match(Track(**(track | changes)), 0.971, why)


def batch() -> display.Batch:
    good, silent = samples.analysis(), Analysis(5.0, 44100, 1, notes={"tempo": "silence"})
    error = CorruptError("no frame <found>", file="/m/broken.mp3", stage="decode")
    return display.Batch(
        [
            BatchItem("/m/silent.wav", silent, index=2),
            BatchItem("/m/one.mp3", good, seconds=0.5, index=0),
            BatchItem("/m/broken.mp3", error=error, index=1),
        ]
    )


def test_the_card_of_an_analysis_says_what_was_found() -> None:
    """Title, tempo, key, mood, loudness and notes are all to be read."""
    words = " ".join(checked(display.analysis_html(samples.analysis())).words)
    for expected in ("Ann & the Others", "123.98 BPM", "F# minor", "11A", "-0.21", "-9.3 LUFS", "truncated", "3:34"):
        assert expected in words


def test_the_result_displays_itself() -> None:
    """``_repr_html_`` is the same card."""
    analysis = samples.analysis()
    assert analysis._repr_html_() == display.analysis_html(analysis)


@pytest.mark.parametrize(
    "missing",
    ["tempo", "beats", "downbeats", "grid", "key", "mood", "loudness", "structure", "tags", "source", "codec"],
)
def test_each_part_may_be_missing(missing: str) -> None:
    """A part that is None is left out, without an error."""
    checked(display.analysis_html(samples.analysis(**{missing: None})))


def test_nothing_known_is_a_card_too() -> None:
    """The emptiest analysis shows its notes."""
    html = display.analysis_html(Analysis(0.0, 8000, 1, notes={"tempo": "silence"}))
    assert "silence" in " ".join(checked(html).words)


@pytest.mark.parametrize("name", KEY_NAMES)
def test_every_key_stands_on_the_circle(name: str) -> None:
    """All 24 keys have their sector; exactly one is filled."""
    analysis = samples.every_key()[KEY_NAMES.index(name)]
    html = display.analysis_html(analysis)
    assert all(f"<title>{other}</title>" in html for other in KEY_NAMES)
    assert len(re.findall(r'fill="var\(--tk-main\)" stroke="var\(--tk-bg\)"', html)) == 1


@pytest.mark.parametrize("duration", [0.5, 3.0, 61.0, 3600.0, 10_800.0])
def test_any_duration_fits(duration: float) -> None:
    """From half a second to three hours: inside the picture, and small enough for a notebook."""
    html = display.analysis_html(samples.analysis(duration=duration))
    checked(html)
    assert len(html) < 60_000
    for pair in re.findall(r'points="([^"]*)"', html):
        xs = [float(point.split(",")[0]) for point in pair.split()]
        assert -0.1 <= min(xs) <= max(xs) <= 760.1


def test_numbers_out_of_range_stay_inside() -> None:
    """Values beyond their scale are drawn at its end."""
    checked(display.analysis_html(samples.analysis(mood=Mood(-7.0, 9.0))))


def test_hostile_text_stays_text() -> None:
    """Markup, control, bidi and broken characters in names, tags and notes cannot act."""
    tags = Tags(artist=NASTY, title=NASTY)
    hostile = samples.analysis(tags=tags, source=f"/m/{NASTY}.mp3", notes={NASTY: NASTY}, codec=NASTY)
    item = BatchItem(f"/m/{NASTY}", error=CorruptError(NASTY, file=NASTY))
    status = WatcherStatus(False, False, offline=(NASTY,), polling=(NASTY,), last_error=NASTY)
    for html in (
        display.analysis_html(hostile),
        display.batch_html([item]),
        display.match_html(match(artist=NASTY, title=NASTY, album=NASTY, why=(FieldScore(NASTY, 0.5, NASTY),))),
        display.matches_html([match(artist=NASTY, album=NASTY)]),
        display.status_html(status),
    ):
        checked(html.replace("onerror", ""))
        assert not set("\x1b\u202e\ud800") & set(html)
        html.encode("utf-8")


def test_tables_hold_every_row() -> None:
    """Matches, batches and the state of a watcher."""
    words = " ".join(checked(display.matches_html([match(), match(artist=None, title=None, album=None)])).words)
    assert "2 matches" in words
    assert "track 3" in words
    words = " ".join(checked(batch()._repr_html_()).words)
    assert "3 files, 1 failed" in words
    assert "no frame <found>" in words
    words = " ".join(checked(display.status_html(WatcherStatus(True, True, known=12, failed=2))).words)
    assert "healthy" in words
    assert "12" in words
    words = " ".join(checked(display.match_html(match())).words)
    assert all(expected in words for expected in ("Ann", "0.971", "one letter"))
    checked(display.match_html(match(why=())))
    assert "1 match" in display.matches_html([match()])
    assert "… and 100 more" in display.batch_html([BatchItem(f"/{i}", Analysis(1.0, 8000, 1)) for i in range(300)])


def test_a_row_of_a_batch_is_named_by_its_file() -> None:
    """However long the path is; a URL shows no secrets."""
    url = "https://user:s3cret@example.org/music/song.mp3?signature=s3cret"
    sources = [url, f"/{'d' * 250}/{'e' * 250}/song.mp3", "/music/song.mp3", Path("/music/song.mp3"), b"", "/music/"]
    found = display.Batch([BatchItem(source, Analysis(1.0, 8000, 1), index=i) for i, source in enumerate(sources)])
    html = found._repr_html_()
    assert re.findall(r"<tbody>.*", html)[0].count("<td>song.mp3</td>") == 4
    assert "s3cret" not in html
    assert "<td>music</td>" in html
    assert "(bytes)" in html
    assert found.to_columns()["source"][0] == "https://example.org/music/song.mp3"


def test_a_long_list_of_matches_says_that_there_are_more() -> None:
    assert "… and 50 more" in display.matches_html([match()] * 250)


def test_a_range_that_is_unknown_is_a_dash() -> None:
    short = dataclasses.replace(samples.analysis().loudness, range=None)
    words = checked(samples.analysis(loudness=short)._repr_html_()).words
    assert words[words.index("range") + 1] == "–"


def test_a_batch_is_a_sequence_in_the_order_of_its_sources() -> None:
    """Items, analyses and errors can be taken apart."""
    found = batch()
    assert [item.index for item in found] == [0, 1, 2]
    assert len(found) == 3
    assert len(found[1:]) == 2
    assert len(found.analyses) == 2
    assert [source for source, _ in found.errors] == ["/m/broken.mp3"]
    assert repr(found) == "Batch(3 items, 1 failed)"


def test_a_batch_becomes_a_table() -> None:
    """Dicts, columns and a data frame hold the same plain values."""
    found = batch()
    rows, columns = found.to_dicts(), found.to_columns()
    assert rows[0]["bpm"] == 123.98
    assert rows[0]["camelot"] == "11A"
    assert rows[1]["error"] == str(found[1].error)
    assert rows[2]["bpm"] is None
    assert {type(value) for row in rows for value in row.values()} <= {str, float, int, type(None)}
    assert columns["source"] == ["/m/one.mp3", "/m/broken.mp3", "/m/silent.wav"]
    assert set(display.Batch([]).to_columns()) == set(columns)
    odd = f"/m/\u3000x\xa0{'y' * 400}.mp3"
    assert display.Batch([BatchItem(odd)]).to_columns()["source"] == [odd]
    frame = pytest.importorskip("pandas") and found.to_pandas()
    assert list(frame.columns) == list(rows[0])
    assert len(frame) == 3
