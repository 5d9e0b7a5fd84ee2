"""What the scan found, on its way to the journal: versions that settled, and files that are gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tracktion.storage.journal_versions import Found, Signature

if TYPE_CHECKING:
    from tracktion.storage.journal import Journal
    from tracktion.watching.departures import Departures
    from tracktion.watching.roots import RootState

__all__ = ["FLUSH_FILES", "Findings"]

FLUSH_FILES = 500


class Findings:
    """Keeps what was found until the journal has it, and notes it in the known trees then.

    Parameters
    ----------
    journal
        Where it goes.
    ready
        Called with the number of versions that need work.
    departures
        Where deletions go that somebody is to be told of.

    Attributes
    ----------
    held
        Number of files; read from other threads, so at no moment is a version counted nowhere.
    """

    def __init__(self, journal: Journal, *, ready: Callable[[int], None], departures: Departures | None) -> None:
        self.held = 0
        self._journal = journal
        self._ready = ready
        self._departures = departures
        self._settled: list[tuple[RootState, bytes, dict[bytes, Signature]]] = []
        self._gone: list[tuple[RootState, bytes, list[bytes]]] = []

    def expect(self, count: int) -> None:
        """Count versions that may be about to settle; `add_settled` must follow."""
        self.held += count

    def add_settled(self, root: RootState, folder: bytes, files: dict[bytes, Signature], *, expected: int) -> None:
        """Keep these of the versions that were expected, in pieces: others wait while one is written."""
        names = list(files)
        for start in range(0, len(names), 2 * FLUSH_FILES):
            self._settled.append((root, folder, {name: files[name] for name in names[start : start + 2 * FLUSH_FILES]}))
        self.held -= expected - len(files)

    def add_gone(self, root: RootState, folder: bytes, names: list[bytes]) -> None:
        """Keep names of files that are no longer there."""
        if names:
            self._gone.append((root, folder, names))
            self.held += len(names)

    def settled_in(self, root: RootState, folder: bytes) -> Mapping[bytes, Signature]:
        """Versions of a folder that are kept here: a second look must not take them twice."""
        held: dict[bytes, Signature] = {}
        for owner, path, files in self._settled:
            if owner is root and path == folder:
                held.update(files)
        return held

    def recount(self) -> None:
        """Count anew, after a look that did not come to its end."""
        self.held = sum(len(files) for _, _, files in self._settled) + sum(len(names) for _, _, names in self._gone)

    def write(self) -> None:
        """Hand everything to the journal; what it did not take is still here.

        Raises
        ------
        StorageError
            The storage has trouble.
        """
        self._write_gone()
        self._write_settled()
        self.held = 0

    def _write_settled(self) -> None:
        while self._settled:
            part: list[tuple[RootState, bytes, dict[bytes, Signature]]] = []
            size = 0
            while self._settled and (not part or size + len(self._settled[0][2]) <= 2 * FLUSH_FILES):
                part.append(self._settled.pop(0))
                size += len(part[-1][2])
            try:
                found = [
                    Found(root.path, folder + b"/" + name, signature)
                    for root, folder, files in part
                    for name, signature in files.items()
                ]
                work = self._journal.ready(found)
            except BaseException:
                self._settled = part + self._settled
                raise
            for root, folder, files in part:
                root.known.note(folder, files)
            self._ready(work)

    def _write_gone(self) -> None:
        while self._gone:
            root, folder, names = self._gone[0]
            for start in range(0, len(names), FLUSH_FILES):
                marked = self._journal.gone(root.path, [folder + b"/" + n for n in names[start : start + FLUSH_FILES]])
                if self._departures is not None:
                    self._departures.add(marked, time.monotonic())
            self._gone.pop(0)
            if folder in root.known:
                root.known.note(folder, {}, names)
