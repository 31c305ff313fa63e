"""Where vectorbt differs from us, and why."""

from __future__ import annotations

from metastackerbandit.bench.wide import Rule as Arm
from metastackerbandit.domain.money import BPS_RATE
from metastackerbandit.exits.rules import stop_price, target_price
from oracles.differences import Case, Rule
from oracles.rules.common import ENTRY_REACHES_STOP, NO_FUNDING, RISEN, STOPPED
from oracles.scenes import Scene

DRIVEN = """Without stop and target its signals are arrays, executed at each candle's open. With them a candle is two rows, first its open alone
and then its range, and the signals are asked for row by row, since what was stopped decides what comes next."""

STOPPED_THEN_FLAT = Arm("sma_cross", fast=1, slow=2, stop_bps=100.0, reversal="through_flat")


def _is_stop_before_open(case: Case) -> bool:
    """We left at an open by order; the peer at a stop or target inside that same candle, or at it."""
    ours, theirs = case.difference.ours, case.difference.theirs
    if ours is None or theirs is None or ours["closed_ns"] != theirs["closed_ns"]:
        return False
    candle = case.candle(int(ours["closed_ns"]))
    return bool(ours["exit"] == candle["open"] != theirs["exit"] and candle["low"] - 1 <= theirs["exit"] <= candle["high"] + 1)


def _is_entry_candle(case: Case) -> bool:
    """We left in the candle that we entered in; the peer later."""
    ours, theirs = case.difference.ours, case.difference.theirs
    return ours is not None and theirs is not None and bool(ours["closed_ns"] == ours["opened_ns"] < theirs["closed_ns"])


def _is_swallowed(case: Case) -> bool:
    """We turned at an open at which the peer's position was stopped or reached its target, and the peer did not enter there."""
    ours, theirs = case.difference.ours, case.difference.theirs
    if ours is None or theirs is not None or case.scene.rule.reversal != "flip":
        return False
    price = case.candle(int(ours["opened_ns"]))["open"]
    ended = case.theirs[(case.theirs["closed_ns"] == ours["opened_ns"]) & (case.theirs["side"] == -ours["side"])]
    return bool((abs(ended["exit"] - price) <= price * case.scene.slippage_bps * 1e-4 + 1e-6).any())


def _is_unrounded(case: Case) -> bool:
    """The candle that one of the two left in just reached our stop or target, or the peer's: they are less than two ticks apart."""
    ours, theirs = case.difference.ours, case.difference.theirs
    if ours is None or theirs is None or not case.scene.slippage_bps or ours["closed_ns"] == theirs["closed_ns"]:
        return False
    candle = case.candle(int(min(ours["closed_ns"], theirs["closed_ns"])))
    side, entry, rule = int(ours["side"]), round(float(ours["entry"])), case.scene.rule
    stop, target = stop_price(side, entry, round(rule.stop_bps * BPS_RATE)), target_price(side, entry, round(rule.target_bps * BPS_RATE))
    reached = candle["low"] if side > 0 else candle["high"], candle["high"] if side > 0 else candle["low"]
    return bool(abs(reached[0] - stop) < 2 or abs(reached[1] - target) < 2)


def _is_slipped_target(case: Case) -> bool:
    """Left in the same candle; the peer's target is worse by the slippage."""
    ours, theirs = case.difference.ours, case.difference.theirs
    if ours is None or theirs is None or not case.scene.slippage_bps or ours["closed_ns"] != theirs["closed_ns"]:
        return False
    lost = ours["exit"] * case.scene.slippage_bps * 1e-4
    return bool(abs(ours["side"] * (ours["exit"] - theirs["exit"]) - lost) <= 1.0)


ONE_ROW = (("rows_a_candle", 1),)

RULES = (
    Rule(
        "a stop comes before the open",
        """vectorbt trades once a row, and looks at stop and target before it looks at signals. With one row a candle, a position that is to be left
        at the open is instead left at its stop when the rest of that candle reaches it: something that happened later is traded first. We fill
        the order at the open, and the stop finds nothing left. In the scenes each candle is two rows, its open and then its range, and the
        difference is gone.""",
        _is_stop_before_open,
        Scene(
            name="a stop comes before the open",
            rule=STOPPED_THEN_FLAT,
            market="perp",
            made=(
                *RISEN,
                (10_050, 10_110, 10_040, 10_100),
                (10_100, 10_110, 10_060, 10_080),
                (10_080, 10_090, 9_900, 9_920),
                (9_920, 9_930, 9_840, 9_850),
                (9_850, 9_900, 9_840, 9_890),
                (9_890, 9_900, 9_840, 9_850),
            ),
            extra=ONE_ROW,
        ),
    ),
    Rule(
        "barriers begin with the next row",
        """A position's stop and target are first looked at one row after its entry. With one row a candle, a stop that the rest of the entry
        candle reaches is not seen; ours is in force from the fill on. With two rows a candle the range after the open is the next row, and both
        engines see it.""",
        _is_entry_candle,
        Scene(
            name="barriers begin with the next row",
            rule=STOPPED,
            market="perp",
            made=ENTRY_REACHES_STOP,
            extra=ONE_ROW,
        ),
    ),
    Rule(
        "a gap's stop swallows the order",
        """Where the open itself is beyond the stop, the one trade of that row is the stop's, and an order to enter the other side at the same open is
        lost. Our stop and our entry are two orders, and both fill at that open.""",
        _is_swallowed,
        Scene(
            name="a gap's stop swallows the order",
            rule=STOPPED,
            market="perp",
            made=(
                *RISEN,
                (10_050, 10_110, 10_040, 10_100),
                (10_100, 10_110, 10_060, 10_080),
                (9_900, 9_910, 9_880, 9_890),
                (9_890, 9_900, 9_860, 9_870),
                (9_870, 9_930, 9_860, 9_920),
                (9_920, 9_930, 9_890, 9_900),
            ),
        ),
    ),
    Rule(
        "a target slips too",
        """A stop and a target of vectorbt leave at one kind of price: both with slippage or both without. Ours pay as venues' orders do: a stop takes
        and slips, a target rests and does not. In scenes that have both slippage and barriers, exit price, fee and profit are not compared.""",
        _is_slipped_target,
        Scene(
            name="a target slips too",
            rule=Arm("sma_cross", fast=1, slow=2, target_bps=100.0),
            market="perp",
            made=(
                *RISEN,
                (10_050, 10_110, 10_040, 10_100),
                (10_100, 10_210, 10_090, 10_200),
                (10_200, 10_260, 10_190, 10_250),
            ),
            slippage_bps=2.0,
        ),
    ),
    Rule(
        "barriers from an unrounded entry",
        """With slippage an entry of vectorbt lies between two ticks, and its stop and target are shares of that price. Ours are distances from
        the tick that was paid, and are ticks. A candle that just touches one may miss the other.""",
        _is_unrounded,
        Scene(
            name="barriers from an unrounded entry",
            rule=STOPPED,
            market="perp",
            made=(
                *RISEN,
                (10_050, 10_110, 10_040, 10_100),
                (10_100, 10_160, 9_953, 10_150),
                (10_150, 10_160, 10_060, 10_080),
                (10_080, 10_090, 10_040, 10_050),
                (10_050, 10_060, 10_000, 10_010),
            ),
            slippage_bps=2.0,
        ),
    ),
    NO_FUNDING,
)
