"""The push interface: limits, threads, what cannot be meant."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tracktion as tk
from tests import synth
from tracktion.errors import TooLongError, UsageError

RATE = 44_100


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return synth.chords(seconds=6).samples


@pytest.mark.parametrize("sample_rate", [0, 1, -RATE, 999, 1e9, float("nan"), float("inf"), None, "fast"])
def test_a_rate_outside_of_the_limits_is_refused(sample_rate: object) -> None:
    """1 Hz crashed the process in the resampler."""
    with pytest.raises(UsageError, match="sample rate"):
        tk.Analyzer().stream(sample_rate=sample_rate)  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [0, -1, 33, 10**9, 1.5, None, "2"])
def test_channels_outside_of_the_limits_are_refused(channels: object) -> None:
    with pytest.raises(UsageError, match="channels"):
        tk.Analyzer().stream(sample_rate=RATE, channels=channels)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [float, np.float32, np.int32])
def test_numbers_of_other_types_are_as_good(samples: np.ndarray, kind: type) -> None:
    analyzer = tk.Analyzer(compute=["loudness"])
    stream = analyzer.stream(sample_rate=kind(RATE), channels=np.int64(1))
    stream.push(samples)
    heard = stream.result()
    assert heard.to_json() == tk.Analysis.from_json(heard.to_json()).to_json()
    assert (type(heard.sample_rate), type(heard.channels)) == (int, int)


def test_what_is_longer_than_the_limit_is_not_taken(samples: np.ndarray) -> None:
    stream = tk.Analyzer(compute=["loudness"], limits=tk.Limits(max_seconds=8)).stream(sample_rate=RATE)
    stream.push(samples)
    with pytest.raises(TooLongError, match="8 s"):
        stream.push(samples)
    assert stream.result().duration == pytest.approx(6, abs=1e-3)


def test_odd_samples_are_noted_as_those_of_a_source(samples: np.ndarray) -> None:
    odd = np.concatenate([samples, [np.nan, np.inf, 1e9, -1e30, 0.0]])
    analyzer = tk.Analyzer(compute=["loudness"])
    stream = analyzer.stream(sample_rate=RATE)
    for block in np.array_split(odd, 5):
        stream.push(block)
    whole = analyzer.analyze((odd, RATE))
    assert set(whole.notes) == {"nonfinite", "clamped"}
    assert (stream.result().notes, stream.result().loudness) == (whole.notes, whole.loudness)


def test_threads_share_a_stream(samples: np.ndarray) -> None:
    """No block is lost, and all get the one result."""
    analyzer = tk.Analyzer(compute=["loudness", "tonal"])
    stream = analyzer.stream(sample_rate=RATE)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(stream.push, np.array_split(samples, 64)))
        results = list(pool.map(lambda _: stream.result(), range(4)))
    assert all(result is results[0] for result in results)
    assert results[0].duration == len(samples) / RATE
    assert results[0].key is not None


def test_a_result_that_fails_fails_the_same_again(samples: np.ndarray) -> None:
    """The error is that of the estimators, not of a stream that was ended twice."""
    analyzer = tk.Analyzer(compute=["rhythm", "tonal"], tempo_prior=lambda bpm: np.ones(3))
    stream = analyzer.stream(sample_rate=48_000)
    stream.push(synth.drum_loop(seconds=8).samples)
    for _ in range(2):
        with pytest.raises(UsageError, match="prior"):
            stream.result()


def test_another_engine_is_refused() -> None:
    """It would have been ignored without a word."""
    with pytest.raises(UsageError, match="engine"):
        tk.Analyzer(engine="both").stream(sample_rate=RATE)
