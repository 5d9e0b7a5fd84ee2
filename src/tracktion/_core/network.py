"""A small convolutional network over frames."""

from __future__ import annotations

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._network import dense, front, residual
else:
    from tracktion._core.reference.network import dense, front, residual

__all__ = ["dense", "front", "residual"]
