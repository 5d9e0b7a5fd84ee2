"""The ``watch`` command: live progress, one line per finished file, a clean stop on Ctrl-C and SIGTERM."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tracktion.errors import printable

if TYPE_CHECKING:
    import argparse
    from types import FrameType

    from tracktion.results.change import FileChange, WatcherStatus
    from tracktion.watcher import Watcher

__all__ = ["add_arguments", "run"]

SHOW_SECONDS = 0.5
SHOW_SECONDS_PLAIN = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``watch`` to `parser`."""
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="folders to watch, with all below them")
    parser.add_argument(
        "--storage",
        default="memory:",
        metavar="URL",
        help="where results and states are kept: sqlite:///music.db, postgresql+psycopg://…; "
        "the default memory: forgets at the end",
    )
    parser.add_argument("--once", action="store_true", help="take in what changed since the last time, then end")
    parser.add_argument(
        "--debounce", type=float, default=2.0, metavar="SECONDS", help="how long a file must stand still"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="files at the same time; min(4, cores)")
    parser.add_argument("--threads", action="store_true", help="analyse in this process instead of isolated workers")
    parser.add_argument("--publish", metavar="URL", help="announce results to RabbitMQ: amqp://user:password@host/")
    parser.add_argument("--json", action="store_true", help="one JSON object per finished file")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(args: argparse.Namespace) -> int:
    """Run ``watch``; the exit code is 0, or 1 when it gave up, or with ``--once`` when something failed or was left."""
    from tracktion.analyzer import Analyzer
    from tracktion.watcher import Watcher

    logging.getLogger("tracktion").setLevel(logging.ERROR)
    publisher: Any = None
    if args.publish:
        from tracktion.publish import RabbitMQPublisher

        publisher = RabbitMQPublisher(args.publish)
    show = _Display(as_json=args.json, quiet=args.quiet)
    watcher = Watcher(
        *args.folders,
        storage=args.storage,
        analyzer=Analyzer(),
        handler=show.finished,
        publisher=publisher,
        debounce=args.debounce,
        batch_size=1 if sys.stdout.isatty() else 10,
        workers=args.workers,
        isolation=None if args.threads else "auto",
    )
    with watcher:
        return _once(watcher, show) if args.once else _until_stopped(watcher, show)


def _once(watcher: Watcher, show: _Display) -> int:
    ended = threading.Event()
    ticker = threading.Thread(target=_tick, args=(watcher, show, ended), daemon=True)
    stop = _on_signals(watcher, show)
    ticker.start()
    try:
        status = watcher.scan_once()
    finally:
        ended.set()
        ticker.join()
    unread = _unread(watcher)
    show.end(status, unread)
    if stop.is_set():
        return 1 if show.broken else 130
    left = status.ready or status.working or status.unpublished or status.offline or unread
    return int(bool(status.failed or left))


def _unread(watcher: Watcher) -> list[str]:
    """Folders that could not be looked at, and why."""
    errors = [error for error in watcher.errors if isinstance(error, OSError) and error.filename is not None]
    return [f"{printable(os.fsdecode(error.filename))} cannot be read ({error.strerror})" for error in errors]


def _until_stopped(watcher: Watcher, show: _Display) -> int:
    stop = _on_signals(watcher, show)
    watcher.start()
    while (status := watcher.status()).running and not stop.wait(show.interval):
        show.progress(status)
    watcher.stop()
    gave_up = not stop.is_set()  # after what nobody expected, ten times: whoever started this may start it anew
    show.end(status, [*_unread(watcher), *([f"gave up ({printable(str(status.last_error))})"] if gave_up else [])])
    return int(show.broken or gave_up)


def _on_signals(watcher: Watcher, show: _Display) -> threading.Event:
    """Set by a signal, or when nobody reads the output any more; the watcher is stopped then."""
    stop = threading.Event()

    def leave() -> None:
        stop.set()
        threading.Thread(target=watcher.stop, daemon=True).start()

    def caught(number: int, frame: FrameType | None) -> None:
        del number, frame
        leave()

    show.when_broken = leave

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, caught)
        signal.signal(signal.SIGTERM, caught)
    return stop


def _tick(watcher: Watcher, show: _Display, stop: threading.Event) -> None:
    while not stop.wait(show.interval):
        show.progress(watcher.status())


class _Display:
    """Lines for finished files on standard output, progress on standard error."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self._as_json = as_json
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._width = 0
        self.broken = False
        self.when_broken: Callable[[], None] = lambda: None
        self.interval = SHOW_SECONDS if self._live else SHOW_SECONDS_PLAIN

    def finished(self, changes: list[FileChange]) -> None:
        """Show changes; what cannot be shown is no fault of the files."""
        with self._lock, self._unless_broken():
            self._clear()
            for change in changes:
                sys.stdout.write((_as_json(change) if self._as_json else _as_text(change)) + "\n")
            sys.stdout.flush()

    @contextlib.contextmanager
    def _unless_broken(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):
            self.broken = True
            self.when_broken()

    def progress(self, status: WatcherStatus) -> None:
        if self._quiet:
            return
        with self._lock, self._unless_broken():
            self._clear()
            text = self._summary(status)
            if self._live:
                self._width = len(text)
                sys.stderr.write(text + "\r")
            else:
                sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def end(self, status: WatcherStatus, also: list[str]) -> None:
        if not self._quiet:
            with self._lock, self._unless_broken():
                self._clear()
                sys.stderr.write(", ".join([self._summary(status), *also]) + "\n")
                sys.stderr.flush()

    def _clear(self) -> None:
        if self._width:
            sys.stderr.write(" " * self._width + "\r")
            self._width = 0

    def _summary(self, status: WatcherStatus) -> str:
        seconds = time.monotonic() - self._started
        finished = status.done + status.failed
        rate = finished / seconds if seconds > 0 else 0.0
        left = status.ready + status.working
        parts = [
            f"{status.known} files seen",
            f"{status.done} analysed",
            f"{status.failed} failed",
            f"{rate:.1f}/s",
        ]
        if left:
            parts.append(f"{left} to do" + (f", {_duration(left / rate)} left" if rate else ""))
        parts += [f"{printable(root)} is not there" for root in status.offline]
        if status.unpublished:
            trouble = f" ({printable(str(status.last_error))})" if status.last_error else ""
            parts.append(f"{status.unpublished} not announced{trouble}")
        return ", ".join(parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _as_text(change: FileChange) -> str:
    name = printable(str(change.path), 4096)
    if change.error is not None:
        return f"{name}\tfailed: {change.error.code}: {printable(change.error.reason)}"
    analysis = change.analysis
    if analysis is None:
        return f"{name}\t{change.kind}"
    bpm = f"{analysis.tempo.bpm:.2f} BPM" if analysis.tempo is not None else "no tempo"
    key = analysis.key.name if analysis.key is not None else "no key"
    return f"{name}\t{bpm}\t{key}"


def _as_json(change: FileChange) -> str:
    analysis, error = change.analysis, change.error
    return json.dumps(
        {
            "path": str(change.path),
            "kind": change.kind,
            "id": change.id,
            "analysis": None if analysis is None else analysis.to_dict(),
            "error": None if error is None else error.to_dict(),
        }
    )
