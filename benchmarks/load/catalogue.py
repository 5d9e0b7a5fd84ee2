"""A catalogue of made-up tracks and the questions that people would ask about it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

_STARTS = (
    "ba",
    "ko",
    "li",
    "ma",
    "re",
    "sho",
    "tri",
    "vel",
    "an",
    "ess",
    "or",
    "quin",
    "zu",
    "fla",
    "gre",
    "hol",
    "ny",
    "po",
)
_ENDS = (
    "ra",
    "n",
    "the",
    "llo",
    "ssa",
    "mb",
    "rk",
    "sti",
    "der",
    "ck",
    "via",
    "ld",
    "nor",
    "ts",
    "mi",
    "que",
    "w",
    "xa",
)
_WORDS = (
    *("love", "night", "blue", "river", "dance", "with", "you", "the", "in", "my", "heart", "fire", "rain", "light"),
    *("home", "city", "summer", "gold", "shadow", "dream", "road", "run", "stay", "time"),
)


def _name(rng: random.Random, syllables: int) -> str:
    return "".join(rng.choice(_STARTS) + rng.choice(_ENDS) for _ in range(syllables)).title()


def tracks(count: int, *, seed: int = 1) -> Iterator[dict[str, Any]]:
    """`count` tracks by about a tenth as many artists."""
    rng = random.Random(seed)
    artists = [
        " ".join(_name(rng, rng.randint(1, 2)) for _ in range(rng.randint(1, 2))) for _ in range(max(1, count // 10))
    ]
    for _ in range(count):
        words = [rng.choice(_WORDS).title() for _ in range(rng.randint(1, 3))]
        words.insert(rng.randrange(len(words) + 1), _name(rng, rng.randint(1, 3)))
        yield {
            "title": " ".join(words),
            "artist": rng.choice(artists),
            "album": _name(rng, 2),
            "duration": rng.uniform(120, 400),
            "year": rng.randint(1960, 2025),
        }


def questions(rows: list[dict[str, Any]], count: int, *, seed: int = 2) -> list[str]:
    """Paths of searches: artist and title of random tracks with a typing error in most."""
    rng = random.Random(seed)
    found = []
    for row in rng.choices(rows, k=count):
        text = f"{row['artist']} {row['title']}".lower()
        if rng.random() < 0.7 and len(text) > 4:
            at = rng.randrange(1, len(text) - 1)
            text = text[:at] + rng.choice(("", text[at + 1] + text[at], "x")) + text[at + 1 :]
        found.append(f"/tracks?q={quote_plus(text)}&limit=10")
    return found
