"""The contract of `tracktion.storage.Storage` as a test class."""

from __future__ import annotations

from tracktion.testing.home_files import FileRules
from tracktion.testing.home_playlists import AnalysisRules, PlaylistRules
from tracktion.testing.home_tracks import TrackRules
from tracktion.testing.home_units import UnitRules

__all__ = ["StorageConformance"]


class StorageConformance(TrackRules, UnitRules, FileRules, AnalysisRules, PlaylistRules):
    """Every rule of the contract. Inherit it, and override `make`; `again` when the home outlives its object."""
