"""What somebody asks for, taken apart: fields, video titles, file names and paths.

A question becomes a list of segments, each with a role (`Query`): a title, a version, artists, guests, an album, or a
part of unknown meaning. The scoring compares any part with any field of a row, so that a parser that guesses wrong
costs little.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracktion.matching.folding import LIMIT, fold_words
from tracktion.matching.text import (
    PLAIN_VERSIONS,
    WITH,
    artist_parts,
    guest_mark,
    is_year,
    make_key,
    name_words,
    title_parts,
    unpaired,
)
from tracktion.matching.words import AUDIO_SUFFIXES, COVER, NOISE, VERSION

__all__ = ["Query", "parse_query"]

_SUFFIX = re.compile(r"\.([A-Za-z0-9]{2,5})\s*$")
_NUMBER = re.compile(
    r"^\s*(?:(?:disc|cd|d)?\s?\d[-_. ])?\s*(?:\d{1,3}\s*[-_.)\]]+\s*|0\d\s+|\d{3}\s+|[A-D]\d{1,2}[\s.-]+)(?=\S)",
    re.IGNORECASE,
)
_LEADING_NUMBER = re.compile(r"^\s*0\d(?:\s*[-.)]\s*|\s+)(?=\S)")
_BARE_NUMBER = re.compile(r"^\s*\d{1,2}\s+(?=\S)")
_GROUP = re.compile(r"-[A-Za-z0-9]{2,7}$")
_SEPARATOR = re.compile(
    r"\s+[-–—~|:/]+\s+|[-–—]{2,}|\s*[–—|•·]\s*|:\s+|-\s+|\s+-|\"|“|”|«|»|\s+\*\s+|\.{3,}|\s*//\s*|_-_|\s+\bsings\s+|\s+\bperforms\s+",
)
_QUOTED = re.compile(r"[\"“”«»„]")
_BRACKET = re.compile(r"[(\[{<（【「『《]([^()\[\]{}<>（）【】「」『』《》]*)(?:[)\]}>）】」』》]|$)")
_FOLDER_NOISE = re.compile(
    r"^(?:disc|disk|cd|side)\s*\d+$|^(?:music|mp3s?|audio|downloads?|itunes|media|songs?)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed question.

    Attributes
    ----------
    record
        Segments joined by ``|``, each a role letter and folded words: ``T`` title, ``V`` versions, ``A`` artists, ``F``
        guests (those after the artists are of the same field), ``L`` album, ``X`` a part of unknown meaning, ``B`` a
        part in brackets, ``O`` whose song is covered, ``N`` noise. The canonical form of the question: two questions
        with the same record have the same answers.
    key
        As `NormalisedTrack.key`, over everything but noise and guests.
    duration
        Seconds, or -1.
    year
        Year, or 0.
    """

    record: str
    key: str
    duration: float
    year: int


def parse_query(
    text: str | None = None,
    title: str | None = None,
    artist: str | None = None,
    album: str | None = None,
    *,
    duration: float | None = None,
    year: int | None = None,
) -> Query:
    """Take a question apart; any field may be missing, wrong or hostile.

    Examples
    --------
    >>> parse_query("03-the_black_angels_-_you_on_the_run-ftd.mp3").record
    'Xblack angels|Xyou on run'
    >>> parse_query(title="Hello (Live)", artist="Adele feat. X").record
    'Thello|Vlive|Aadele|Fx'
    """
    segments: list[tuple[str, list[str]]] = []
    if title:
        parts = title_parts(title)
        segments += [("T", list(parts.core)), ("V", list(parts.versions)), ("F", list(parts.guests))]
    if artist:
        credit = artist_parts(artist)
        segments.append(("A", _names(credit.names)))
        segments.append(("F", list(credit.guests)))
    if album:
        segments.append(("L", fold_words(album)))
    if text and not (title or artist):
        segments += text_segments(text)
    elif text:
        segments += [("X", words) for role, words in text_segments(text) if role != "N"]
    seen: list[str] = []
    key: list[str] = []
    for role, words in segments:
        if words:
            segment = role + " ".join(words)
            if segment not in seen:
                seen.append(segment.replace(" , ", ","))
            if role in "TVAXB":
                key += [word for word in words if word != ","]
    known = duration if duration is not None and 0 < duration < 1e6 else -1.0
    return Query("|".join(seen), make_key(key), float(known), int(year) if year and 0 < year < 10000 else 0)


def _names(names: tuple[tuple[str, ...], ...]) -> list[str]:
    out: list[str] = []
    for name in names:
        if out:
            out.append(",")
        out += name
    return out


def text_segments(text: str) -> list[tuple[str, list[str]]]:
    """Roles and folded words of free text: a path, a file name, a video title, or words."""
    text = text[:LIMIT] if len(text) <= LIMIT else _shortened(text)
    suffix = _SUFFIX.search(text)
    if suffix and suffix.group(1).lower() in AUDIO_SUFFIXES:
        return _file_segments(text[: suffix.start()])
    return _title_segments(text)


