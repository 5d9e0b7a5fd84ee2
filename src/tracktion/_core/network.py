"""A small convolutional network over frames."""

from __future__ import annotations

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._network import convolve, front, residual
else:
    from tracktion._core.reference.network import convolve, front, residual

__all__ = ["convolve", "front", "residual"]
