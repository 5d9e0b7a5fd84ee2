"""The one place where storage takes normalised forms from the matcher's normaliser."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracktion.matching.text import NormalisedTrack

__all__ = ["normaliser", "rules", "searcher"]

_PROBES = (
    ("The Beatles & Friends – R.E.M. (feat. A$AP, Jürgen) [2011 Remaster]", "Guns N' Roses, The", "Hits, Vol. 2"),
    (
        "Don't Stop - Extended Club Mix / Live at Wembley 1986 (Official Video)",
        "Sigur Rós feat. 椎名林檎; P!nk vs. X",
        "",
    ),
    ("Юность ft. Dabro | acoustic version", "!!!", None),
    (None, "draft featuring Ð'Þórðar", "Ænima"),
    ("08-Gypsy_Eyes.mp3", "Jimi  Hendrix", "Électric Ladyland"),
    ("Gimme Lovin' 'Til (Reimagined)", "Denmark - Re:Load", None),
    ("This Is the Day (The The Remix)", "The The", None),
    ("It's Like That (con Alma Remix)", "Run-D.M.C.", None),
    ("か\u3099くせい", "カ\u3099カ\u3099カ\u3099SP", None),
    ("Hash Pipe (Little Feat Remix) [Beak> Mix]", "Weezer", None),
)


def normaliser() -> Callable[[str | None, str | None, str | None], NormalisedTrack]:
    """Return the function ``(title, artist, album) -> NormalisedTrack``; loaded on first use."""
    from tracktion.matching.text import normalise_track

    return normalise_track


def searcher() -> Callable[[str | None, str | None], str]:
    """Return the function ``(title, artist) -> NormalisedTrack.search``; loaded on first use."""
    from tracktion.matching.text import searchable

    return searchable


@functools.cache
def rules() -> str:
    """Return a mark of the normaliser's rules: it changes when what they make of some hard names changes."""
    forms = [normaliser()(*probe) for probe in _PROBES]
    told = "\n".join(f"{form.key}\t{form.search}" for form in forms)
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
