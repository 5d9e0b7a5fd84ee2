"""A folder of music, analysed, searchable, de-duplicated.

`Analyzer` hears a file, `Matcher` finds which track something is, `Watcher` keeps a folder tree and a
catalogue in step.
Names load on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tracktion.version import __version__

if TYPE_CHECKING:
    from tracktion.analyzer import Analyzer
    from tracktion.audio import Limits, audio_identity, read_tags, write_tags
    from tracktion.batch import BatchItem
    from tracktion.cache import LRUCache, RedisCache, TieredCache, cache_key, cached, warm
    from tracktion.diagnostics import show_versions
    from tracktion.display import Batch
    from tracktion.errors import TracktionError
    from tracktion.matcher import Matcher
    from tracktion.monitor import MemoryMonitor, PerformanceMonitor
    from tracktion.publish import RabbitMQConsumer, RabbitMQPublisher
    from tracktion.results.analysis import Analysis
    from tracktion.results.catalogue import Track
    from tracktion.results.change import FileChange
    from tracktion.results.key import Key
    from tracktion.results.loudness import Loudness
    from tracktion.results.match import Match
    from tracktion.results.mood import Mood
    from tracktion.results.rhythm import BeatGrid, Beats, Tempo
    from tracktion.results.structure import Structure
    from tracktion.results.tags import Tags
    from tracktion.storage import Storage, open_storage
    from tracktion.stream import AnalysisStream
    from tracktion.watcher import Watcher

_HOMES = {
    "tracktion.analyzer": ("Analyzer",),
    "tracktion.audio": ("Limits", "audio_identity", "read_tags", "write_tags"),
    "tracktion.batch": ("BatchItem",),
    "tracktion.cache": ("LRUCache", "RedisCache", "TieredCache", "cache_key", "cached", "warm"),
    "tracktion.diagnostics": ("show_versions",),
    "tracktion.display": ("Batch",),
    "tracktion.errors": ("TracktionError",),
    "tracktion.matcher": ("Matcher",),
    "tracktion.monitor": ("MemoryMonitor", "PerformanceMonitor"),
    "tracktion.publish": ("RabbitMQConsumer", "RabbitMQPublisher"),
    "tracktion.results.analysis": ("Analysis",),
    "tracktion.results.catalogue": ("Track",),
    "tracktion.results.change": ("FileChange",),
    "tracktion.results.key": ("Key",),
    "tracktion.results.loudness": ("Loudness",),
    "tracktion.results.match": ("Match",),
    "tracktion.results.mood": ("Mood",),
    "tracktion.results.rhythm": ("BeatGrid", "Beats", "Tempo"),
    "tracktion.results.structure": ("Structure",),
    "tracktion.results.tags": ("Tags",),
    "tracktion.storage": ("Storage", "open_storage"),
    "tracktion.stream": ("AnalysisStream",),
    "tracktion.watcher": ("Watcher",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Analysis",
    "AnalysisStream",
    "Analyzer",
    "Batch",
    "BatchItem",
    "BeatGrid",
    "Beats",
    "FileChange",
    "Key",
    "LRUCache",
    "Limits",
    "Loudness",
    "Match",
    "Matcher",
    "MemoryMonitor",
    "Mood",
    "PerformanceMonitor",
    "RabbitMQConsumer",
    "RabbitMQPublisher",
    "RedisCache",
    "Storage",
    "Structure",
    "Tags",
    "Tempo",
    "TieredCache",
    "Track",
    "TracktionError",
    "Watcher",
    "__version__",
    "audio_identity",
    "cache_key",
    "cached",
    "open_storage",
    "read_tags",
    "show_versions",
    "warm",
    "write_tags",
]


def __getattr__(name: str) -> Any:
    if (home := _HOME_OF.get(name)) is None:
        raise AttributeError(f"module 'tracktion' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
