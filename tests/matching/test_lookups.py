"""Which substrings SQL homes look up: few, rare, and enough for a misspelt question."""

from __future__ import annotations

import random

import pytest

from tracktion.storage.search_terms import Statistics, grams_by_rarity, grams_plan, plan, statistics_of


class Home:
    """Something that a sample can be kept for."""

    revision = 1
    named = "x"

    def edition(self) -> str:
        return self.named


@pytest.fixture(scope="module")
def texts() -> list[str]:
    rng = random.Random(5)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randrange(3, 9))) for _ in range(3000)]
    common = ["love", "night", "heart", "dance"]
    rows = [f"{rng.choice(common)} {rng.choice(words)}||{rng.choice(words)} {rng.choice(words)}|" for _ in range(4000)]
    return [*rows, "gimme shelter||rolling stones|"]


@pytest.fixture(scope="module")
def statistics(texts: list[str]) -> Statistics:
    return statistics_of(Home(), lambda: (texts, 100 * len(texts)))


def found(texts: list[str], lookups: list[tuple[str, ...]]) -> list[str]:
    return [text for text in texts if any(all(part in text for part in lookup) for lookup in lookups)]


def test_misspelt_words_are_found_by_pairs_of_trigrams(texts: list[str], statistics: Statistics) -> None:
    for question in ("gimne shalter roling stones", "shelterr rolling stomes", "stones gimme"):
        rows = found(texts, grams_plan(question, statistics))
        assert texts[-1] in rows
        assert len(rows) < len(texts) / 20


def test_an_empty_catalogue_is_no_sample_of_what_others_fill_it_with() -> None:
    """Trigrams weigh something even then, and the next edition is sampled anew."""
    home = Home()
    empty = statistics_of(home, lambda: ([], 0))
    assert statistics_of(home, lambda: pytest.fail("nothing has changed")) is empty
    assert all(weight > 0 for _, weight in grams_by_rarity("hello adele", empty, 100))
    home.named = "y"
    assert statistics_of(home, lambda: (["hello||adele|"], 1)).rows == 1


def test_lookups_are_few_and_rare(texts: list[str], statistics: Statistics) -> None:
    rng = random.Random(6)
    for text in rng.sample(texts, 50):
        words = text.replace("|", " ").strip()
        for lookups in (grams_plan(words, statistics), plan(text, statistics)):
            assert 0 < len(lookups) <= 40
            assert text in found(texts, lookups)
            assert len(found(texts, lookups)) < len(texts) / 4


def test_nothing_to_look_up(statistics: Statistics) -> None:
    for text in ("", "a b", "ab cd"):
        assert grams_plan(text, statistics) == []
        assert plan(text, statistics) == []
        assert grams_by_rarity(text, statistics, 100) == []
