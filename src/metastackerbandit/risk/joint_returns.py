"""Returns of several symbols over the same stretches of the clock, from their closes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import DataRefused

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class JointReturns(Struct, frozen=True, eq=False):
    """Simple returns (T, Y) over the stretches of `step_ns` that end at `ended_ns` (T,), one after the other; NaN where a close is missing."""

    ended_ns: Ints
    returns: Floats
    step_ns: int

    def until(self, at_ns: int) -> JointReturns:
        """Those that had ended by then."""
        count = int(np.searchsorted(self.ended_ns, at_ns, "right"))
        return JointReturns(self.ended_ns[:count], self.returns[:count], self.step_ns)

    def last(self, count: int) -> JointReturns:
        """The newest of them."""
        return JointReturns(self.ended_ns[-count:], self.returns[-count:], self.step_ns)

    def of(self, places: Sequence[int]) -> JointReturns:
        """The symbols at these places, in that order."""
        return JointReturns(self.ended_ns, np.ascontiguousarray(self.returns[:, list(places)]), self.step_ns)


def joint_returns(closed_ns: Sequence[Ints], closes: Sequence[Ints], step_ns: int) -> JointReturns:
    """Closes (N_y,) of each symbol at their times -> returns on the UTC clock's grid of `step_ns`, from the first close of any to the last.

    Only a candle that closes on the grid tells a close of it: a missing one leaves two returns unknown and fills none.
    """
    if not len(closes) or not all(len(one) for one in closes):
        raise DataRefused("a symbol has no candles", where="risk", mend="name symbols that have candles in this span")
    first = min(-(-int(times[0]) // step_ns) for times in closed_ns)
    last = max(int(times[-1]) // step_ns for times in closed_ns)
    grid = np.full((max(last - first + 1, 0), len(closes)), np.nan)
    for y, (times, prices) in enumerate(zip(closed_ns, closes, strict=True)):
        on = times % step_ns == 0
        grid[times[on] // step_ns - first, y] = prices[on]
    ended = (np.arange(first + 1, last + 1, dtype=np.int64)) * step_ns
    return JointReturns(ended, grid[1:] / grid[:-1] - 1.0, step_ns)


def over_horizon(returns: Floats, steps: int) -> Floats:
    """Returns (T, Y) of a step -> those (T - steps + 1, Y) of every `steps` in a row, compounded; NaN where one of them is not known."""
    if len(returns) < steps:
        return np.zeros((0, returns.shape[1]))
    if steps == 1:
        return returns
    grown = returns[: len(returns) - steps + 1] + 1.0
    for place in range(1, steps):
        grown = grown * (returns[place : len(returns) - steps + 1 + place] + 1.0)
    found: Floats = grown - 1.0
    return found
