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
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracktion.errors import FileError, TracktionError, UsageError, printable
from tracktion.version import __version__

if TYPE_CHECKING:
    from tracktion.matcher import Matcher
    from tracktion.results.change import BatchItem
    from tracktion.results.match import Match

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


_FILL = "`python -m tracktion watch --once FOLDER --storage URL` takes in the files of a folder"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code: 0 all well, 1 something failed, 2 wrong usage, 130 interrupted."""
    _prepare_streams()
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()  # at the end of the process nobody would hear that it failed
    except UsageError as error:
        print(f"tracktion: {error}", file=sys.stderr)
        return 2
    except TracktionError as error:
        print(f"tracktion: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tracktion: interrupted", file=sys.stderr)
        return 130
    except OSError as error:  # of the output: whatever happens to files is an error of ours
        if not isinstance(error, BrokenPipeError):
            print(f"tracktion: the output cannot be written: {error.strerror or error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    else:
        return code


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
    parser.add_argument("--version", action="version", version=f"tracktion {__version__}")
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
    analyze.add_argument(
        "--storage",
        metavar="URL",
        help="keep analyses here and reuse them, e.g. sqlite:///music.db; it is watch that makes tracks of files",
    )
    analyze.set_defaults(run=_analyze)
    match = commands.add_parser("match", help="which track of a catalogue a text or file is")
    match.add_argument("query", nargs="+", help="free text, a file name, or a path")
    match.add_argument(
        "--storage", metavar="URL", required=True, help="catalogue that is there, e.g. sqlite:///music.db"
    )
    match.add_argument("--limit", type=int, default=5, metavar="N", help="at most so many each (default: 5)")
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

    unread: list[OSError] = []
    sources = list(_files(options.sources, unread))
    for error in unread:
        print(f"tracktion: {printable(str(error.filename))} cannot be read ({error.strerror})", file=sys.stderr)
    if not sources:
        print(f"tracktion: no audio file in {', '.join(map(printable, options.sources))}", file=sys.stderr)
        return 1
    failed = 0
    with open_storage(options.storage) if options.storage else nullcontext() as storage:
        analyzer = Analyzer(bpm_range=tuple(options.bpm_range) if options.bpm_range else None, storage=storage)
        show = _show_json if options.json else _csv_writer() if options.csv else _table_writer()
        for item in analyzer.analyze_many(
            sources,
            workers=options.workers,
            progress=len(sources) > 1 and sys.stderr.isatty(),
            stop_event=threading.Event(),
            isolation="process" if options.isolate or (len(sources) > 3 and not options.threads) else None,
        ):
            failed += item.error is not None
            show(item)
    return 1 if failed or unread else 0


def _files(given: list[str], unread: list[OSError]) -> Iterator[str]:
    """Files as given, and the audio files below folders, in order of name; each once. Closed folders go to `unread`."""
    seen = set()
    for name in itertools.chain.from_iterable(_found(name, unread) for name in given):
        path = os.path.abspath(name)  # noqa: PTH100 - Path.absolute keeps ".."
        if path not in seen:
            seen.add(path)
            yield name


def _found(name: str, unread: list[OSError]) -> Iterator[str]:
    from tracktion.watching.filters import FileFilter

    wanted = FileFilter()
    if not os.path.isdir(name):  # noqa: PTH112 - Path.is_dir raises for what can be no path
        yield name
        return
    for folder, folders, files in os.walk(name, onerror=unread.append):
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

    _demand_catalogue(options.storage)
    found = failed = False
    with open_storage(options.storage) as storage:
        if not storage.count_tracks():
            print(f"tracktion: the catalogue has no tracks yet; {_FILL}", file=sys.stderr)
            return 1
        matcher = Matcher(storage)
        for query in options.query:
            try:
                matches = _matches(matcher, query, options.limit)
            except FileError as error:
                print(f"tracktion: {error}", file=sys.stderr)
                failed = True
                continue
            found = found or bool(matches)
            if not matches:
                print(f"tracktion: no track is like {printable(query, 100)}", file=sys.stderr)
            elif options.json:
                _show_matches_json(query, matches)
            else:
                _show_matches(query if len(options.query) > 1 else "", matches)
    return 0 if found and not failed else 1


def _demand_catalogue(url: str) -> None:
    """Refuse an SQLite file that is not there: opening it would make an empty catalogue, which knows no track."""
    from sqlalchemy.engine import make_url

    scheme, colon, _ = url.partition(":")
    of_sqlite = scheme.partition("+")[0].lower() == "sqlite"
    if colon and len(scheme) > 1 and not of_sqlite:
        return
    name = make_url(url).database if of_sqlite and "://" in url else url
    if name and name != ":memory:" and not os.path.lexists(os.path.expanduser(name)):  # noqa: PTH111 - long text
        raise UsageError(f"there is no catalogue {name}; {_FILL}")


def _matches(matcher: Matcher, query: str, limit: int) -> list[Match]:
    is_file = os.path.isfile(query)  # noqa: PTH113 - Path.is_file raises for long text
    return matcher.match_file(query, limit=limit) if is_file else matcher.search(query, limit=limit)


def _show_matches_json(query: str, matches: list[Match]) -> None:
    for match in matches:
        print(json.dumps({"query": query} | match.to_dict(), ensure_ascii=True))


def _show_matches(query: str, matches: list[Match]) -> None:
    """One line a track, below the question where there are several."""
    if query:
        print(f"{printable(query)}:")
    for match in matches:
        track = match.track
        name = " - ".join(part for part in (track.artist, track.title) if part) or f"track {track.id}"
        print(f"{match.score:5.2f}  {printable(name)}")


def _versions(_: argparse.Namespace) -> int:
    from tracktion.diagnostics import show_versions

    print(show_versions())
    return 0


if __name__ == "__main__":
    sys.exit(main())
