"""Twin of ``words.h``: folded words as codes, their terms, and longest common subsequences."""

from __future__ import annotations

import re

__all__ = ["common_letters", "gram_terms", "letters_hash", "word_term", "words_of"]

SYMBOLS = 37
WORD_LIMIT = 64
_WORD = re.compile(rb"[a-z0-9]+")


def words_of(text: bytes) -> list[bytes]:
    """Words of letters a-z and digits, cut to 64 letters."""
    return [word[:WORD_LIMIT] for word in _WORD.findall(text)]


def code(letter: int) -> int:
    """1-26 for letters, 27-36 for digits, 0 for whatever parts words."""
    if 97 <= letter <= 122:
        return letter - 96
    return letter - 21 if 48 <= letter <= 57 else 0


def letters_hash(word: bytes) -> int:
    """FNV-1a over codes."""
    value = 2166136261
    for letter in word:
        value = ((value ^ code(letter)) * 16777619) & 0xFFFFFFFF
    return value


def word_term(word: bytes) -> int:
    """Number of a word in the table of terms."""
    value = letters_hash(word)
    return int(SYMBOLS**3 + ((value ^ (value >> 17)) & 131071))


def gram_terms(word: bytes) -> list[int]:
    """Trigrams of a word with blanks around it, one around each letter."""
    codes = [0, *map(code, word), 0]
    return [(codes[i] * SYMBOLS + codes[i + 1]) * SYMBOLS + codes[i + 2] for i in range(len(word))]


def common_letters(a: bytes, b: bytes) -> int:
    """Length of the longest common subsequence."""
    masks: dict[int, int] = {}
    for place, letter in enumerate(a):
        masks[letter] = masks.get(letter, 0) | 1 << place
    full = (1 << len(a)) - 1
    v = full
    for letter in b:
        u = v & masks.get(letter, 0)
        v = ((v + u) | (v - u)) & full
    return len(a) - v.bit_count()
