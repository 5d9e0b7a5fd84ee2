"""Downmix, framing, magnitudes: compiled, or in NumPy."""

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._spectrum import downmix, frame, magnitude
else:
    from tracktion._core.reference.spectrum import downmix, frame, magnitude

__all__ = ["downmix", "frame", "magnitude"]
