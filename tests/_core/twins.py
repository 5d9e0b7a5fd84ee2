"""Runs a kernel and its NumPy twin and compares: no kernel test can forget one of them."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np


def assert_same(actual: Any, expected: Any, *, rtol: float = 1e-4, atol: float = 1e-5) -> None:
    if isinstance(expected, tuple):
        assert isinstance(actual, tuple)
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            assert_same(a, e, rtol=rtol, atol=atol)
    else:
        a, e = np.asarray(actual), np.asarray(expected)
        assert a.shape == e.shape
        assert a.dtype == e.dtype
        np.testing.assert_allclose(a, e, rtol=rtol, atol=atol)


def both(name: str, function: str, *args: Any, rtol: float = 1e-4, atol: float = 1e-5, **options: Any) -> Any:
    """Call ``_core._NAME.FUNCTION`` and ``_core.reference.NAME.FUNCTION``; return the compiled answer.

    Both must raise the same kind of error, or give the same answer. Arguments are copied for each, so
    in-place kernels may be compared by what they return.
    """
    compiled = getattr(importlib.import_module(f"tracktion._core._{name}"), function)
    twin = getattr(importlib.import_module(f"tracktion._core.reference.{name}"), function)

    def own(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(v.copy(order="K") if isinstance(v, np.ndarray) else v for v in values)

    try:
        expected = twin(*own(args), **options)
    except Exception as error:
        try:
            compiled(*own(args), **options)
        except type(error):
            raise
        raise AssertionError(f"{name}.{function}: the twin raised {error!r}, the kernel did not") from error
    actual = compiled(*own(args), **options)
    assert_same(actual, expected, rtol=rtol, atol=atol)
    return actual
