"""Accuracy and speed of the Matcher, with peers beside it.

``python -m benchmarks.matching FOLDER [--home URL ...]`` measures recall by row id on labelled questions, per kind,
with 95 % bootstrap intervals (paired for the difference to each peer), the calibration error, and F1 on labelled pairs.
With ``--scorers FOLDER`` each question is answered by a scorer that had not seen it (``scorer_0.npz`` to
``scorer_4.npz`` of ``training/matching``: the five folds).
``python -m benchmarks.matching FOLDER --scale 10000 100000 1000000 [--home URL ...]`` measures time, in CPU
milliseconds of the searching thread and by the wall clock, batch throughput, time to build and memory.

``python -m benchmarks.matching FOLDER --floors ROWS SEED`` counts wrong artists and versions above one half again, over
other rows.

FOLDER holds ``catalogue.csv.gz`` and ``queries.jsonl``. Peers (tantivy, scikit-learn) run when they are installed.
SQL homes must be empty or hold the same catalogue.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import tracktion.matcher
from benchmarks.pairs import report_floors, report_pairs
from benchmarks.reliability import calibration, draw
from tracktion.cache import LRUCache
from tracktion.matcher import Matcher
from tracktion.matching import scoring
from tracktion.matching.query import parse_query
from tracktion.matching.text import normalise_track
from tracktion.results.match import Match
from tracktion.storage import open_storage

Search = Callable[[str], list[int]]


def read_rows(folder: Path) -> list[dict[str, str]]:
    with gzip.open(folder / "catalogue.csv.gz", "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def read_questions(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "queries.jsonl").read_text("utf-8").splitlines()]


def recombined(rows: list[dict[str, str]], size: int) -> Iterator[dict[str, str]]:
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


def opened(url: str, rows: list[dict[str, str]], size: int) -> tuple[Matcher, int]:
    """A matcher over `size` rows, and the id of the first."""
    storage = open_storage(url)
    if not storage.count_tracks():
        storage.add_tracks(recombined(rows, size))
    first = next(iter(storage.iter_tracks())).id or 0
    matcher = Matcher(storage)
    matcher.warm()
    return matcher, first


def tfidf(rows: list[dict[str, str]], size: int) -> Search | None:
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ModuleNotFoundError:
        return None
    texts = [normalise_track(row["title"], row["artist"]).search for row in recombined(rows, size)]
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), dtype=np.float32, sublinear_tf=True)
    matrix = vectorizer.fit_transform(texts).T.tocsr()

    def search(text: str) -> list[int]:
        scores = (vectorizer.transform([plain(text)]) @ matrix).toarray()[0]
        best = np.argpartition(-scores, 10)[:10]
        return [int(row) for row in best[np.argsort(-scores[best], kind="stable")]]

    return search


def tantivy(rows: list[dict[str, str]], size: int) -> Search | None:
    try:
        import tantivy as peer
    except ModuleNotFoundError:
        return None
    builder = peer.SchemaBuilder()
    builder.add_integer_field("row", stored=True)
    builder.add_text_field("body")
    index = peer.Index(builder.build())
    writer = index.writer(200_000_000, 1)
    for number, row in enumerate(recombined(rows, size)):
        writer.add_document(peer.Document(row=number, body=normalise_track(row["title"], row["artist"]).search))
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def search(text: str) -> list[int]:
        words = plain(text).split()[:20]
        clauses = []
        for word in words:
            clauses.append((peer.Occur.Should, peer.Query.term_query(index.schema, "body", word)))
            if len(word) > 3:
                fuzzy = peer.Query.fuzzy_term_query(index.schema, "body", word, distance=1)
                clauses.append((peer.Occur.Should, peer.Query.boost_query(fuzzy, 0.5)))
        hits = searcher.search(peer.Query.boolean_query(clauses), 10).hits if clauses else []
        return [searcher.doc(address)["row"][0] for _, address in hits]

    return search


PEERS: dict[str, Callable[[list[dict[str, str]], int], Search | None]] = {"tantivy": tantivy, "tf-idf": tfidf}


def plain(text: str) -> str:
    return " ".join(part[1:] for part in parse_query(text).record.split("|") if part[:1] != "N")


def interval(hits: np.ndarray, rng: np.random.Generator) -> str:
    draws = hits[rng.integers(0, len(hits), (1000, len(hits)))].mean(1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return f"{hits.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


@contextmanager
def scored_by(path: Path | None) -> Iterator[None]:
    """Let matchers made meanwhile, and the SQL homes, use another scorer."""
    shipped = scoring.load_scorer
    if path is not None:
        with path.open("rb") as file:
            scorer = scoring.read_scorer(file)
        scoring.load_scorer = tracktion.matcher.load_scorer = lambda: scorer  # type: ignore[assignment,attr-defined]
    try:
        yield
    finally:
        scoring.load_scorer = tracktion.matcher.load_scorer = shipped  # type: ignore[attr-defined]


def answered(matcher: Matcher, questions: list[dict[str, Any]], form: str, scorers: Path | None) -> list[list[Match]]:
    """Answers as text, or by fields where a question has them."""
    answers: list[list[Match]] = [[]] * len(questions)
    for fold in range(5):
        with scored_by(scorers and scorers / f"scorer_{fold}.npz"):
            fresh = Matcher(matcher._storage)
            for number in range(fold, len(questions), 5):
                q = questions[number]
                by_fields = form == "fields" and q["title"]
                asked = {"title": q["title"], "artist": q["artist"]} if by_fields else {"text": q["text"]}
                answers[number] = fresh.search(**asked)
    return answers


def accuracy(folder: Path, homes: list[str], peers: list[str], scorers: Path | None, plot: Path | None) -> None:
    rows, questions = read_rows(folder), read_questions(folder)
    rng = np.random.default_rng(0)
    hits: dict[str, np.ndarray] = {}
    for url in homes:
        matcher, first = opened(url, rows, len(rows))
        for form in ("text", "fields"):
            answers = answered(matcher, questions, form, scorers)
            right = [
                bool(a) and (a[0].track.id or 0) - first in q["true_ids"]
                for a, q in zip(answers, questions, strict=True)
            ]
            name = f"{url.partition(':')[0]} {form}"
            hits[name] = np.array(right, float)
            scores = np.array([a[0].score if a else 0.0 for a in answers])
            print(f"{name}: calibration error {calibration(scores, hits[name]):.4f}", flush=True)
            if plot and len(hits) == 1:
                draw(plot, scores, hits[name])
    for name in peers:
        search = PEERS[name](rows, len(rows))
        if search:
            hits[name] = np.array(
                [bool(set((search(q["text"]) or [-1])[:1]) & set(q["true_ids"])) for q in questions], float
            )
    sets, kinds = np.array([q["set"] for q in questions]), np.array([q["kind"] for q in questions])
    base = next(iter(hits))
    for name, found in hits.items():
        print(f"\n{name}")
        for part in sorted(set(sets)):
            difference = interval((found - hits[base])[sets == part], rng)
            print(f"  {part:10s} {interval(found[sets == part], rng)}   against {base}: {difference}")
    by_kind(hits, kinds)


def by_kind(hits: dict[str, np.ndarray], kinds: np.ndarray) -> None:
    """Recall of every method for every kind of question; the margin is that of the worst home to the best peer."""
    ours, peers = [name for name in hits if name not in PEERS], [name for name in hits if name in PEERS]
    print(f"\n{'kind':12s} {'n':>4s}  " + "  ".join(f"{name:>17s}" for name in hits) + "   margin")
    for kind in sorted(set(kinds)):
        chosen = kinds == kind
        means = {name: found[chosen].mean() for name, found in hits.items()}
        margin = min(means[name] for name in ours) - max([means[name] for name in peers], default=0.0)
        cells = "  ".join(f"{mean:17.3f}" for mean in means.values())
        print(f"{kind:12s} {chosen.sum():4d}  {cells}   {margin:+.3f}")


def timed(search: Callable[[str], Any], texts: list[str]) -> str:
    cpu, wall = [], []
    for text in texts:
        a, b = time.thread_time(), time.perf_counter()
        search(text)
        cpu.append(time.thread_time() - a)
        wall.append(time.perf_counter() - b)
    p = [f"{1e3 * np.percentile(values, q):.2f}" for values in (cpu, wall) for q in (50, 95)]
    return f"CPU p50 {p[0]} p95 {p[1]} ms   wall p50 {p[2]} p95 {p[3]} ms"


def scale(folder: Path, sizes: list[int], homes: list[str], peers: list[str], count: int) -> None:
    rows, questions = read_rows(folder), read_questions(folder)
    texts = [q["text"] for q in random.Random(1).sample(questions, count)]
    process = psutil.Process()
    for size in sizes:
        for url in homes:
            before, begin, clock = process.memory_info().rss, time.process_time(), time.perf_counter()
            storage = open_storage(url)
            if not storage.count_tracks():
                storage.add_tracks(recombined(rows, size))
            added, added_clock, held = (
                time.process_time() - begin,
                time.perf_counter() - clock,
                process.memory_info().rss,
            )
            begin = time.process_time()
            matcher = Matcher(storage, cache=None)
            matcher.warm()
            built, after = time.process_time() - begin, process.memory_info().rss
            print(
                f"\n{storage.count_tracks()} rows, {storage.home}: rows in {added:.1f} s CPU ({added_clock:.1f} s) "
                f"{(held - before) / 1e6:.0f} MB, index {built:.1f} s CPU {(after - held) / 1e6:.0f} MB"
            )
            print(f"  search     {timed(matcher.search, texts)}")
            a, b = time.process_time(), time.perf_counter()
            many = sum(1 for _ in matcher.match_many(texts))
            cpu, wall = time.process_time() - a, time.perf_counter() - b
            print(f"  batch      {many / cpu:.0f} a CPU second, {many / wall:.0f} a second")
            cached = Matcher(storage, cache=LRUCache())
            cached.warm(texts[:100])
            print(f"  cache hit  {timed(cached.search, texts[:100] * 5)}")
            storage.close()
        for name in peers:
            search = PEERS[name](rows, size)
            if search:
                print(f"  {name:10s} {timed(search, texts[:500])}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", action="append", help="URL of a storage (default memory:)")
    parser.add_argument("--scale", type=int, nargs="+", help="sizes of catalogue for which time is measured")
    parser.add_argument("--count", type=int, default=1000, help="questions that are timed")
    parser.add_argument(
        "--peers", nargs="*", choices=list(PEERS), default=list(PEERS), help="peers to run (default all)"
    )
    parser.add_argument("--scorers", type=Path, help="folder of scorers that had not seen a fold of the questions")
    parser.add_argument("--plot", type=Path, help="where to draw the reliability of the first home (SVG)")
    parser.add_argument(
        "--floors", type=int, nargs=2, metavar=("ROWS", "SEED"), help="only wrong artists and versions, rows drawn anew"
    )
    options = parser.parse_args()
    homes = options.home or ["memory:"]
    if options.floors:
        report_floors(read_rows(options.folder), options.folder, *options.floors)
    elif options.scale:
        scale(options.folder, options.scale, homes, options.peers, options.count)
    else:
        accuracy(options.folder, homes, options.peers, options.scorers, options.plot)
        report_pairs(options.folder)
        report_floors(read_rows(options.folder), options.folder)


if __name__ == "__main__":
    main()
