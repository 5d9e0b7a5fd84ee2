"""What all displays share: escaping, the style sheet, the card, and a few words of SVG."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

from tracktion.errors import printable
from tracktion.remote import name_of

__all__ = ["card", "clock", "escape", "meter", "points", "source_words", "svg", "table", "text", "tile"]

_LIGHT = (
    "--tk-bg:#fff;--tk-fg:#1d2733;--tk-soft:#5a6675;--tk-line:#d7dde5;--tk-fill:#eef2f6;"
    "--tk-main:#00796b;--tk-tint:#bfe3de;--tk-mark:#c2410c;--tk-bad:#b3261e;--tk-on:#fff"
)
_DARK = (
    "--tk-bg:#171c22;--tk-fg:#e6ebf0;--tk-soft:#9fabb8;--tk-line:#37414d;--tk-fill:#222932;"
    "--tk-main:#4db6a9;--tk-tint:#1f4b47;--tk-mark:#ff9e64;--tk-bad:#ff8a80;--tk-on:#10211f"
)
_LIGHT_THEMES = '[data-jp-theme-light="true"],[data-md-color-scheme="default"],.vscode-light'
_DARK_THEMES = '[data-jp-theme-light="false"],[data-md-color-scheme="slate"],[data-theme="dark"],.vscode-dark'
STYLE = (
    f".tk{{{_LIGHT};color-scheme:light}}"
    f"@media(prefers-color-scheme:dark){{.tk{{{_DARK};color-scheme:dark}}}}"
    f":is({_LIGHT_THEMES}) .tk{{{_LIGHT};color-scheme:light}}"
    f":is({_DARK_THEMES}) .tk{{{_DARK};color-scheme:dark}}"
    ".tk{background:var(--tk-bg);color:var(--tk-fg);border:1px solid var(--tk-line);"
    "border-radius:8px;padding:14px 16px;"
    "max-width:800px;box-sizing:border-box;font:13px/1.45 system-ui,sans-serif;text-align:left;overflow-wrap:anywhere}"
    ".tk *{box-sizing:border-box}"
    ".tk .tk-title{font-size:16px;font-weight:600;color:var(--tk-fg);margin:0}"
    ".tk .tk-sub{color:var(--tk-soft);margin:0 0 10px}"
    ".tk .tk-tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(134px,1fr));gap:8px;margin:8px 0 12px}"
    ".tk .tk-tile{background:var(--tk-fill);border-radius:6px;padding:7px 10px;min-width:0}"
    ".tk .tk-tile b{display:block;font-size:15.5px;font-weight:600;line-height:1.35}"
    ".tk .tk-tile>span{color:var(--tk-soft);font-size:11.5px}"
    ".tk .tk-row{display:flex;flex-wrap:wrap;gap:14px;align-items:flex-start;margin-top:10px}"
    ".tk .tk-cell{flex:1 1 220px;min-width:0}"
    ".tk .tk-cap{color:var(--tk-soft);font-size:11.5px;margin:0 0 3px}"
    ".tk svg{display:block;width:100%;height:auto;overflow:hidden}"
    ".tk svg text{fill:var(--tk-fg);font:11px system-ui,sans-serif}"
    ".tk svg .tk-s{fill:var(--tk-soft)}.tk svg .tk-o{fill:var(--tk-on);font-weight:600}"
    ".tk table{border-collapse:collapse;width:100%;margin:6px 0 0;border:0;display:table;font-size:12.5px;"
    "color:var(--tk-fg);background:var(--tk-bg)}"
    ".tk tr,.tk tbody tr:nth-child(odd),.tk tbody tr:nth-child(even){background:var(--tk-bg);color:var(--tk-fg)}"
    ".tk th,.tk td{border:0;border-bottom:1px solid var(--tk-line);padding:4px 8px;text-align:left;vertical-align:top;"
    "max-width:none;background:var(--tk-bg);color:var(--tk-fg);white-space:normal;min-width:0}"
    ".tk th{color:var(--tk-soft);font-weight:500}.tk .tk-n{text-align:right;font-variant-numeric:tabular-nums}"
    ".tk .tk-n .tk-bar{margin-left:auto}"
    ".tk .tk-bad{color:var(--tk-bad)}"
    ".tk .tk-bar{display:block;max-width:160px;height:4px;border-radius:2px;background:var(--tk-line);margin-top:4px}"
    ".tk .tk-bar i{display:block;height:4px;border-radius:2px;background:var(--tk-main)}"
)


def escape(value: Any, limit: int = 300) -> str:
    """Text of `value` as HTML: controls, bidi marks and lone surrogates made visible, markup made text."""
    return html.escape(printable(str(value), limit), quote=True)


def source_words(source: Any) -> str:
    """A source in words, not escaped: its name (of a URL without secrets), or what kind of thing it is."""
    kinds: dict[type, str] = {tuple: "samples", bytes: "bytes"}
    return name_of(source) or f"({kinds.get(type(source), type(source).__name__)})"


def clock(seconds: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def card(title: str, subtitle: str, *parts: str) -> str:
    """A whole display; `title`, `subtitle` and `parts` are HTML already."""
    head = f'<div class="tk-title">{title}</div><div class="tk-sub">{subtitle}</div>'
    return f'<div class="tk"><style>{STYLE}</style>{head}{"".join(parts)}</div>'


def meter(share: float) -> str:
    """A bar filled to a share of 0 to 1."""
    return f'<span class="tk-bar"><i style="width:{100 * min(1.0, max(0.0, share)):.0f}%"></i></span>'


def tile(label: str, value: str, detail: str = "", share: float | None = None) -> str:
    """One figure with its name; all HTML already."""
    bar = "" if share is None else meter(share)
    more = f"<span>{detail}</span>" if detail else ""
    return f'<div class="tk-tile"><span>{label}</span><b>{value}</b>{more}{bar}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: frozenset[int] = frozenset()) -> str:
    """A table of HTML cells; columns of `numbers` are set to the right."""
    kind = dict.fromkeys(numbers, ' class="tk-n"')
    top = "".join(f"<th{kind.get(i, '')}>{cell}</th>" for i, cell in enumerate(head))
    lines = ("".join(f"<td{kind.get(i, '')}>{cell}</td>" for i, cell in enumerate(row)) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def svg(width: float, height: float, name: str, *parts: str) -> str:
    """A picture with a name for readers that do not see it."""
    label = html.escape(name, quote=True)
    box = f'viewBox="0 0 {width:g} {height:g}" style="max-width:{width:g}px"'
    return f'<svg role="img" aria-label="{label}" {box}>{"".join(parts)}</svg>'


def text(x: float, y: float, content: str, *, anchor: str = "start", kind: str = "", size: float = 0) -> str:
    """SVG text; `content` is escaped already."""
    style = f' style="font-size:{size:g}px"' if size else ""
    name = f' class="tk-{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{name}{style}>{content}</text>'


def points(xy: Iterable[tuple[float, float]]) -> str:
    """Coordinates for ``polyline`` and ``polygon``."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in xy)
