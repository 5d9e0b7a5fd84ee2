"""Decimation, pitch peaks, affine layers: compiled, or in NumPy."""

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._chroma import affine, decimate, pitch_peaks
else:
    from tracktion._core.reference.chroma import affine, decimate, pitch_peaks

__all__ = ["affine", "decimate", "pitch_peaks"]
