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
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tracktion.errors import UsageError

__all__ = ["FloatArray", "Result", "frozen_array"]

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
        try:
            return cls(**{name: _typed(data[name], hint) for name, hint in hints.items() if name in data})
        except UsageError:
            raise
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise UsageError(f"these data are no {cls.__name__}: {error}") from error

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Inverse of `to_json`; raises as `from_dict` does."""
        try:
            data = json.loads(text)
        except ValueError as error:
            raise UsageError(f"this is no JSON: {error}") from error
        if not isinstance(data, dict):
            raise UsageError(f"a {cls.__name__} is a JSON object, not {type(data).__name__}")
        return cls.from_dict(data)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.to_dict() == typing.cast("Self", other).to_dict()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles have arrays that cannot be written to, too."""
        cls = typing.cast("Any", type(self))
        return _rebuilt, (cls, {name: getattr(self, name) for name in _hints(cls)})

    def __hash__(self) -> int:
        return hash((type(self).__name__, _hashable(self.to_dict())))


def _rebuilt(cls: type[Result], values: dict[str, Any]) -> Result:
    for value in values.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
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
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
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
    if value is None:
        return None
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _typed(value, next(a for a in args if a is not type(None)))
    if origin is np.ndarray:
        return frozen_array(value)
    if origin is tuple:
        inner = args if Ellipsis not in args else (args[0],) * len(value)
        return tuple(_typed(v, a) for v, a in zip(value, inner, strict=True))
    if origin is dict:
        return {k: _typed(v, args[1]) for k, v in value.items()}
    if hint is bytes and isinstance(value, str):
        return base64.b64decode(value)
    if isinstance(hint, type) and issubclass(hint, Result):
        return hint.from_dict(value)
    return float(value) if hint is float else value
