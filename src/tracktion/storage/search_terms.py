"""Which few substrings of a question a database should look up: rare words alone, others in pairs and threes.

A trigram index answers "rows that hold all of these substrings" quickly when few rows do, and slowly otherwise. How
many rows hold a word or trigram, and how many hold two at once, is estimated from a sample of the catalogue.
"""

from __future__ import annotations

import threading
import time
import weakref
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from tracktion._core.pairs import word_hash
from tracktion._core.trigrams import segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from tracktion.matching.text import NormalisedTrack

__all__ = ["PAGE", "PAGES", "Plan", "Statistics", "grams_by_rarity", "grams_plan", "plan", "ranked", "statistics_of"]

PAGE, PAGES = 160, 100
"""Rows and number of the pages that are sampled."""

STALE = 600.0
"""Seconds after which a sample of a catalogue that has changed is taken anew."""

OTHERS = 1.0
"""The same for a small catalogue that others change; after own changes its sample is taken anew at once."""

WANTED = 400
"""Rows that all lookups of a question together may give, as estimated."""

SINGLE = 500
ATOMS = 9
LOOKUPS = 30
GRAMS, GRAM_ROWS, GRAM_LOOKUPS = 24, 2000, 80
"""The same for pairs of trigrams: trigrams that are paired, rows and lookups."""

SHORTEST = 3
_SYMBOLS = "\0abcdefghijklmnopqrstuvwxyz0123456789"

Plan = list[tuple[str, ...]]
"""Lookups: rows that hold all substrings of any of these."""


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """An inverted index over a sample of rows.

    Attributes
    ----------
    starts, postings
        As from `tracktion._core.trigrams.segment`.
    sampled, rows
        Rows in the sample and in the catalogue.
    revision, edition, taken
        When the sample was taken: revision and edition of the storage, monotonic seconds.
    """

    starts: NDArray[np.uint32]
    postings: NDArray[np.uint16]
    sampled: int
    rows: int
    revision: int
    edition: str | None
    taken: float

    def with_term(self, term: int) -> NDArray[np.uint16]:
        """Rows of the sample that hold a term."""
        return self.postings[self.starts[term] : self.starts[term + 1]]

    def estimate(self, found: int) -> float:
        """Rows of the catalogue for so many in the sample; a little more than none for none."""
        return (found + 0.3) * max(1.0, self.rows / max(1, self.sampled))


@dataclass(frozen=True, slots=True, eq=False)
class _Atom:
    text: str
    word: int
    rows: NDArray[np.uint16]


def gram_term(gram: str) -> int:
    """Number of a trigram of letters and digits in the kernel's table."""
    a, b, c = (_SYMBOLS.index(letter) for letter in gram)
    return (a * 37 + b) * 37 + c


def word_term(word: str) -> int:
    """Number of a word in the kernel's table."""
    value = word_hash(np.frombuffer(word.encode("ascii"), dtype=np.uint8))
    return 37**3 + ((value ^ (value >> 17)) & (131072 - 1))


def plan(search: str, statistics: Statistics) -> Plan:
    """Choose lookups for a folded question; empty when it holds no word of three letters."""
    words = [word[:64] for word in dict.fromkeys(search.replace("|", " ").replace(",", " ").split())]
    atoms: list[_Atom] = []
    singles: list[tuple[float, tuple[_Atom, ...]]] = []
    for number, word in enumerate(words[:24]):
        if len(word) < SHORTEST:
            continue
        atom = _Atom(word, number, statistics.with_term(word_term(word)))
        if len(atom.rows):
            atoms.append(atom)
        else:
            singles.append((statistics.estimate(0), (atom,)))
            atoms += _parts(word, number, statistics)
    atoms.sort(key=lambda atom: len(atom.rows))
    known = [a for a in atoms if len(a.text) > SHORTEST]
    atoms = [*known[: ATOMS - 3], *[a for a in atoms if a not in known]][:ATOMS]
    options = singles
    options += [(statistics.estimate(len(a.rows)), (a,)) for a in atoms]
    options += _joint(atoms, 2, statistics)
    if not any(estimate <= WANTED / 4 for estimate, parts in options if len(parts) > 1):
        options += _joint(atoms[:7], 3, statistics)
    return _chosen(options, WANTED, LOOKUPS)


def grams_plan(text: str, statistics: Statistics) -> Plan:
    """Choose pairs of rare trigrams of folded words, those that the fewest rows hold both of; rarer than any, alone."""
    atoms: dict[str, _Atom] = {}
    for number, word in enumerate(dict.fromkeys(text.split())):
        for gram in (word[i : i + 3] for i in range(len(word[:64]) - 2)):
            atoms.setdefault(gram, _Atom(gram, number, statistics.with_term(gram_term(gram))))
    options: list[tuple[float, tuple[_Atom, ...]]] = [
        (statistics.estimate(0), (atom,)) for atom in atoms.values() if not len(atom.rows)
    ]
    options += _joint(_spread([atom for atom in atoms.values() if len(atom.rows)]), 2, statistics)
    return _chosen(options, GRAM_ROWS, GRAM_LOOKUPS)


