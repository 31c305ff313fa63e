"""Where backtesting.py differs from us, and why."""

from __future__ import annotations

from oracles.differences import Case, Rule
from oracles.rules.common import LAST_MOVE, NO_FUNDING, RISING
from oracles.scenes import Scene


def _is_spread(case: Case) -> bool:
    """Left in the same candle at the price before slippage."""
    ours, theirs = case.difference.ours, case.difference.theirs
    if ours is None or theirs is None or not case.scene.slippage_bps or ours["closed_ns"] != theirs["closed_ns"]:
        return False
    worse = theirs["exit"] * case.scene.slippage_bps * 1e-4
    return bool(0.0 <= ours["side"] * (theirs["exit"] - ours["exit"]) - worse < 1.0 + 1e-4)


RULES = (
    Rule(
        "the spread is paid once",
        """backtesting.py has a `spread`, which makes the price of an entry worse by a share; exits are at the price as it stands. We pay slippage at
        both ends. In scenes with slippage times, sides, quantities and entry prices are compared, and exit price, fee and profit are not.""",
        _is_spread,
        Scene(name="the spread is paid once", rule=LAST_MOVE, market="perp", made=RISING, fee_bps=5.0, slippage_bps=2.0),
    ),
    NO_FUNDING,
)
