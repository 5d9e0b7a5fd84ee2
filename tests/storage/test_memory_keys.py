"""The exact keys of the memory home are made when first asked for; every way of changing rows keeps them right."""

from __future__ import annotations

import pytest

from tracktion.storage.memory import MemoryStorage

KEY = "adele hello"


def ids(storage: MemoryStorage, key: str = KEY) -> list[int | None]:
    return [candidate.track.id for candidate in storage.find_by_key(key)]


def test_keys_follow_changes() -> None:
    with MemoryStorage() as storage:
        storage.add_tracks([{"title": "Hello", "artist": "Adele"}, {"title": "Halo", "artist": "Beyonce"}])
        assert ids(storage) == [1]
        storage.add_tracks([{"title": "Hello!", "artist": "ADELE"}])
        storage.add_tracks([{"title": "Hello", "artist": "Adele", "isrc": "GBBKS1500214"}])
        assert ids(storage) == [1, 3, 4]
        storage.update_track(1, title="Someone Like You")
        storage.delete_track(3)
        assert ids(storage) == [4]
        assert ids(storage, "adele like someone you") == [1]


def undone(storage: MemoryStorage, *, look: bool) -> None:
    """Add a track, look its key up or not, and fail."""
    with storage.transaction():
        storage.add_tracks([{"title": "Hello", "artist": "Adele"}])
        assert not look or ids(storage) == [1, 2]
        raise KeyError


def test_keys_made_in_a_transaction_that_is_undone() -> None:
    with MemoryStorage() as storage:
        storage.add_tracks([{"title": "Hello", "artist": "Adele"}])
        for look in (True, False, True):
            with pytest.raises(KeyError):
                undone(storage, look=look)
            assert ids(storage) == [1]
        assert storage.add_tracks([{"title": "Hello", "artist": "Adele"}]) == [2]
        assert ids(storage) == [1, 2]
