from __future__ import annotations

from tests.storage.databases import postgres_database, session_database

__all__ = ["postgres_database", "session_database"]
