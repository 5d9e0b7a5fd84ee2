"""The Analyzer: one source, many sources; synchronous and asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import hashlib
import json
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sized
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tracktion.errors import TracktionError, UsageError
from tracktion.options import (
    PARTS,
    Part,
    Source,
    checked_parts,
    checked_range,
    checked_sources,
    demand_helper,
    prior_key,
)
from tracktion.remote import is_url, name_of
from tracktion.results.analysis import Analysis
from tracktion.version import ALGORITHM

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from tracktion.audio import AudioStream, Limits
    from tracktion.audio.source import Source as OpenSource
    from tracktion.batch import BatchItem
    from tracktion.features.stream import Features
    from tracktion.monitor import MemoryMonitor
    from tracktion.remote import Remote
    from tracktion.results.tags import Tags
    from tracktion.stream import AnalysisStream

__all__ = ["PARTS", "Analyzer", "Part", "Source"]

logger = logging.getLogger("tracktion")

Engine = Literal["tracktion", "essentia", "both"]


class Analyzer:
    """Hears a recording: tempo, beats, key, mood, loudness, structure, fingerprint.

    Parameters
    ----------
    compute
        Which parts to compute; fewer cost less. Default: all of `PARTS`.
    bpm_range
        Fold the tempo into this range (BPM) where its octave allows; None leaves it as heard.
    tempo_prior
        Weight of a tempo as a function of BPM; replaces the learned octave prior.
    limits
        What a file may demand; see `tracktion.audio.Limits`.
    engine
        ``"tracktion"``, ``"essentia"`` (extra ``essentia``), or ``"both"``: agreement raises confidence, disagreement
        lowers it.
    storage
        Catalogue to look up and keep analyses in, by audio identity; see `tracktion.open_storage`.
    cache
        Cache to look up and keep analyses in; see `tracktion.cache`.
    read_tags
        Also read artist, title and so on from the file.
    overlap
        Let `analyze` use a second thread where there is a second core: to decode while it analyses, for half of the
        network, and to find the key beside the beats. Batches never do: there the cores have other files.
    remote
        How URLs are fetched, and within which limits; see `tracktion.remote.Remote`.

    Raises
    ------
    UsageError
        When an option cannot be meant.

    Notes
    -----
    An Analyzer holds no state between calls and may be used from many threads at once.
    """

    def __init__(
        self,
        *,
        compute: Iterable[Part] = tuple(PARTS),
        bpm_range: tuple[float, float] | None = None,
        tempo_prior: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
        limits: Limits | None = None,
        engine: Engine = "tracktion",
        storage: Any = None,
        cache: Any = None,
        read_tags: bool = True,
        overlap: bool = True,
        remote: Remote | None = None,
    ) -> None:
        self.compute: tuple[Part, ...] = checked_parts(compute)
        if engine not in ("tracktion", "essentia", "both"):
            raise UsageError(f"engine must be 'tracktion', 'essentia' or 'both', not {engine!r}")
        if tempo_prior is not None and not callable(tempo_prior):
            raise UsageError(f"tempo_prior is a function of tempi in BPM, not {tempo_prior!r}")
        for name, value, member, maker in (
            ("limits", limits, "max_seconds", "tracktion.Limits(...)"),
            ("storage", storage, "get_analysis", "tracktion.open_storage(...)"),
            ("cache", cache, "set", "tracktion.cache.LRUCache()"),
            ("remote", remote, "fetch", "tracktion.remote.Remote()"),
        ):
            if value is not None:
                demand_helper(name, value, member, f"what {maker} gives")
        self.bpm_range, self.tempo_prior, self.engine = checked_range(bpm_range), tempo_prior, engine
        self.limits, self.storage, self.cache, self.read_tags = limits, storage, cache, read_tags
        self.overlap, self.remote = overlap, remote
        self._left: threading.Event | None = None

    def __repr__(self) -> str:
        return f"Analyzer(compute={self.compute}, engine={self.engine!r})"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of features that `compute` needs."""
        from tracktion.features.stream import KINDS

        needed = {kind for part in self.compute for kind in PARTS[part]}
        return tuple(kind for kind in KINDS if kind in needed)

    @property
    def parameters(self) -> str:
        """Short key of everything that changes the answer; with the audio identity it names a stored analysis."""
        settings = {
            "compute": sorted(self.compute),
            "bpm_range": self.bpm_range,
            "engine": self.engine,
            "prior": prior_key(self.tempo_prior) if self.tempo_prior is not None else None,
            "limits": asdict(self.limits) if self.limits else None,
        }
        return hashlib.blake2b(json.dumps(settings, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()

    def to_spec(self) -> dict[str, Any]:
        """Return the options as JSON for another process; storage, cache and remote stay here, see `hosted`."""
        if self.tempo_prior is not None:
            raise UsageError("a tempo_prior is a function and cannot be sent to another process; use threads")
        return {
            "compute": list(self.compute),
            "bpm_range": list(self.bpm_range) if self.bpm_range else None,
            "limits": asdict(self.limits) if self.limits else None,
            "engine": self.engine,
            "read_tags": self.read_tags,
            "overlap": False,
        }

    @classmethod
    def from_spec(cls, spec: dict[str, Any]) -> Analyzer:
        """Inverse of `to_spec`."""
        from tracktion.audio import Limits

        options = dict(spec)
        options["bpm_range"] = tuple(spec["bpm_range"]) if spec.get("bpm_range") else None
        options["limits"] = Limits(**spec["limits"]) if spec.get("limits") else None
        return cls(**options)

    def analyze(self, source: Source) -> Analysis:
        """Analyse one source.

        Parameters
        ----------
        source
            A path (undecodable names too), a URL (extra ``remote``), an open binary file, the bytes of a file, or
            ``(samples, sample_rate)`` with samples float in ±1 [shape (n,) or (n, channels)].

        Returns
        -------
        Analysis

        Raises
        ------
        FileError
            When the file cannot be opened, is no audio, or cannot be decoded.
        LimitError
            When it exceeds `limits`.
        UsageError
            When `source` is none of the above.
        """
        return self._analyze(source, self._hear)

    def hosted(self, hear: Callable[[Source], Analysis], *, fetched: bool) -> Callable[[Source], Analysis]:
        """Return `analyze` with the hearing done by `hear`, such as another process; all else stays in this one.

        Parameters
        ----------
        hear
            Analyses one source: a path, or what else was given.
        fetched
            Give it open what is no path: what a URL led to, a stream that can be read only once.
        """

        def analyze(source: Source) -> Analysis:
            path = isinstance(source, (str, os.PathLike)) and not is_url(source)
            return self._analyze(source, lambda opened: hear(opened if fetched and not path else source))

        return analyze

    @property
    def keeps(self) -> bool:
        """Whether analyses are looked up and kept."""
        return self.storage is not None or self.cache is not None

    def _analyze(self, source: Source, hear: Callable[[Source], Analysis]) -> Analysis:
        """Look the analysis up, or let `hear` make it, here or elsewhere, and keep it."""
        if isinstance(source, tuple):
            return hear(source)
        with self._opened(source) as opened:
            identity = self._identity(opened)
            known = self._recall(identity)
            analysis = self._tagged(known, opened) if known is not None else hear(opened)
            if known is None and analysis.damaged:
                identity = self._identity(opened, trust_md5=False)
        analysis = replace(analysis, source=name_of(source), identity=identity)
        if known is None:
            self._remember(analysis)
        return analysis

    def analyze_many(
        self,
        sources: Iterable[Source],
        *,
        workers: int | None = None,
        progress: bool = False,
        on_progress: Callable[[BatchItem], None] | None = None,
        stop_event: threading.Event | None = None,
        executor: Executor | None = None,
        isolation: Literal["process"] | None = None,
        timeout_seconds: float | None = None,
        memory: MemoryMonitor | None = None,
    ) -> Iterator[BatchItem]:
        """Analyse many sources, yielding results as they finish; an error is an item, never a raise.

        Parameters
        ----------
        sources
            Any iterable, taken from as workers become free; it must not wait for results.
        workers
            Threads or processes; default ``min(4, cores)``.
        progress
            Show a progress bar (terminal or notebook).
        on_progress
            Called with each finished item.
        stop_event
            When set, nothing new is begun and the iteration ends.
        executor
            Any `concurrent.futures.Executor` (for instance of Dask) instead of threads.
        isolation
            ``"process"``: decode and analyse in worker processes with limits; a crash, hang or memory bomb costs that
            file alone. URLs are fetched, and kept analyses looked up and stored, in this process.
        timeout_seconds
            Per file, with ``isolation="process"``.
        memory
            While it reports pressure, fewer files are worked on at the same time; see `tracktion.MemoryMonitor`.
        """
        from tracktion.batch import run

        with self._leavable() as alone:
            alone.overlap = False
            items = run(
                checked_sources(sources),
                alone,
                workers=workers,
                executor=executor,
                isolation=isolation,
                stop_event=stop_event,
                timeout_seconds=timeout_seconds,
                memory=memory,
            )
            if progress:
                from tqdm.auto import tqdm

                total = len(sources) if isinstance(sources, Sized) else None
                items = iter(tqdm(items, total=total, unit="file"))
            for item in items:
                if on_progress is not None:
                    on_progress(item)
                yield item

    async def aanalyze(self, source: Source) -> Analysis:
        """Like `analyze`, in a thread, for asyncio; a cancelled one ends soon after."""
        with self._leavable() as alone:
            return await asyncio.to_thread(alone.analyze, source)

    async def aanalyze_many(self, sources: Iterable[Source], **options: Any) -> AsyncIterator[BatchItem]:
        """Like `analyze_many`, for asyncio; leaving the loop early stops the work."""
        stop = _EitherEvent(options.pop("stop_event", None))
        items = self.analyze_many(sources, stop_event=stop, **options)
        end: Any = object()
        try:
            while (item := await asyncio.to_thread(next, items, end)) is not end:
                yield item
        finally:
            stop.set()

    def stream(self, *, sample_rate: int, channels: int = 1) -> AnalysisStream:
        """Begin an analysis into which you push blocks of samples as they come.

        Parameters
        ----------
        sample_rate
            Hz.
        channels
            Number of channels.

        Raises
        ------
        UsageError
            When these are outside of `limits`, or with another engine than our own.
        """
        from tracktion.stream import AnalysisStream

        return AnalysisStream(self, sample_rate=sample_rate, channels=channels)

    def extract(self, source: Source) -> Features:
        """Only the streaming pass: the features that the estimators take."""
        from tracktion.audio import open_audio

        with open_audio(source, **self._limit_options()) as audio:
            return self._features(audio)

    def estimate(self, features: Features, *, notes: dict[str, str] | None = None) -> Analysis:
        """Only the estimators: features that you already have → `Analysis`.

        Parameters
        ----------
        features
            From `extract` or `tracktion.features.stream.extract_features`.
        notes
            Notes to begin with.
        """
        from tracktion.estimators import estimate_all

        with np.errstate(under="ignore"):  # a host may have numpy raise
            return estimate_all(
                features,
                parts=self.compute,
                bpm_range=self.bpm_range,
                tempo_prior=self.tempo_prior,
                notes=notes or {},
                workers=self._threads(),
            )

    @contextlib.contextmanager
    def _leavable(self) -> Iterator[Analyzer]:
        """A copy for other threads, whose work ends once the block is left: a program waits for threads to exit."""
        alone, left = copy.copy(self), threading.Event()
        alone._left = left  # noqa: SLF001 - a copy of this one
        try:
            yield alone
        finally:
            left.set()

    def _threads(self) -> int:
        """Threads for one file; a second is all that it can keep busy."""
        from tracktion.batch import default_workers

        return min(2, default_workers()) if self.overlap else 1

    def _hear(self, source: Source) -> Analysis:
        if self.engine == "tracktion":
            analysis = self._hear_natively(source)
        else:
            from tracktion.estimators.essentia import analyze_with_essentia

            analysis = analyze_with_essentia(self, source, both=self.engine == "both")
        return analysis if isinstance(source, tuple) else self._tagged(analysis, source)

    @contextlib.contextmanager
    def _opened(self, source: Source) -> Iterator[OpenSource]:
        """Open once for identity, tags and decoding; what lies elsewhere is fetched first."""
        from tracktion.audio.source import open_source

        name = name_of(source)
        with contextlib.ExitStack() as stack:
            if is_url(source):
                from tracktion.remote import Remote

                source = stack.enter_context((self.remote or Remote()).fetch(source))
            opened = stack.enter_context(open_source(source, **self._limit_options()))
            opened.name = name or opened.name
            yield opened

    def _hear_natively(self, source: Source) -> Analysis:
        from tracktion.audio import open_audio

        with open_audio(source, **self._limit_options()) as audio:
            features = self._features(audio)
            notes = dict(audio.notes)
            container, codec, decoder = audio.format, audio.codec, audio.decoder
        return replace(self.estimate(features, notes=notes), format=container, codec=codec, decoder=decoder)

    def _tagged(self, analysis: Analysis, source: OpenSource) -> Analysis:
        """An analysis, just made or kept, is of the audio; what the file says about itself is read from this file."""
        notes = {code: text for code, text in analysis.notes.items() if code != "tags"}
        tags = self._tags(source, notes) if self.read_tags else None
        return replace(analysis, tags=tags, notes=notes)

    def _tags(self, source: Source, notes: dict[str, str]) -> Tags | None:
        from tracktion.audio import read_tags

        try:
            return read_tags(source, **self._limit_options())
        except TracktionError as error:
            notes["tags"] = error.reason
            return None

    def _features(self, audio: AudioStream) -> Features:
        from tracktion.audio.ahead import ahead
        from tracktion.features.stream import FeatureExtractor

        extractor = FeatureExtractor(sample_rate=audio.sample_rate, channels=audio.channels, kinds=self.kinds)
        with contextlib.ExitStack() as stack:
            stack.enter_context(np.errstate(under="ignore"))
            blocks = audio.blocks()
            if self._threads() > 1:
                blocks = stack.enter_context(contextlib.closing(ahead(blocks)))
            for block in blocks:
                if self._left is not None and self._left.is_set():
                    raise TracktionError("nobody waits for this analysis any more", file=audio.name, stage="decode")
                extractor.push(block)
            return extractor.finish()

    def _limit_options(self) -> dict[str, Any]:
        return {} if self.limits is None else {"limits": self.limits}

    def _identity(self, source: OpenSource, *, trust_md5: bool = True) -> str | None:
        if not self.keeps:
            return None
        from tracktion.audio import audio_identity

        return audio_identity(source, trust_md5=trust_md5, **self._limit_options())

    def _recall(self, identity: str | None) -> Analysis | None:
        data = None
        if identity and self.cache is not None:
            data = self.cache.get(self._cache_key(identity))
        if identity and not isinstance(data, dict) and self.storage is not None:
            data = self.storage.get_analysis(identity, ALGORITHM, self.parameters)
        with contextlib.suppress(UsageError):  # what cannot be read is made again
            return Analysis.from_dict(data) if isinstance(data, dict) else None
        return None

    def _cache_key(self, identity: str) -> str:
        from tracktion.cache.keys import cache_key

        return cache_key("analysis", identity, ALGORITHM, self.parameters)

    def _remember(self, analysis: Analysis) -> None:
        if analysis.identity is None:
            return
        from tracktion.cache.keys import ANALYSIS_TTL

        if self.storage is not None:
            self.storage.put_analysis(analysis.identity, ALGORITHM, self.parameters, analysis)
            if analysis.fingerprint:
                self.storage.put_fingerprint(analysis.identity, analysis.fingerprint, duration=analysis.duration)
        if self.cache is not None:
            self.cache.set(self._cache_key(analysis.identity), analysis.to_dict(), ttl=ANALYSIS_TTL)


class _EitherEvent(threading.Event):
    """Set by whoever holds it, or by another event, which it leaves alone."""

    def __init__(self, other: threading.Event | None) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        """Whether either is set."""
        return super().is_set() or (self._other is not None and self._other.is_set())
