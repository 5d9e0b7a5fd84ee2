"""Which implementation of the kernels is in use: the compiled one, or the NumPy twins.

``TRACKTION_IMPLEMENTATION=cython|python`` forces one; unset takes the compiled kernels when they were built.
"""

from __future__ import annotations

import importlib.util
import os
import warnings

from tracktion.errors import UsageError

__all__ = ["COMPILED"]


def _choose() -> bool:
    wish = os.environ.get("TRACKTION_IMPLEMENTATION", "")
    if wish not in {"", "cython", "python"}:
        raise UsageError(f"TRACKTION_IMPLEMENTATION must be 'cython' or 'python', not {wish!r}")
    if wish:
        return wish == "cython"
    if importlib.util.find_spec("tracktion._core._spectrum") is not None:
        return True
    warnings.warn(
        "tracktion was installed without its compiled kernels; the NumPy twins give the same answers, slowly. "
        "Install a C compiler and reinstall to get full speed.",
        RuntimeWarning,
        stacklevel=2,
    )
    return False


COMPILED: bool = _choose()
