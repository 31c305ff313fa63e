"""How long a person waits for `msb --help`, and a notebook for a warm import: fresh processes, the files in the system's cache."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from metastackerbandit.bench.interleaved import timed
from metastackerbandit.bench.spec import Benchmark, Prepared, Target

HELP = [sys.executable, "-m", "metastackerbandit", "--help"]
BESIDE = {
    "python_s": [sys.executable, "-c", "pass"],
    "doctor_s": [sys.executable, "-m", "metastackerbandit", "doctor"],
    "import_s": [sys.executable, "-c", "import metastackerbandit.backtest.run"],
    "warm_s": [sys.executable, "-m", "metastackerbandit.cli.warm"],
}
TIMES = 5


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """One process an item; the others beside it are timed after the runs."""
    return Prepared(
        run=lambda: _done(HELP),
        amount=1.0,
        unit="starts",
        facts=lambda: {name: seconds for name, words in BESIDE.items() if (seconds := _median(words)) is not None},
        notes=("python_s: the bare interpreter; import_s: the block driver and all it needs; warm_s: every kernel loaded from its cache",),
    )


def _done(words: list[str]) -> bool:
    return subprocess.run(words, capture_output=True).returncode == 0


def _median(words: list[str]) -> float | None:
    """Seconds of the middle of TIMES processes; None where the verb is not there."""
    if not _done(words):
        return None
    return sorted(timed(lambda: _done(words)).wall_s for _ in range(TIMES))[TIMES // 2]


BENCHMARK = Benchmark(
    "start",
    "`msb --help` in a fresh process",
    prepare,
    Target("wall_s", 0.3, "`msb --help` in less than 0.3 s", at_most=True),
    rounds=15,
)
