"""The Analyzer on music of which we know everything."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import mmap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mir_eval
import numpy as np
import pytest

import tracktion as tk
from tests import synth
from tracktion.analyzer import PARTS
from tracktion.errors import EmptyError, FileError, UnreadableError, UnsupportedError, UsageError


@pytest.fixture(scope="module")
def clip() -> synth.Clip:
    return synth.song(bpm=124, key="A minor", seconds=20).stereo()


@pytest.fixture(scope="module")
def file(clip: synth.Clip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synth.write_wav(tmp_path_factory.mktemp("music") / "song.wav", clip.samples, clip.sample_rate)


@pytest.fixture(scope="module")
def analysis(file: Path) -> tk.Analysis:
    return tk.Analyzer().analyze(file)


def test_a_file_gets_its_tempo_beats_and_key(analysis: tk.Analysis, clip: synth.Clip) -> None:
    assert analysis.tempo is not None
    assert analysis.tempo.bpm == pytest.approx(124, rel=0.002)
    assert analysis.beats is not None
    assert clip.beats is not None
    f = mir_eval.beat.f_measure(mir_eval.beat.trim_beats(clip.beats), mir_eval.beat.trim_beats(analysis.beats.times))
    assert f > 0.9
    assert analysis.key is not None
    assert analysis.key.name == "A minor"
    assert analysis.duration == pytest.approx(clip.seconds, abs=1e-3)
    assert analysis.versions["library"] == tk.__version__


def test_a_complete_analysis_is_the_default(analysis: tk.Analysis) -> None:
    assert analysis.grid is not None
    assert analysis.grid.constant
    assert analysis.mood is not None
    assert analysis.loudness is not None
    assert analysis.structure is not None
    assert analysis.fingerprint
    assert tk.Analysis.from_json(analysis.to_json()) == analysis


def test_candidates_are_ranked_and_named(analysis: tk.Analysis) -> None:
    assert analysis.tempo is not None
    first, *others = analysis.tempo.candidates
    assert first.bpm == pytest.approx(analysis.tempo.bpm)
    assert first.relation == "1"
    assert any(c.relation in {"2", "1/2"} for c in others)
    assert sum(c.weight for c in analysis.tempo.candidates) <= 1 + 1e-9


def test_every_kind_of_source_gives_the_same_answer(file: Path, clip: synth.Clip, analysis: tk.Analysis) -> None:
    analyzer = tk.Analyzer()
    raw = file.read_bytes()
    with file.open("rb") as opened:
        answers = [analyzer.analyze(s) for s in (str(file), raw, io.BytesIO(raw), opened)]
    assert analysis.tempo is not None
    for answer in answers:
        assert answer.tempo == analysis.tempo
        assert answer.key == analysis.key
    array = analyzer.analyze((clip.samples, clip.sample_rate))
    assert array.tempo is not None
    assert array.tempo.bpm == pytest.approx(analysis.tempo.bpm, abs=0.05)
    assert array.source is None


def test_a_stream_gives_the_same_as_the_whole(clip: synth.Clip) -> None:
    analyzer = tk.Analyzer()
    stream = analyzer.stream(sample_rate=clip.sample_rate, channels=2)
    for start in range(0, len(clip.samples), 10_007):
        stream.push(clip.samples[start : start + 10_007])
    whole = analyzer.analyze((clip.samples, clip.sample_rate))
    assert stream.result() == dataclasses.replace(whole, format=None, codec=None, decoder=None)
    assert stream.result() is stream.result()
    with pytest.raises(UsageError, match="new stream"):
        stream.push(clip.samples)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_alone_gives_that_part_only(file: Path, part: str, analysis: tk.Analysis) -> None:
    alone = tk.Analyzer(compute=[part]).analyze(file)
    parts = {
        "rhythm": alone.tempo, "tonal": alone.key, "mood": alone.mood, "loudness": alone.loudness,
        "structure": alone.structure, "fingerprint": alone.fingerprint,
    }  # fmt: skip
    assert [name for name, value in parts.items() if value is not None] == [part]


@pytest.mark.parametrize(
    "make",
    [
        synth.silence,
        synth.dc,
        lambda: synth.antiphase(synth.song(bpm=120, seconds=6)),
        lambda: synth.Clip(np.array([0.5], np.float32), 44100),
    ],
    ids=["silence", "constant", "antiphase", "one sample"],
)
def test_no_answer_is_invented(make: object) -> None:
    clip = make()  # type: ignore[operator]
    answer = tk.Analyzer().analyze((clip.samples, clip.sample_rate))
    for name in ("tempo", "beats", "key", "mood"):
        assert getattr(answer, name) is None
        assert answer.notes[name]


def test_noise_has_neither_tempo_nor_key() -> None:
    clip = synth.noise(seconds=20)
    answer = tk.Analyzer().analyze((clip.samples, clip.sample_rate))
    assert answer.tempo is None
    assert answer.key is None
    assert answer.notes["tempo"]
    assert answer.notes["key"]


def test_bad_files_raise_typed_errors_that_name_them(tmp_path: Path) -> None:
    text = tmp_path / "text.mp3"
    text.write_text("no audio in here " * 100)
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    for path, kind in (
        (text, FileError),
        (empty, EmptyError),
        (tmp_path, UnreadableError),
        (tmp_path / "no", UnreadableError),
    ):
        with pytest.raises(kind) as caught:
            tk.Analyzer().analyze(path)
        assert path.name in str(caught.value)
    with pytest.raises((UnsupportedError, FileError)):
        tk.Analyzer().analyze(b"\x00" * 4000)


def test_a_batch_yields_errors_as_items(file: Path, tmp_path: Path) -> None:
    seen: list[tk.BatchItem] = []
    items = list(
        tk.Analyzer(compute=["loudness"]).analyze_many([file, tmp_path / "no.mp3", file], on_progress=seen.append)
    )
    assert sorted(item.index for item in items) == [0, 1, 2]
    assert [item.index for item in items if item.error is not None] == [1]
    assert len(seen) == 3


def test_a_batch_can_be_stopped(file: Path) -> None:
    stop = threading.Event()
    items = []
    for item in tk.Analyzer(compute=["loudness"]).analyze_many([file] * 1000, workers=1, stop_event=stop):
        items.append(item)
        stop.set()
    assert len(items) < 20


def test_the_same_answer_from_many_threads(file: Path, analysis: tk.Analysis) -> None:
    analyzer = tk.Analyzer()
    with ThreadPoolExecutor(8) as pool:
        assert all(a == analysis for a in pool.map(analyzer.analyze, [file] * 8))


def test_asyncio(file: Path) -> None:
    async def work() -> list[tk.BatchItem]:
        analyzer = tk.Analyzer(compute=["loudness"])
        one = await analyzer.aanalyze(file)
        many = [item async for item in analyzer.aanalyze_many([file, file])]
        assert all(item.analysis is not None and item.analysis.loudness == one.loudness for item in many)
        return many

    assert len(asyncio.run(work())) == 2


def test_bpm_range_folds_the_tempo(file: Path) -> None:
    folded = tk.Analyzer(compute=["rhythm"], bpm_range=(50, 100)).analyze(file)
    assert folded.tempo is not None
    assert folded.tempo.bpm == pytest.approx(62, rel=0.01)


def test_analyses_are_remembered_by_identity(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tk.open_storage("memory:") as storage:
        analyzer = tk.Analyzer(compute=["rhythm"], storage=storage)
        first = analyzer.analyze(file)
        copy = tmp_path / "other name.wav"
        copy.write_bytes(file.read_bytes())
        monkeypatch.setattr(tk.Analyzer, "_hear", lambda *_: pytest.fail("analysed again"))
        again = analyzer.analyze(copy)
    assert again.tempo == first.tempo
    assert again.identity == first.identity
    assert again.source == str(copy)


def test_spec_travels_as_json() -> None:
    analyzer = tk.Analyzer(compute=["tonal"], bpm_range=(80, 160))
    again = tk.Analyzer.from_spec(json.loads(json.dumps(analyzer.to_spec())))
    assert again.parameters == analyzer.parameters


@pytest.mark.parametrize(
    "options",
    [
        {"compute": ["taste"]},
        {"compute": []},
        {"compute": None},
        {"compute": [["rhythm"]]},
        {"bpm_range": (100, 50)},
        {"bpm_range": 5},
        {"bpm_range": (5,)},
        {"bpm_range": (50, 100, 200)},
        {"engine": "steam"},
        {"engine": ["tracktion"]},
        {"limits": {"max_seconds": 5}},
        {"storage": "sqlite:///secret.db"},
        {"cache": {}},
        {"remote": 5},
        {"tempo_prior": 120},
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, object]) -> None:
    """By their name, when the Analyzer is made."""
    names = {"compute": "there are|nothing to compute|some of"}
    with pytest.raises(UsageError, match="|".join(names.get(name, name) for name in options)) as caught:
        tk.Analyzer(**options)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("bpm_range", [np.array([80, 160]), (np.int64(80), np.float32(160)), [80, 160]])
def test_a_range_may_come_from_numpy(bpm_range: object) -> None:
    analyzer = tk.Analyzer(bpm_range=bpm_range)  # type: ignore[arg-type]
    assert json.loads(json.dumps(analyzer.to_spec()))["bpm_range"] == [80, 160]
    assert analyzer.parameters == tk.Analyzer(bpm_range=(80, 160)).parameters


@pytest.mark.parametrize(
    "sources", ["music", b"music", Path("music"), (np.zeros(9), 44100), np.zeros(9), io.BytesIO(), 5]
)
def test_one_source_is_not_many(sources: object) -> None:
    """Text is not taken apart into letters, nor a file into lines."""
    with pytest.raises(UsageError, match="list of paths"):
        next(iter(tk.Analyzer(compute=["loudness"]).analyze_many(sources)))  # type: ignore[arg-type]


def test_many_sources_may_be_anything_to_iterate_over(file: Path) -> None:
    analyzer = tk.Analyzer(compute=["loudness"])
    for sources in (np.array([str(file)]), {file: 1}, (file,), iter([file])):
        assert [item.ok for item in analyzer.analyze_many(sources)] == [True]


@pytest.mark.parametrize("extracted", PARTS)
def test_what_was_not_extracted_has_its_reason(clip: synth.Clip, extracted: str) -> None:
    features = tk.Analyzer(compute=[extracted]).extract((clip.samples[:44100], clip.sample_rate))
    answer = tk.Analyzer().estimate(features)
    for name in ("tempo", "beats", "downbeats", "grid", "key", "mood", "loudness", "structure", "fingerprint"):
        assert getattr(answer, name) is not None or answer.notes[name]


def test_silences_do_not_depend_on_what_else_is_computed(clip: synth.Clip) -> None:
    """Faint hiss behind quiet music is below -70 LUFS, which only the level features know."""
    hiss = 4e-5 * np.random.default_rng(0).standard_normal((3 * clip.sample_rate, 2))
    samples = np.concatenate([0.05 * clip.samples, hiss])
    alone, whole = (
        tk.Analyzer(compute=parts).analyze((samples, clip.sample_rate)).structure for parts in (["structure"], PARTS)
    )
    assert alone is not None
    assert whole is not None
    assert alone.tail_silence == whole.tail_silence == pytest.approx(3.0, abs=0.5)


def test_a_stop_event_of_the_caller_is_only_read(file: Path) -> None:
    stop = threading.Event()
    analyzer = tk.Analyzer(compute=["loudness"])

    async def run(leave: bool) -> int:
        count = 0
        async for _ in analyzer.aanalyze_many([file] * 3, workers=1, stop_event=stop):
            count += 1
            if leave:
                break
        return count

    assert asyncio.run(run(leave=True)) == 1
    assert not stop.is_set()
    assert asyncio.run(run(leave=False)) == 3
    assert not stop.is_set()
    stop.set()
    assert asyncio.run(run(leave=False)) == 0


@pytest.mark.parametrize("dtype", ["int16", "uint8", "int32", ">i2", "float64", "float16"])
def test_a_stream_scales_samples_as_a_source_does(clip: synth.Clip, dtype: str) -> None:
    kind = np.dtype(dtype)
    samples = clip.samples[: 3 * clip.sample_rate]
    if kind.kind in "iu":
        info = np.iinfo(kind)
        samples = np.clip((samples + (kind.kind == "u")) * -float(info.min or -128), info.min, info.max)
    samples = samples.astype(kind)
    analyzer = tk.Analyzer(compute=["loudness"])
    stream = analyzer.stream(sample_rate=clip.sample_rate, channels=samples.shape[1])
    stream.push(samples)
    assert stream.result().loudness == analyzer.analyze((samples, clip.sample_rate)).loudness


def test_a_stream_takes_nothing_but_real_numbers() -> None:
    stream = tk.Analyzer(compute=["loudness"]).stream(sample_rate=44100)
    for block in (np.zeros(10, complex), np.array(["a"]), [[1.0], [1.0, 2.0]], np.zeros((2, 2, 2))):
        with pytest.raises(UsageError):
            stream.push(block)  # type: ignore[arg-type]
    stream.push(np.full(44100, 1e37))
    assert np.isfinite(stream.result().to_dict()["loudness"]["integrated"] or 0.0)


def test_bytes_in_other_clothes(file: Path) -> None:
    analyzer = tk.Analyzer(compute=["loudness"])
    expected = analyzer.analyze(file).loudness
    data = file.read_bytes()
    spread = bytearray(2 * len(data))
    spread[::2] = data
    for view in (memoryview(data[: len(data) // 4 * 4]).cast("i"), memoryview(spread)[::2]):
        assert analyzer.analyze(view).loudness == expected
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert analyzer.analyze(mapped).loudness == expected


def test_limits_may_be_without_end(file: Path) -> None:
    limits = tk.Limits(max_seconds=float("inf"))
    assert tk.Analyzer(compute=["loudness"], limits=limits).analyze(file).duration == pytest.approx(20, abs=1e-3)


@pytest.mark.parametrize(
    "source", [(np.zeros(9), "x"), (np.zeros(9), None), (np.zeros(9), float("inf")), ([[1.0], [1.0, 2.0]], 44100)]
)
def test_arrays_that_cannot_be_meant_are_refused(source: object) -> None:
    with pytest.raises(UsageError):
        tk.Analyzer().analyze(source)


def test_a_name_that_cannot_be_is_a_typed_error() -> None:
    with pytest.raises(UnreadableError, match="not a possible file name"):
        tk.Analyzer().analyze("a\ud800.wav")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"duration": "long", "sample_rate": 1, "channels": 1}'])
def test_json_that_is_no_analysis_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        tk.Analysis.from_json(text)


def test_a_missing_fingerprint_has_its_reason() -> None:
    rng = np.random.default_rng(1)
    for samples in (np.zeros(44100 * 5), rng.normal(0, 0.1, 44100 // 2)):
        analysis = tk.Analyzer(compute=["fingerprint"]).analyze((samples, 44100))
        assert analysis.fingerprint is None
        assert analysis.notes["fingerprint"]


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Each decoder yields silence for ever, until the test is over."""
    over, begun = threading.Event(), threading.Event()

    def blocks(self: object) -> Iterator[np.ndarray]:
        begun.set()
        while not over.wait(0.001):
            yield np.zeros((4096, 2), np.float32)

    monkeypatch.setattr("tracktion.audio.stream.AudioStream.blocks", blocks)
    yield begun
    over.set()


def working() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.name.startswith("tracktion-batch")}


def test_what_a_batch_leaves_behind_ends_soon(file: Path, endless: threading.Event) -> None:
    others = working()
    items = tk.Analyzer(compute=["loudness"]).analyze_many([file, file.parent / "gone.wav"], workers=2)
    assert next(items).error is not None
    assert endless.wait(10)
    ours = working() - others
    assert ours
    items.close()
    for thread in ours:
        thread.join(10)
    assert not any(thread.is_alive() for thread in ours)


def test_a_cancelled_analysis_ends_soon(file: Path, endless: threading.Event) -> None:
    async def run() -> None:
        await asyncio.wait_for(tk.Analyzer(compute=["loudness"]).aanalyze(file), 0.5)

    with pytest.raises(TimeoutError):
        asyncio.run(run())  # waits for the thread


def test_a_host_may_have_numpy_raise(file: Path, analysis: tk.Analysis) -> None:
    with np.errstate(all="raise"):
        assert tk.Analyzer().analyze(file) == dataclasses.replace(analysis, source=str(file))
