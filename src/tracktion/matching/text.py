"""One normaliser for music metadata, the same for what is stored and for what is asked.

The rules, in order (`normalise_track` applies them to a row, `parse_query` to a question):

1. Text longer than `LIMIT` characters is cut. Letters and their marks are composed (NFC), since names of files on
   macOS come apart. Unpaired surrogates and control characters are blanks.
2. `fold`: compatibility forms (NFKC), case, accents and script go: everything becomes lower-case ASCII words.
   Apostrophes vanish (``don't`` = ``dont`` = ``don t``), other punctuation parts words, single letters in a row join
   (``R.E.M.`` = ``rem``), ``$`` and ``!`` inside a word are ``s`` and ``i``; ``wanna`` = ``want to``, ``lovin'`` =
   ``loving`` and a few more. A name of nothing but symbols becomes
   words that spell their code points, so that ``!!!`` can be found.
3. ``the`` and ``and``/``&`` come and go in the world's metadata, so they are left out, unless nothing else is there
   or the name is ``The The``.
4. Parts of a title in brackets or after `` - `` are sorted into guests (``feat. X``), versions (``live``, ``X remix``;
   kept and compared), noise (``official video``, ``2011 remaster``; dropped) and the title itself.
5. Artists are parted at commas, ``;``, ``feat.``; the first is the primary one.

Everything here is linear in the length of the text, raises on no string, and knows no storage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tracktion.matching.folding import LIMIT, fold_words
from tracktion.matching.words import GUEST, NOISE, REMIX, VERSION

__all__ = [
    "PLAIN_VERSIONS",
    "NormalisedTrack",
    "make_key",
    "normalise_track",
    "searchable",
]

KEY_LIMIT = 200
"""Characters of a key, at most, which keeps it within the size of an index entry of any database."""

# --- titles ---------------------------------------------------------------------------------------------------------

_BRACKETED = re.compile(r"[(\[{<（【「『《]([^()\[\]{}<>（）【】「」『』《》]*)[)\]}>）】」』》]")
_GUESTS = re.compile(r"(?:(?<=\s)|^)(?:feat|ft|featuring|feats)(?:\.\s*|\s+)(?=\S)", re.IGNORECASE)
WITH = re.compile(r"^\s*(?:feat|ft|featuring|feats|with|w/|con|avec|mit)(?:\.\s*|\s+)(?=\S)", re.IGNORECASE)
_DASHED = re.compile(r"\s+[-–—~|]\s+|\s+/\s+(?=\S+ (?:version|mix|remix|edit)\b)", re.IGNORECASE)
_TRAILING_ARTICLE = re.compile(r"^(.+), (?:the|a|an)$", re.IGNORECASE)
_ARTISTS = re.compile(r"\s*[,;]\s+|\s+,\s*|\s*;\s*|\s+/\s+|\s+(?:vs\.?|versus)\s+", re.IGNORECASE)
PLAIN_VERSIONS = frozenset(
    [
        "album version",
        "single version",
        "original version",
        "original mix",
        "original",
        "lp version",
        "main version",
        "full version",
        "album mix",
        "version",
        "studio version",
        "explicit version",
        "clean version",
        "audio version",
        "video version",
        "mono version",
        "stereo version",
        "mono",
        "stereo",
        "single",
        "album",
        "explicit",
        "clean",
        "radio version",
        "vinyl version",
        "original soundtrack",
        "original recording",
        "edited",
        "edited version",
        "explicit album version",
        "album version explicit",
        "album version edited",
        "single mix",
    ]
)
_NOISE_ONLY = NOISE | {
    "version",
    "in",
    "the",
    "a",
    "of",
    "on",
    "with",
    "and",
    "y",
    "e",
    "con",
    "mix",
    "from",
    "por",
    "by",
}
_REMASTERS = frozenset({"remaster", "remastered", "remasterizado", "remasterise", "remasterisee", "remasters"})


@dataclass(frozen=True, slots=True)
class NormalisedTrack:
    """What is stored and compared for one track; every part is lower-case ASCII.

    Attributes
    ----------
    key
        The words of title, versions and artists, sorted: equal for two rows exactly when they say the same. At most
        `KEY_LIMIT` characters. Empty when the row says nothing.
    search
        ``title|versions|artist,artist|guests``: the one text that indexes and scores are made from.
    title
        The core title.
    versions
        The version marks, in the order of the title (``pax remix``).
    artist
        The primary artist.
    featured
        The guests, without those that are also among the artists.
    album
        The album.
    """

    key: str
    search: str
    title: str
    versions: str
    artist: str
    featured: str
    album: str


@dataclass(frozen=True, slots=True)
class TitleParts:
    """A title taken apart: folded words of the core, of the versions and of the guests."""

    core: tuple[str, ...]
    versions: tuple[str, ...]
    guests: tuple[str, ...]


def normalise_track(title: str | None, artist: str | None, album: str | None = None) -> NormalisedTrack:
    """Normalise a row of metadata; fields may be None or empty, and may hold anything.

    Examples
    --------
    >>> normalise_track("Trapdoor - PAX Remix (feat. Someone)", "Gorgon City, PAX").search
    'trapdoor|pax remix|gorgon city,pax|someone'
    """
    parts = title_parts(title) if title else _NOTHING
    credit = artist_parts(artist) if artist else _NOBODY
    names = [word for name in credit.names for word in name]
    guests = credit.guests
    if parts.guests:
        guests = tuple(word for word in (*guests, *parts.guests) if word not in names)
    core = " ".join(parts.core)
    versions = " ".join(parts.versions)
    artists = ",".join([" ".join(name) for name in credit.names])
    featured = " ".join(guests)
    return NormalisedTrack(
        key=make_key((*parts.core, *parts.versions, *names)),
        search=f"{core}|{versions}|{artists}|{featured}",
        title=core,
        versions=versions,
        artist=artists.partition(",")[0],
        featured=featured,
        album=" ".join(fold_words(album)) if album else "",
    )


def searchable(title: str | None, artist: str | None) -> str:
    """Return ``normalise_track(title, artist).search`` alone, in half the time: bulk loading needs nothing else."""
    artists, guests = _credited(artist[:LIMIT] if len(artist) > LIMIT else artist) if artist else ("", "")
    if not title:
        return f"||{artists}|{guests}"
    if len(title) > LIMIT:
        title = title[:LIMIT]
    if not _needs_parting(title):
        return f"{' '.join(fold_words(title))}||{artists}|{guests}"
    parts = _parted(title)
    if parts.guests:
        names = artists.replace(",", " ").split()
        guests = " ".join([word for word in (*guests.split(), *parts.guests) if word not in names])
    return f"{' '.join(parts.core)}|{' '.join(parts.versions)}|{artists}|{guests}"


def make_key(words: tuple[str, ...] | list[str]) -> str:
    """Return the exact key of these folded words: sorted, each once, cut to `KEY_LIMIT` characters."""
    return " ".join(sorted(set(words)))[:KEY_LIMIT]


@dataclass(frozen=True, slots=True)
class ArtistParts:
    """A credit taken apart: folded words of each name, the primary one first, and of the guests."""

    names: tuple[tuple[str, ...], ...]
    guests: tuple[str, ...]


_NOTHING = TitleParts((), (), ())
_NOBODY = ArtistParts((), ())


def title_parts(title: str) -> TitleParts:
    """Sort a title into core, versions and guests (rule 4)."""
    if len(title) > LIMIT:
        title = title[:LIMIT]
    if not _needs_parting(title):
        return TitleParts(tuple(fold_words(title)), (), ())
    return _parted(title)


def _needs_parting(title: str) -> bool:
    if "(" in title or "[" in title or " - " in title or ", " in title:
        return True
    if not title.isascii() or "{" in title or " / " in title or "<" in title or "~" in title:
        return True
    lower = title.lower()
    return "feat" in lower or "ft" in lower or "remaster" in lower


def _parted(title: str) -> TitleParts:
    core: list[str] = []
    versions: list[str] = []
    guests: list[str] = []

    def extra(segment: str) -> str:
        match = WITH.match(segment)
        if match:
            names = name_words(segment[match.end() :])
            remix = REMIX.issuperset(names[-1:]) and not _GUESTS.match(segment.lstrip())  # ``(con Alma Remix)``
            if not remix and not VERSION.issuperset(names):  # ``(AVEC Remix)`` is by AVEC
                guests.extend(names)
                return " "
        inner = guest_mark(segment)
        if inner:
            guests.extend(name_words(segment[inner.end() :]))
            segment = segment[: inner.start()]
        words = fold_words(segment)
        kind = _kind(words)
        if kind == "version":
            versions.extend(_version_words(words))
            return " "
        return " " if kind == "noise" or not words else f" {segment} "

    rest = unpaired(title)
    for _ in range(3):
        before = rest
        rest = _BRACKETED.sub(lambda match: extra(match.group(1)), rest)
        if rest == before:
            break
    segments = _DASHED.split(rest)
    head = segments[0]
    for segment in segments[1:]:
        kept = extra(segment)
        if kept.strip():
            head = f"{head} {kept}"
    guest = guest_mark(head)
    if guest and head[: guest.start()].strip():
        guests.extend(name_words(head[guest.end() :]))
        head = head[: guest.start()]
    article = _TRAILING_ARTICLE.match(head.strip())
    core.extend(fold_words(article.group(1) if article else head))
    if not core:
        core, versions = fold_words(title), []
    return TitleParts(tuple(core), tuple(versions), tuple(guests))


def guest_mark(segment: str) -> re.Match[str] | None:
    """Where guests begin; nowhere in ``Little Feat Remix``."""
    mark = _GUESTS.search(segment)
    words = fold_words(segment[mark.end() :]) if mark else []
    return None if words and REMIX.issuperset(words) else mark


def unpaired(text: str) -> str:
    """The text without angle brackets that have no partner: ``(Beak> Remix)``."""
    for one, other in ("<>", "><"):
        if one in text and other not in text:
            text = text.replace(one, " ")
    return text


def _kind(words: list[str]) -> str:
    if not words:
        return "noise"
    if " ".join(words) in PLAIN_VERSIONS or not _REMASTERS.isdisjoint(words):
        return "noise" if VERSION.isdisjoint(set(words) - {"version", "mix", "album", "single"}) else "version"
    if all(word in _NOISE_ONLY or is_year(word) for word in words):
        return "noise"
    if not VERSION.isdisjoint(words):
        return "version"
    return "title"


def _version_words(words: list[str]) -> list[str]:
    """Drop what says nothing from a version mark; keep it whole when nothing would be left."""
    kept = [word for word in words if word not in _REMASTERS and word not in {"version", "official", "video", "audio"}]
    return kept or words


def is_year(word: str) -> bool:
    """Whether a folded word is a year of recorded music."""
    return len(word) == 4 and word.isdigit() and word[:2] in {"19", "20"}


# --- artists --------------------------------------------------------------------------------------------------------


def artist_parts(artist: str) -> ArtistParts:
    """Sort a credit into names and guests (rule 5)."""
    return _artist_parts(artist[:LIMIT] if len(artist) > LIMIT else artist)


@lru_cache(maxsize=65536)
def _credited(artist: str) -> tuple[str, str]:
    """Names and guests of a credit as they stand in a searchable text."""
    credit = _parted_credit(artist)
    return ",".join([" ".join(name) for name in credit.names]), " ".join(credit.guests)


@lru_cache(maxsize=32768)
def _artist_parts(artist: str) -> ArtistParts:
    return _parted_credit(artist)


def _parted_credit(artist: str) -> ArtistParts:
    guests: list[str] = []
    guest = _GUESTS.search(artist)
    bracket = _BRACKETED.search(artist) if "(" in artist or "[" in artist else None
    if bracket and WITH.match(bracket.group(1)):
        guests.extend(name_words(bracket.group(1)))
        artist = artist[: bracket.start()] + artist[bracket.end() :]
    elif guest and artist[: guest.start()].strip():
        guests.extend(name_words(artist[guest.end() :]))
        artist = artist[: guest.start()]
    article = _TRAILING_ARTICLE.match(artist.strip())
    if article:
        artist = article.group(1)
    names = [tuple(fold_words(name)) for name in _ARTISTS.split(artist)]
    return ArtistParts(tuple(name for name in names if name), tuple(guests))


def name_words(text: str) -> list[str]:
    """Folded words of a list of names, without the words that open such a list."""
    return [word for word in fold_words(text) if word not in GUEST and word != "with"]
