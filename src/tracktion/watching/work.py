"""The hands of the watcher: claim rows, do the work, write the outcome."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracktion.errors import StorageError, TracktionError, printable
from tracktion.results.change import FileChange
from tracktion.storage.journal import Journal, Outcome
from tracktion.storage.journal_failpoints import failpoint
from tracktion.storage.journal_versions import same_version
from tracktion.watching.backlog import Backlog, Suspects
from tracktion.watching.changes import change_of, deletion_of, message_of
from tracktion.watching.content import content_mark, signature_at

if TYPE_CHECKING:
    from tracktion.results.catalogue import FileRecord

__all__ = ["Claimed", "HandlerWorker", "Worker"]

RETRY_SECONDS = (1.0, 5.0)
BACKOFF_SECONDS = (0.1, 0.3, 1.0, 2.0, 5.0)
SHARED_LOOK_SECONDS = 1.0
RECOVER_SECONDS = 10.0
LOOK_SECONDS = 0.25
SUSPECT_EVERY = 10
LAST_ATTEMPT_SECONDS = 5.0
"""A row that one more end of the process would fail is tried only by a process that has lived on for so long."""
SURPRISES = 10
"""So many steps in a row that raise what nobody expected end the thread."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row in hand, the version that it stands for, and what its content looks like before the work."""

    record: FileRecord
    change: FileChange
    mark: str | None


