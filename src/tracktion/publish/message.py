"""What a message says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

__all__ = ["LARGE_BATCH", "ROUTING_KEY", "batch_message", "priority_of"]

ROUTING_KEY = "audio.analysis.batch"
LARGE_BATCH = 5
"""Batches of more files than this go out with priority 5, others with 1."""


def priority_of(size: int) -> int:
    """Return the priority of a batch of so many files."""
    return 5 if size > LARGE_BATCH else 1


def batch_message(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the body that announces a batch.

    Parameters
    ----------
    items
        Payloads from the outbox; each has ``id`` (stable: hash of root, path and signature) and ``path``.

    Returns
    -------
    dict
        ``batch_id`` (the same for the same files), ``files`` (paths), ``batch_size``, ``priority``, and the `items`
        themselves, parallel to ``files``.
    """
    digest = hashlib.blake2b("\n".join(str(item["id"]) for item in items).encode("ascii"), digest_size=16)
    return {
        "batch_id": digest.hexdigest(),
        "files": [item["path"] for item in items],
        "batch_size": len(items),
        "priority": priority_of(len(items)),
        "items": list(items),
    }
