"""A finished batch: a sequence of items that can become a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, overload

from tracktion.display.page import source_words
from tracktion.display.tables import batch_html
from tracktion.extras import needed

if TYPE_CHECKING:
    from tracktion.errors import TracktionError
    from tracktion.results.analysis import Analysis
    from tracktion.results.change import BatchItem

__all__ = ["Batch"]


class Batch(Sequence["BatchItem"]):
    """The items of a batch, all at hand: ``Batch(analyzer.analyze_many(paths))``.

    Parameters
    ----------
    items
        `BatchItem` objects, such as `Analyzer.analyze_many` yields; read to the end at once, kept in the order of their
        sources.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[BatchItem]) -> None:
        self._items = tuple(sorted(items, key=lambda item: item.index))

    @overload
    def __getitem__(self, index: int) -> BatchItem: ...
    @overload
    def __getitem__(self, index: slice) -> Batch: ...
    def __getitem__(self, index: int | slice) -> BatchItem | Batch:
        return Batch(self._items[index]) if isinstance(index, slice) else self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    @property
    def analyses(self) -> list[Analysis]:
        """Of the items that succeeded."""
        return [item.analysis for item in self._items if item.analysis is not None]

    @property
    def errors(self) -> list[tuple[Any, TracktionError]]:
        """Source and error of the items that failed."""
        return [(item.source, item.error) for item in self._items if item.error is not None]

    def to_dicts(self) -> list[dict[str, Any]]:
        """One flat dict of plain types per item, all with the same entries: what pandas, Arrow and CSV take.

        Entries are None where an answer is unknown; ``error`` is None where there is none.
        """
        return [_flat(item) for item in self._items]

    def to_columns(self) -> dict[str, list[Any]]:
        """The same by column, as ``pyarrow.table`` takes it."""
        rows = self.to_dicts()
        return {name: [row[name] for row in rows] for name in _flat(None)}

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` (extra ``pandas``)."""
        return needed("pandas", "pandas", what="a data frame").DataFrame(self.to_dicts(), columns=list(_flat(None)))

    def _repr_html_(self) -> str:
        return batch_html(self._items)

    def __repr__(self) -> str:
        failed = len(self.errors)
        return f"Batch({len(self)} items{f', {failed} failed' if failed else ''})"


def _flat(item: BatchItem | None) -> dict[str, Any]:
    analysis = item.analysis if item is not None else None
    tags = analysis.tags if analysis else None
    tempo, key = (analysis.tempo, analysis.key) if analysis else (None, None)
    mood, loudness = (analysis.mood, analysis.loudness) if analysis else (None, None)
    return {
        "source": source_words(item.source) if item else None,
        "error": str(item.error) if item and item.error is not None else None,
        "seconds": item.seconds if item else None,
        "artist": tags.artist if tags else None,
        "title": tags.title if tags else None,
        "duration": analysis.duration if analysis else None,
        "bpm": tempo.bpm if tempo else None,
        "bpm_confidence": tempo.confidence if tempo else None,
        "key": key.name if key else None,
        "camelot": key.camelot if key else None,
        "key_confidence": key.confidence if key else None,
        "valence": mood.valence if mood else None,
        "arousal": mood.arousal if mood else None,
        "energy": mood.energy if mood else None,
        "danceability": mood.danceability if mood else None,
        "loudness_lufs": loudness.integrated if loudness else None,
        "true_peak_dbtp": loudness.true_peak if loudness else None,
    }
