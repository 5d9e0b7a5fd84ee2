"""Kernels of matching against their twins."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests._core.twins import both
from tracktion._core import _trigrams
from tracktion.matching.query import parse_query
from tracktion.matching.scoring import load_scorer
from tracktion.matching.text import normalise_track

NAMES = [
    "Arctic Monkeys",
    "Sigur Rós",
    "ZAYN, PARTYNEXTDOOR",
    "The The",
    "!!!",
    "",
    "Björk feat. Rahzel",
    "Earth, Wind & Fire",
    "a" * 300,
]
TITLES = [
    "Do I Wanna Know?",
    "Hoppípolla (Live)",
    "Still Got Time (feat. X)",
    "1999",
    "Trapdoor - PAX Remix",
    "",
    "I" * 80,
    "one two " * 60,
]


def texts(count: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        form = normalise_track(rng.choice(TITLES), rng.choice(NAMES), rng.choice(["", "Album", "Best of 2001"]))
        out.append(f"{form.search}|{form.album}")
    return out


def packed(rows: list[str]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in rows], out=offsets[1:])
    return np.frombuffer("".join(rows).encode(), dtype=np.uint8), offsets


@pytest.mark.parametrize("count", [0, 1, 2, 31])
def test_segments_and_masses(count: int) -> None:
    data, offsets = packed(texts(count))
    both("trigrams", "segment", data, offsets, 0, count)
    weights = np.arange(_trigrams.TERMS, dtype=np.uint8)
    both("trigrams", "masses", data, offsets, weights)


def test_segment_refuses_what_does_not_fit() -> None:
    data, offsets = packed(texts(3))
    with pytest.raises(ValueError, match="rows"):
        both("trigrams", "segment", data, offsets, 0, 4)
    with pytest.raises(ValueError, match="offsets"):
        both("trigrams", "segment", data[:3], offsets, 0, 3)


@pytest.mark.parametrize(
    "query", ["Xarctic monkeys", "Xdo i wnna kno|Aarctic", "X", "Xzzzz", "Xa|Tone two " + "one two " * 80]
)
@pytest.mark.parametrize("budget", [1, 10**6])
@pytest.mark.parametrize("lean", [False, True])
def test_search(query: str, budget: int, lean: bool) -> None:
    data, offsets = packed(texts(40))
    parts = [_trigrams.segment(data, offsets, a, b) for a, b in ((0, 25), (25, 40))]
    starts = np.stack([part[0] for part in parts])
    postings = np.concatenate([part[1] for part in parts])
    frequency = np.diff(starts.astype(np.int64), axis=1).sum(axis=0).astype(np.uint32)
    weights = np.clip(np.log(41 / (frequency + 0.5)) * 9, 1, 127).astype(np.uint8)
    alive = np.ones(40, dtype=np.uint8)
    alive[3] = 0
    both(
        "trigrams",
        "search",
        np.frombuffer(query.encode(), np.uint8),
        data,
        offsets,
        starts,
        np.array([0, len(parts[0][1])]),
        postings,
        frequency,
        weights,
        _trigrams.masses(data, offsets, weights),
        alive,
        np.array([0, 25, 40]),
        budget,
        20,
        8,
        np.zeros(_trigrams.SCRATCH, dtype=np.uint16),
        lean,
    )


QUESTIONS = [
    {"title": "Trapdoor (feat. Pax)", "artist": "TTBT"},
    {"text": "arctic mnkeys do i wana know"},
    {"title": "Trapdoor (PAX Remix)", "artist": "The The", "duration": 200.0, "year": 2001},
    {"text": "03-the_the_-_one_two_(live)-ftd.mp3"},
    {"text": "One Two (Björk cover) [Official Video] 1999"},
    {"text": "Hoppípolla (Arctic Monkeys cover) - Sigur Rós"},
    {"text": "Still Got Time - acoustic cover by ZAYN | by Björk by"},
    {"title": "I" * 200, "artist": "a" * 300, "album": "Best of"},
    {"text": "Music/ZAYN/Best of 2001/12 - Still Got Time ft. Rahzel.mp3"},
    {"text": "word " * 200},
    {"title": "Trapdoor (PAX Remix) [Live]", "artist": "TTBT, PAX feat. Rahzel", "album": "Best of"},
    {"title": "Trapdoor (Other Mix)", "artist": "Various Artists"},
    {"text": "Trapdoor (Other Club Remix) - Sigur"},
    {"text": "?"},
]


@pytest.mark.parametrize("options", QUESTIONS)
@pytest.mark.parametrize("rows", [0, 1, 23])
def test_compare(options: dict, rows: int) -> None:
    scorer = load_scorer()
    query = parse_query(**options)
    data, offsets = packed(
        [
            *texts(rows, seed=3),
            "",
            "x",
            "||||",
            "a,b,c,d,e,f,g,h,i,j||" + ",".join("abcdefghijkl") + "|z|y|w|v",
            "trapdoor|pax remix|the the bad thing,ttbt|rahzel|live",
            "trapdoor|mix|various artists||",
            "trapdoor|pax remix|ttbt|pax rahzel|",
        ]
    )
    both(
        "pairs",
        "compare",
        np.frombuffer(query.record.encode(), np.uint8),
        query.duration,
        query.year,
        data,
        offsets,
        np.arange(len(offsets) - 1, dtype=np.int32),
        np.full(len(offsets) - 1, 201.0, np.float32),
        np.full(len(offsets) - 1, 2003, np.int32),
        *scorer.lexicon,
        *scorer.layers,
        scorer.cap,
        atol=2e-3,
    )


def test_compare_refuses_what_does_not_fit() -> None:
    scorer = load_scorer()
    data, offsets = packed(["a||b|"])
    question = np.frombuffer(b"Xa", np.uint8)
    none = np.zeros(0, np.float32), np.zeros(0, np.int32)
    with pytest.raises(ValueError, match="row out of range"):
        both(
            "pairs",
            "compare",
            question,
            -1.0,
            0,
            data,
            offsets,
            np.array([1], np.int32),
            *none,
            *scorer.lexicon,
            *scorer.layers,
            0.0,
        )
    with pytest.raises(ValueError, match="rows do not fit"):
        both(
            "pairs",
            "compare",
            question,
            -1.0,
            0,
            data[:2],
            offsets,
            np.array([0], np.int32),
            *none,
            *scorer.lexicon,
            *scorer.layers,
            0.0,
        )


@pytest.mark.parametrize("frames", [0, 1, 2, 33])
def test_band_energies(frames: int) -> None:
    magnitude = np.random.default_rng(0).random((frames, 64), dtype=np.float32)
    both("fingerprint", "band_energies", magnitude, np.array([0, 1, 6, 6, 63, 64], dtype=np.int32))


@pytest.mark.parametrize(("n", "m"), [(0, 3), (1, 1), (40, 37), (5, 90)])
def test_bit_errors(n: int, m: int) -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.integers(0, 2**32, size, dtype=np.uint32) for size in (n, m))
    both("fingerprint", "bit_errors", a, b, np.arange(-50, 50, dtype=np.int64))


def test_kernels_from_many_threads() -> None:
    scorer = load_scorer()
    data, offsets = packed(texts(200))
    rows = np.arange(200, dtype=np.int32)
    queries = [parse_query(**options) for options in QUESTIONS] * 10
    expected = [scorer.logits(query, data, offsets, rows)[1] for query in queries]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda query: scorer.logits(query, data, offsets, rows)[1], queries))
    for a, e in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, e)
