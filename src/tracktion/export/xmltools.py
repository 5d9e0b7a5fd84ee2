"""XML in and out, for files that strangers made and for text that strangers wrote."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.parsers import expat

import numpy as np

from tracktion.errors import CorruptError, TooBigError, UnreadableError

__all__ = [
    "clean",
    "fixed",
    "from_milliseconds",
    "integer",
    "milliseconds",
    "nested",
    "number",
    "parse",
    "save",
    "write_text",
]

MAX_BYTES = 1 << 30
_NO_BYTES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """`text` without the characters that XML 1.0 cannot hold (controls, lone surrogates)."""
    return _ILLEGAL.sub("", text)


def fixed(value: float) -> str:
    """Shortest decimal notation that reads back as the same float, never with an exponent."""
    return str(np.format_float_positional(float(value), trim="-"))


def number(text: str | None) -> float:
    """A decimal number, with ``,`` for ``.`` as some locales write it; 0 when absent, malformed or not finite."""
    try:
        value = float((text or "0").replace(",", "."))
    except ValueError:
        return 0.0
    return value if np.isfinite(value) else 0.0


def milliseconds(seconds: float) -> str:
    """Seconds as decimal milliseconds, without a rounding error."""
    return f"{Decimal(fixed(seconds)).scaleb(3):f}"


def from_milliseconds(text: str | None) -> float:
    """Inverse of `milliseconds`; 0 when absent, malformed or not finite."""
    try:
        value = float(Decimal((text or "0").replace(",", ".")).scaleb(-3))
    except ArithmeticError:
        return 0.0
    return value if np.isfinite(value) else 0.0


def integer(text: str | None) -> int:
    """A whole number; 0 when absent or malformed."""
    return int(number(text))


def parse(path: str | os.PathLike[str]) -> ET.Element:
    """Parse a file to its root element.

    Documents with a document type are refused: entities can be made to explode, and the formats here have none.

    Raises
    ------
    UnreadableError
        When it cannot be read.
    TooBigError
        When it has more than a gigabyte.
    CorruptError
        When it is not well-formed XML, or brings a document type.
    """
    builder = ET.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    name = os.fsdecode(path)
    try:
        if Path(name).stat().st_size > MAX_BYTES:
            raise TooBigError(f"more than {MAX_BYTES} bytes of XML", file=name, stage="import")
        with Path(name).open("rb") as file:
            parser.ParseFile(file)
        return builder.close()
    except OSError as error:
        raise UnreadableError(error.strerror or str(error), file=name, stage="import") from error
    except (expat.ExpatError, AssertionError, ValueError) as error:
        raise CorruptError(f"not well-formed XML: {error}", file=name, stage="import") from error


def nested(nodes: list[ET.Element], step: str) -> Iterator[tuple[str, ET.Element]]:
    """These nodes and those below them, in order, each with the name of the folder that holds it."""
    waiting = [("", node) for node in reversed(nodes)]
    while waiting:
        folder, node = waiting.pop()
        yield folder, node
        name = node.get("Name") or node.get("NAME") or ""
        inside = "" if name in {"ROOT", "$ROOT"} else name
        waiting += [(inside, child) for child in reversed(node.findall(step))]


def _refuse(*_: Any) -> None:
    raise ValueError("document types are not accepted")


def save(root: ET.Element, path: str | os.PathLike[str], *, standalone: str = "") -> None:
    """Write a document beside its place, then put it there in one move: readers never see half a file."""
    ET.indent(root, " ")
    body = ET.tostring(root, encoding="unicode")
    write_text(path, f'<?xml version="1.0" encoding="UTF-8"{standalone}?>\n{body}\n')


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write UTF-8 text in one move; undecodable bytes of paths are written as they were.

    A file that is there keeps its permissions, and a link goes on to point to it.

    Raises
    ------
    UnreadableError
        When the folder does not take it.
    """
    target = Path(os.path.realpath(os.fsdecode(path)))
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        try:
            with temporary.open("x", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                file.write(_NO_BYTES.sub("\ufffd", text))
            if target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UnreadableError(error.strerror or str(error), file=str(target), stage="export") from error
