"""The scan: what is there, compared with what is known. It is the truth; hints only tell it where to look first."""

from __future__ import annotations

import heapq
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tracktion.errors import StorageError, printable
from tracktion.storage.journal import Found, Journal
from tracktion.storage.journal_failpoints import failpoint
from tracktion.watching.departures import Departures
from tracktion.watching.hints import Hints, NoHints, open_hints
from tracktion.watching.known import KnownTree, Signature
from tracktion.watching.listing import Listing, list_folder
from tracktion.watching.roots import RootState, is_empty, is_foreign, is_unmounted, status_of
from tracktion.watching.settling import Settling
from tracktion.watching.system import is_network

if TYPE_CHECKING:
    from tracktion.watching.filters import FileFilter

__all__ = ["Scanner"]

logger = logging.getLogger("tracktion")

SLICE_SECONDS = 0.05
SPACING_SECONDS = 0.1
FLUSH_FILES = 500
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
        self._ready = ready
        self._departures = departures
        self._trouble = trouble
        self._events = events
        self._hints: Hints = NoHints()
        self._condition = threading.Condition()
        self._dirty: set[bytes] = set()
        self._overflowed = False
        self._stopping = False
        self._heap: list[tuple[float, bytes]] = []
        self._due: dict[bytes, float] = {}
        self._spacing: dict[bytes, float] = {}
        self._settled: list[tuple[RootState, bytes, dict[bytes, Signature]]] = []
        self._gone: list[tuple[RootState, bytes, list[bytes]]] = []
        self._held = 0
        self._doubtful: dict[bytes, set[bytes]] = {}
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
        self._held = sum(len(files) for _, _, files in self._settled) + sum(len(names) for _, _, names in self._gone)
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
                time.sleep(max(0.01, min(0.1, self._next_due() - time.monotonic())))
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
        return len(self.settling) + self._held

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
            self._schedule(path, now + self._spacing.get(path, 0.0))
        for path in doubtful:
            self._schedule(path, now + AGAIN_SECONDS)
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
            wake = min([self._next_due(), *(root.next_scan for root in self.roots)])
            seconds = min(1.0, max(0.0, wake - time.monotonic()))
        with self._condition:
            if not (self._dirty or self._overflowed or self._stopping) and seconds > 0:
                self._condition.wait(seconds)

    def _schedule(self, path: bytes, when: float) -> None:
        before = self._due.get(path)
        if before is None or when < before:
            self._due[path] = when
            heapq.heappush(self._heap, (when, path))

    def _next_due(self) -> float:
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else float("inf")

    def _look_due(self, now: float) -> None:
        until = now + SLICE_SECONDS
        while self._next_due() <= now and time.monotonic() < until and not self._stopping:
            _, path = heapq.heappop(self._heap)
            del self._due[path]
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
                if self._held >= FLUSH_FILES:
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
            if self._held >= FLUSH_FILES:
                self._flush()

    def _look(self, root: RootState, path: bytes, inode: int) -> Listing | None:
        started = time.monotonic()
        try:
            self._arm(root, path, inode or status_of(path).st_ino)
            listing = list_folder(path, self._names)
        except (FileNotFoundError, NotADirectoryError):
            if path == root.path or not self._is_online(root):
                self._set_offline(root)
            else:
                self._vanish(root, path)
            return None
        except OSError as error:
            self._trouble(error)
            self._schedule(path, started + RETRY_SECONDS)
            return None
        failpoint("scan.listed")
        self._compare(root, path, listing, started)
        took = time.monotonic() - started
        if took > SPACING_SECONDS / 4:
            self._spacing[path] = 4 * took
        else:
            self._spacing.pop(path, None)
        return listing

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
        held = self._held_names(root, path)
        if held:
            new = {name: signature for name, signature in new.items() if held.get(name) != signature}
        self._held += len(new)  # at no moment is a version counted nowhere: see `unwritten`
        settled, again = self.settling.look(path, new, now, local=not root.network)
        if settled:
            self._settled.append((root, path, settled))
        self._held -= len(new) - len(settled)
        if gone:
            self._gone.append((root, path, gone))
            self._held += len(gone)
        if again is not None:
            self._schedule(path, max(again, now + self._spacing.get(path, 0.0)))
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

    def _held_names(self, root: RootState, path: bytes) -> dict[bytes, Signature]:
        """Versions that are settled but not yet flushed: a second look must not take them twice."""
        held: dict[bytes, Signature] = {}
        for owner, folder, files in self._settled:
            if owner is root and folder == path:
                held.update(files)
        return held

    def _vanish(self, root: RootState, path: bytes) -> None:
        """A folder is gone, and all that was below it."""
        for folder, known in [(path, []), *root.known.remove(path)]:
            self._hints.forget(folder)
            self.settling.forget(folder)
            self._due.pop(folder, None)
            doubtful = self._doubted(folder)
            self._settle_doubts(folder, doubtful)
            names = sorted({*known, *doubtful})
            if names:
                self._gone.append((root, folder, names))
                self._held += len(names)

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

    # --- roots that come and go ---------------------------------------------------------------------------------------

    def _is_online(self, root: RootState) -> bool:
        """Whether the root is there, and is the one that it was."""
        try:
            status = status_of(root.path)
        except OSError:
            self._set_offline(root)
            return False
        if not stat.S_ISDIR(status.st_mode):
            self._set_offline(root)
            return False
        identity = (status.st_dev, status.st_ino)
        if root.identity is not None and identity != root.identity:
            for folder in list(root.known.walk(root.path)):
                self._hints.forget(folder)
            root.next_scan = 0.0
            if root.known.files and is_empty(root.path):
                self._set_offline(root)
                return False
        moved = root.identity is None or status.st_dev != root.identity[0]
        if moved and is_foreign(self._journal, root, self._names):
            self._set_offline(root)
            return False
        if not root.online:
            logger.info("%s is back", printable(os.fsdecode(root.path)))
        root.identity = identity
        root.online = True
        return True

    def _set_offline(self, root: RootState) -> None:
        if root.online:
            root.online = False
            logger.warning("%s is not there; what is known of it is kept", printable(os.fsdecode(root.path)))
            for folder in list(root.known.walk(root.path)):
                self._hints.forget(folder)

    # --- to the journal -----------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Hand over what settled and what is gone; keep it, and wait, while the storage has trouble."""
        if not self._held:
            return
        failpoint("scan.settled")
        attempt = 0
        while not self._stopping:
            try:
                self._flush_gone()
                self._flush_settled()
            except StorageError as error:
                self._trouble(error)
                with self._condition:
                    self._condition.wait(BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)])
                attempt += 1
            else:
                self._held = 0
                return

    def _flush_settled(self) -> None:
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

    def _flush_gone(self) -> None:
        while self._gone:
            root, folder, names = self._gone[0]
            for start in range(0, len(names), FLUSH_FILES):
                marked = self._journal.gone(root.path, [folder + b"/" + n for n in names[start : start + FLUSH_FILES]])
                if self._departures is not None:
                    self._departures.add(marked, time.monotonic())
            self._gone.pop(0)
            if folder in root.known:
                root.known.note(folder, {}, names)
