"""K-weighted energies and true peaks: the compiled kernel, or its NumPy twin."""

from __future__ import annotations

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._loudness import peaks, weighted_energy
else:
    from tracktion._core.reference.loudness import peaks, weighted_energy

__all__ = ["peaks", "weighted_energy"]
