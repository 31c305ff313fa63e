"""A live paper run under load: 200 symbols of the loopback exchange with ten changes a second each, followed, kept, decided on and journaled."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

from metastackerbandit.bench.load_figures import LIMIT_MS, load_figures
from metastackerbandit.bench.spec import Benchmark, Prepared, Target
from metastackerbandit.bench.under_load import Load, under_load

SYMBOLS = 200
ROUND_S = 10.0  # of one look at it
SETTLING_S = 15.0  # after every book is live: what had waited for snapshots is not measured
MARKETS = {"load": "normal", "load-volatile": "high-volatility", "load-volume": "high-volume"}
AMISS = ("gap", "stale", "differs", "dropped", "silent", "broken", "candle_failed", "candle_differs")  # events of a feed that nobody made happen
SAID = {
    "normal": "two trades and ten changes of mind a second and symbol",
    "high-volatility": "two and a half times the volatility, more storms and jumps",
    "high-volume": "ten times the trades and changes of mind",
}


def prepare(flow: str, stack: ExitStack, data: Path | None) -> Prepared:
    """The exchange and the run go on; a round is ten seconds of watching them."""
    pair = stack.enter_context(under_load(Load(SYMBOLS, flow)))
    pair.wait_until_live()
    pair.watch(SETTLING_S)
    pair.looks.clear()

    def facts() -> dict[str, float]:
        told, ended = load_figures(pair.looks, SYMBOLS), pair.ended()
        amiss = {f"events_{name}": count for name, count in ended["events"].items() if name in AMISS}
        return told | amiss | {"decisions": ended["decisions"], "fills": ended["fills"]}

    return Prepared(
        run=lambda: pair.watch(ROUND_S),
        amount=SYMBOLS * ROUND_S,
        unit="symbol-seconds",
        facts=facts,
        cpu_s=pair.cpu_s,
        notes=(
            f"the made market {flow}, {SAID[flow]}, at the clock's own speed, moving ten times a second; spot, depth and trades of {SYMBOLS} "
            "symbols on one connection, candles of a minute, the momentum rule, orders on our own books",
            "CPU is that of the run; lags are from the exchange's stamp, of the moment before it tells all its streams, until the engine has "
            "taken a frame",
        ),
    )


BENCHMARKS = tuple(
    Benchmark(
        name,
        f"a live paper run on {SYMBOLS} symbols at 10 Hz, {flow} market",
        partial(prepare, flow),
        Target("lag_p99_ms", float(LIMIT_MS), f"99 of 100 frames taken within {LIMIT_MS} ms of the exchange's stamp", at_most=True),
        is_long=True,
        rounds=6,
        round_s=ROUND_S,
    )
    for name, flow in MARKETS.items()
)
