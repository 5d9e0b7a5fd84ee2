"""Take results to other programs: Rekordbox, Traktor, M3U8, CSV and JSON, and back."""

from __future__ import annotations

from tracktion.export.model import Collection, Cue, ExportTrack, GridAnchor, Skipped
from tracktion.export.playlist import read_m3u8, write_m3u8
from tracktion.export.rekordbox import read_rekordbox, write_rekordbox
from tracktion.export.tables import read_csv, read_json, write_csv, write_json
from tracktion.export.traktor import read_traktor, write_traktor

__all__ = [
    "Collection",
    "Cue",
    "ExportTrack",
    "GridAnchor",
    "Skipped",
    "read_csv",
    "read_json",
    "read_m3u8",
    "read_rekordbox",
    "read_traktor",
    "write_csv",
    "write_json",
    "write_m3u8",
    "write_rekordbox",
    "write_traktor",
]
