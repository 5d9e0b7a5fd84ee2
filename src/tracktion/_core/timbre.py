"""Band powers of magnitude frames: the compiled kernel, or its NumPy twin."""

from __future__ import annotations

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._timbre import band_powers
else:
    from tracktion._core.reference.timbre import band_powers

__all__ = ["band_powers"]
