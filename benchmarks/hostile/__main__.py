"""Run every file of a folder with a manifest through us and the installed peers, and print what happened.

    python -m benchmarks.hostile FOLDER [--ways in-process,isolated,watcher,tags] [--peers] [--no-bombs] [--details]

FOLDER holds ``manifest.csv`` with the columns file, expected and reference_seconds. A file counts as silently wrong
when its analysis holds NaN, a tempo outside 30 to 300 BPM, a tempo or key without any movement in the audio, no audio
at all, or a length that is off by more than 2 % and 0.1 s from the reference without a flag.
"""

from __future__ import annotations

import argparse
import collections
import csv
import importlib.util
import json
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from benchmarks.hostile.bombs import LIMIT_MB, LIMIT_SECONDS, make_bombs, run_bomb
from benchmarks.hostile.ways import TIMEOUT_SECONDS, Fact

OURS = ("in-process", "isolated", "watcher", "tags")
PEERS = ("soundfile", "librosa", "mutagen", "essentia")
FLAGS = {"truncated", "duration_mismatch", "repaired", "format_change"}
TAIL = ("silently wrong", "growth MB", "covered")
START_SECONDS = 180
SLACK_SECONDS = 30
WARM_UP_FILES = 40
REFERENCE_WRONG = {
    "NMS_ADPCM": "the generator wrote 12 s of NMS ADPCM; ffmpeg takes 2.1 times as much out of it",
}
"""Part of a file name to why the reference is not believed there."""
Row = dict[str, str]


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ways", default=",".join(OURS))
    parser.add_argument("--peers", action="store_true", help="also the peers that are installed")
    parser.add_argument("--no-bombs", action="store_true")
    parser.add_argument("--details", action="store_true", help="name each file that counts against somebody")
    parser.add_argument("--first", type=int, help="only so many files")
    options = parser.parse_args()
    with (options.folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[: options.first]
    ways = options.ways.split(",") + ([p for p in PEERS if importlib.util.find_spec(p)] if options.peers else [])
    table_head(f"{len(rows)} files", "ok", "typed error", "untyped", "killed", "hang", "memory", *TAIL)
    clean = True
    for way in ways:
        facts, noise = run_way(way, [str(options.folder / row["file"]) for row in rows])
        clean &= report(way, rows, facts, noise, details=options.details) or way not in OURS
    if not options.no_bombs:
        clean &= bombs()
    return 0 if clean else 1


def table_head(*names: str) -> None:
    """Print the head of a Markdown table."""
    print(f"| {' | '.join(names)} |")
    print(f"| {' | '.join(['---'] * len(names))} |")


def run_way(way: str, paths: list[str]) -> tuple[dict[int, Fact], str]:
    """Expose children to `paths` until each has an outcome; also what they wrote to stderr."""
    facts: dict[int, Fact] = {}
    noise = ""
    left = list(range(len(paths)))
    while left:
        with tempfile.TemporaryFile("w+") as stderr:
            ended = _expose(way, paths, left, facts, stderr)
            stderr.seek(0)
            noise += stderr.read()
        rest = [index for index in left if index not in facts]
        if rest and ended != "finished":
            facts[rest[0]] = {"ok": False, "error": ended, "killed": ended != "hang", "hang": ended == "hang"}
            rest = rest[1:]
        elif rest:
            for index in rest:
                facts[index] = {"ok": False, "error": "no outcome", "killed": True}
            rest = []
        left = rest
    return facts, noise


def _expose(way: str, paths: list[str], left: list[int], facts: dict[int, Fact], stderr: Any) -> str:
    """Run one child; returns ``finished``, ``hang`` or how it died."""
    command = [sys.executable, "-m", "benchmarks.hostile.ways", way]
    patience = START_SECONDS if way != "watcher" else TIMEOUT_SECONDS * len(left)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        stdout = child.stdout

        def pump() -> None:
            for line in stdout:
                lines.put(line)
            lines.put("")

        threading.Thread(target=pump, daemon=True).start()
        child.stdin.write(json.dumps([paths[index] for index in left]) + "\n")
        child.stdin.flush()
        while True:
            try:
                line = lines.get(timeout=patience)
            except queue.Empty:
                child.kill()
                return "hang"
            if not line:
                child.wait()
                return "finished" if child.returncode == 0 else f"exit {child.returncode}"
            patience = max(SLACK_SECONDS + TIMEOUT_SECONDS, patience if way == "watcher" else 0)
            fact = json.loads(line)
            facts[left[fact["index"]]] = fact


def wrong(row: Row, fact: Fact) -> str | None:
    """Why an answer is silently wrong; None if it is not."""
    if not fact.get("finite", True):
        return "not finite"
    bpm, seconds = fact.get("bpm"), fact.get("seconds")
    if bpm is not None and not 30 <= bpm <= 300:
        return f"{bpm:.1f} BPM"
    if not fact.get("evidence", True):
        return "tempo or key without evidence"
    if seconds is None:
        return None
    if seconds == 0:
        return "empty"
    reference = _number(row["reference_seconds"])
    off = abs(seconds - reference)
    believed = reference > 0 and not any(part in row["file"] for part in REFERENCE_WRONG)
    if believed and off > 0.02 * reference and off > 0.1 and not FLAGS & set(fact.get("notes", ())):
        return f"{seconds:.2f} s instead of {reference:.2f} s"
    return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def report(way: str, rows: list[Row], facts: dict[int, Fact], noise: str, *, details: bool) -> bool:
    """Print one line of the table; whether the way is clean."""
    counts: collections.Counter[str] = collections.Counter()
    named: list[str] = []
    for index, row in enumerate(rows):
        fact = facts[index]
        kind = _outcome(fact)
        reason = wrong(row, fact) if kind == "ok" else None
        counts[kind] += 1
        if reason:
            counts["wrong"] += 1
        if reason or kind in ("untyped", "killed", "hang", "memory"):
            named.append(f"  {way}: {row['file']}: {reason or kind} {fact.get('error', '')} {fact.get('reason', '')}")
    decodable = [i for i, row in enumerate(rows) if row["expected"] == "decodes"]
    covered = sum(bool(facts[i]["ok"]) for i in decodable)
    memory = [facts[i]["memory_mb"] for i in range(len(rows)) if "memory_mb" in facts[i]]
    growth = max(memory[WARM_UP_FILES:], default=0.0) - max(memory[:WARM_UP_FILES], default=0.0)
    share = "" if way in ("tags", "mutagen") else f"{100 * covered / max(1, len(decodable)):.2f} %"
    print(
        f"| {way} | {counts['ok']} | {counts['typed']} | {counts['untyped']} | {counts['killed']} | {counts['hang']} | "
        f"{counts['memory']} | {counts['wrong']} | {growth:.0f} | {share} |"
    )
    lines = [line for line in noise.splitlines() if line]
    if lines:
        print(f"  {way}: {len(lines)} lines on stderr, the first: {lines[0][:150]}")
    if details:
        print("\n".join(named))
    bad = counts["untyped"] + counts["killed"] + counts["hang"] + counts["memory"] + counts["wrong"]
    return bad == 0 and growth < 50


def _outcome(fact: Fact) -> str:
    for kind in ("killed", "hang", "memory"):
        if fact.get(kind):
            return kind
    if fact["ok"]:
        return "ok"
    return "typed" if fact.get("typed") else "untyped"


def bombs() -> bool:
    """Print the table of bombs; whether all passed."""
    print()
    bomb = f"bomb (limits {LIMIT_MB} MB, {LIMIT_SECONDS:.0f} s)"
    table_head(bomb, "answer", "peak MB", "seconds", "CPU s with start", "passed")
    clean = True
    with tempfile.TemporaryDirectory() as folder:
        for name, path in make_bombs(Path(folder)).items():
            result = run_bomb(path)
            clean &= result["passed"]
            print(
                f"| {name} | {result['answer']} | {result['peak_mb']:.0f} | {result['seconds']:.2f} | "
                f"{result.get('cpu_seconds', 0.0):.1f} | {'yes' if result['passed'] else 'NO'} |"
            )
    return clean


if __name__ == "__main__":
    sys.exit(main())
