"""The key as a value: spellings, codes, neighbours, plain data."""

from __future__ import annotations

import contextlib
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracktion.errors import UsageError
from tracktion.results.key import KEY_NAMES, Key, KeyCandidate, KeySegment, Rule

ALL = [Key.from_index(i) for i in range(24)]
CAMELOT = {
    "C major": "8B", "Db major": "3B", "D major": "10B", "Eb major": "5B", "E major": "12B", "F major": "7B",
    "F# major": "2B", "G major": "9B", "Ab major": "4B", "A major": "11B", "Bb major": "6B", "B major": "1B",
    "C minor": "5A", "C# minor": "12A", "D minor": "7A", "Eb minor": "2A", "E minor": "9A", "F minor": "4A",
    "F# minor": "11A", "G minor": "6A", "G# minor": "1A", "A minor": "8A", "Bb minor": "3A", "B minor": "10A",
}  # fmt: skip


@pytest.mark.parametrize("key", ALL, ids=str)
def test_every_notation_comes_back(key: Key) -> None:
    for text in (key.name, key.id3, key.camelot, key.open_key, str(key), key.name.lower(), key.name.upper()):
        assert Key.parse(text).name == key.name
    assert Key.from_camelot(key.camelot).name == key.name
    assert Key.from_open_key(key.open_key).name == key.name
    assert Key.from_index(key.index).name == key.name
    assert Key.from_dict(key.to_dict()) == key
    assert key.camelot == CAMELOT[key.name]
    assert key.relative.relative.name == key.name
    assert key.parallel.parallel.name == key.name
    assert key.relative.camelot[:-1] == key.camelot[:-1]
    assert len(key.id3) <= 3


def test_codes_are_all_different() -> None:
    for values in ([k.camelot for k in ALL], [k.open_key for k in ALL], [k.id3 for k in ALL], KEY_NAMES):
        assert len(set(values)) == 24


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ebm", "Eb minor"),
        ("D# min", "Eb minor"),
        ("d♯m", "Eb minor"),
        ("C", "C major"),
        ("c minor", "C minor"),
        ("F♯m", "F# minor"),
        ("Gb minor", "F# minor"),
        ("Gbmaj", "F# major"),
        ("A:min", "A minor"),
        ("B:maj", "B major"),
        ("bbm", "Bb minor"),
        ("b", "B major"),
        ("CM", "C major"),
        ("Cm", "C minor"),
        ("A sharp minor", "Bb minor"),
        ("E-flat major", "Eb major"),
        ("Cb", "B major"),
        ("Fb minor", "E minor"),
        ("E#", "F major"),
        ("B# minor", "C minor"),
        ("F##", "G major"),
        ("Bbb minor", "A minor"),
        ("08A", "A minor"),
        ("8a", "A minor"),
        ("1m", "A minor"),
        ("1d", "C major"),
        (" A\tmoll ", "A minor"),
    ],
)
def test_spellings(text: str, name: str) -> None:
    assert Key.parse(text).name == name


@pytest.mark.parametrize(
    "text", ["", "H", "X minor", "13A", "0B", "A dorian", "Am7", "minor", "8C", "1", "o", "C min min"]
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(UsageError):
        Key.parse(text)


@given(st.text(max_size=12))
def test_any_text_is_a_key_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert Key.parse(text).name in KEY_NAMES


def test_constructor_takes_every_spelling_of_the_tonic() -> None:
    assert Key("A#", "minor").name == "Bb minor"
    assert Key("C#", "major").name == "Db major"
    with pytest.raises(UsageError):
        Key("Q", "major")
    with pytest.raises(UsageError):
        Key("C", cast(Any, "dorian"))


def test_compatible_keys() -> None:
    key = Key.parse("A minor")
    assert [k.camelot for k in key.compatible("strict")] == ["8A"]
    assert [k.camelot for k in key.compatible()] == ["8A", "9A", "7A", "8B"]
    assert [k.camelot for k in key.compatible("energy")] == ["8A", "9A", "7A", "8B", "10A", "3A"]
    assert [k.name for k in key.compatible("energy")][-2:] == ["B minor", "Bb minor"]
    assert [k.camelot for k in key.compatible("diagonal")] == ["8A", "9A", "7A", "8B", "9B", "7B"]
    assert [k.name for k in key.compatible("fuzzy")][-1] == "A major"
    with pytest.raises(UsageError):
        key.compatible(cast(Any, "loose"))


@pytest.mark.parametrize("rule", ["strict", "camelot", "diagonal"])
def test_compatibility_is_mutual(rule: Rule) -> None:
    for key in ALL:
        for other in key.compatible(rule):
            assert key.name in {k.name for k in other.compatible(rule)}


def test_plain_data_with_everything() -> None:
    key = Key(
        "F#",
        "minor",
        confidence=0.9,
        second=KeyCandidate("A major", 0.06),
        margin=0.8,
        candidates=(KeyCandidate("F# minor", 0.86), KeyCandidate("A major", 0.06)),
        tuning_hz=441.5,
        over_time=(KeySegment(0.0, 60.0, "F# minor", 0.8), KeySegment(60.0, 90.0, "A major", 0.5)),
    )
    assert Key.from_json(key.to_json()) == key
    assert key.modulates
    assert "11A" in repr(key)
    assert "A major (0.06)" in repr(key)
