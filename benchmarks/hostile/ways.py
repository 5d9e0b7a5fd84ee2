"""The child that is exposed to hostile files, in one of several ways.

    python -m benchmarks.hostile.ways WAY

Reads a JSON list of paths from stdin, writes one JSON line per finished file to what was stdout; everything else that
anybody prints goes to stderr. The parent restarts it behind a file that killed it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Fact = dict[str, Any]
TIMEOUT_SECONDS = 20.0


def memory_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _analysis(analysis: Any, path: str) -> Fact:
    tempo, key = analysis.tempo, analysis.key
    return {
        "ok": True,
        "seconds": analysis.duration,
        "bpm": tempo.bpm if tempo else None,
        "key": key.name if key else None,
        "notes": sorted(analysis.notes),
        "finite": _finite(analysis.to_dict()),
        "evidence": _evidence(path) if tempo or key else True,
    }


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_finite(v) for v in value.values())
    if isinstance(value, list):
        return all(_finite(v) for v in value)
    return not isinstance(value, float) or math.isfinite(value)


def _evidence(path: str) -> bool:
    """Whether the mono mix moves at all: silence and DC hold neither tempo nor key."""
    from tracktion.audio import open_audio

    with open_audio(path) as stream:
        return any(float(block.mean(axis=1).std()) > 1e-6 for block in stream.blocks())


def _failure(error: BaseException) -> Fact:
    from tracktion.errors import TracktionError

    if isinstance(error, MemoryError):
        return {"ok": False, "error": "MemoryError", "memory": True, "reason": str(error)}
    typed = isinstance(error, TracktionError)
    return {
        "ok": False,
        "error": error.code if isinstance(error, TracktionError) else type(error).__name__,
        "typed": typed,
        "reason": str(error)[:200],
    }


def each(function: Callable[[str], Fact]) -> Callable[[list[str]], Iterator[tuple[int, Fact]]]:
    """One file after the other in this process."""

    def run(paths: list[str]) -> Iterator[tuple[int, Fact]]:
        for index, path in enumerate(paths):
            start = time.perf_counter()
            try:
                fact = function(path)
            except Exception as error:
                fact = _failure(error)
            yield index, {**fact, "took": time.perf_counter() - start}

    return run


def in_process(path: str) -> Fact:
    import tracktion

    return _analysis(tracktion.Analyzer(overlap=False).analyze(path), path)


def decode(path: str) -> Fact:
    from tracktion.audio import open_audio

    with open_audio(path) as stream:
        frames = sum(len(block) for block in stream.blocks())
    return {"ok": True, "seconds": frames / stream.sample_rate, "notes": sorted(stream.notes)}


def tags(path: str) -> Fact:
    from tracktion.audio import audio_identity, read_tags

    audio_identity(path)
    return {"ok": True, "finite": _finite(read_tags(path).to_dict())}


def isolated(paths: list[str]) -> Iterator[tuple[int, Fact]]:
    import tracktion

    items = tracktion.Analyzer().analyze_many(paths, workers=1, isolation="process", timeout_seconds=TIMEOUT_SECONDS)
    for item in items:
        fact = _failure(item.error) if item.error is not None else _analysis(item.analysis, paths[item.index])
        yield item.index, {**fact, "took": item.seconds}


def watcher(paths: list[str]) -> Iterator[tuple[int, Fact]]:
    import tracktion

    facts: dict[int, Fact] = {}

    def handler(changes: list[Any]) -> None:
        for change in changes:
            index = int(Path(change.path).name.split(".")[0])
            if change.error is not None:
                facts[index] = _failure(change.error)
            elif change.analysis is not None:
                facts[index] = _analysis(change.analysis, paths[index])
            facts[index]["attempt"] = change.attempt

    with tempfile.TemporaryDirectory() as folder:
        for index, path in enumerate(paths):
            # A name that the Watcher takes for audio, whatever the corpus calls it.
            (Path(folder) / f"{index}.mp3").write_bytes(Path(path).read_bytes())
        done: set[int] = set()
        with tracktion.Watcher(folder, analyzer=tracktion.Analyzer(), handler=handler, debounce=0.0, workers=1) as w:
            for _ in range(5):
                w.scan_once()
                for index in sorted(facts.keys() - done):
                    done.add(index)
                    yield index, facts[index]
                if len(done) == len(paths):
                    break


def peer_soundfile(path: str) -> Fact:
    import numpy as np
    import soundfile

    samples, rate = soundfile.read(path, dtype="float32")
    return {"ok": True, "seconds": len(samples) / rate, "finite": bool(np.isfinite(samples).all())}


def peer_librosa(path: str) -> Fact:
    import librosa
    import numpy as np

    samples, rate = librosa.load(path, sr=None)
    return {"ok": True, "seconds": len(samples) / rate, "finite": bool(np.isfinite(samples).all())}


def peer_mutagen(path: str) -> Fact:
    import mutagen

    return {"ok": mutagen.File(path) is not None}


def peer_essentia(path: str) -> Fact:
    import essentia
    import essentia.standard as es

    essentia.log.warningActive = False
    samples = es.MonoLoader(filename=path, sampleRate=44100)()
    bpm, _, _, _, _ = es.RhythmExtractor2013(method="multifeature")(samples)
    key, scale, strength = es.KeyExtractor(profileType="bgate")(samples)
    return {
        "ok": True,
        "seconds": len(samples) / 44100,
        "bpm": float(bpm),
        "key": f"{key} {scale}",
        "finite": _finite([float(bpm), float(strength)]),
        "evidence": float(strength) > 0,
    }


WAYS: dict[str, Callable[[list[str]], Iterator[tuple[int, Fact]]]] = {
    "decode": each(decode),
    "in-process": each(in_process),
    "isolated": isolated,
    "watcher": watcher,
    "tags": each(tags),
    "soundfile": each(peer_soundfile),
    "librosa": each(peer_librosa),
    "mutagen": each(peer_mutagen),
    "essentia": each(peer_essentia),
}


def main() -> None:
    """Serve one list of files."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    paths = json.loads(sys.stdin.readline())
    for index, fact in WAYS[sys.argv[1]](paths):
        answers.write(json.dumps({"index": index, "memory_mb": memory_mb(), **fact}, default=str) + "\n")
        answers.flush()
    with contextlib.suppress(OSError):
        answers.close()


if __name__ == "__main__":
    main()
