"""Downmix with statistics: compiled, or in NumPy."""

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._spectrum import downmix
else:
    from tracktion._core.reference.spectrum import downmix

__all__ = ["downmix"]
