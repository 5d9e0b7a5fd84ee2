"""Waiting until a file stands still."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tracktion.storage.journal_versions import Signature
from tracktion.watching.system import SteadyClock, has_writer

__all__ = ["Settling", "Waiting"]

WRITER_LOOK_SECONDS = 1.0
WRITER_LIMIT_SECONDS = 600.0
SOON_SECONDS = 0.5


@dataclass(slots=True)
class Waiting:
    """A version that was seen, since when it stands still, and when its name was first seen (monotonic seconds)."""

    signature: Signature
    since: float
    first: float


class Settling:
    """Versions that are not yet taken, by folder and name.

    A version settles when two looks at least `quiet_seconds` apart found the same signature, or when its time stamps
    alone prove that it stood still for so long, and when no process on this machine has it open for writing. A writer
    that sits on an unchanging file for ten minutes no longer counts.
    """

    def __init__(
        self,
        quiet_seconds: float,
        *,
        clock: SteadyClock | None = None,
        writer: Callable[[bytes], bool] = has_writer,
    ) -> None:
        self.quiet_seconds = quiet_seconds
        self._clock = clock or SteadyClock()
        self._writer = writer
        self._folders: dict[bytes, dict[bytes, Waiting]] = {}
        self._soon_until = 0.0

    def __len__(self) -> int:
        return sum(map(len, self._folders.values()))

    def __bool__(self) -> bool:
        return bool(self._folders)

    @property
    def soon(self) -> bool:
        """Whether more versions are about to settle; those of slow writers are not waited for."""
        return bool(self._folders) and time.monotonic() < self._soon_until

    def look(
        self, folder: bytes, new: Mapping[bytes, Signature], now: float, *, local: bool
    ) -> tuple[dict[bytes, Signature], float | None]:
        """Take note of what a look at a folder found.

        Parameters
        ----------
        folder
            Its path.
        new
            Versions there that are not in the journal yet.
        now
            Monotonic seconds.
        local
            Whether time stamps come from this machine's clock; those of a file server prove nothing here.

        Returns
        -------
        settled
            Versions to take now; they are forgotten here.
        next_look
            Monotonic time at which to look again; None when nothing waits.
        """
        before = self._folders.get(folder, {})
        settled: dict[bytes, Signature] = {}
        waiting: dict[bytes, Waiting] = {}
        due: list[float] = []
        for name, signature in new.items():
            entry = before.get(name)
            if entry is None or entry.signature != signature:
                entry = Waiting(signature, now, now if entry is None else entry.first)
            left = self._left(entry, now, local=local)
            if left <= 0:
                if now - entry.since > WRITER_LIMIT_SECONDS or not self._writer(folder + b"/" + name):
                    settled[name] = signature
                    continue
                left = WRITER_LOOK_SECONDS
            else:
                self._soon_until = max(self._soon_until, entry.first + 2 * self.quiet_seconds + SOON_SECONDS)
            waiting[name] = entry
            due.append(now + left)
        if waiting:
            self._folders[folder] = waiting
        else:
            self._folders.pop(folder, None)
        return settled, min(due, default=None)

    def _left(self, entry: Waiting, now: float, *, local: bool) -> float:
        stood = now - entry.since
        if local and stood < self.quiet_seconds:
            stood = max(stood, self._clock.age(max(entry.signature[1], entry.signature[2])))
        return self.quiet_seconds - stood

    def forget(self, folder: bytes) -> None:
        """The folder is gone."""
        self._folders.pop(folder, None)
