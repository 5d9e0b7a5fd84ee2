"""Part of the twin of ``_pairs``: the texts of a question and a row, read into words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tracktion._core.reference.words import gram_terms, letters_hash, words_of

FEATURES = 70
SLOTS = 32768
TOKENS = 64
PARTS = 8
LETTERS = 256
NOISE, VERSION, DIGITS, COVER, NOBODY, REMIX, STAGE, BARE = 1, 2, 4, 8, 16, 32, 64, 128

Lexicon = tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint8]]


def word_hash(word: NDArray[np.uint8]) -> int:
    """Hash of a folded word of at most 64 letters."""
    return letters_hash(word.tobytes()[:TOKENS])


@dataclass(slots=True)
class Word:
    text: bytes
    role: str
    part: int
    weight: float = 1.0
    kind: int = 0
    best: float = 0.0
    album: float = 0.0
    by: int = -1
    after_by: bool = False
    cover: bool = False
    credit: int = 0
    own: float = 0.0
    known: bool = False
    said: bool = False
    mark: float = 0.0
    performs: float = 0.0


@dataclass(slots=True)
class Question:
    words: list[Word] = field(default_factory=list)
    parts: list[tuple[str, bytes]] = field(default_factory=list)
    whole: bytes = b""
    grams: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Row:
    fields: list[list[Word]]
    letters: list[bytes]
    names: list[bytes]


def _look_up(word: Word, lexicon: Lexicon) -> None:
    hashes, weights, classes = lexicon
    key = letters_hash(word.text) or 1
    slot = key & (SLOTS - 1)
    for _ in range(SLOTS):
        if not hashes[slot]:
            break
        if hashes[slot] == key:
            word.weight, word.kind = float(np.float32(weights[slot]) / np.float32(200)), int(classes[slot])
            break
        slot = (slot + 1) & (SLOTS - 1)
    if word.text.isdigit():
        word.kind |= DIGITS
        if len(word.text) == 4 and word.text[:2] in {b"19", b"20"}:
            word.kind |= NOISE


def ask(text: bytes, lexicon: Lexicon) -> Question:
    q = Question()
    at = credit = 0
    while at < len(text):
        end = text.find(b"|", at + 1)
        end = len(text) if end < 0 else end
        role, body = chr(text[at]), text[at + 1 : end]
        at = end + 1
        letters = b""
        first, after_by = len(q.words), False
        open_part = len(q.parts) < PARTS and role not in "NVFO"
        if role == "A" or (credit and role == "F"):
            credit += 1
        for token in _tokens(body, names=role == "A"):
            if token == b",":
                credit += 1
                continue
            if len(q.words) >= TOKENS:
                continue
            word = Word(token, role, len(q.parts))
            word.credit = min(credit, PARTS) if role in "AF" else 0
            _look_up(word, lexicon)
            word.after_by = after_by
            after_by |= token == b"by"
            if role == "N":
                word.kind |= NOISE
            elif role != "O":
                q.grams.update(gram_terms(token))
            q.words.append(word)
            letters += token
            if role not in "NFLO":
                q.whole += token
        for word in q.words[first:]:
            word.cover = any(other.kind & COVER for other in q.words[first:])
        if open_part and letters:
            q.parts.append((role, letters[:LETTERS]))
    q.whole = q.whole[:LETTERS]
    return q


def _tokens(body: bytes, *, names: bool) -> list[bytes]:
    """Words, with the commas that part names."""
    if not names:
        return words_of(body)
    out: list[bytes] = []
    for place, name in enumerate(body.split(b",")):
        out += [b","] * (place > 0) + words_of(name)
    return out


def read(text: bytes, lexicon: Lexicon) -> Row:
    row = Row([[], [], [], [], []], [b""] * 5, [])
    pieces = text.split(b"|")
    if len(pieces) > 5:
        pieces = [*pieces[:4], b" ".join(pieces[4:])]
    count = 0
    for number, piece in enumerate(pieces):
        names = piece.split(b",") if number == 2 else [piece]
        if len(names) > PARTS:
            names = [*names[: PARTS - 1], b" ".join(names[PARTS - 1 :])]
        for place, name in enumerate(names):
            letters = b""
            for token in words_of(name):
                if count >= TOKENS:
                    break
                count += 1
                word = Word(token, str(number), place)
                _look_up(word, lexicon)
                row.fields[number].append(word)
                letters += token
            row.letters[number] = (row.letters[number] + letters)[:LETTERS]
            if number == 2:
                row.names.append(letters[:LETTERS])
    return row
