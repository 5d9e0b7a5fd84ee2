"""Work in other processes, so that a decoder that crashes, hangs or eats the memory costs one file."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import io
import logging
import os
import queue
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from multiprocessing.spawn import get_executable
from typing import Any

from tracktion.batch.limits import WorkerLimits, checked_limits
from tracktion.batch.task import Task, decode_outcome, task_of
from tracktion.batch.wire import ClosedError, FrameError, receive, send
from tracktion.errors import (
    OutOfMemoryError,
    TimeoutExceededError,
    TracktionError,
    UnreadableError,
    UsageError,
    WorkerCrashedError,
)
from tracktion.remote import name_of

__all__ = ["IsolatedPool"]

logger = logging.getLogger("tracktion")

START = "start"
"""The stage of errors of a worker that could not be started, which say nothing of the file."""
START_SECONDS = 60.0
CONTROL_SECONDS = 10.0
GRACE_SECONDS = 2.0
COPIED_BYTES = 1 << 20
PRELOAD = ("numpy", "scipy.fft", "soundfile", "av", "soxr", "mutagen", "tracktion.analyzer")
QUIET_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from tracktion.batch.zygote import main; main(int(sys.argv[2]))"
)


class _HelperGoneError(Exception):
    """The clean helper died; the work in hand was not at fault."""


def _has_stderr() -> bool:
    """Whether a child gets one from this process; else its first socket would take that number, and be written to."""
    try:
        return os.get_inheritable(2)
    except OSError:
        return False


def _channel(what: str) -> tuple[socket.socket, socket.socket]:
    try:
        return socket.socketpair()
    except OSError as error:
        raise TracktionError(f"cannot start {what}: {error.strerror}", stage=START) from error


class _Helper:
    """The host's end of one clean helper process."""

    def __init__(self) -> None:
        import json

        self._lock = threading.Lock()
        path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - "" must become the folder it means
        ours, theirs = _channel("the isolation helper")
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter with fixed arguments
                [os.fsdecode(get_executable() or sys.executable), "-c", BOOT, json.dumps(path), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if _has_stderr() else subprocess.DEVNULL,
                env={**os.environ, **QUIET_THREADS},
            )
        except OSError as error:
            ours.close()
            raise TracktionError(f"cannot start the isolation helper: {error}", stage=START) from error
        finally:
            theirs.close()
        self._control = ours
        try:
            self.ask({"op": "load", "modules": list(PRELOAD)}, seconds=START_SECONDS)
        except _HelperGoneError as error:
            self.close()
            raise TracktionError("the isolation helper did not start", stage=START) from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(
        self, request: dict[str, Any], descriptors: tuple[int, ...] = (), seconds: float = CONTROL_SECONDS
    ) -> dict[str, Any]:
        with self._lock:
            try:
                send(self._control, request, descriptors)
                answer, _ = receive(self._control, deadline=time.monotonic() + seconds)
            except (ClosedError, FrameError, TimeoutError, OSError) as error:
                raise _HelperGoneError from error
        if "problem" in answer:
            logger.warning("isolation helper: %s", answer["problem"])
        return answer

    def close(self) -> None:
        """End it and its workers; it does not outlive this call."""
        self._control.close()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(GRACE_SECONDS)


@dataclass(slots=True)
class _Worker:
    pid: int
    channel: socket.socket
    helper: _Helper
    tasks: int = 0
    maxrss_kib: int = 0


@dataclass(slots=True)
class _Job:
    future: Future[Any]
    task: Task
    source: Any
    seconds: float


