"""Dask as the engine for more than one machine: a local cluster of real worker processes, one of which is killed."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.batch.tasks import Multiplier
from tracktion.batch import run

distributed = pytest.importorskip("distributed")

pytestmark = [pytest.mark.dask, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class Patient(Multiplier):
    """Takes long enough that a worker can be killed in the middle."""

    def analyze(self, source: Any) -> Any:
        time.sleep(0.03)
        if "bad" in str(source):
            raise ValueError("bad file")
        return super().analyze(source)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        warnings.catch_warnings(),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as made,
    ):
        warnings.simplefilter("ignore")
        yield made


def test_all_results_as_without_it_although_a_worker_is_killed(client: Any) -> None:
    sources = [f"/music/{'x' * (i % 30)}{i}.mp3" for i in range(200)] + ["/music/bad.mp3"]
    expected = {item.source: item.analysis for item in run(sources, Multiplier(3), workers=2)}
    victim = next(iter(client.run(os.getpid).values()))
    results: dict[str, Any] = {}
    for item in run(sources, Patient(3), executor=client.get_executor(), workers=4):
        assert item.source not in results
        results[item.source] = item
        if len(results) == 50:
            os.kill(victim, signal.SIGKILL)
    assert "bad file" in str(results.pop("/music/bad.mp3").error)
    assert {source: item.analysis for source, item in results.items()} == {
        source: value for source, value in expected.items() if "bad" not in source
    }
