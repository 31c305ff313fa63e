"""How long a decision takes, trace included: the block driver a bar, the streaming driver an input that decides.

    python -m tools.measure.speed --home HOME --data FOLDER --symbols BTCUSDT --frames 5m [--arms model,sma_cross,buy_and_hold]

Features and predictions are made before the clock starts. The least and the median of --times runs in the block, percentiles of the inputs
in the stream; CPU time and wall time of this process, with whatever else the machine did.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.cli.session import Session, open_session
from metastackerbandit.cli.wanted import Wanted
from metastackerbandit.domain.sink import MemorySink
from metastackerbandit.engine.engine import Engine
from metastackerbandit.runtime.replay import Driver, inputs_of
from metastackerbandit.simulation.broker import SimulatedBroker, open_venue

STREAMED = 20_000  # inputs
WARM = 400  # of them before the clock counts


def in_block(session: Session, times: int) -> str:
    """ns a bar of the whole recording."""
    block = block_of(session.fed, (), session.predicted())
    bars = sum(len(one) for one in session.fed.bars)
    taken = []
    for _ in range(times + 1):  # the first loads the kernels
        began = time.process_time_ns()
        run(session.plan, block, session.config.simulation, None)
        taken.append((time.process_time_ns() - began) / bars)
    least, middle = min(taken[1:]), float(np.median(taken[1:]))
    return f"block {least:.0f} ns a bar at least, {middle:.0f} in the median: {1e3 / least:.1f} and {1e3 / middle:.1f} M bars/s"


def in_stream(session: Session) -> str:
    """us an input on which a decision is taken."""
    predictions = session.predicted()
    venue = open_venue(session.plan.instruments, session.plan.costs, session.config.simulation)
    driver = Driver(Engine(session.plan), SimulatedBroker(venue), MemorySink())
    taken = []
    for n, event in enumerate(inputs_of(session.fed, block_of(session.fed, (), predictions).order[:STREAMED], (), predictions)):
        before = int(driver.engine.world.account[0].decisions)
        began = time.perf_counter_ns()
        driver.take(event)
        ended = time.perf_counter_ns()
        if n >= WARM and int(driver.engine.world.account[0].decisions) != before:
            taken.append((ended - began) / 1e3)
    middle, late = np.percentile(taken, (50, 99))
    return f"stream {middle:.0f} us a deciding input in the median, {late:.0f} at 99 %"


def main() -> int:
    """One line an arm."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--home", type=Path, default=None)
    given.add_argument("--data", type=Path, required=True)
    given.add_argument("--symbols", default="BTCUSDT")
    given.add_argument("--frames", default="5m")
    given.add_argument("--arms", default="sma_cross,buy_and_hold")
    given.add_argument("--times", type=int, default=7)
    asked = given.parse_args()
    for arm in asked.arms.split(","):
        session = open_session(Wanted(home=asked.home, data=asked.data, symbols=asked.symbols, frames=asked.frames, arm=arm))
        print(f"{arm}: {in_block(session, asked.times)}; {in_stream(session)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
