"""Part of the twin of ``_pairs``: how words of a question and a row resemble each other."""

from __future__ import annotations

from tracktion._core.reference.pair_texts import Question, Row, Word
from tracktion._core.reference.words import common_letters

CLEAR, NAMED, LONG, COMMON = 0.6, 0.7, 6, 0.6


def ratio(a: bytes, b: bytes) -> float:
    return 2.0 * common_letters(a, b) / (len(a) + len(b)) if a and b else 0.0


def alike(a: bytes, b: bytes) -> float:
    if a == b:
        return 1.0
    total = len(a) + len(b)
    shorter = min(len(a), len(b))
    if shorter < 2 or 10 * shorter < 3 * total:
        return 0.0
    common = common_letters(a, b)
    return 0.0 if 10 * common < 3 * total else 0.95 * (2.0 * common / total) ** 2


def one_word(a: bytes, b: bytes, s: float) -> bool:
    """Whether two words, alike by `s`, are one word of a name: equal, or long and misspelt after the first letter."""
    return s == 1.0 or (s >= CLEAR and min(len(a), len(b)) >= LONG and a[0] == b[0])


def share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def sums(words: list[Word]) -> tuple[float, float, float]:
    """Mass of words, of what is alike, and of what is equal."""
    return (
        sum(w.weight for w in words),
        sum(w.weight * w.best for w in words),
        sum(w.weight for w in words if w.best == 1.0),
    )


def align(q: Question, r: Row) -> None:
    for word in q.words:
        word.best = word.album = word.own = word.mark = word.performs = 0.0
        word.known = word.said = False
    for number, words in enumerate(r.fields):
        for word in words:
            word.best, word.by, word.own, word.mark, word.said = 0.0, -1, 0.0, 0.0, False
            for place, asked in enumerate(q.words):
                s = alike(asked.text, word.text)
                if s > word.best:
                    word.best, word.by = s, place
                if number < 4:
                    asked.best = max(asked.best, s)
                else:
                    asked.album = max(asked.album, s)
                same = one_word(asked.text, word.text, s)
                asked.known |= same
                if s >= NAMED and same and asked.credit and number in {2, 3}:
                    asked.own, word.own = max(asked.own, s), max(word.own, s)
                if s >= CLEAR and asked.role == "V" and number == 1:
                    asked.mark, word.mark = max(asked.mark, s), max(word.mark, s)
            if number == 2 and word.by >= 0 and word.best >= CLEAR:
                q.words[word.by].performs = max(q.words[word.by].performs, word.best)


def grouped(words: list[Word], number: str) -> list[list[Word]]:
    groups: dict[int, list[Word]] = {}
    for word in words:
        groups.setdefault(getattr(word, number), []).append(word)
    return list(groups.values())


def initials(word: Word, name: list[Word]) -> bool:
    """Whether the letters of a word, not a common one, begin the words of a name, three at least.

    "The", "and" and "a" may count.
    """
    at = 0
    if len(name) < 3 or len(word.text) < 3 or word.weight < COMMON:
        return False
    for letter in word.text:
        if at < len(name) and letter == name[at].text[0]:
            at += 1
        elif letter not in b"ta":
            return False
    return at == len(name)


def kinds(words: list[Word]) -> int:
    out = 0
    for word in words:
        out |= word.kind
    return out
