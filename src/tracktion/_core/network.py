"""A small convolutional network over frames."""

from __future__ import annotations

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._network import convolve, front
else:
    from tracktion._core.reference.network import convolve, front

__all__ = ["convolve", "front"]
