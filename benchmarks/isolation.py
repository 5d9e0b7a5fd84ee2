"""What isolation costs: ``python -m benchmarks.isolation``. Prints one line of JSON."""

from __future__ import annotations

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.batch.tasks import measure
from tracktion.batch import IsolatedPool
from tracktion.batch.task import decode_outcome, encode_outcome
from tracktion.results.analysis import Analysis
from tracktion.results.rhythm import Beats

ROUNDS = 300


def main() -> None:
    result: dict[str, Any] = {}
    with ThreadPoolExecutor(1) as threads:
        result["thread_ms"] = median_ms(lambda: threads.submit(measure, "x").result())
    started = time.perf_counter()
    with IsolatedPool(workers=1) as pool:
        pool.submit(measure, "x").result()
        result["first_answer_s"] = round(time.perf_counter() - started, 2)
        result["isolated_ms"] = median_ms(lambda: pool.submit(measure, "x").result())
        crashes = []
        for _ in range(30):
            pool.submit(measure, "sigkill").exception()
            started = time.perf_counter()
            pool.submit(measure, "x").result()
            crashes.append(time.perf_counter() - started)
        result["whole_again_ms"] = round(1000 * statistics.median(crashes), 2)
    times = [0.5 * i for i in range(480)]
    analysis = Analysis(duration=240.0, sample_rate=44100, channels=2, beats=Beats(times=times, confidence=0.9))
    result["result_of_4_minutes_ms"] = median_ms(lambda: carry(analysis))
    print(json.dumps(result))


def carry(analysis: Analysis) -> None:
    message = json.loads(json.dumps({"ok": True, **encode_outcome(analysis)}))
    decode_outcome(message, None)


def median_ms(act: Any) -> float:
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - started)
    return round(1000 * statistics.median(seconds), 3)


if __name__ == "__main__":
    main()
