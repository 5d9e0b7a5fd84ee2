"""Half the sample rate: compiled, or in NumPy."""

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._halve import halve
else:
    from tracktion._core.reference.halve import halve

__all__ = ["halve"]
