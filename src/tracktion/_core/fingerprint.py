"""Fingerprint kernels: compiled, or their NumPy twins."""

from __future__ import annotations

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._fingerprint import band_energies, bit_errors
else:
    from tracktion._core.reference.fingerprint import band_energies, bit_errors

__all__ = ["band_energies", "bit_errors"]
