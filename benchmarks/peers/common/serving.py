"""The loop that every peer's script runs in its own environment: a job a line on stdin, an answer a line on stdout, standard library alone.

A script names its kinds of work as functions: `prepare(job) -> run`, where `run()` does the work once and returns what JSON can hold. Whatever
is not the work itself (reading candles, converting frames, warming a compiler) belongs into `prepare`, so that only `run()` is timed.

    if __name__ == "__main__":
        serve({"sma_cross": sma_cross}, versions=("backtrader",))
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

Prepare = Callable[[dict[str, Any]], Callable[[], Any]]


def serve(works: dict[str, Prepare], versions: tuple[str, ...]) -> None:
    """Answer until stdin ends.

    Asked `{"prepare": kind, "job": {...}}` it answers `{"versions": {...}}`; asked `{"run": true}` it answers `{"answer", "wall_s", "cpu_s"}` of one
    run of what was prepared last. What libraries print goes to stderr. What goes wrong ends the script: its traceback is what the asker is told.
    """
    prepared: Callable[[], Any] | None = None
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        for line in sys.stdin:
            asked = json.loads(line)
            if "prepare" in asked:
                prepared = works[asked["prepare"]](asked["job"])
                told: dict[str, Any] = {"versions": {"python": sys.version.split()[0], **{name: version(name) for name in versions}}}
            elif prepared is None:
                raise RuntimeError("nothing was prepared: ask prepare first")
            else:
                wall, cpu = time.perf_counter(), time.process_time()
                found = prepared()
                told = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu, "answer": found}
            print(json.dumps(told), file=answers, flush=True)
