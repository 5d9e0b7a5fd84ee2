"""The catalogue and the questions, and a matcher over as many rows as are asked for."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tracktion.matcher import Matcher
from tracktion.matching.query import parse_query
from tracktion.storage import open_storage

Row = dict[str, str]


def read_rows(folder: Path) -> list[Row]:
    with gzip.open(folder / "catalogue.csv.gz", "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def read_questions(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "queries.jsonl").read_text("utf-8").splitlines()]


def recombined(rows: list[Row], size: int) -> Iterator[Row]:
    """The rows, then real titles by other real artists up to `size`."""
    rng = random.Random(0)
    for number in range(size):
        if number < len(rows):
            row = rows[number]
        else:
            row = {
                "title": rng.choice(rows)["title"],
                "artist": rng.choice(rows)["artist"],
                "album": "",
                "duration": "",
            }
        yield {name: row[name] for name in ("title", "artist", "album", "duration")}


def opened(url: str, rows: list[Row], size: int) -> tuple[Matcher, int]:
    """A matcher over `size` rows, and the id of the first."""
    storage = open_storage(url)
    if not storage.count_tracks():
        storage.add_tracks(recombined(rows, size))
    first = next(iter(storage.iter_tracks())).id or 0
    matcher = Matcher(storage)
    matcher.warm()
    return matcher, first


def plain(text: str) -> str:
    """Words of a question without noise, for peers that do not parse."""
    return " ".join(part[1:] for part in parse_query(text).record.split("|") if part[:1] != "N")
