"""Caches in a forked process: a lock may be held, and work awaited, by a thread that exists in the parent alone."""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["Forked", "renewed_in_children"]


class Forked(Protocol):
    """What wants to know that it is in a child now."""

    def after_fork(self) -> None:
        """Make locks and threads anew; the only thread of the child calls it, before anything else."""
        ...


_known: weakref.WeakSet[Forked] = weakref.WeakSet()


def renewed_in_children(thing: Forked) -> None:
    """Call ``thing.after_fork()`` in every process that is forked from this one."""
    _known.add(thing)


def _renew() -> None:
    for thing in list(_known):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
