"""Work with an analyzer: several files at a time, in isolated workers or threads; results and states together."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any, Literal

from tracktion.batch import IsolatedPool, WorkerLimits, default_workers
from tracktion.batch.isolated import START
from tracktion.batch.limits import checked_limits
from tracktion.batch.task import error_of
from tracktion.errors import TracktionError, UnreadableError, UsageError, WorkerCrashedError, printable
from tracktion.results.change import FileChange
from tracktion.storage.journal import Outcome
from tracktion.storage.journal_failpoints import failpoint
from tracktion.storage.journal_versions import is_known_version
from tracktion.watching.analysing import analysis_task, identified, storing
from tracktion.watching.work import LOOK_SECONDS, Claimed, Worker

__all__ = ["AnalysisWorker", "Isolation"]

Isolation = Literal["process", "auto"] | None

CRASHES = 2
"""A file on which isolated workers died so often is failed; an answer on the way there counts."""


class AnalysisWorker(Worker):
    """Analyses what is ready, and hands results to the handler when there is one.

    Parameters
    ----------
    analyzer
        An Analyzer or a function of one path.
    workers, isolation, limits
        See `tracktion.batch.run`; ``"auto"`` isolates our own Analyzer.
    """

    def __init__(
        self,
        *args: Any,
        analyzer: Any,
        workers: int | None = None,
        isolation: Isolation = "auto",
        limits: WorkerLimits | None = None,
        batch_seconds: float = 30.0,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._analyzer = analyzer
        self._count = workers if workers is not None else default_workers()
        self._limits = checked_limits(limits)
        self._task = analysis_task(analyzer, isolation)
        if isolation == "process" and self._task is None:
            raise UsageError("this analyzer cannot be sent to another process; use isolation=None")
        self._parameters = str(getattr(analyzer, "parameters", ""))
        self._batch_seconds = batch_seconds
        self._pool: Executor | None = None
        self._flying: dict[Future[Any], Claimed] = {}
        self._collected: list[tuple[Claimed, FileChange, Outcome]] = []
        self._collected_since = 0.0

    @property
    def idle(self) -> bool:
        """See `Worker`."""
        return super().idle and not (self._flying or self._collected)

    def run(self) -> None:
        """Until stopped; what is in flight then is given back, and what is finished is kept."""
        with _leavable(self._analyzer) as self._analyzer:
            self._prepare()
            try:
                super().run()
            finally:
                self.close()

    def in_hand(self) -> list[Claimed]:
        """See `Worker`."""
        return [*self._flying.values(), *(claimed for claimed, _, _ in self._collected)]

    def step(self) -> bool:
        """Launch, wait a little, land; whether anything was going on."""
        self.attend()
        launched = self._launch()
        if self._flying:
            landed, _ = wait(self._flying, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            self._land(landed)
        self._hand_over(at_once=False)
        self.working = len(self._flying) + len(self._collected)
        return launched or bool(self._flying or self._collected)

    def close(self) -> None:
        """Keep what is finished, give back what is not, end the workers."""
        self._land({future for future in self._flying if future.done()})
        self._hand_over(at_once=True)
        pool, self._pool = self._pool, None
        if isinstance(pool, IsolatedPool):
            pool.terminate()
        elif pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        self.release(list(self._flying.values()))
        self._flying.clear()

    def _launch(self) -> bool:
        free = 2 * self._count - len(self._flying)
        if free <= 0 or len(self._collected) >= 2 * self.batch_size:
            return False
        batch = self.claim_suspect() if not self._flying else []
        if not batch and (self.backlog.due() or self.journal.shared):
            batch = self.claim(min(free, self.batch_size))
        for claimed in batch:
            failpoint("work.begin")
            if is_known_version(claimed.record):
                self._collect(claimed, claimed.change, self.outcome(claimed, None))
            else:
                self._flying[self._submit(claimed)] = claimed
        return bool(batch)

    def _submit(self, claimed: Claimed) -> Future[Any]:
        source = str(claimed.change.path)
        work: Any = self._task or identified(self._analyzer)
        return self._prepare().submit(work, source)

    def _prepare(self) -> Executor:
        if self._pool is None and self._task is not None:
            self._pool = IsolatedPool(workers=self._count, limits=self._limits)
            self._pool.prepare()
        elif self._pool is None:
            self._pool = ThreadPoolExecutor(self._count, thread_name_prefix="tracktion-watch")
        return self._pool

    def _land(self, landed: set[Future[Any]]) -> None:
        for future in landed:
            claimed = self._flying.pop(future)
            try:
                analysis, error = future.result(timeout=0), None
            except BaseException as problem:  # noqa: BLE001 - errors are values here, SystemExit too
                analysis, error = None, error_of(problem, str(claimed.change.path))
            if error is not None and (error.stage == START or not self.stands(claimed.record)):
                self.lay_aside([claimed.record])  # it says nothing about the file
                if error.stage == START:
                    self._trouble(error)
                continue
            change = replace(claimed.change, analysis=analysis, error=error)
            self._collect(claimed, change, self._outcome(claimed, analysis, error))

    def _outcome(self, claimed: Claimed, analysis: Any, error: TracktionError | None) -> Outcome:
        record = claimed.record
        if error is None:
            identity, store = storing(record, analysis, claimed.mark, self._parameters)
            done = Outcome(record, "done", mark=claimed.mark, identity=identity, store=store)
            return self.with_message(done, claimed.change)
        again = (isinstance(error, WorkerCrashedError) and record.attempts < CRASHES) or (
            isinstance(error, UnreadableError) and record.attempts < self.journal.max_attempts
        )
        if again:
            return Outcome(record, "seen")
        failed = Outcome(record, "failed", printable(f"{error.code}: {error.reason}"), claimed.mark)
        return self.with_message(failed, claimed.change)

    def _collect(self, claimed: Claimed, change: FileChange, outcome: Outcome) -> None:
        if not self._collected:
            self._collected_since = time.monotonic()
        self._collected.append((claimed, change, outcome))

    def _hand_over(self, *, at_once: bool) -> None:
        """Write what is finished: at once without a handler, in batches with one."""
        if not self._collected:
            return
        waiting = self._deliver is not None and not at_once
        more = self._flying or self.backlog.ready
        waited = time.monotonic() - self._collected_since
        if waiting and more and len(self._collected) < self.batch_size and waited < self._batch_seconds:
            return
        while self._collected:
            batch, self._collected = self._collected[: self.batch_size], self._collected[self.batch_size :]
            told = [entry for entry in batch if entry[2].state != "seen"]
            raised = self.deliver([change for _, change, _ in told]) if told else {}
            if raised is None:
                self._collected = []
                self.release([claimed for claimed, _, _ in batch])
                return
            errors = {id(entry[0]): raised.get(i) for i, entry in enumerate(told)}
            self.finish([(c, self._judged(c, outcome, errors.get(id(c)))) for c, _, outcome in batch])

    def _judged(self, claimed: Claimed, outcome: Outcome, raised: BaseException | None) -> Outcome:
        """The result is kept even when the handler did not want it; only then is the file marked as failed."""
        if raised is None:
            return outcome
        verdict = self.outcome(claimed, raised)
        return (
            replace(verdict, store=outcome.store, identity=outcome.identity) if verdict.state == "failed" else verdict
        )


def _leavable(analyzer: Any) -> contextlib.AbstractContextManager[Any]:
    """An Analyzer whose threads end within a block of samples once this is left: a program waits for them to exit."""
    leavable = getattr(analyzer, "_leavable", None)
    return leavable() if leavable is not None else contextlib.nullcontext(analyzer)
