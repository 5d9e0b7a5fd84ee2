"""Log-spaced bands of a spectrum and a fine-grained attack envelope."""

from __future__ import annotations

from tracktion._core._select import COMPILED

if COMPILED:
    from tracktion._core._onset import bands, pulse
else:
    from tracktion._core.reference.onset import bands, pulse

__all__ = ["bands", "pulse"]
