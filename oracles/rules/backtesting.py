"""Where backtesting.py differs from us, and why."""

from __future__ import annotations

from metastackerbandit.bench.wide import Rule as Arm
from metastackerbandit.domain.money import BPS_RATE
from metastackerbandit.exits.rules import stop_price, target_price
from oracles.differences import Case, Rule
from oracles.rules.common import LAST_MOVE, NO_FUNDING, RISEN, RISING
from oracles.scenes import Scene

DRIVEN = """Its `Strategy` sees each close and orders for the next open. Stop and target go with the order; the script looks up the open that the
order will fill at, so that they are distances from the entry. The rule's words are computed before, with pandas, and have no empty beginning:
backtesting.py would not call a strategy before the bar after the one on which its last indicator begins."""


def _is_spread(case: Case) -> bool:
    """Left in the same candle at the price before slippage."""
    ours, theirs = case.difference.ours, case.difference.theirs
    if ours is None or theirs is None or not case.scene.slippage_bps or ours["closed_ns"] != theirs["closed_ns"]:
        return False
    worse = theirs["exit"] * case.scene.slippage_bps * 1e-4
    return bool(0.0 <= ours["side"] * (theirs["exit"] - ours["exit"]) - worse < 1.0 + 1e-4)


def _is_refused(case: Case) -> bool:
    """We entered at an open that is so far from the close before that this close is not between stop and target."""
    ours, rule = case.difference.ours, case.scene.rule
    if ours is None or case.difference.theirs is not None:
        return False
    side, entry = int(ours["side"]), int(ours["entry"])
    last = side * int(case.candle_before(int(ours["opened_ns"]))["close"])
    stop, target = stop_price(side, entry, round(rule.stop_bps * BPS_RATE)), target_price(side, entry, round(rule.target_bps * BPS_RATE))
    return bool((rule.stop_bps > 0 and last <= side * stop) or (rule.target_bps > 0 and last >= side * target))


RULES = (
    Rule(
        "barriers must hold the last close",
        """backtesting.py wants stop and target with the order, and takes the last close for the price of a market order: an order whose stop and
        target do not have that close between them is refused. Ours are placed by the fill. Where a thin market opens beyond the distance of a
        barrier from the last close, we are in and it is not.""",
        _is_refused,
        Scene(
            name="barriers must hold the last close",
            rule=Arm("sma_cross", fast=1, slow=2, stop_bps=100.0),
            market="perp",
            made=(
                *RISEN,
                (10_200, 10_260, 10_190, 10_250),
                (10_250, 10_260, 10_190, 10_200),
                (10_200, 10_210, 10_190, 10_200),
            ),
        ),
    ),
    Rule(
        "the spread is paid once",
        """backtesting.py has a `spread`, which makes the price of an entry worse by a share; exits are at the price as it stands. We pay slippage at
        both ends. In scenes with slippage times, sides, quantities and entry prices are compared, and exit price, fee and profit are not.""",
        _is_spread,
        Scene(name="the spread is paid once", rule=LAST_MOVE, market="perp", made=RISING, fee_bps=5.0, slippage_bps=2.0),
    ),
    NO_FUNDING,
)
