"""From a frame off the socket to an order on its way: our live run and a loop on ccxt.pro by turns on one exchange, 20 symbols at a fixed pace."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from metastackerbandit.bench.paced_market import BEATS, TURN_S
from metastackerbandit.bench.spec import OURS, Asked, Benchmark, Prepared, Target, Unequal
from metastackerbandit.bench.wire_exchange import KEY, Arrival, Served

SYMBOLS = 20
SECONDS = 31.0  # of one run: seven turns of the market, and the time until books and account are known
PEER = "ccxt"
P50_MS, P99_MS = 1.0, 5.0  # of the way from a frame to the request on its socket
PERCENTILES = (50, 90, 99, 100)
WAYS = ("to_decision", "to_request", "to_arrival", "from_trade_to_arrival")


class Ways:
    """How long orders took on each part of their way, by side; (N, 4) ms in the order of WAYS."""

    def __init__(self) -> None:
        self.ms: dict[str, list[tuple[float, ...]]] = {}
        self.lost: dict[str, int] = {}  # orders that left and did not come, or were not filled

    def taken(self, side: str, sent: list[tuple[str, int, int, int]], arrivals: Mapping[str, Arrival]) -> np.ndarray:
        """The way of each order (client id, received, decided, handed) that the exchange took and filled; ms to its arrival (N,)."""
        found = [(one, arrivals[one[0]]) for one in sent if one[0] in arrivals and arrivals[one[0]].status == "filled"]
        ways = [
            tuple(ns / 1e6 for ns in (decided - received, handed - received, came.arrived_ns - received, came.arrived_ns - came.traded_ns))
            for (_, received, decided, handed), came in found
        ]
        self.ms.setdefault(side, []).extend(ways)
        self.lost[side] = self.lost.get(side, 0) + len(sent) - len(ways)
        return np.array([way[2] for way in ways])

    def facts(self) -> dict[str, float]:
        """Percentiles of each part of the way, and what the goal is judged by."""
        told: dict[str, float] = {}
        for side, ways in self.ms.items():
            told |= {f"{side}_orders": float(len(ways)), f"{side}_lost": float(self.lost[side])}
            parts = np.percentile(np.array(ways), PERCENTILES, axis=0) if ways else np.full((len(PERCENTILES), len(WAYS)), np.nan)
            for n, way in enumerate(WAYS):
                if side == OURS or n > 1:  # a peer's decision is its request
                    told |= {f"{side}_{way}_p{PERCENTILES[k]}_ms".replace("p100", "max"): float(parts[k, n]) for k in range(len(PERCENTILES))}
        ours = f"{OURS}_to_request"
        told["share_of_the_goal"] = max(told[f"{ours}_p50_ms"] / P50_MS, told[f"{ours}_p99_ms"] / P99_MS)
        return told


def prepared(stack: ExitStack, symbols: int, seconds: float) -> Prepared:
    """The exchange in its process, and what each side does there."""
    from metastackerbandit.bench.wire_run import traded  # the whole live path, which a list of benchmarks need not read

    exchange, ways = stack.enter_context(Served(symbols)), Ways()

    def waits_ms(side: str, answer: Any) -> np.ndarray:
        sent = [tuple(row) for row in answer["sent"]]
        full = [(name, received, times[0], times[-1]) for name, received, *times in sent]
        return ways.taken(side, full, exchange.arrivals())

    def ours() -> dict[str, Any]:
        sent, happened = traded(exchange.port, symbols, seconds)
        return {"sent": [(one.name, one.received_ns, one.decided_ns, one.handed_ns) for one in sent], "happened": happened}

    def equal(peer: str, mine: Any, theirs: Any) -> str:
        if not theirs["sent"]:
            raise Unequal(f"{peer} has sent no order")
        return f"the same rule on the same market: {len(mine['sent'])} orders of ours, {len(theirs['sent'])} of theirs in a run"

    job = {"port": exchange.port, "key": KEY.api_key, "secret": KEY.secret, "seconds": seconds}
    return Prepared(
        run=ours,
        amount=1.0,
        unit="orders",
        peers={PEER: Asked(PEER, "wire", job, script="wire.py")},
        equal=equal,
        waits_ms=waits_ms,
        facts=ways.facts,
        notes=notes_of(symbols),
    )


def notes_of(symbols: int) -> tuple[str, ...]:
    """What a reader must know of the figures."""
    return (
        "a time is the median wait of one order from the frame that it follows, as that is taken off the socket, to its arrival at the exchange, "
        "by the monotonic clock that all processes share; a rate is one over it; every order that is counted was filled there",
        f"the exchange: Binance spot as `msb venue` serves it, in a process of its own, {symbols} symbols that each trade and change {BEATS} times "
        f"a second, evenly spread; every {TURN_S} s the price of half of them turns, and these act at the first trade behind that second",
        "ours is a live run as `msb run` wires it: journal, input log, raw log, monitors and gates on; sma_cross of 1 and 2 candles of a second; "
        "to_request ends as the request's first bytes go to the socket; from_trade begins with the trade at the exchange",
        "theirs: watchOrderBook and watchTrades of every symbol, the same rule in a few lines, createOrder; its frame is stamped as ccxt takes it "
        "up, behind its socket's reader",
    )


BENCHMARK = Benchmark(
    "wire",
    f"frame in, decision, order out on loopback, {SYMBOLS} symbols",
    lambda stack, data: prepared(stack, SYMBOLS, SECONDS),
    Target("share_of_the_goal", 1.0, f"from frame to request: p50 below {P50_MS:g} ms, p99 below {P99_MS:g} ms", at_most=True),
    is_long=True,
    rounds=5,
)
