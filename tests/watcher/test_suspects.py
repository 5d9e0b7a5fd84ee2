"""Which of the rows that were interrupted is tried next."""

from __future__ import annotations

from tracktion.results.catalogue import FileRecord
from tracktion.watching.backlog import Suspects


def row(number: int, attempts: int) -> FileRecord:
    return FileRecord(b"/m/%d" % number, b"/m", id=number, state="seen", attempts=attempts)


def test_the_least_tried_come_first_and_in_order() -> None:
    suspects = Suspects()
    assert suspects.take() is None
    for number, attempts in enumerate((2, 1, 2, 1, 0)):
        suspects.add(row(number, attempts))
    assert len(suspects) == 5
    assert suspects.ids() == {0, 1, 2, 3, 4}
    assert [record.id for record in iter(suspects.take, None)] == [4, 1, 3, 0, 2]
    assert not suspects


def test_a_row_whose_time_has_not_come_holds_back_nobody() -> None:
    suspects = Suspects()
    suspects.add(row(1, 1), delay_seconds=60.0)
    suspects.add(row(2, 2))
    assert [record.id for record in iter(suspects.take, None)] == [2]
    assert len(suspects) == 1


def test_ends_that_come_from_outside_meet_another_row_each_time() -> None:
    """Ten rows were in hand at the first end, and ten lives then end with the first row that they try alone."""
    left = {number: row(number, 1) for number in range(10)}
    for _ in range(10):
        suspects = Suspects()
        for record in left.values():
            suspects.add(record)
        record = suspects.take()
        assert record is not None
        left[record.id or 0] = row(record.id or 0, record.attempts + 1)
    assert {record.attempts for record in left.values()} == {2}
