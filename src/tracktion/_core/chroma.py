"""Decimation and pitch peaks: compiled, or in NumPy."""

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._chroma import decimate, pitch_peaks
else:
    from tracktion._core.reference.chroma import decimate, pitch_peaks

__all__ = ["decimate", "pitch_peaks"]
