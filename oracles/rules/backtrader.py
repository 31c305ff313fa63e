"""Where backtrader differs from us, and why."""

from __future__ import annotations

from metastackerbandit.bench.wide import Rule as Arm
from metastackerbandit.costs.price import taken_at
from metastackerbandit.domain.money import BPS_RATE
from metastackerbandit.exits.rules import target_price
from oracles.differences import Case, Rule
from oracles.rules.common import ENTRY_REACHES_STOP, RISEN, STOPPED
from oracles.scenes import Scene

DRIVEN = """It runs with `cheat_on_open`: its strategy decides at the close in `next`, and sends entry, stop and target together at the next open in
`next_open`; of stop and target one cancels the other. Its own places of slipping slip to a whole tick. Funding is the broker's credit interest, told
the rates and mark prices of settlements; `int2pnl` books it with the trade."""

NEXT_ALONE = (("cheat_on_open", 0),)


def _is_order_for_target(case: Case) -> bool:
    """Both left at an open that was beyond the target: we at it, the peer by an order that pays slippage."""
    ours, theirs, rule = case.difference.ours, case.difference.theirs, case.scene.rule
    if ours is None or theirs is None or not rule.target_bps or ours["closed_ns"] != theirs["closed_ns"]:
        return False
    side, opened = int(ours["side"]), int(case.candle(int(ours["closed_ns"]))["open"])
    beyond = side * (opened - target_price(side, int(ours["entry"]), round(rule.target_bps * BPS_RATE))) >= 0
    paid = taken_at(opened, -side, round(case.scene.slippage_bps * BPS_RATE))
    return bool(beyond and ours["exit"] == opened and abs(theirs["exit"] - paid) < 1e-6)


def _is_entry_candle(case: Case) -> bool:
    """The peer played without `cheat_on_open`, and was still in a position that we left in the candle of its entry."""
    ours, theirs = case.difference.ours, case.difference.theirs
    if case.scene.extra != NEXT_ALONE or ours is None or theirs is None:
        return False
    return bool(ours["closed_ns"] == ours["opened_ns"] < theirs["closed_ns"])


RULES = (
    Rule(
        "an order takes the place of a jumped target",
        """backtrader has no reduce-only orders: what a strategy sends to leave a position would open one where a stop or target has ended it at the
        same open, so its stop and target have to be cancelled first. Where that open lies beyond the target, backtrader leaves by the market order
        and pays slippage; our target fills there as the resting order that it is, and the order to leave finds nothing left.""",
        _is_order_for_target,
        Scene(
            name="an order takes the place of a jumped target",
            rule=Arm("sma_cross", fast=1, slow=2, target_bps=100.0),
            market="perp",
            made=(
                *RISEN,
                (10_050, 10_110, 10_040, 10_100),
                (10_100, 10_110, 10_060, 10_080),
                (10_200, 10_210, 10_190, 10_205),
                (10_205, 10_210, 10_190, 10_200),
            ),
            slippage_bps=2.0,
        ),
    ),
    Rule(
        "barriers begin with the next bar",
        """backtrader tells of a fill after the bar that it happened in, so a stop that is sent then is first looked at a bar later, and one that the
        rest of the entry candle reaches is not seen. Ours is in force from the fill on. With `cheat_on_open`, as in the scenes, backtrader's
        strategy sends entry, stop and target together at the open, and the difference is gone.""",
        _is_entry_candle,
        Scene(
            name="barriers begin with the next bar",
            rule=STOPPED,
            market="perp",
            made=ENTRY_REACHES_STOP,
            extra=NEXT_ALONE,
        ),
    ),
)
