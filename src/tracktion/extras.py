"""Packages that come with an extra."""

from __future__ import annotations

import importlib
from typing import Any

from tracktion.errors import UsageError

__all__ = ["needed"]


def needed(module: str, extra: str, *, what: str) -> Any:
    """Import `module`, which `what` cannot do without, or raise a `UsageError` that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"{what} needs {module.partition('.')[0]}: pip install 'tracktion[{extra}]'") from error
