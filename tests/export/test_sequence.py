"""Orders for a set: every track once, good transitions, the same every time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracktion import export
from tracktion.errors import UsageError
from tracktion.export.sequence import transition_costs
from tracktion.results.key import KEY_NAMES, Key

tracks = st.lists(
    st.builds(
        export.ExportTrack,
        path=st.just("/x"),
        bpm=st.sampled_from([0.0, 61.0, 90.0, 120.0, 122.0, 124.0, 174.0]),
        key=st.sampled_from(["", *KEY_NAMES]),
    ),
    max_size=7,
)


def track(bpm: float, key: str) -> export.ExportTrack:
    return export.ExportTrack("/x", bpm=bpm, key=key)


@given(tracks)
@settings(max_examples=60, deadline=None)
def test_few_tracks_are_put_in_the_best_order(listed: list[export.ExportTrack]) -> None:
    """Against all orders there are."""
    found = export.suggest_order(listed)
    assert sorted(found.order) == list(range(len(listed)))
    assert found == export.suggest_order(listed)
    if len(listed) > 1:
        cost = transition_costs(listed)
        paths = itertools.permutations(range(len(listed)))
        best = min(sum(cost[a, b] for a, b in itertools.pairwise(path)) for path in paths)
        assert found.total == pytest.approx(best)


def test_a_shuffled_walk_round_the_wheel_is_put_in_order() -> None:
    """Neighbours on the wheel at one tempo: no step costs more than a neighbour."""
    listed = [track(124.0, Key.from_camelot(f"{number}A").name) for number in range(1, 13)]
    mixed = [listed[i] for i in (5, 0, 11, 3, 8, 1, 10, 2, 7, 4, 9, 6)]
    found = export.suggest_order(mixed)
    assert max(found.costs) <= 0.25 + 1e-9


def test_tempi_rise_or_fall_and_half_time_is_close() -> None:
    """In one key the order follows the tempo; 62 stands beside 124."""
    found = export.suggest_order([track(bpm, "A minor") for bpm in (130.0, 62.0, 118.0, 126.0, 122.0)])
    order = [(130.0, 62.0, 118.0, 126.0, 122.0)[i] for i in found.order]
    moved = [bpm * 2 if bpm < 100 else bpm for bpm in order]
    assert moved in (sorted(moved), sorted(moved, reverse=True))


def test_the_first_track_can_be_chosen() -> None:
    """It stays first; a position that is not there is refused."""
    listed = [track(120.0 + i, "C major") for i in range(6)]
    assert export.suggest_order(listed, first=3).order[0] == 3
    assert export.suggest_order([]).order == ()
    assert export.suggest_order(listed[:1]).order == (0,)
    with pytest.raises(UsageError):
        export.suggest_order(listed, first=6)


def test_many_tracks_are_each_played_once_in_a_good_order() -> None:
    """Sixty tracks: far better than as they came."""
    listed = [track(118.0 + 7 * i % 13, KEY_NAMES[i * 5 % 24]) for i in range(60)]
    found = export.suggest_order(listed)
    assert sorted(found.order) == list(range(60))
    cost = transition_costs(listed)
    assert found.total < 0.35 * sum(cost[i, i + 1] for i in range(59))
    assert found.total == pytest.approx(sum(cost[a, b] for a, b in itertools.pairwise(found.order)))
