"""Magnitudes of short-time Fourier transforms: compiled, or in NumPy."""

from tracktion._core._select import COMPILED
from tracktion._core.reference.stft import stft_tables

if COMPILED:
    from tracktion._core._stft import stft_magnitude
else:
    from tracktion._core.reference.stft import stft_magnitude

__all__ = ["stft_magnitude", "stft_tables"]
