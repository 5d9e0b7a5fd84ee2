"""One catalogue, three homes: ``memory:``, ``sqlite:///file`` and ``postgresql+psycopg://…``."""

from __future__ import annotations

import os
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from tracktion.errors import UsageError
from tracktion.storage.protocol import IDENTIFIERS, Storage

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["IDENTIFIERS", "Storage", "open_storage"]

GROUP = "tracktion.storage"
_HOMES = {
    "memory": "tracktion.storage.memory:MemoryStorage",
    "sqlite": "tracktion.storage.sqlite:SqliteStorage",
    "postgresql": "tracktion.storage.postgresql:PostgresStorage",
    "postgres": "tracktion.storage.postgresql:PostgresStorage",
}


def open_storage(url: str | os.PathLike[str] = "memory:", **options: Any) -> Storage:
    """Open a catalogue.

    Parameters
    ----------
    url
        ``memory:``; ``sqlite:///relative.db``, ``sqlite:////absolute.db``; or the path of the file itself, taken as
        it is, where a URL would need ``%3F`` for a question mark and ``%25`` for a percent sign;
        ``postgresql+psycopg://user:password@host:port/database``; or a scheme that an installed package has
        registered under the entry-point group ``tracktion.storage`` (``scheme = "package.module:factory"``, called
        as ``factory(url, **options)``).
    **options
        Keyword arguments of the home: see `MemoryStorage`, `SqliteStorage`, `PostgresStorage`.

    Returns
    -------
    Storage
        Close it, or use it in a ``with`` statement.

    Raises
    ------
    UsageError
        Nothing answers to the URL.
    StorageError
        ``Unavailable``, ``Version``, ``Corrupt``, ``Busy`` or ``Full``.
    """
    text: Any = os.fspath(url)
    scheme = text.partition(":")[0].partition("+")[0].lower() if ":" in text else ""
    if text in {":memory:", "sqlite://", "sqlite:///:memory:"}:
        scheme, text = "memory", "memory:"
    if len(scheme) <= 1:
        # No URL of text: a question mark would begin its options, a percent sign a character.
        scheme, text = "sqlite", import_module("sqlalchemy").URL.create("sqlite", database=text)
    storage: Storage = _factory(scheme)(*(() if scheme == "memory" else (text,)), **options)
    return storage


def _factory(scheme: str) -> Callable[..., Any]:
    target = _HOMES.get(scheme)
    if target is not None:
        module, _, name = target.partition(":")
        factory: Callable[..., Any] = getattr(import_module(module), name)
        return factory
    for entry in metadata.entry_points(group=GROUP):
        if entry.name == scheme:
            loaded: Callable[..., Any] = entry.load()
            return loaded
    known = ", ".join(sorted(_HOMES))
    raise UsageError(f"no storage answers to {scheme!r}; known here: {known}, and what packages register as {GROUP!r}")
