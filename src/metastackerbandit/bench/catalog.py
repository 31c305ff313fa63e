"""Every benchmark there is: a new one is a file in bench/works and a line here."""

from __future__ import annotations

from metastackerbandit.bench.spec import Benchmark
from metastackerbandit.bench.works import (
    backtest,
    book,
    features,
    feeds,
    input,
    load,
    orders,
    pipeline,
    pivots,
    start,
    stored,
    streaming,
    sweep,
    train,
    wire,
)

BENCHMARKS: tuple[Benchmark, ...] = (
    backtest.BENCHMARK,
    backtest.WITH_BARRIERS,
    pipeline.BENCHMARK,
    stored.BENCHMARK,
    sweep.BENCHMARK,
    features.BENCHMARK,
    streaming.BENCHMARK,
    book.BENCHMARK,
    feeds.BENCHMARK,
    orders.BENCHMARK,
    pivots.BENCHMARK,
    input.BENCHMARK,
    train.BENCHMARK,
    *load.BENCHMARKS,
    start.BENCHMARK,
    wire.BENCHMARK,
)


def named(name: str) -> Benchmark | None:
    """The benchmark of that name."""
    return next((benchmark for benchmark in BENCHMARKS if benchmark.name == name), None)