class IsolatedPool(Executor):
    """A `concurrent.futures.Executor` whose workers may die without harm to the host or to other work.

    Workers are forked from a clean helper process, so it is safe in hosts with threads. Each has limits on memory,
    time, descriptors and written bytes, cannot gain privileges, leaves no core, and answers in JSON. A file on which a
    worker dies ends in `WorkerCrashedError`, `TimeoutExceededError` or `OutOfMemoryError`; a new worker stands in its
    place within milliseconds.

    Parameters
    ----------
    workers
        Processes; `min(4, cores)` by default.
    limits
        See `WorkerLimits`.

    Notes
    -----
    POSIX only. Work is named, not pickled: see `Task`. Sources are paths, bytes or binary file objects.
    """

    def __init__(self, *, workers: int | None = None, limits: WorkerLimits | None = None) -> None:
        if not hasattr(os, "fork"):
            raise UsageError("isolation='process' needs a POSIX system; use threads here")
        self.workers = workers if workers is not None else min(4, os.cpu_count() or 1)
        if self.workers < 1:
            raise UsageError("workers must be at least 1")
        importlib.import_module("tracktion._core._select")  # which says here, where it is seen, if kernels are missing
        self.limits = checked_limits(limits)
        self.crashes = 0
        self._owner = os.getpid()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._helper_lock = threading.Lock()
        self._helper: _Helper | None = None
        self._live: dict[int, _Worker | None] = {}
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._stopping = threading.Event()
        _POOLS.add(self)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Schedule ``fn(source)``.

        Parameters
        ----------
        fn
            A `Task`, a module-level function, or an Analyzer or its method.
        args
            The source, alone.
        kwargs
            ``timeout``: seconds for this source, in place of the limit.
        """
        task = task_of(fn)
        timeout = kwargs.pop("timeout", None)
        if task is None or len(args) != 1 or kwargs:
            raise UsageError("isolated work is a Task, a module-level function or an Analyzer's method, and one source")
        job = _Job(Future(), task, args[0], float(timeout if timeout is not None else self.limits.seconds))
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if os.getpid() != self._owner:
                raise UsageError("this pool belongs to another process; make one after the fork")
            if len(self._threads) < self.workers:
                number = len(self._threads)
                thread = threading.Thread(
                    target=self._slot, args=(number,), name=f"tracktion-slot-{number}", daemon=True
                )
                self._threads.append(thread)
                thread.start()
            self._jobs.put(job)
        return job.future

    def prepare(self) -> None:
        """Start the helper in the background, so that the first file does not wait for its imports."""

        def start() -> None:
            with contextlib.suppress(_HelperGoneError, TracktionError):
                self._current_helper()

        threading.Thread(target=start, name="tracktion-helper", daemon=True).start()

    def worker_pids(self) -> list[int]:
        """Process ids of the living workers."""
        with self._lock:
            return [worker.pid for worker in self._live.values() if worker is not None]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Finish what is scheduled (or cancel it), end the workers and the helper. Work in hand is given its time."""
        with self._lock:
            self._closed = True
        if cancel_futures:
            self._cancel_scheduled()
        for _ in self._threads:  # at each call: what is cancelled takes the ends of an earlier one along
            self._jobs.put(None)
        if wait:
            for thread in self._threads:
                thread.join()
            self._end_helper()

    def terminate(self) -> None:
        """End at once: scheduled work is cancelled, work in hand fails as crashed."""
        self._stopping.set()
        self.shutdown(wait=False, cancel_futures=True)
        self._end_helper()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(GRACE_SECONDS)

    def __exit__(self, *exc: object) -> None:
        if exc[0] is None:
            self.shutdown()
        else:
            self.terminate()

    def _cancel_scheduled(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    job.future.cancel()
                    job.future.set_running_or_notify_cancel()

    def _end_helper(self) -> None:
        with self._helper_lock:
            helper, self._helper = self._helper, None
        if helper is not None:
            helper.close()

    # One thread of the host stands behind each worker: it waits where the worker works.

    def _slot(self, number: int) -> None:
        worker: _Worker | None = None
        while True:
            job = self._jobs.get()
            if job is None:
                break
            if not job.future.set_running_or_notify_cancel():
                continue
            worker = self._run(job, worker)
            with self._lock:
                self._live[number] = worker
            del job
        self._dismiss(worker)
        with self._lock:
            self._live[number] = None

    def _run(self, job: _Job, worker: _Worker | None) -> _Worker | None:
        name = name_of(job.source)
        for last in (False, True):
            try:
                worker = worker or self._fork()
                answer, worker = self._exchange(job, worker)
                result = decode_outcome(answer, name)
            except _HelperGoneError:
                self._bury(worker)
                worker = None
                if not last and not self._stopping.is_set():
                    continue
                job.future.set_exception(
                    WorkerCrashedError("the isolation helper was killed", file=name, stage="analyse")
                )
            except _WorkerLostError as lost:
                worker = None
                self.crashes += 1
                job.future.set_exception(lost.error)
                worker = self._replace()
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                if isinstance(error, TracktionError) and name is not None:
                    error.file = name  # a worker does not know the name of what came as a descriptor
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
            break
        if worker is not None and self._worn(worker):
            self._dismiss(worker)
            worker = None
        return worker

    def _exchange(self, job: _Job, worker: _Worker) -> tuple[dict[str, Any], _Worker]:
        plain, descriptors = _outgoing(job.source)
        request = {"task": job.task.to_dict(), "source": plain}
        deadline = time.monotonic() + job.seconds
        try:
            send(worker.channel, request, descriptors)
            answer, _ = receive(worker.channel, deadline=deadline)
        except TimeoutError:
            self._reap(worker, patient=False)
            raise _WorkerLostError(
                TimeoutExceededError(f"took longer than {job.seconds:g} s", file=name_of(job.source), stage="analyse")
            ) from None
        except (ClosedError, FrameError, OSError):
            raise _WorkerLostError(_cause(self._reap(worker, patient=True), self.limits, name_of(job.source))) from None
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        worker.tasks += 1
        with contextlib.suppress(TypeError, ValueError):
            worker.maxrss_kib = int(answer.get("maxrss", 0))
        return answer, worker

    def _fork(self) -> _Worker:
        helper = self._current_helper()
        ours, theirs = _channel("a worker")
        try:
            answer = helper.ask({"op": "fork", "limits": self.limits.to_dict()}, (theirs.fileno(),))
            if "pid" not in answer:
                raise TracktionError(f"cannot start a worker: {answer.get('problem')}", stage=START)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return _Worker(int(answer["pid"]), ours, helper)

    def _current_helper(self) -> _Helper:
        with self._helper_lock:
            if self._stopping.is_set():
                raise _HelperGoneError
            if self._helper is None:
                self._helper = _Helper()
            return self._helper

    def _replace(self) -> _Worker | None:
        """Stand a new worker in the place of a lost one now, not when the next file comes."""
        with contextlib.suppress(_HelperGoneError, TracktionError):
            return self._fork()
        return None

    def _reap(self, worker: _Worker, *, patient: bool) -> dict[str, Any]:
        worker.channel.close()
        return worker.helper.ask({"op": "reap", "pid": worker.pid, "patient": patient})

    def _dismiss(self, worker: _Worker | None) -> None:
        if worker is not None:
            with contextlib.suppress(_HelperGoneError):
                self._reap(worker, patient=True)

    def _bury(self, worker: _Worker | None) -> None:
        """The helper is gone, and its workers with it; the next fork starts another."""
        if worker is not None:
            worker.channel.close()
        with self._helper_lock:
            helper = self._helper
            if helper is None or (worker is not None and helper is not worker.helper):
                return
            self._helper = None
        helper.close()

    def _worn(self, worker: _Worker) -> bool:
        return worker.tasks >= self.limits.tasks or worker.maxrss_kib * 1024 > self.limits.memory_bytes * 3 // 4


class _WorkerLostError(Exception):
    def __init__(self, error: TracktionError) -> None:
        super().__init__(str(error))
        self.error = error


def _outgoing(source: Any) -> tuple[str | None, tuple[int, ...]]:
    """How a source travels: a path as text, anything else as a descriptor; bytes are content, as everywhere."""
    if isinstance(source, (str, os.PathLike)):
        return os.path.abspath(os.fsdecode(source)), ()  # noqa: PTH100 - Path.absolute fails on NUL later, this here
    descriptor = _descriptor(source)
    return None, (_memory_file(source) if descriptor is None else os.dup(descriptor),)


def _descriptor(source: Any) -> int | None:
    """Of a file on disk; None for what only looks like one: its bytes are not those behind its descriptor."""
    file = getattr(source, "file", source)
    raw = getattr(file, "raw", file)
    if not isinstance(raw, io.FileIO) or not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
        return None
    with contextlib.suppress(OSError, ValueError, AttributeError):
        file.flush()
    return raw.fileno()


def _memory_file(source: Any) -> int:
    from tracktion.audio.source import open_source

    if not hasattr(os, "memfd_create"):
        raise UnreadableError("only files on disk can be passed to an isolated worker on this system", stage="open")
    with open_source(source) as opened:
        descriptor = os.memfd_create("tracktion")
        with os.fdopen(os.dup(descriptor), "wb") as file:
            for start in range(0, opened.size, COPIED_BYTES):
                file.write(opened.read_at(start, COPIED_BYTES))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _cause(ended: dict[str, Any], limits: WorkerLimits, name: str | None) -> TracktionError:
    number, code = ended.get("signal"), ended.get("exit")
    maxrss = int(ended.get("maxrss") or 0) * 1024
    if number == getattr(signal, "SIGXCPU", None):
        return TimeoutExceededError("used more processor time than allowed", file=name, stage="analyse")
    if number in {signal.SIGKILL, signal.SIGABRT} and maxrss > limits.memory_bytes * 3 // 4:
        return OutOfMemoryError("the worker was killed for its memory", file=name, stage="analyse")
    how = f"signal {number} ({_signal_name(number)})" if number is not None else f"exit code {code}"
    return WorkerCrashedError(f"the worker died: {how}", file=name, stage="analyse")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


_POOLS: weakref.WeakSet[IsolatedPool] = weakref.WeakSet()


def _end_all() -> None:
    """At the end of the interpreter no worker is left behind."""
    for pool in list(_POOLS):
        if pool._owner == os.getpid():  # noqa: SLF001 - our own class
            pool.terminate()


atexit.register(_end_all)
