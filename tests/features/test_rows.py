"""Tables that grow."""

from __future__ import annotations

import numpy as np
import pytest

from tracktion.features.rows import Rows, halve_precision, widen


@pytest.mark.parametrize("sizes", [[], [0], [1], [1023, 1, 1], [32] * 100, [5000, 7]])
def test_rows_come_back_in_order(sizes: list[int]) -> None:
    rows = Rows(3, np.float32)
    blocks = [np.random.default_rng(i).random((n, 3), np.float32) for i, n in enumerate(sizes)]
    for block in blocks:
        rows.append(block)
    assert len(rows) == sum(sizes)
    done = rows.done()
    np.testing.assert_array_equal(done, np.concatenate([np.empty((0, 3), np.float32), *blocks]))
    assert not done.flags.writeable


def test_half_the_precision_is_within_a_part_in_256() -> None:
    values = np.concatenate([[0.0], np.geomspace(1e-30, 1e30, 1000)]).astype(np.float32)
    np.testing.assert_allclose(widen(halve_precision(values)), values, rtol=1 / 256)