class Worker:
    """Common to both kinds of work: with a handler alone, and with an analyzer.

    Parameters
    ----------
    journal, backlog
        Where work comes from.
    deliver
        ``deliver(changes) -> bool``: hand a batch to the handler or the consumer; False when it was not taken because
        of a stop. What it raises is the failure of the batch.
    publish
        Whether outcomes are announced through the outbox.
    batch_size
        Files per delivery.
    trouble
        Called with errors to report.
    announced
        Called after messages were put into the outbox.
    is_there
        ``is_there(root) -> bool``: whether work on files of this root makes sense now.
    doubt
        Called with the path of each file that is to be looked at again.
    """

    def __init__(
        self,
        journal: Journal,
        backlog: Backlog,
        *,
        deliver: Callable[[list[FileChange]], bool] | None,
        publish: bool,
        batch_size: int,
        trouble: Callable[[BaseException], None],
        announced: Callable[[], None],
        is_there: Callable[[bytes], bool],
        doubt: Callable[[bytes], None],
    ) -> None:
        self.journal = journal
        self.backlog = backlog
        self.batch_size = batch_size
        self.done = 0
        self.failed = 0
        self.working = 0
        self._deliver = deliver
        self._publish = publish
        self._trouble = trouble
        self._announced = announced
        self._is_there = is_there
        self._doubt = doubt
        self._away: set[bytes] = set()
        self._suspects = Suspects()
        self._since_suspect = 0
        self._next_recovery = time.monotonic() + RECOVER_SECONDS
        self._in_doubt = False
        self._stepping = False
        self._surprises = 0

    def run(self) -> None:
        """Until stopped."""
        while not self.backlog.stopping:
            if not self.attempt():
                self.backlog.wait(SHARED_LOOK_SECONDS if self.journal.shared and not self._suspects else LOOK_SECONDS)

    def step(self) -> bool:
        """Do what is to be done now; whether there was anything."""
        raise NotImplementedError

    def attempt(self) -> bool:
        """Do a step; what it raises is reported, and what it lost is tried again alone: a thread that ends is silent.

        Trouble of the storage is waited for elsewhere; this is for mistakes, of ours, of drivers and of other homes.
        """
        self._stepping = True
        try:
            busy = self.step()
        except Exception as error:
            self._trouble(error)
            self._surprises += 1
            if self._surprises >= SURPRISES:
                raise
            self.journal.hold([claimed.record for claimed in self.in_hand()])
            self._in_doubt = True
            self.backlog.pause(BACKOFF_SECONDS[min(self._surprises, len(BACKOFF_SECONDS)) - 1])
            return True
        finally:
            self._stepping = False
        self._surprises = 0
        return busy

    def in_hand(self) -> list[Claimed]:
        """Return what is worked on between two steps."""
        return []

    # --- where work comes from ----------------------------------------------------------------------------------------

    def suspect(self, records: Sequence[FileRecord]) -> None:
        """Take rows that are to be tried again, alone.

        A process that is killed over and over from outside never comes to last attempts: no row is to blame for that.
        """
        for record in records:
            last = record.attempts >= self.journal.max_attempts - 1
            self._suspects.add(record, delay_seconds=LAST_ATTEMPT_SECONDS if last else 0.0)

    @property
    def idle(self) -> bool:
        """Nothing ready, nothing to retry, nothing in hand; asked in the order in which a file goes."""
        waiting = self.backlog.ready or self.backlog.deletions or self._suspects
        return not (waiting or self._stepping or self.working or self._in_doubt)

    def claim(self, limit: int) -> list[Claimed]:
        """Claim up to `limit` rows that are still what they were; those of a root that is away wait."""
        here = [root for root in self.journal.roots if self._is_there(root)]
        self._away.update(set(self.journal.roots).difference(here))
        added = self.backlog.added
        rows = self.patiently(lambda: self.journal.claim(limit, here)) or []
        self.backlog.take(len(rows), limit, added)
        self._since_suspect += 1
        return self._examined(rows)

    def claim_suspect(self) -> list[Claimed]:
        """Claim one row to be tried alone: when nothing else is ready, or now and then between batches."""
        if self.backlog.ready and self._since_suspect < SUSPECT_EVERY:
            return []
        record = self._suspects.take()
        if record is None:
            return []
        self._since_suspect = 0
        row = self.patiently(functools.partial(self.journal.claim_suspect, record))
        return self._examined([row]) if row is not None else []

    def _examined(self, rows: Sequence[FileRecord]) -> list[Claimed]:
        claimed: list[Claimed] = []
        aside: list[FileRecord] = []
        for row in rows:
            if self.stands(row):
                claimed.append(Claimed(row, change_of(row), content_mark(row.path)))
            else:
                aside.append(row)
        self.lay_aside(aside)
        return claimed

    def stands(self, record: FileRecord) -> bool | None:
        """Whether the file is still the version of its row; None when nobody can tell, for its disk is not well."""
        try:
            now = signature_at(record.path)
        except OSError as error:
            self._trouble(error)
            return None
        if now is None and not self._is_there(record.root):
            return None
        return same_version(now, record.signature)

    def lay_aside(self, records: Sequence[FileRecord], *, told: bool = False) -> None:
        """Leave it to the scan what becomes of rows that do not stand; `told` says that the handler was given them."""
        if records:
            self.patiently(lambda: self.journal.lay_aside(records, told=told))
        for record in records:
            self._doubt(record.path)

    def attend(self) -> None:
        """Do what comes before new work: look after what others left, and tell what is gone."""
        back = {root for root in self._away if self._is_there(root)}
        if back:
            self._away -= back
            self.backlog.add(1)  # an answer that is full asks for more: nobody needs the number
        self.recover_others()
        self._tell_deletions()

    def _tell_deletions(self) -> None:
        deletions = self.backlog.deletions
        while deletions and not self.backlog.stopping:
            batch = [deletions.popleft() for _ in range(min(len(deletions), self.batch_size))]
            told = self.patiently(functools.partial(self.journal.tell_gone, batch))
            if told:
                self.deliver([deletion_of(record) for record in told])

    def recover_others(self) -> None:
        """Free the rows of owners that died, and those of calls that failed with an unknown outcome."""
        due = time.monotonic() > self._next_recovery
        if due:
            self._next_recovery = time.monotonic() + RECOVER_SECONDS
            self.backlog.add(1)  # others may have made rows ready: `retry_failed` in another process
        if self._in_doubt or (self.journal.shared and due):
            self._in_doubt = False

            def recover() -> None:
                self.journal.owner.check()
                known = self._suspects.ids()
                self.suspect([r for r in self.journal.recover() if r.id not in known])

            self.patiently(recover)

    def patiently(self, act: Callable[[], Any]) -> Any:
        """Do something with the storage; while it has trouble, wait and try again. None after a stop."""
        attempt = 0
        while True:
            try:
                return act()
            except StorageError as error:
                self._trouble(error)
                self._in_doubt = True
                if self.backlog.stopping:
                    return None
                self.backlog.pause(BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)])
                attempt += 1

    # --- where it goes ------------------------------------------------------------------------------------------------

    def deliver(self, changes: list[FileChange]) -> dict[int, BaseException | None] | None:
        """Hand a batch to the handler; when it raises, each file alone, so that one cannot spoil the others.

        Returns
        -------
        dict or None
            What each file (by position) raised; None after a stop.
        """
        if self._deliver is None:
            return dict.fromkeys(range(len(changes)))
        failpoint("handler.before")
        try:
            taken = self._deliver(changes)
        except BaseException as error:  # noqa: BLE001 - the handler is the host's; SystemExit is a failure here, too
            self._trouble(error)
            if len(changes) == 1:
                return {0: error}
            return self._one_by_one(changes)
        failpoint("handler.after")
        return dict.fromkeys(range(len(changes))) if taken else None

    def _one_by_one(self, changes: list[FileChange]) -> dict[int, BaseException | None] | None:
        results: dict[int, BaseException | None] = {}
        for position, change in enumerate(changes):
            try:
                if self._deliver is not None and not self._deliver([change]):
                    return None
            except BaseException as error:  # noqa: BLE001 - see above
                self._trouble(error)
                results[position] = error
            else:
                results[position] = None
        return results

    def outcome(self, claimed: Claimed, error: BaseException | None) -> Outcome:
        """How the work on a row ended, as far as a handler is concerned."""
        record = claimed.record
        if error is None:
            return self.with_message(Outcome(record, "done", mark=claimed.mark), claimed.change)
        if record.attempts < self.journal.max_attempts:
            return Outcome(record, "seen")
        reason = f"Handler: {type(error).__name__}: {error}"
        return self.with_message(Outcome(record, "failed", printable(reason), claimed.mark), claimed.change)

    def with_message(self, outcome: Outcome, change: FileChange) -> Outcome:
        """Add the message to publish, when there is somebody to publish to."""
        if not self._publish:
            return outcome
        return replace(outcome, message=message_of(outcome.record, change, outcome.state, outcome.reason))

    def finish(self, outcomes: list[tuple[Claimed, Outcome]]) -> None:
        """Write outcomes; a version that changed under the work is laid aside, for its successor is on its way.

        What is done stays done when nobody can tell: if the file did change, the scan finds that when it is back.
        """
        keep: list[Outcome] = []
        aside: dict[bool, list[FileRecord]] = {False: [], True: []}
        for claimed, outcome in outcomes:
            stands = self.stands(claimed.record)
            if stands or (stands is None and outcome.state == "done"):
                keep.append(outcome)
            else:
                aside[self._deliver is not None and outcome.state != "seen"].append(claimed.record)
        for told, records in aside.items():
            self.lay_aside(records, told=told)
        if not keep:
            return
        failpoint("work.done")
        for outcome, ours in self._written(keep):
            if not ours:
                continue
            if outcome.state == "seen":
                delay = RETRY_SECONDS[min(outcome.record.attempts, len(RETRY_SECONDS)) - 1]
                self._suspects.add(replace(outcome.record, state="seen"), delay_seconds=delay)
            elif outcome.state == "done":
                self.done += 1
            else:
                self.failed += 1
        if self._publish:
            self._announced()

    def _written(self, outcomes: list[Outcome]) -> list[tuple[Outcome, bool]]:
        """Write outcomes, each with whether its row was still ours; one that cannot be written fails its own file."""
        try:
            kept = self.patiently(lambda: self.journal.finish(outcomes))
        except Exception as error:
            self._trouble(error)
            if len(outcomes) > 1:
                return [pair for outcome in outcomes for pair in self._written([outcome])]
            if outcomes[0].store is None:
                raise
            return self._written([_unwritable(outcomes[0], error)])
        return list(zip(outcomes, kept or [], strict=False))

    def release(self, batch: Sequence[Claimed]) -> None:
        """Give rows back unworked."""
        if batch:
            try:
                self.journal.release([claimed.record for claimed in batch])
            except TracktionError as error:
                self._trouble(error)


def _unwritable(outcome: Outcome, error: Exception) -> Outcome:
    reason = printable(f"Unwritable: {type(error).__name__}: {error}")
    message = None if outcome.message is None else {**outcome.message, "state": "failed", "reason": reason}
    return replace(outcome, state="failed", reason=reason, identity=None, store=None, message=message)


class HandlerWorker(Worker):
    """Work that is the handler's alone: settled versions go to it in batches."""

    def step(self) -> bool:
        """Do one batch, if one is due; whether there was one."""
        self.attend()
        batch = self.claim_suspect()
        if not batch and (self.backlog.due() or self.journal.shared):
            batch = self.claim(self.batch_size)
        if not batch:
            return False
        self.working = len(batch)
        failpoint("work.begin")
        try:
            raised = self.deliver([claimed.change for claimed in batch])
            if raised is None:
                self.release(batch)
                return True
            self.finish([(claimed, self.outcome(claimed, raised.get(i))) for i, claimed in enumerate(batch)])
        finally:
            self.working = 0
        return True
