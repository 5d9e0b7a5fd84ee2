"""From a question and a row to the probability that they mean the same recording.

The kernel (`tracktion._core.pairs`) compares words, letters, versions, guests, album and duration; a small network
makes a logit of that. How like the two are letter by letter, case aside, breaks ties between rows that say the same
(`surface`). A logistic curve makes a probability of both. A wrong artist or another version keeps the score below one
half, whatever else fits. The score depends on the question and the row alone, so it is the same in every home and
entry point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from rapidfuzz import fuzz

from tracktion._core.pairs import FEATURES, SLOTS, compare, word_hash
from tracktion.matching.folding import LIMIT, composed, fold_words
from tracktion.matching.words import AUDIO_SUFFIXES, BARE, COVER, NOBODY, NOISE, REMIX, STAGE, VERSION
from tracktion.results.match import FieldScore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tracktion.matching.query import Query
    from tracktion.results.catalogue import Candidate, Track

__all__ = ["Scorer", "load_scorer", "read_scorer", "surface_of", "surface_text"]


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """The learned numbers, and what is done with them.

    Attributes
    ----------
    lexicon
        Hash table of words: hashes, weights (1/200), kinds.
    layers
        Hidden weights [shape (features, units)], biases, output weights, output bias.
    slope, surface, offset
        Of the logistic curve: ``slope * logit + surface * (likeness - 1) + offset``.
    """

    lexicon: tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint8]]
    layers: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], float]
    slope: float
    surface: float
    offset: float

    @property
    def cap(self) -> float:
        """Logit that keeps the score below one half."""
        return (-0.02 - self.offset) / self.slope

    def logits(
        self,
        query: Query,
        data: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        rows: NDArray[np.int32],
        durations: NDArray[np.float32] | None = None,
        years: NDArray[np.int32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features [shape (rows, FEATURES)] and logits of some rows of a block of texts."""
        hidden, bias, out, last = self.layers
        return compare(
            np.frombuffer(query.record.encode("ascii", "replace"), dtype=np.uint8),
            query.duration,
            query.year,
            data,
            offsets,
            rows,
            _none(durations, np.float32),
            _none(years, np.int32),
            *self.lexicon,
            hidden,
            bias,
            out,
            last,
            self.cap,
        )

    def score(self, query: Query, asked: str, candidates: Sequence[Candidate]) -> list[Scored]:
        """Score rows, the likeliest first; of equal ones the lower id comes first."""
        if not candidates:
            return []
        texts = [f"{c.search}|{' '.join(fold_words(c.track.album))}" if c.track.album else c.search for c in candidates]
        offsets = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)), out=offsets[1:])
        data = np.frombuffer("".join(texts).encode("ascii", "replace"), dtype=np.uint8)
        durations = np.array([c.track.duration or -1.0 for c in candidates], dtype=np.float32)
        years = np.array([c.track.year or 0 for c in candidates], dtype=np.int32)
        rows = np.arange(len(texts), dtype=np.int32)
        features, logits = self.logits(query, data, offsets, rows, durations, years)
        scored = []
        for candidate, logit, row in zip(candidates, logits.tolist(), features, strict=True):
            likeness = surface_of(asked, candidate.track)
            z = self.slope * logit + self.surface * (likeness - 1.0) + self.offset
            scored.append(Scored(candidate.track, z, likeness, row))
        scored.sort(key=lambda s: (-s.z, s.track.id or 0))
        return scored


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A row with its log odds."""

    track: Track
    z: float
    likeness: float
    features: NDArray[np.float32]

    @property
    def probability(self) -> float:
        """0 to 1."""
        return 1.0 / (1.0 + math.exp(-self.z)) if self.z > -500 else 0.0

    def why(self) -> tuple[FieldScore, ...]:
        """Explain the score by field."""
        f = self.features.tolist()
        out = [
            FieldScore("title", max(f[0], f[12])),
            FieldScore("artist", max(f[3], f[13])),
            FieldScore("version", 1.0 - max(f[20], f[22]), _version_note(f)),
            FieldScore("words", f[7]),
            FieldScore("spelling", self.likeness),
        ]
        if f[30] or f[28]:
            out.append(FieldScore("guests", f[29] * (1.0 - f[28])))
        if f[32]:
            out.append(FieldScore("album", max(f[31], f[33])))
        if f[34]:
            out.append(FieldScore("duration", f[36]))
        if f[50]:
            out.append(FieldScore("year", max(f[50], 0.0)))
        return tuple(out)


def _version_note(f: list[float]) -> str:
    if f[23] > 0:
        return "another version"
    if f[24] > 0:
        return "the track is a version that was not asked for"
    return "the version asked for is missing" if f[25] > 0 else ""


def _none(values: NDArray[Any] | None, dtype: Any) -> NDArray[Any]:
    return _NOTHING[dtype] if values is None else values


_NOTHING: dict[Any, NDArray[Any]] = {np.float32: np.zeros(0, dtype=np.float32), np.int32: np.zeros(0, dtype=np.int32)}


def surface_text(text: str | None, title: str | None, artist: str | None) -> str:
    """Return the question in plain lower-case letters, for comparison letter by letter."""
    if title or artist:
        return composed(f"{(artist or '')[:LIMIT]} {(title or '')[:LIMIT]}").lower().replace(" - ", " ").strip()
    text = composed((text or "")[-LIMIT:]).lower()
    stem, dot, suffix = text.rpartition(".")
    if dot and suffix in AUDIO_SUFFIXES:
        text = stem
    for mark in ("_", " / ", "/", "\\", " - ", " – ", '"'):
        text = text.replace(mark, " ")
    return " ".join(text.split())


def surface_of(asked: str, track: Track) -> float:
    """How like a question and a track are letter by letter, case aside: 0 to 1."""
    title = composed((track.title or "")[:LIMIT]).lower().replace(" - ", " ")
    artist = composed((track.artist or "")[:LIMIT]).lower()
    best = max(fuzz.ratio(asked, f"{artist} {title}"), fuzz.ratio(asked, f"{title} {artist}"))
    if track.album and best < 100:
        best = max(best, fuzz.ratio(asked, f"{artist} {composed(track.album[:LIMIT]).lower()} {title}"))
    return best / 100.0


def hash_of(word: str) -> int:
    """Hash of a folded word, as in the kernel; 0 is left for empty places."""
    return word_hash(np.frombuffer(word.encode("ascii"), dtype=np.uint8)) or 1


def make_lexicon(
    hashes: NDArray[np.uint32], weights: NDArray[np.uint8]
) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Fill the kernel's hash table with weights of words and the kinds of `tracktion.matching.words`."""
    kinds: dict[int, int] = {}
    for kind, words in ((1, NOISE), (2, VERSION), (8, COVER), (16, NOBODY), (32, REMIX), (64, STAGE), (128, BARE)):
        for word in words:
            kinds[hash_of(word)] = kinds.get(hash_of(word), 0) | kind
    weight = dict(zip(hashes.tolist(), weights.tolist(), strict=True))
    table = np.zeros(SLOTS, np.uint32), np.full(SLOTS, 200, np.uint8), np.zeros(SLOTS, np.uint8)
    for key in sorted(weight.keys() | kinds.keys()):
        slot = key & (SLOTS - 1)
        while table[0][slot]:
            slot = (slot + 1) & (SLOTS - 1)
        table[0][slot], table[1][slot], table[2][slot] = key, weight.get(key, 200), kinds.get(key, 0)
    return table


@cache
def load_scorer() -> Scorer:
    """Return the scorer that is shipped."""
    with (files("tracktion.matching") / "data" / "scorer.npz").open("rb") as file:
        return read_scorer(file)


def read_scorer(file: IO[bytes]) -> Scorer:
    """Read a scorer that ``training/matching`` made."""
    with np.load(file) as data:
        slope, surface, offset = (float(value) for value in data["curve"])
        layers = tuple(np.ascontiguousarray(data[name]) for name in ("hidden", "bias", "out"))
        if layers[0].shape[0] != FEATURES:
            raise ValueError("scorer.npz was made for other features")
        return Scorer(
            lexicon=make_lexicon(data["hashes"], data["weights"]),
            layers=(layers[0], layers[1], layers[2], float(data["last"])),
            slope=slope,
            surface=surface,
            offset=offset,
        )
