"""Fault tests in numbers.

``python -m benchmarks.faults`` makes every fault as often as a push should, ``--nightly`` as often as a night should,
on the servers of TRACKTION_TEST_POSTGRES and TRACKTION_TEST_RABBITMQ. ``fleet`` sends files through watcher, broker
and two consumer processes into PostgreSQL, restarts the broker and kills a consumer in the middle. ``host`` measures
what poison files cost the embedding process.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.faults import fleet, host, suite
from benchmarks.tables import report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=["tests", "fleet", "consumer", "host"], default="tests")
    parser.add_argument("--nightly", action="store_true", help="the numbers of a night")
    parser.add_argument("--only", help="these faults, for instance F1,F6")
    parser.add_argument("--at-once", type=int, default=6, help="processes at the same time; most of them wait")
    parser.add_argument("--results", type=Path, help="JSON that is updated after every fault; a night may go in parts")
    parser.add_argument("--report", action="store_true", help="run nothing; the table of what --results holds")
    parser.add_argument("--write", type=Path, help="put the table between the markers of this page")
    parser.add_argument("--files", type=int, default=10_000, help="for fleet and host")
    parser.add_argument("--url", help="PostgreSQL for fleet; default TRACKTION_TEST_POSTGRES")
    parser.add_argument("--broker", help="AMQP for a consumer")
    options = parser.parse_args()
    if options.command == "tests":
        return tests(options)
    if options.command == "consumer":
        fleet.consume(options.broker, options.url)
    elif options.command == "fleet":
        print(json.dumps(fleet.fleet(options.files, options.url)), flush=True)
    else:
        print(json.dumps(host.host(options.files)), flush=True)
    return 0


def tests(options: argparse.Namespace) -> int:
    """The table of faults; 0 when each was made as often as asked and none failed."""
    only = set(options.only.split(",")) if options.only else None
    began = time.monotonic()
    if options.report:
        found = json.loads(options.results.read_text())
    else:
        found = suite.run(night=options.nightly, only=only, at_once=options.at_once, results=options.results)
        print(f"{(time.monotonic() - began) / 60:.0f} minutes")
    report(options.write, "faults", suite.figures(found))
    return 0 if all(suite.complete(row) for row in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
