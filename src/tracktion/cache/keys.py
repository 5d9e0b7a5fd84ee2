"""Keys that depend on what is asked, not on how it is written; and how long answers are kept."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from tracktion.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ANALYSIS_TTL", "MATCH_TTL", "WARM_TTL", "cache_key"]

MATCH_TTL: Final = 6 * 3600.0
"""Seconds that answers of a search are kept."""

WARM_TTL: Final = 24 * 3600.0
"""Seconds that answers computed ahead are kept."""

ANALYSIS_TTL: Final = None
"""Analyses do not expire: their key holds the audio's identity, the algorithm's version and the parameters."""


def cache_key(kind: str, *parts: Any) -> str:
    """Return ``kind:digest`` of plain JSON values; equal values give equal keys in every process.

    Raises
    ------
    UsageError
        A part is not of plain JSON types.

    Examples
    --------
    >>> cache_key("match", {"title": "x", "limit": 10}) == cache_key("match", {"limit": 10, "title": "x"})
    True
    """
    try:
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
        _demand_text_names(parts)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot make a cache key of {kind}: {error}; give a key function") from None
    return f"{kind}:{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def _demand_text_names(value: Any) -> None:
    """Raise `TypeError` for a dict whose names are no text: JSON would make ``{1: 2}`` and ``{"1": 2}`` the same."""
    inner: Iterable[Any] = value if isinstance(value, (list, tuple)) else ()
    if isinstance(value, dict):
        wrong = [name for name in value if not isinstance(name, str)]
        if wrong:
            raise TypeError(f"names in a dict must be text, not {wrong[0]!r}")
        inner = value.values()
    for part in inner:
        _demand_text_names(part)
