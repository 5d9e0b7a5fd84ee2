"""Dynamic programmes over beats and bars."""

from __future__ import annotations

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._beats import bar_path, beat_path
else:
    from tracktion._core.reference.beats import bar_path, beat_path

__all__ = ["bar_path", "beat_path"]
