"""The chance of a net win at which trades between barriers break even: as recorded, and as the limit of `worth` has it (docs/decisions/0020).

python -m tools.measure.break_even FOLDER BTCUSDT,ETHUSDT 5m,15m,1h
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from metastackerbandit.cli.session import open_session
from metastackerbandit.cli.wanted import Wanted
from metastackerbandit.costs.rates import round_trip_bps
from metastackerbandit.decision.derived import least_worth
from metastackerbandit.training.dataset import dataset_of

EVERY = 50  # labels, of which the limit is taken: it moves with the barrier alone


def main() -> int:
    """One line a symbol and frame: mean loss / (mean win + mean loss), the limit, the limit before."""
    folder, symbols, frames = sys.argv[1:4]
    for symbol in symbols.split(","):
        for frame in frames.split(","):
            with tempfile.TemporaryDirectory() as home:
                session = open_session(Wanted(home=Path(home), data=Path(folder), symbols=symbol, frames=frame, arm="sma_cross"))
            cost = round_trip_bps(session.config.costs)
            labels = dataset_of(session.recording, (symbol,), frame, session.config.training, session.config.costs).markets[0].labels
            labels = labels[(labels["known"] == 1) & (labels["tradable"] == 1)]
            net = np.concatenate((labels["net_long"], labels["net_short"])) * 1e4
            barrier = labels["barrier"] * 1e4
            win, loss = net[net > 0].mean(), -net[net <= 0].mean()
            limit = np.mean([least_worth(cost, float(one)) for one in barrier[::EVERY]])
            print(f"{symbol} {frame}: measured {loss / (win + loss):.3f}, limit {limit:.3f}, before {np.mean(0.5 + 0.5 * cost / barrier):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
