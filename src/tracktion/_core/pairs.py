"""Comparison of a question with rows of metadata: compiled, or its NumPy twin."""

from __future__ import annotations

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._pairs import FEATURES, SLOTS, compare, word_hash
else:
    from tracktion._core.reference.pairs import FEATURES, SLOTS, compare, word_hash

__all__ = ["FEATURES", "SLOTS", "compare", "word_hash"]
