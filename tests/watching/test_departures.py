"""How long a deletion waits before it is told."""

from __future__ import annotations

from collections.abc import Sequence

from tracktion.results.catalogue import FileRecord
from tracktion.watching.departures import Departures

FIRST, SECOND = FileRecord(b"/m/1", b"/m", id=1), FileRecord(b"/m/2", b"/m", id=2)


def test_a_deletion_waits_for_a_scan_that_began_after_it_and_for_what_that_found_to_settle() -> None:
    told: list[FileRecord] = []
    departures = Departures(told.extend, 2.0)
    departures.add([FIRST], 100.0)
    departures.look(150.0, scanned_from=99.0)
    departures.look(151.0, scanned_from=100.5)
    departures.add([SECOND], 151.0)
    departures.look(153.0, scanned_from=100.5)
    assert told == []
    departures.look(154.0, scanned_from=100.5)
    assert told == [FIRST]
    departures.look(160.0, scanned_from=155.0)
    departures.look(163.0, scanned_from=162.0)
    assert told == [FIRST, SECOND]


def test_who_does_not_wait_is_told_all_in_order() -> None:
    told: list[Sequence[FileRecord]] = []
    departures = Departures(told.append, 2.0)
    departures.add([FIRST], 100.0)
    departures.add([], 101.0)
    departures.add([SECOND], 102.0)
    departures.tell_all()
    departures.tell_all()
    assert told == [[FIRST], [SECOND]]
