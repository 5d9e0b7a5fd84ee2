"""All settings, from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PREFIX = "TRACKTION_SERVICE_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set; each as ``TRACKTION_SERVICE_NAME`` in the environment.

    Attributes
    ----------
    storage
        URL of the catalogue.
    uploads
        Folder for uploaded files.
    host, port
        Where to listen.
    max_upload_bytes
        Larger uploads are refused.
    workers
        Isolated processes that analyse.
    readers
        Threads that search and read. One is fastest with SQLite, where reading never waits and several threads would
        only take turns at the interpreter; with PostgreSQL and Redis, more of them wait at the same time.
    queue
        Files that may wait; beyond it, uploads are refused with 503.
    timeout_seconds
        For one analysis.
    idle_seconds
        A client that sends nothing for so long is dropped.
    token_seconds
        How long a token is good for.
    redis
        URL of a Redis server that keeps matches for all processes; empty for none.
    """

    storage: str = "sqlite:///music.db"
    uploads: Path = Path("uploads")
    host: str = "127.0.0.1"
    port: int = 8000
    max_upload_bytes: int = 100 * 1024 * 1024
    workers: int = 1
    readers: int = 1
    queue: int = 100
    timeout_seconds: float = 120.0
    idle_seconds: float = 30.0
    token_seconds: float = 30 * 24 * 3600.0
    redis: str = ""

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the environment; what is not set keeps its default."""
        defaults = cls()
        values = {}
        for name in cls.__slots__:
            text = os.environ.get(PREFIX + name.upper())
            if text is not None:
                values[name] = type(getattr(defaults, name))(text)
        return cls(**values)
