"""The scan: what is there, compared with what is known. It is the truth; hints only tell it where to look first."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tracktion.errors import StorageError, printable
from tracktion.storage.journal import Journal
from tracktion.storage.journal_failpoints import failpoint
from tracktion.storage.journal_versions import Signature
from tracktion.watching.agenda import Agenda
from tracktion.watching.departures import Departures
from tracktion.watching.findings import FLUSH_FILES, Findings
from tracktion.watching.hints import Hints, NoHints, open_hints
from tracktion.watching.known import KnownTree
from tracktion.watching.listing import Listing, list_folder
from tracktion.watching.roots import RootState, is_online, is_unmounted, set_offline, status_of
from tracktion.watching.settling import Settling
from tracktion.watching.system import is_network

if TYPE_CHECKING:
    from tracktion.watching.filters import FileFilter

__all__ = ["Scanner"]

logger = logging.getLogger("tracktion")

SLICE_SECONDS = 0.05
RETRY_SECONDS = 5.0
AGAIN_SECONDS = 1.0
"""Until a file is looked at again whose row was laid aside."""
EVENT_FACTOR = 20.0
POLL_FACTOR = 5.0
POLL_SECONDS = 2.0
BACKOFF_SECONDS = (0.1, 0.3, 1.0, 2.0, 5.0)
SURPRISES = 10
"""So many steps in a row that raise what nobody expected end the thread."""


class Scanner:
    """Keeps known trees and the disk in step, and hands settled versions to the journal.

    Parameters
    ----------
    roots
        Absolute paths.
    journal
        Where settled versions go.
    names
        Which files and folders count.
    settling
        Where versions wait until they stand still.
    rescan_seconds
        Least time between two full scans of a root; it grows to twenty times the length of a scan.
    ready
        Called with the number of versions that need work.
    departures
        Where deletions go that somebody is to be told of.
    trouble
        Called with errors to report.
    """

    def __init__(
        self,
        roots: Sequence[bytes],
        journal: Journal,
        *,
        names: FileFilter,
        settling: Settling,
        rescan_seconds: float,
        ready: Callable[[int], None],
        departures: Departures | None = None,
        trouble: Callable[[BaseException], None],
        events: bool = True,
    ) -> None:
        self.roots = [RootState(path) for path in roots]
        self.settling = settling
        self._journal = journal
        self._names = names
        self._rescan_seconds = rescan_seconds
        self._findings = Findings(journal, ready=ready, departures=departures)
        self._departures = departures
        self._trouble = trouble
        self._events = events
        self._hints: Hints = NoHints()
        self._condition = threading.Condition()
        self._dirty: set[bytes] = set()
        self._overflowed = False
        self._stopping = False
        self._agenda = Agenda()
        self._doubtful: dict[bytes, set[bytes]] = {}
        self._troubled: dict[bytes, int | None] = {}
        self._warned = False

    # --- life -------------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Take over what the journal knows, and open the source of hints."""
        for root in self.roots:
            root.known = KnownTree()
            root.known.load(self._entries(root))
            root.known.link(root.path)
            root.network = is_network(root.path)
            if root.network:
                self._note_polling(root, "a network file system")
        if self._departures is not None:
            self._departures.add(self._journal.untold(), time.monotonic())
        if self._events and any(not root.network for root in self.roots):
            self._hints = open_hints([r.path for r in self.roots if not r.network], self._hint, self._overflow)
        if isinstance(self._hints, NoHints):
            for root in self.roots:
                root.polling = True

    def _entries(self, root: RootState) -> Iterator[tuple[bytes, Signature]]:
        for entry in self._journal.entries(root.path):
            if self._stopping:
                return
            yield entry

    def _load_patiently(self) -> None:
        while not self._stopping:
            try:
                self.load()
            except StorageError as error:
                self._trouble(error)
                with self._condition:
                    self._condition.wait(BACKOFF_SECONDS[-1])
            else:
                return

    def close(self) -> None:
        """Give the watches back."""
        self._hints.close()
        self._hints = NoHints()

    def stop(self) -> None:
        """Make `run` return soon."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    def run(self) -> None:
        """Load, then scan, look and wait until stopped."""
        self._load_patiently()
        scanning: Iterator[None] | None = None
        surprises = 0
        while not self._stopping:
            try:
                scanning = self._step(scanning)
                surprises = 0
            except Exception as error:  # noqa: BLE001 - a mistake, of ours or of a home that is not ours
                surprises += 1
                self._surprised(error, surprises)
                scanning = None
            self._wait(0.0 if scanning is not None else None)

    def _surprised(self, error: Exception, times: int) -> None:
        """Report what nobody expected, and scan anew after a pause: a thread that ends is silent."""
        self._trouble(error)
        if times >= SURPRISES:
            raise error
        self._findings.recount()
        with self._condition:
            self._overflowed = True
            if not self._stopping:
                self._condition.wait(BACKOFF_SECONDS[min(times, len(BACKOFF_SECONDS)) - 1])

    def rescan(self) -> None:
        """Begin a full scan as soon as possible."""
        with self._condition:
            self._overflowed = True
            self._condition.notify_all()

    def scan_all(self, patience_seconds: float) -> None:
        """Scan every root once, and give young files up to `patience_seconds` to settle."""
        for root in self.roots:
            for _ in self._scan(root):
                if self._stopping:
                    return
        self._flush()
        deadline = time.monotonic() + patience_seconds
        while self.settling and time.monotonic() < deadline and not self._stopping:
            self._look_due(time.monotonic())
            self._flush()
            if self.settling:
                time.sleep(max(0.01, min(0.1, self._agenda.next_due() - time.monotonic())))
        self._tell_all()

    def _tell_all(self) -> None:
        if self._departures is not None:
            self._departures.tell_all()

    def look_again(self) -> bool:
        """Look at once at the files that are in doubt; whether there are any."""
        with self._condition:
            folders = list(self._doubtful)
        for folder in folders:
            root = self._root_of(folder)
            if root is not None:
                self._look_below(root, folder)
        self._flush()
        self._tell_all()
        return bool(folders)

    @property
    def known_files(self) -> int:
        """Number of files that are in the journal and on disk."""
        return sum(root.known.files for root in self.roots)

    @property
    def unwritten(self) -> int:
        """Number of versions that wait to stand still, or for their row; read from other threads in a file's order."""
        return len(self.settling) + self._findings.held

    # --- hints: called from other threads -----------------------------------------------------------------------------

    def _hint(self, path: bytes) -> None:
        with self._condition:
            self._dirty.add(path)
            self._condition.notify_all()

    def doubt(self, path: bytes) -> None:
        """Look at a file again soon, as if it were not known: its row was laid aside."""
        folder, _, name = path.rpartition(b"/")
        with self._condition:
            self._doubtful.setdefault(folder, set()).add(name)
            self._condition.notify_all()

    def is_there(self, root: bytes) -> bool:
        """Whether a root is there, as far as one can tell without a scan."""
        online = all(state.online for state in self.roots if state.path == root)
        return online and os.path.isdir(root)  # noqa: PTH112 - bytes

    def _overflow(self) -> None:
        logger.warning("file system events were lost; scanning all folders")
        self.rescan()

    # --- the loop -----------------------------------------------------------------------------------------------------

    def _step(self, scanning: Iterator[None] | None) -> Iterator[None] | None:
        now = time.monotonic()
        with self._condition:
            dirty, self._dirty = self._dirty, set()
            overflowed, self._overflowed = self._overflowed, False
            doubtful = list(self._doubtful)
        if overflowed:
            for root in self.roots:
                root.next_scan = now
        for path in dirty:
            self._agenda.add(path, now + self._agenda.spacing(path))
        for path in doubtful:
            self._agenda.add(path, now + AGAIN_SECONDS)
        if scanning is None:
            scanning = self._begin_scan(now)
        until = now + SLICE_SECONDS
        while scanning is not None and time.monotonic() < until and not self._stopping:
            if next(scanning, self) is self:
                scanning = None
        self._look_due(time.monotonic())
        self._flush()
        if self._departures is not None:
            scanned_from = min((root.scanned_from for root in self.roots if root.online), default=0.0)
            self._departures.look(time.monotonic(), scanned_from)
        return scanning

    def _begin_scan(self, now: float) -> Iterator[None] | None:
        for root in self.roots:
            if root.next_scan <= now:
                return self._scan(root)
        return None

    def _wait(self, seconds: float | None) -> None:
        if seconds is None:
            wake = min([self._agenda.next_due(), *(root.next_scan for root in self.roots)])
            seconds = min(1.0, max(0.0, wake - time.monotonic()))
        with self._condition:
            if not (self._dirty or self._overflowed or self._stopping) and seconds > 0:
                self._condition.wait(seconds)

    def _look_due(self, now: float) -> None:
        until = now + SLICE_SECONDS
        while self._agenda.next_due() <= now and time.monotonic() < until and not self._stopping:
            path = self._agenda.take()
            root = self._root_of(path)
            if root is not None:
                self._look_below(root, path)

    def _root_of(self, path: bytes) -> RootState | None:
        for root in self.roots:
            if path == root.path or path.startswith(root.path.rstrip(b"/") + b"/"):
                return root
        return None

    # --- looking ------------------------------------------------------------------------------------------------------

    def _scan(self, root: RootState) -> Iterator[None]:
        started = time.monotonic()
        if self._is_online(root):
            waiting = [(root.path, 0)]
            while waiting:
                path, inode = waiting.pop()
                listing = self._look(root, path, inode)
                if listing is not None:
                    waiting += [(path + b"/" + name, number) for name, number in listing.folders.items()]
                if self._findings.held >= FLUSH_FILES:
                    self._flush()
                yield
                if not root.online:
                    break
        now = time.monotonic()
        root.last_scan_seconds = now - started
        root.scans += 1
        if root.online:
            root.scanned_from = started
        factor, least = (
            (POLL_FACTOR, min(POLL_SECONDS, self._rescan_seconds))
            if root.polling
            else (EVENT_FACTOR, self._rescan_seconds)
        )
        root.next_scan = now + (max(least, factor * root.last_scan_seconds) if root.online else least)

    def _look_below(self, root: RootState, path: bytes) -> None:
        """Look at a folder, and at folders below it that were not known."""
        if not root.online:
            root.next_scan = 0.0
            return
        waiting = [(path, 0)]
        while waiting and not self._stopping:
            current, inode = waiting.pop()
            strange = current not in root.known
            listing = self._look(root, current, inode)
            if listing is not None:
                waiting += [
                    (child, number)
                    for name, number in listing.folders.items()
                    if (child := current + b"/" + name) not in root.known or strange
                ]
            if self._findings.held >= FLUSH_FILES:
                self._flush()

    def _look(self, root: RootState, path: bytes, inode: int) -> Listing | None:
        started = time.monotonic()
        try:
            self._arm(root, path, inode or status_of(path).st_ino)
            listing = list_folder(path, self._names)
        except (FileNotFoundError, NotADirectoryError) as error:
            if path == root.path or not self._is_online(root):
                set_offline(root, self._hints, error)
            else:
                self._vanish(root, path)
            return None
        except OSError as error:
            self._unreadable(path, error)
            self._agenda.add(path, started + RETRY_SECONDS)
            return None
        self._troubled.pop(path, None)
        failpoint("scan.listed")
        self._compare(root, path, listing, started)
        self._agenda.looked(path, time.monotonic() - started)
        return listing

    def _unreadable(self, path: bytes, error: OSError) -> None:
        """Report a folder that cannot be read: once, not at every look."""
        if self._troubled.get(path) != error.errno:
            self._troubled[path] = error.errno
            self._trouble(error)

    def _compare(self, root: RootState, path: bytes, listing: Listing, now: float) -> None:
        doubtful = self._doubted(path) - listing.unsure
        if doubtful:
            root.known.note(path, {}, doubtful & listing.files.keys())
        difference = root.known.difference(path, listing.files)
        gone = sorted({*difference.gone, *doubtful} - listing.files.keys() - listing.unsure)
        if (gone or root.known.children(path)) and not listing.files and not listing.folders:
            if not self._is_online(root) or is_unmounted(self._journal, root, path, gone):
                return
        elif gone and not self._is_online(root):
            return
        self._settle_doubts(path, doubtful)
        new = difference.new
        held = self._findings.settled_in(root, path)
        if held:
            new = {name: signature for name, signature in new.items() if held.get(name) != signature}
        self._findings.expect(len(new))
        settled, again = self.settling.look(path, new, now, local=not root.network)
        self._findings.add_settled(root, path, settled, expected=len(new))
        self._findings.add_gone(root, path, gone)
        if again is not None:
            self._agenda.add(path, max(again, now + self._agenda.spacing(path)))
        _, lost = root.known.enter(path, listing.folders)
        for child in lost:
            if child.rpartition(b"/")[2] not in listing.unsure:
                self._vanish(root, child)

    def _doubted(self, path: bytes) -> set[bytes]:
        with self._condition:
            return set(self._doubtful.get(path, ()))

    def _settle_doubts(self, path: bytes, names: set[bytes]) -> None:
        """These were looked at, and go their way."""
        with self._condition:
            left = self._doubtful.pop(path, set()) - names
            if left:
                self._doubtful[path] = left

    def _vanish(self, root: RootState, path: bytes) -> None:
        """A folder is gone, and all that was below it."""
        for folder, known in [(path, []), *root.known.remove(path)]:
            self._hints.forget(folder)
            self.settling.forget(folder)
            self._agenda.forget(folder)
            self._troubled.pop(folder, None)
            doubtful = self._doubted(folder)
            self._settle_doubts(folder, doubtful)
            self._findings.add_gone(root, folder, sorted({*known, *doubtful}))

    def _is_online(self, root: RootState) -> bool:
        return is_online(root, self._journal, self._names, self._hints)

    def _arm(self, root: RootState, path: bytes, inode: int) -> None:
        if root.network:
            return
        if not self._hints.arm(path, inode):
            self._note_polling(root, "the system has no more watches to give")

    def _note_polling(self, root: RootState, why: str) -> None:
        if not root.polling:
            root.polling = True
            if not self._warned and self._events:
                self._warned = True
                logger.warning("%s: %s; changes are found by scanning", printable(os.fsdecode(root.path)), why)

    # --- to the journal -----------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Hand over what settled and what is gone; keep it, and wait, while the storage has trouble."""
        if not self._findings.held:
            return
        failpoint("scan.settled")
        attempt = 0
        while not self._stopping:
            try:
                self._findings.write()
            except StorageError as error:
                self._trouble(error)
                with self._condition:
                    self._condition.wait(BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)])
                attempt += 1
            else:
                return
