"""Fixtures that every room shares."""

from __future__ import annotations

import os

import pytest

SERVERS = {
    "postgres": "TRACKTION_TEST_POSTGRES",
    "redis": "TRACKTION_TEST_REDIS",
    "rabbitmq": "TRACKTION_TEST_RABBITMQ",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Parts that need a server run where its URL is given; .ci/run gives all of them."""
    for item in items:
        for marker, variable in SERVERS.items():
            if item.get_closest_marker(marker) and not os.environ.get(variable):
                item.add_marker(pytest.mark.skip(reason=f"needs {marker}: set {variable}"))


@pytest.fixture(scope="session")
def postgres_url() -> str:
    return os.environ["TRACKTION_TEST_POSTGRES"]


@pytest.fixture(scope="session")
def redis_url() -> str:
    return os.environ["TRACKTION_TEST_REDIS"]


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    return os.environ["TRACKTION_TEST_RABBITMQ"]
