"""What an Analyzer and its kin may be given, checked where it is given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tracktion.errors import UsageError

__all__ = [
    "PARTS",
    "Part",
    "Source",
    "checked_parts",
    "checked_range",
    "checked_sources",
    "demand_helper",
    "prior_key",
]

Part = Literal["rhythm", "tonal", "mood", "loudness", "structure", "fingerprint"]
Source = Any
"""A path, an open binary file, bytes, or ``(samples, sample_rate)``."""

PARTS: dict[Part, tuple[str, ...]] = {
    "rhythm": ("rhythm",),
    "tonal": ("tonal",),
    "mood": ("rhythm", "tonal", "timbre", "level"),
    "loudness": ("level",),
    "structure": ("timbre", "level"),
    "fingerprint": ("fingerprint",),
}
"""Part of the analysis → the features that it needs."""

PRIOR_BPM = (20.0, 400.0, 256)
"""Lowest and highest tempo, and number of tempi, by whose weights a prior is known."""


def prior_key(prior: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> str:
    """Name a prior by what it does: partial functions and lambdas have no name of their own."""
    weights = np.ascontiguousarray(prior(np.geomspace(*PRIOR_BPM)), np.float64)
    return hashlib.blake2b(weights.tobytes(), digest_size=8).hexdigest()


def demand_helper(name: str, value: Any, member: str, what: str) -> None:
    """Raise a `UsageError` for an option without a `member` that it is used for; `what` says what it should be."""
    if not hasattr(value, member):  # its repr may hold a password
        raise UsageError(f"{name} is {what}, not of type {type(value).__name__}")


def checked_range(bpm_range: Any) -> tuple[float, float] | None:
    """Return two ascending tempi as floats, or None where there is no range."""
    if bpm_range is None:
        return None
    try:
        low, high = (float(bpm) for bpm in bpm_range)
        if 0 < low < high:
            return low, high
    except (TypeError, ValueError, OverflowError):
        pass
    raise UsageError(f"bpm_range must be (low, high) with 0 < low < high, not {bpm_range!r}")


def checked_sources(sources: Any) -> Iterable[Source]:
    """What is meant as one source would be taken apart: text by letters, a file by lines, samples one by one."""
    one = isinstance(sources, (str, bytes, bytearray, memoryview)) or hasattr(sources, "read")
    parts = sources if isinstance(sources, tuple) else (sources,)
    samples = any(isinstance(part, np.ndarray) and part.dtype.kind in "fiu" for part in parts)
    if one or samples or not isinstance(sources, Iterable):
        raise UsageError(f"sources are many, such as a list of paths, not a {type(sources).__name__}; see analyze")
    return sources


def checked_parts(compute: Iterable[Part]) -> tuple[Part, ...]:
    """Return these parts in the order of `PARTS`."""
    if not isinstance(compute, Iterable):
        raise UsageError(f"compute is some of {', '.join(PARTS)}, not {compute!r}")
    wanted = [compute] if isinstance(compute, str) else list(compute)
    if unknown := [part for part in wanted if part not in tuple(PARTS)]:
        raise UsageError(f"no such part: {', '.join(map(str, unknown))}; there are {', '.join(PARTS)}")
    if not wanted:
        raise UsageError(f"nothing to compute; choose from {', '.join(PARTS)}")
    return tuple(part for part in PARTS if part in wanted)
