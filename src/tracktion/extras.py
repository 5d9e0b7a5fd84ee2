"""Packages that come with an extra."""

from __future__ import annotations

import importlib
from typing import Any

from tracktion.errors import UsageError

__all__ = ["missing", "needed"]


def needed(module: str, extra: str, *, what: str) -> Any:
    """Import `module`, which `what` cannot do without, or raise a `UsageError` that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise missing(module, extra, what=what) from error


def missing(module: str, extra: str, *, what: str) -> UsageError:
    """The error that says how to install `module`, which `what` cannot do without."""
    return UsageError(f"{what} needs {module.partition('.')[0]}: pip install 'tracktion[{extra}]'")