def _shortened(text: str) -> str:
    """The end of a long path, the beginning of any other long text."""
    tail = text[-LIMIT:]
    suffix = _SUFFIX.search(tail)
    return tail if suffix and suffix.group(1).lower() in AUDIO_SUFFIXES else text[:LIMIT]


def _file_segments(text: str) -> list[tuple[str, list[str]]]:
    components = [part.strip() for part in re.split(r"\s+/\s+|\s*\\\s*|(?<!\s)/(?!\s)", text)]
    components = [part for part in components if part] or [text]
    name = components[-1]
    if name.count("_") and (" " not in name or name.count("_") > name.count(" ")):
        if "_-_" in name or name.count("-") >= 2:
            name = _GROUP.sub("", name)
        name = name.replace("_", " ")
    name = _NUMBER.sub("", name, count=1)
    number = _BARE_NUMBER.match(name) if len(components) > 1 else None
    segments: list[tuple[str, list[str]]] = []
    if number:
        segments.append(("N", [number.group().strip()]))
        name = name[number.end() :]
    segments += _title_segments(name)
    folders = [part.replace("_", " ").strip() for part in components[-3:-1]]
    for folder in reversed(folders):
        if folder and not _FOLDER_NOISE.match(folder) and folder not in {".", ".."}:
            segments += [("X" if role == "B" else role, words) for role, words in _title_segments(folder)]
    return segments


def _title_segments(text: str) -> list[tuple[str, list[str]]]:
    """Segments of a video title or a file name without its path."""
    extras: list[tuple[str, list[str]]] = []

    def bracket(match: re.Match[str]) -> str:
        inner = match.group(1)
        guest = guest_mark(inner)
        if guest:
            extras.append(("F", name_words(inner[guest.end() :])))
            inner = inner[: guest.start()]
        kind, words = _bracketed(inner)
        if kind == "X" and match.start() == 0 and len(words) > 1:
            return f" {inner} "
        around = match.string[: match.start()], match.string[match.end() :]
        if kind == "V" and _names_another(words) and _pieces(around[0]) == 1 and _pieces(around[1]):
            kind = "O"
        extras.append(("B" if kind == "X" else kind, words))
        return " - " if match.end() < len(text) and match.start() > 0 else " "

    text = unpaired(_LEADING_NUMBER.sub("", text, count=1))
    for _ in range(2):
        text = _BRACKET.sub(bracket, text)
    segments: list[tuple[str, list[str]]] = []
    for piece in _SEPARATOR.split(text):
        segment = piece
        guest = guest_mark(segment)
        if guest:
            extras.append(("F", name_words(segment[guest.end() :])))
            segment = segment[: guest.start()]
        words = fold_words(segment) if segment.strip(" .,;:-_!?'*#") else []
        if not words:
            continue
        kind = _kind(words) if segments else "X"
        if kind == "V" and len(segments) == 1 and (len(words) > 3 or words[-1] not in VERSION):
            kind = "X"
        segments.append((kind, words))
    if len(segments) > 2 and segments[1][0] == "V" and _names_another(segments[1][1]):
        segments[1] = ("O", segments[1][1]) if any(role == "X" for role, _ in segments[2:]) else segments[1]
    if not any(role == "X" for role, _ in segments + extras):
        segments = [("X", fold_words(text))]
    return segments + extras


def _bracketed(inner: str) -> tuple[str, list[str]]:
    """Role and words of a part in brackets; ``(with X)`` names guests."""
    words = fold_words(inner) if inner.strip() else []
    kind, mark = _kind(words), WITH.match(inner)
    return ("F", fold_words(inner[mark.end() :])) if kind == "X" and mark else (kind, words)


def _names_another(words: list[str]) -> bool:
    """Whether words say whose song is covered, or who covers it: ``acoustic rolling stones cover``."""
    return not COVER.isdisjoint(words) and "by" not in words and any(_tells(word) for word in words)


def _tells(word: str) -> bool:
    return len(word) > 1 and word not in VERSION and word not in NOISE


def _pieces(text: str) -> int:
    """How many parts there are that are neither in brackets nor noise."""
    parts = [fold_words(part) for part in _SEPARATOR.split(_BRACKET.sub(" ", text)) if part.strip()]
    return sum(_kind(words) == "X" for words in parts if words)


def _kind(words: list[str]) -> str:
    if all(word in NOISE or is_year(word) or word in {"of", "in", "with", "the", "version"} for word in words):
        return "N"
    if len(words) > 1 and " ".join(words) in PLAIN_VERSIONS:
        return "N"
    if len(words) <= 8 and not VERSION.isdisjoint(words):
        return "V"
    return "X"
