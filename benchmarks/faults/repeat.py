"""A pytest plugin (``-p benchmarks.faults.repeat``): ``--times N`` runs every test N times in the same process."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--times", type=int, default=1, help="how often each test runs")


@pytest.fixture
def time_of_many(request: pytest.FixtureRequest) -> int | None:
    return getattr(request, "param", None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    times = metafunc.config.getoption("times")
    if times > 1:
        metafunc.fixturenames.append("time_of_many")
        metafunc.parametrize("time_of_many", range(times), indirect=True)
