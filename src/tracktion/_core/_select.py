"""Which implementation of the kernels is in use: the compiled one, or the NumPy twins.

``TRACKTION_IMPLEMENTATION=cython|python`` forces one; unset takes the compiled kernels when they were built.
"""

from __future__ import annotations

import importlib.util
import os
import warnings

from tracktion.errors import UsageError

__all__ = ["COMPILED", "KERNELS"]

KERNELS = (
    "_beats", "_chroma", "_fingerprint", "_halve", "_loudness", "_network", "_onset", "_packets", "_pairs", "_spectrum",
    "_stft", "_timbre", "_trigrams",
)  # fmt: skip
"""All that have to be built: half of them would be of no use."""


def _choose() -> bool:
    wish = os.environ.get("TRACKTION_IMPLEMENTATION", "")
    if wish not in {"", "cython", "python"}:
        raise UsageError(f"TRACKTION_IMPLEMENTATION must be 'cython' or 'python', not {wish!r}")
    if wish == "python":
        return False
    built = all(map(_is_built, KERNELS))
    if wish and not built:
        raise UsageError("TRACKTION_IMPLEMENTATION=cython, but the kernels were not compiled when this was installed")
    if not built:
        warnings.warn(
            "tracktion was installed without its compiled kernels; the NumPy twins give the same answers, slowly. "
            "Install a C compiler and reinstall to get full speed.",
            RuntimeWarning,
            stacklevel=2,
        )
    return built


def _is_built(kernel: str) -> bool:
    return importlib.util.find_spec(f"tracktion._core.{kernel}") is not None


COMPILED: bool = _choose()
