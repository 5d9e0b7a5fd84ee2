"""What all results share: plain-data round trip, equality by value, arrays that cannot be written to."""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tracktion.errors import UsageError

__all__ = ["ArrayResult", "FloatArray", "Result", "frozen_array"]

FloatArray = NDArray[np.float64]


def frozen_array(values: Any) -> FloatArray:
    """Return `values` as a read-only float64 array; a copy, so that nobody else can change it."""
    array = np.array(values, dtype=np.float64, copy=True)
    array.flags.writeable = False
    return array


SURROGATE = re.compile("[\ud800-\udfff]")
_SCALARS = frozenset({str, int, bool, type(None)})
"""Types that are plain as they are."""


class Result:
    """Base of the frozen dataclasses that users receive.

    Arrays are read-only; equality compares values; `to_dict` gives plain JSON types and `from_dict` is its inverse
    (unknown entries are ignored, so that older programs read newer data of the same schema).
    """

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain types only: numbers, strings, lists, dicts, None."""
        pairs = [(name, getattr(self, name)) for name in _names(typing.cast("Any", type(self)))]
        return {name: value if type(value) in _SCALARS else _plain(value) for name, value in pairs}

    def to_json(self, *, indent: int | None = None) -> str:
        """JSON text (RFC 8259; never NaN); names that are not UTF-8 are escaped, so that it can always be written."""
        text = json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)
        return SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Inverse of `to_dict`.

        Raises
        ------
        UsageError
            When `data` are none of this kind.
        """
        hints = _hints(typing.cast("Any", cls))
        if not isinstance(data, Mapping):
            raise UsageError(f"these data are no {cls.__name__} but of type {type(data).__name__}")
        values: dict[str, Any] = {}
        for name, hint in hints.items():
            if name in data:
                try:
                    values[name] = _typed(data[name], hint)
                except UsageError:
                    raise
                except (TypeError, ValueError, AttributeError, OverflowError) as error:
                    raise UsageError(f"these data are no {cls.__name__}: {name}: {error}") from error
        try:
            return cls(**values)
        except UsageError:
            raise
        except (TypeError, ValueError) as error:
            raise UsageError(f"these data are no {cls.__name__}: {error}") from error

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Inverse of `to_json`; raises as `from_dict` does."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"this is no JSON: {error}") from error
        return cls.from_dict(data)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.to_dict() == typing.cast("Self", other).to_dict()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are made as the original was, so that their arrays cannot be written to either."""
        cls = typing.cast("Any", type(self))
        return _rebuilt, (cls, {name: getattr(self, name) for name in _hints(cls)})

    def __hash__(self) -> int:
        return hash((type(self).__name__, _hashable(self.to_dict())))


class ArrayResult(Result):
    """A result with arrays: they are copies of what it was made from, and cannot be written to."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for name, hint in _hints(typing.cast("Any", type(self))).items():
            if _is_array(typing.get_origin(hint)):
                object.__setattr__(self, name, frozen_array(getattr(self, name)))


def _is_array(origin: Any) -> bool:
    return origin in (np.ndarray, NDArray)  # the latter since NumPy 2.5, where it is an alias that has a name


def _rebuilt(cls: type[Result], values: dict[str, Any]) -> Result:
    return cls(**values)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls) if f.init}


@functools.cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(typing.cast("Any", cls)))


def _plain(value: Any) -> Any:
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, np.ndarray):
        finite = value.dtype.kind in "iu" or (value.dtype.kind == "f" and np.isfinite(value).all())
        return value.tolist() if finite else _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple((k, _hashable(v)) for k, v in sorted(value.items()))
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _typed(value: Any, hint: Any) -> Any:
    """`value` of plain data as `hint` wants it; TypeError or ValueError where it cannot be."""
    if value is not None and hint in _SCALAR:
        return _SCALAR[hint](value)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _typed(value, next(a for a in args if a is not type(None)))
    if value is None and hint is not Any:
        raise ValueError("null where there must be a value")
    if _is_array(origin):
        return _row(value)
    if origin is tuple:
        inner = args if Ellipsis not in args else (args[0],) * len(value)
        return tuple(_typed(v, a) for v, a in zip(value, inner, strict=True))
    if origin is dict:
        return {k: _typed(v, args[1]) for k, v in value.items()}
    if isinstance(hint, type) and issubclass(hint, Result):
        return hint.from_dict(value)
    return value


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no finite number")
    return number


def _whole(value: Any) -> int:
    if not isinstance(value, int) and int(value) != float(value):
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text is expected, not {value!r}")
    return value


def _octets(value: Any) -> bytes:
    return value if isinstance(value, bytes) else base64.b64decode(_words(value), validate=True)


def _row(value: Any) -> FloatArray:
    row = np.asarray(value, np.float64)
    if row.ndim != 1 or not np.isfinite(row).all():
        raise ValueError("a list of finite numbers is expected")
    return row


_SCALAR: dict[Any, Callable[[Any], Any]] = {float: _finite, int: _whole, str: _words, bytes: _octets}
"""Type of a field → what makes it of plain data; others are taken as they are."""
