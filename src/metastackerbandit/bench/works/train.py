"""One symbol on one frame trained from candles to promoted versions, as `msb train` does it, in a home of its own."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from metastackerbandit.bench.own_command import SYMBOL, recorded_candles, told
from metastackerbandit.bench.spec import Benchmark, Prepared, Target

FRAME = "1h"
MOST_S = 300.0  # a version of this size is wanted well within its bar of an hour


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """Recorded 5m candles, resampled to the frame by the trainer itself.

    Raises:
        DataRefused: no recorded candles are at hand; training on made ones would say nothing.
    """
    candles = recorded_candles(data)
    trained: list[dict[str, Any]] = []

    def run() -> None:
        with tempfile.TemporaryDirectory() as home:
            trained.append(json.loads(told("train", candles, Path(home), FRAME))["models"][0])

    def facts() -> dict[str, float]:
        seconds = sorted(model["seconds"] for model in trained[1:])[len(trained[1:]) // 2]
        return {
            "rows": float(trained[-1]["n_rows"]),
            "versions": float(trained[-1]["versions"]),
            "s_a_version": seconds / trained[-1]["versions"],
        }

    return Prepared(
        run=run,
        amount=1.0,
        unit="series",
        facts=facts,
        notes=(
            f"{SYMBOL} {FRAME} from recorded 5m perpetuals of 2025; the process's start counts; features, labels, learners, stack, judging, cards",
        ),
    )


BENCHMARK = Benchmark(
    "train",
    "a full series of one symbol and frame from candles to judged versions, as `msb train` does it",
    prepare,
    Target("s_a_version", MOST_S, "a version in at most 300 s, a twelfth of its bar", at_most=True),
    is_long=True,
    rounds=5,
)
