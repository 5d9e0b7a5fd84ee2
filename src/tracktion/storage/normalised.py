"""The one place where storage takes normalised forms from the matcher's normaliser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracktion.matching.text import NormalisedTrack

__all__ = ["normaliser"]


def normaliser() -> Callable[[str | None, str | None, str | None], NormalisedTrack]:
    """Return the function ``(title, artist, album) -> NormalisedTrack``; loaded on first use."""
    from tracktion.matching.text import normalise_track

    return normalise_track
