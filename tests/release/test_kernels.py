"""What a release holds."""

from __future__ import annotations

from pathlib import Path

from tracktion._core._select import KERNELS

ROOT = Path(__file__).parents[2]


def test_the_list_of_kernels_is_whole() -> None:
    """An installation in which one was not built takes none."""
    assert sorted(path.stem for path in (ROOT / "src/tracktion/_core").glob("*.pyx")) == sorted(KERNELS)
