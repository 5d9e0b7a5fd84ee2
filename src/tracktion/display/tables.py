"""Matches, batches and the state of a watcher as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from tracktion.display.page import card, clock, escape, meter, source_words, table, tile

if TYPE_CHECKING:
    from tracktion.results.catalogue import Track
    from tracktion.results.change import BatchItem, WatcherStatus
    from tracktion.results.match import FieldScore, Match

__all__ = ["batch_html", "match_html", "matches_html", "status_html"]

_MAX_ROWS = 200


def match_html(match: Match) -> str:
    """One `Match` as a card: the track, the score and why."""
    track = match.track
    facts = [
        escape(value)
        for value in (track.album, track.year, clock(track.duration) if track.duration else None)
        if value is not None and value != ""
    ]
    return card(
        _track_name(track),
        " · ".join(facts) or "&nbsp;",
        f'<div class="tk-tiles">{tile("Score", f"{match.score:.3f}", "", match.score)}</div>',
        table(["Why", "", ""], _why(match.why)) if match.why else "",
    )


def matches_html(matches: Iterable[Match]) -> str:
    """Many matches as one card, best first as given."""
    listed = list(matches)
    rows = [
        (_track_name(match.track), escape(match.track.album or ""), f"{match.score:.3f}{meter(match.score)}")
        for match in listed[:_MAX_ROWS]
    ]
    if len(listed) > _MAX_ROWS:
        rows.append((f"… and {len(listed) - _MAX_ROWS} more", "", ""))
    head = table(["Track", "Album", "Score"], rows, numbers=frozenset({2}))
    return card("Matches", _count(len(listed), "match", "matches"), head if rows else "")


def batch_html(items: Sequence[BatchItem]) -> str:
    """A batch as one card: a row for each source, errors in their rows."""
    failed = sum(item.error is not None for item in items)
    rows = [_batch_row(item) for item in items[:_MAX_ROWS]]
    if len(items) > _MAX_ROWS:
        rows.append((f"… and {len(items) - _MAX_ROWS} more", "", "", "", ""))
    said = _count(len(items), "file", "files") + (f", {failed} failed" if failed else "")
    head = ["Source", "Tempo", "Key", "Mood", "Loudness"]
    return card("Batch", said, table(head, rows, numbers=frozenset({1})) if rows else "")


def _batch_row(item: BatchItem) -> tuple[str, str, str, str, str]:
    words = source_words(item.source)
    name = escape(PurePath(words).name or words)
    if item.error is not None or item.analysis is None:
        reason = item.error.reason if item.error is not None else "no result"
        return f'{name}<br><span class="tk-bad">{escape(reason)}</span>', "", "", "", ""
    analysis = item.analysis
    tempo, key, mood, loudness = analysis.tempo, analysis.key, analysis.mood, analysis.loudness
    return (
        name,
        f"{tempo.bpm:.2f}{meter(tempo.confidence)}" if tempo else "–",
        f"{escape(key.name)} · {key.camelot}" if key else "–",
        f"{mood.valence:+.2f} / {mood.arousal:+.2f}" if mood else "–",
        f"{loudness.integrated:.1f} LUFS" if loudness else "–",
    )


def status_html(status: WatcherStatus) -> str:
    """How a watcher is doing, as a card."""
    figures = [
        tile("Known", str(status.known)),
        tile("Settling", str(status.settling)),
        tile("Waiting", str(status.ready)),
        tile("Working", str(status.working)),
        tile("Done", str(status.done)),
        tile("Failed", f'<span class="tk-bad">{status.failed}</span>' if status.failed else "0"),
        tile("Unpublished", str(status.unpublished)),
    ]
    rows = [("Scans", f"{status.scans}, the last in {status.last_scan_seconds:.2f} s")]
    rows += [("Offline", escape(root)) for root in status.offline]
    rows += [("Watched by scans alone", escape(root)) for root in status.polling]
    if status.last_error:
        rows.append(("Last error", f'<span class="tk-bad">{escape(status.last_error)}</span>'))
    state = "running" if status.running else "stopped"
    health = "healthy" if status.healthy else '<span class="tk-bad">needs attention</span>'
    return card(
        "Watcher", f"{state}, {health}", f'<div class="tk-tiles">{"".join(figures)}</div>', table(["", ""], rows)
    )


def _track_name(track: Track) -> str:
    names = [escape(name) for name in (track.artist, track.title) if name]
    return " – ".join(names) or escape(f"track {track.id}")


def _why(why: tuple[FieldScore, ...]) -> list[tuple[str, str, str]]:
    return [(escape(part.field), f"{part.score:.3f}{meter(part.score)}", escape(part.note)) for part in why]


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
