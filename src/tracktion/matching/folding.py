"""Text of any script as lower-case ASCII words: the letters' part of the normaliser (rules 1 to 3 of `matching.text`).

It knows nothing of titles and artists, is linear in the length of the text, and raises on no string.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from anyascii import anyascii

from tracktion.matching.words import ARTICLES, JOINERS

__all__ = ["LIMIT", "composed", "fold", "fold_words"]

LIMIT = 512
"""Characters of a field that are looked at; the rest of a longer one is ignored."""

_APOSTROPHES = "'’‘`´ʼʹʻ′"
_SPECIAL = {"$": "s", "€": "e", "£": "l", "&": " and ", "@": "a", "™": "", "®": "", "©": "", "°": "", "#": " "}
_BEFORE_RE = frozenset({"we", "you", "they", "who", "what", "there", "where", "how"})
_JOINED_ENDINGS = frozenset({"t", "s", "m", "d", "ve", "re", "ll"})
_COLLOQUIAL = {
    "wanna": ("want", "to"),
    "gonna": ("going", "to"),
    "gotta": ("got", "to"),
    "gimme": ("give", "me"),
    "lemme": ("let", "me"),
    "outta": ("out", "of"),
    "kinda": ("kind", "of"),
    "til": ("until",),
    "till": ("until",),
    "thru": ("through",),
    "nite": ("night",),
    "tonite": ("tonight",),
}
_REWRITTEN = _JOINED_ENDINGS | set(_COLLOQUIAL)
_DROPPED_G = re.compile(r"(?<=[A-Za-z]{2}[Ii][Nn])['’](?![A-Za-z])")
_EXCLAIMED = re.compile(r"(?<=[A-Za-z])!(?=[A-Za-z])")


class _Table(dict[int, str]):
    """Maps code points to folded text; filled as characters are met, so that `str.translate` runs in C."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        value = _fold_character(character)
        self[code] = value
        return value


def _fold_character(character: str) -> str:
    if character in _APOSTROPHES:
        return ""
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii():
        return character.lower() if character.isalnum() else " "
    category = unicodedata.category(character)
    if category in {"Cs", "Cc", "Co", "Cn", "Cf"}:
        return "" if category == "Cf" else " "
    if category == "Mn" and "\u0300" <= character <= "\u036f":
        return ""
    plain = unicodedata.normalize("NFKD", character)
    if plain != character:
        kept = "".join(c for c in plain if not "\u0300" <= c <= "\u036f")
        if kept.isascii():
            return "".join(c.lower() if c.isalnum() else " " for c in kept)
    latin = anyascii(character)
    return "".join(c.lower() if c.isalnum() else ("" if c == "'" else " ") for c in latin)


_TABLE = _Table()
for _code in range(128):
    _TABLE[_code] = _fold_character(chr(_code))


def composed(text: str) -> str:
    """Return `text` with letters and their marks as one character (NFC).

    Not NFKC, which would make ``tm`` of a trade mark and a blank of an acute accent that stands for an apostrophe:
    compatibility forms are taken apart character by character, after those that have a meaning of their own.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Return `text` as lower-case ASCII words parted by one blank; articles and ``and`` are still there.

    Examples
    --------
    >>> fold("Sigur Rós – Hoppípolla")
    'sigur ros hoppipolla'
    """
    return " ".join(_words(text))


def fold_words(text: str) -> list[str]:
    """Return the folded words of `text` without ``the`` and ``and``, unless there are no others.

    ``The The`` is a name.
    """
    words = _words(text)
    if "the" in words or "and" in words:
        if words.count("the") > 1 and ("the", "the") in pairwise(words):
            return words
        kept = [word for word in words if word not in ARTICLES and word not in JOINERS]
        return kept or words
    return words


def _words(text: str) -> list[str]:
    if len(text) > LIMIT:
        text = text[:LIMIT]
    text = composed(text)
    if "!" in text:
        text = _EXCLAIMED.sub("i", text)
    if "n'" in text or "n’" in text or "N'" in text or "N’" in text:
        text = _DROPPED_G.sub("g", text)
    words = text.translate(_TABLE).split()
    if not words:
        return _spelled(text)
    for word in words:
        if len(word) == 1 or word in _REWRITTEN:
            return _joined(words)
    return words


def _joined(words: list[str]) -> list[str]:
    """Join ``don t`` and ``r e m``: single letters in a row, endings that apostrophes leave; spell out slang."""
    out: list[str] = []
    single = False
    for place, word in enumerate(words):
        letter = len(word) == 1 and word.isalpha()
        ending = word in _JOINED_ENDINGS and not _initials(words[place : place + 3])
        if out and ((letter and single) or (ending and _joins(out[-1], word))):
            out[-1] += word
        elif word in _COLLOQUIAL:
            out.extend(_COLLOQUIAL[word])
            single = False
        else:
            out.append(word)
            single = letter
    return out


def _initials(words: list[str]) -> bool:
    """Whether three words are one letter each: ``Run-D.M.C.`` is ``run dmc``, and its D no ending."""
    return len(words) == 3 and all(len(word) == 1 for word in words)


def _joins(before: str, ending: str) -> bool:
    return len(before) > 1 and before.isalpha() and (ending != "re" or before in _BEFORE_RE)


def _spelled(text: str) -> list[str]:
    """Words for a name of symbols only; empty when there is nothing visible."""
    codes = [f"u{ord(c):x}" for c in text[:16] if not c.isspace() and unicodedata.category(c)[0] in "PSLN"]
    return ["".join(codes)] if codes else []
