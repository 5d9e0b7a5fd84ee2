"""The index in memory: what is added, changed and deleted is what is found."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

import tracktion.matching.index as module
from tracktion.matching.index import TextIndex
from tracktion.matching.text import normalise_track

WORDS = "love night blue river stone fire dance moon summer rain heart road light shadow dream king queen city".split()  # noqa: SIM905


def row(number: int) -> str:
    rng = random.Random(number)
    return normalise_track(f"{rng.choice(WORDS)} {rng.choice(WORDS)} x{number}", f"{rng.choice(WORDS)} band").search


def ids(index: TextIndex, query: str, **options: int) -> list[int]:
    snapshot, rows = index.search(query, **options)
    return snapshot.ids[rows].tolist()


def test_empty() -> None:
    index = TextIndex()
    assert len(index) == 0
    assert ids(index, "love") == []


@pytest.mark.parametrize("size", [1, 15, 16, 17, 100])
def test_segments_of_any_size(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(module, "SEGMENT", 16)
    index = TextIndex((number, row(number)) for number in range(size))
    assert len(index) == size
    for number in range(0, size, 7):
        assert ids(index, row(number))[0] == number


def test_changes_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT", 64)
    index = TextIndex((number, row(number)) for number in range(200))
    known = {number: row(number) for number in range(200)}
    rng = random.Random(0)
    for step in range(60):
        changes = []
        for _ in range(rng.choice([1, 2, 30])):
            number = rng.randrange(400)
            text = None if rng.random() < 0.3 else row(1000 * step + number)
            changes.append((number, text))
            known[number] = text
        index.apply(changes)
        alive = {number: text for number, text in known.items() if text is not None}
        assert len(index) == len(alive)
        for number in rng.sample(sorted(alive), 5):
            assert ids(index, alive[number])[0] == number
        gone = [number for number, text in known.items() if text is None]
        if gone:
            assert gone[0] not in ids(index, row(gone[0]), keep=200)


def test_ids_in_any_order() -> None:
    index = TextIndex([(5, row(5)), (3, row(3)), (9, row(9))])
    index.apply([(3, row(33)), (2**40, row(40))])
    assert ids(index, row(33))[0] == 3
    assert ids(index, row(40))[0] == 2**40
    assert len(index) == 4


def test_searching_threads_while_rows_come() -> None:
    index = TextIndex((number, row(number)) for number in range(300))

    def search(number: int) -> bool:
        return ids(index, row(number))[0] == number

    def change(number: int) -> bool:
        index.apply([(1000 + number, row(1000 + number))])
        return True

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda n: change(n) if n % 5 == 0 else search(n), range(300)))
    assert all(done)
    assert len(index) == 360
