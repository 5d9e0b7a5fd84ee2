"""Inverted index over trigrams and words: compiled, or its NumPy twin."""

from __future__ import annotations

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._trigrams import SCRATCH, SEGMENT, TERMS, masses, search, segment
else:
    from tracktion._core.reference.trigrams import SCRATCH, SEGMENT, TERMS, masses, search, segment

__all__ = ["SCRATCH", "SEGMENT", "TERMS", "masses", "search", "segment"]