def _spread(atoms: list[_Atom]) -> list[_Atom]:
    """The rarest of each word, then the second of each: any word may be misspelt."""
    taken: dict[int, int] = {}
    ranks = []
    for atom in sorted(atoms, key=lambda atom: len(atom.rows)):
        taken[atom.word] = taken.get(atom.word, 0) + 1
        ranks.append((taken[atom.word], atom))
    return [atom for _, atom in sorted(ranks, key=lambda rank: rank[0])[:GRAMS]]


def grams_by_rarity(search: str, statistics: Statistics, budget: int) -> list[tuple[str, float]]:
    """Return trigrams of the words of a folded question and their weights, the rarest first.

    For about `budget` rows.
    """
    grams: dict[str, None] = {}
    for word in search.replace("|", " ").replace(",", " ").split()[:40]:
        grams.update(dict.fromkeys(word[i : i + 3] for i in range(len(word[:64]) - 2)))
    counted = sorted((len(statistics.with_term(gram_term(gram))), gram) for gram in grams)
    out: list[tuple[str, float]] = []
    total = 0.0
    for count, gram in counted:
        rows = statistics.estimate(count)
        if out and total + rows > budget:
            break
        total += rows
        # Rows may have come since an empty catalogue was sampled: none of them weighs nothing.
        out.append((gram, float(np.log1p(max(1, statistics.rows) / rows))))
    return out


def _parts(word: str, number: int, statistics: Statistics) -> list[_Atom]:
    """The rarest trigrams of a word that the sample does not hold, those that it does hold first.

    It may be misspelt.
    """
    grams = [word[i : i + 3] for i in range(len(word) - 2)]
    found = [_Atom(gram, number, statistics.with_term(gram_term(gram))) for gram in dict.fromkeys(grams)]
    found.sort(key=lambda atom: (len(atom.rows) == 0, len(atom.rows)))
    return found[:3]


def _joint(atoms: list[_Atom], size: int, statistics: Statistics) -> list[tuple[float, tuple[_Atom, ...]]]:
    out = []
    for parts in combinations(atoms, size):
        rows = parts[0].rows
        for part in parts[1:]:
            rows = np.intersect1d(rows, part.rows, assume_unique=True)
        out.append((statistics.estimate(len(rows)), parts))
    return out


def _chosen(options: list[tuple[float, tuple[_Atom, ...]]], wanted: float, lookups: int) -> Plan:
    options.sort(key=lambda option: (option[0] > SINGLE and len(option[1]) == 1, option[0], len(option[1])))
    chosen: list[tuple[str, ...]] = []
    total = 0.0
    for estimate, parts in options:
        texts = tuple(part.text for part in parts)
        if any(set(lookup) <= set(texts) for lookup in chosen):
            continue
        if chosen and (total + estimate > wanted or (len(parts) == 1 and estimate > SINGLE)):
            continue
        chosen.append(texts)
        total += estimate
        if len(chosen) == lookups:
            break
    return chosen


_lock = threading.Lock()
_samples: weakref.WeakKeyDictionary[Any, Statistics] = weakref.WeakKeyDictionary()


def statistics_of(storage: Any, sample: Callable[[], tuple[list[str], int]]) -> Statistics:
    """Return the statistics of a storage; `sample` gives texts of some rows and the number of all."""
    found = _samples.get(storage)
    revision, edition = storage.revision, storage.edition()
    if found is not None and not _old(found, revision, edition):
        return found
    with _lock:
        texts, rows = sample()
        texts = texts[:65535]
        offsets = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)), out=offsets[1:])
        data = np.frombuffer("".join(texts).encode("ascii", "replace"), dtype=np.uint8)
        starts, postings = segment(data, offsets, 0, len(texts))
        made = Statistics(starts, postings, len(texts), rows, revision, edition, time.monotonic())
        _samples[storage] = made
        return made


def _old(found: Statistics, revision: int, edition: str | None) -> bool:
    if edition is not None and edition == found.edition:
        return False  # nobody has changed a track, in whatever process
    age = time.monotonic() - found.taken
    if found.rows < 2 * PAGE * PAGES:
        return revision != found.revision or not found.rows or age > OTHERS
    return age > STALE or revision > 2 * found.revision + 1000


def ranked(query: NormalisedTrack, rows: Iterable[tuple[int, str]]) -> tuple[list[int], list[float]]:
    """Return ids and logits of rows, the likest to the question first, by the scorer without album and length."""
    from tracktion.matching.query import Query
    from tracktion.matching.scoring import load_scorer

    found = dict(rows)
    ids, texts = list(found.keys()), list(found.values())
    if not ids:
        return [], []
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)), out=offsets[1:])
    data = np.frombuffer("".join(texts).encode("ascii", "replace"), dtype=np.uint8)
    record = getattr(query, "record", None) or "X" + query.search.replace("|", " ").strip()
    asked = Query(record, query.key, -1.0, 0)
    _, logits = load_scorer().logits(asked, data, offsets, np.arange(len(ids), dtype=np.int32))
    order = np.lexsort((np.array(ids), -logits)).tolist()
    return [ids[place] for place in order], [float(logits[place]) for place in order]
