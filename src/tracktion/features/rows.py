"""Tables that grow while a recording is heard, without ever lying in memory twice."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows", "halve_precision", "widen"]

Scalar = TypeVar("Scalar", bound=np.generic)


class Rows(Generic[Scalar]):
    """Rows of one width; grows in place (the system moves pages, not bytes) and is cut to size at the end.

    Parameters
    ----------
    columns
        Width.
    dtype
        Of the entries.
    """

    def __init__(self, columns: int, dtype: type[Scalar]) -> None:
        self._data: NDArray[Scalar] = np.empty((1024, columns), dtype)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def extend(self, rows: int) -> NDArray[Scalar]:
        """Return the next `rows` rows, to be written to before the next call."""
        need = self._used + rows
        if need > len(self._data):
            self._resize(max(need, len(self._data) * 3 // 2))
        self._used = need
        return self._data[need - rows : need]

    def append(self, block: NDArray[Any]) -> None:
        """Add `block` [shape (n, columns)]."""
        self.extend(len(block))[:] = block

    def done(self) -> NDArray[Scalar]:
        """Return all rows, read-only; nothing may be added afterwards."""
        self._resize(self._used)
        self._data.flags.writeable = False
        return self._data

    def _resize(self, rows: int) -> None:
        # Rows that were handed out are not held any longer: nothing else refers to the buffer.
        self._data.resize((rows, self._data.shape[1]), refcheck=False)


def halve_precision(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Upper halves of non-negative finite float32 values, rounded: eight bits of mantissa, full range."""
    rounded: NDArray[np.uint16] = ((values.view(np.uint32) + np.uint32(0x8000)) >> np.uint32(16)).astype(np.uint16)
    return rounded


def widen(halves: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Float32 values from their upper halves."""
    wide: NDArray[np.float32] = (halves.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return wide
