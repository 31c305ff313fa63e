"""Round trips: how often they earn money after all costs, and how much they win beside what they lose."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.chance import Words, advance, words_of
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval, interval

Floats = NDArray[np.float64]

WINS, LOSSES, WON, LOST = 0, 1, 2, 3
TRIP_COLUMNS = 4
_STREAM = 2  # of the seed


@kernel
def tally(nets: Floats, at: int, out: Floats, r: int) -> None:
    """Add one trip's net money to row r of out: a win, a loss, or (at exactly 0) neither."""
    if nets[at] > 0.0:
        out[r, WINS] += 1.0
        out[r, WON] += nets[at]
    elif nets[at] < 0.0:
        out[r, LOSSES] += 1.0
        out[r, LOST] -= nets[at]


@kernel
def tally_over(nets: Floats, out: Floats) -> None:
    """Fill out (1, TRIP_COLUMNS) from the trips' nets (N,) as they were."""
    for n in range(len(nets)):
        tally(nets, n, out, 0)


@kernel
def draw_trips(nets: Floats, words: Words, out: Floats) -> None:
    """Fill out (R, TRIP_COLUMNS), zeros before, from R draws of N trips out of nets (N,), each trip on its own."""
    count = len(nets)
    a, b, c, d = words[0], words[1], words[2], words[3]
    for r in range(len(out)):
        for _ in range(count):
            draw, a, b, c, d = advance(a, b, c, d)
            tally(nets, (draw * count) >> 32, out, r)


def trip_scores(trips: NDArray[Any], resamples: int, seed: int) -> dict[str, Interval]:
    """Hit rate, payoff and profit factor of closed round trips, net of fees and funding."""
    nets = np.array(trips["net"], np.float64)
    if len(nets) == 0:
        return dict.fromkeys(("hit_rate", "payoff", "profit_factor"), UNKNOWN)
    own, drawn = np.zeros((1, TRIP_COLUMNS)), np.zeros((resamples, TRIP_COLUMNS))
    tally_over(nets, own)
    draw_trips(nets, words_of(seed, _STREAM), drawn)
    own_values, drawn_values = _by_name(own, len(nets)), _by_name(drawn, len(nets))
    return {name: interval(float(own_values[name][0]), drawn_values[name]) for name in own_values}


def _by_name(rows: Floats, count: int) -> dict[str, Floats]:
    wins, losses = (np.where(rows[:, k] > 0.0, rows[:, k], np.nan) for k in (WINS, LOSSES))
    return {
        "hit_rate": rows[:, WINS] / count,
        "payoff": (rows[:, WON] / wins) / (rows[:, LOST] / losses),
        "profit_factor": rows[:, WON] / np.where(rows[:, LOSSES] > 0.0, rows[:, LOST], np.nan),
    }
