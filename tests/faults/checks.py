"""What must hold after any fault."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracktion.storage import open_storage

Record = Callable[[str, object], None]
"""``record_property("faults", n)``: how many faults one run of a test makes, for ``python -m benchmarks.faults``."""


def outcome(url: str) -> dict[str, Any]:
    """States by path, and the number of analyses."""
    with open_storage(url) as storage:
        rows = list(storage.find_files())
        return {
            "states": Counter(row.state for row in rows),
            "paths": {row.path for row in rows},
            "rows": len(rows),
            "reasons": Counter(row.reason for row in rows),
            "analyses": storage.count_analyses(),
            "pending": len(storage.pending_outbox(limit=100_000)),
        }


def integrity(database: Path) -> str:
    with sqlite3.connect(database) as connection:
        [answer] = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return str(answer)


def message_ids(path: Path) -> Counter[str]:
    """How often each file version was published."""
    ids: Counter[str] = Counter()
    if path.exists():
        for line in path.read_bytes().splitlines():
            ids.update(json.loads(line)[1])
    return ids


def assert_all_done(url: str, paths: list[Path], *, published: Path | None = None) -> None:
    found = outcome(url)
    assert found["states"] == {"done": len(paths)}, (found["states"], found["reasons"])
    assert found["rows"] == len(paths)
    assert found["pending"] == 0
    if published is not None:
        assert len(message_ids(published)) == len(paths)
    if url.startswith("sqlite:///"):
        assert integrity(Path(url.removeprefix("sqlite:///"))) == "ok"
