"""The command line: ``python -m tracktion analyze | match | watch | versions``."""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracktion.errors import TracktionError, UsageError, printable

if TYPE_CHECKING:
    from tracktion.results.change import BatchItem

__all__ = ["main"]

COLUMNS = (
    "file",
    "duration",
    "bpm",
    "bpm_confidence",
    "key",
    "camelot",
    "key_confidence",
    "valence",
    "arousal",
    "lufs",
    "notes",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code: 0 all well, 1 something failed, 2 wrong usage, 130 interrupted."""
    _prepare_streams()
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except UsageError as error:
        print(f"tracktion: {error}", file=sys.stderr)
        return 2
    except TracktionError as error:
        print(f"tracktion: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tracktion: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _prepare_streams() -> None:
    """Somewhere to write to, also where a program has no terminal; a name that cannot be written is escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for the whole process
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    import tracktion.watching.cli as watching

    parser = argparse.ArgumentParser(prog="python -m tracktion", description="Analyse, match and watch music.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    analyze = commands.add_parser("analyze", help="tempo, beats, key, mood and loudness of files and folders")
    analyze.add_argument("sources", nargs="+", metavar="FILE|FOLDER", help="audio files, or folders of them")
    form = analyze.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line, complete")
    form.add_argument("--csv", action="store_true", help="one CSV row a file")
    analyze.add_argument("--workers", type=int, metavar="N", help="files at the same time (default: up to 4)")
    place = analyze.add_mutually_exclusive_group()
    place.add_argument("--isolate", action="store_true", help="analyse in worker processes (default for several files)")
    place.add_argument("--threads", action="store_true", help="analyse in threads of this process")
    analyze.add_argument("--bpm-range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="fold tempi into this range")
    analyze.add_argument("--storage", metavar="URL", help="keep analyses here and reuse them, e.g. sqlite:///music.db")
    analyze.set_defaults(run=_analyze)
    match = commands.add_parser("match", help="which track of a catalogue a text or file is")
    match.add_argument("query", nargs="+", help="free text, a file name, or a path")
    match.add_argument("--storage", metavar="URL", required=True, help="catalogue, e.g. sqlite:///music.db")
    match.add_argument("--limit", type=int, default=5, metavar="N", help="at most so many (default: 5)")
    match.add_argument("--json", action="store_true", help="one JSON object a line")
    match.set_defaults(run=_match)
    watch = commands.add_parser("watch", help="keep a catalogue in step with folders")
    watching.add_arguments(watch)
    watch.set_defaults(run=watching.run)
    versions = commands.add_parser("versions", help="what is installed, for bug reports")
    versions.set_defaults(run=_versions)
    return parser


def _analyze(options: argparse.Namespace) -> int:
    from tracktion.analyzer import Analyzer
    from tracktion.storage import open_storage

    storage = open_storage(options.storage) if options.storage else None
    analyzer = Analyzer(bpm_range=tuple(options.bpm_range) if options.bpm_range else None, storage=storage)
    sources = list(_files(options.sources))
    if not sources:
        print("tracktion: no audio file there", file=sys.stderr)
        return 1
    show = _show_json if options.json else _csv_writer() if options.csv else _table_writer()
    failed = 0
    try:
        for item in analyzer.analyze_many(
            sources,
            workers=options.workers,
            progress=len(sources) > 1 and sys.stderr.isatty(),
            stop_event=threading.Event(),
            isolation="process" if options.isolate or (len(sources) > 3 and not options.threads) else None,
        ):
            failed += item.error is not None
            show(item)
    finally:
        if storage is not None:
            storage.close()
    return 1 if failed else 0


def _files(given: list[str]) -> Iterator[str]:
    """Files as given, and the audio files below folders, in order of name; each once."""
    seen = set()
    for name in itertools.chain.from_iterable(map(_found, given)):
        path = os.path.abspath(name)  # noqa: PTH100 - Path.absolute keeps ".."
        if path not in seen:
            seen.add(path)
            yield name


def _found(name: str) -> Iterator[str]:
    from tracktion.watching.filters import FileFilter

    wanted = FileFilter()
    if not os.path.isdir(name):  # noqa: PTH112 - Path.is_dir raises for what can be no path
        yield name
        return
    for folder, folders, files in os.walk(name):
        folders[:] = sorted(inner for inner in folders if wanted.enters(os.fsencode(inner)))
        yield from (str(Path(folder, f)) for f in sorted(files) if wanted.wants(os.fsencode(f)))


def _row(item: BatchItem) -> dict[str, Any]:
    a = item.analysis
    if a is None:
        return {"file": str(item.source), "notes": str(getattr(item.error, "reason", item.error))}
    return {
        "file": str(item.source),
        "duration": round(a.duration, 3),
        "bpm": round(a.tempo.bpm, 3) if a.tempo else None,
        "bpm_confidence": round(a.tempo.confidence, 3) if a.tempo else None,
        "key": a.key.name if a.key else None,
        "camelot": a.key.camelot if a.key else None,
        "key_confidence": round(a.key.confidence, 3) if a.key else None,
        "valence": round(a.mood.valence, 3) if a.mood else None,
        "arousal": round(a.mood.arousal, 3) if a.mood else None,
        "lufs": round(a.loudness.integrated, 2) if a.loudness else None,
        "notes": "; ".join(f"{code}: {text}" for code, text in sorted(a.notes.items())),
    }


def _show_json(item: BatchItem) -> None:
    data: dict[str, Any] = {"file": str(item.source)}
    if item.analysis is not None:
        data |= item.analysis.to_dict()
    if item.error is not None:
        data["error"] = item.error.to_dict()
    print(json.dumps(data, ensure_ascii=True, allow_nan=False), flush=True)


def _csv_writer() -> Any:
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    return lambda item: writer.writerow({k: printable(v) if isinstance(v, str) else v for k, v in _row(item).items()})


def _table_writer() -> Any:
    write: Callable[[str], Any] = print
    if sys.stderr.isatty():
        from tqdm.auto import tqdm

        write = tqdm.write
    write(f"{'BPM':>8} {'':>5} {'key':<9} {'':<4} {'':>5} {'LUFS':>6} {'time':>7}  file")
    return lambda item: write(_line(item))


def _line(item: BatchItem) -> str:
    row, a = _row(item), item.analysis
    name = printable(row["file"])
    if a is None:
        return f"{'failed':>8} {'':>5} {'':<9} {'':<4} {'':>5} {'':>6} {'':>7}  {name}: {printable(row['notes'])}"
    bpm = f"{a.tempo.bpm:8.2f} {a.tempo.confidence:5.0%}" if a.tempo else f"{'-':>8} {'':>5}"
    key = f"{a.key.name:<9} {a.key.camelot:<4} {a.key.confidence:5.0%}" if a.key else f"{'-':<9} {'':<4} {'':>5}"
    lufs = f"{a.loudness.integrated:6.1f}" if a.loudness else f"{'-':>6}"
    minutes, seconds = divmod(round(a.duration), 60)
    flags = f"  ({', '.join(sorted(a.notes))})" if a.notes else ""
    return f"{bpm} {key} {lufs} {minutes:4d}:{seconds:02d}  {name}{flags}"


def _match(options: argparse.Namespace) -> int:
    from tracktion.matcher import Matcher
    from tracktion.storage import open_storage

    found = False
    with open_storage(options.storage) as storage:
        matcher = Matcher(storage)
        for query in options.query:
            is_file = os.path.isfile(query)  # noqa: PTH113 - Path.is_file raises for long text
            matches = matcher.match_file(query) if is_file else matcher.search(query, limit=options.limit)
            for match in matches[: options.limit]:
                found = True
                if options.json:
                    print(json.dumps({"query": query} | match.to_dict(), ensure_ascii=True))
                else:
                    print(f"{match.score:5.2f}  {printable(f'{match.track.artist} - {match.track.title}')}")
    return 0 if found else 1


def _versions(_: argparse.Namespace) -> int:
    from tracktion.diagnostics import show_versions

    print(show_versions())
    return 0


if __name__ == "__main__":
    sys.exit(main())
