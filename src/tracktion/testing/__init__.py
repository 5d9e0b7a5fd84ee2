"""What every home of the catalogue and every cache must do, as test classes; and fakes for the tests of programs.

Third parties inherit the suite and say how to make an empty one:

    from tracktion.testing import StorageConformance

    class TestMyStorage(StorageConformance):
        def make(self):
            return MyStorage(...)

pytest collects the rest. The suites need pytest only to be collected; each method may also be called by hand.
"""

from __future__ import annotations

from tracktion.testing.caches import CacheConformance
from tracktion.testing.fakes import FailingStorage, FakeClock
from tracktion.testing.homes import StorageConformance

__all__ = ["CacheConformance", "FailingStorage", "FakeClock", "StorageConformance"]
