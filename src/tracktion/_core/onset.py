"""Levels of bands of a spectrum."""

from __future__ import annotations

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._onset import bands
else:
    from tracktion._core.reference.onset import bands

__all__ = ["bands"]
