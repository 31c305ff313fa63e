"""Where NautilusTrader differs from us, and why."""

from __future__ import annotations

from metastackerbandit.bench.wide import Rule as Arm
from metastackerbandit.costs.price import taken_at
from metastackerbandit.domain.money import BPS_RATE
from metastackerbandit.exits.rules import stop_price, target_price
from oracles.differences import Case, Rule
from oracles.rules.common import LAST_MOVE, NO_FUNDING, RISING, STOPPED
from oracles.scenes import Scene

DRIVEN = """It is given each candle's first price as a trade of its own, a nanosecond after the open, and the candle as a bar at its close. Its
strategy decides on the bar and sends at that trade: market orders, brackets with a stop-market and a limit order, on a netting margin account. A fill
model offers takers the price with slippage."""

BOTH = Arm("sma_cross", fast=1, slow=2, stop_bps=100.0, target_bps=100.0)
TARGETED = Arm("sma_cross", fast=1, slow=2, target_bps=100.0)
BARS_ALONE = (("first_prices", 0),)
ENTERED_AT_10050 = ((10_000, 10_010, 9_990, 10_000), (10_000, 10_060, 9_990, 10_050), (10_050, 10_110, 10_040, 10_100))  # long, in the last of these


class _Left:
    """A trade that both sides left in the same candle: the candle, its open, and the stop and target that stood, 0 for none."""

    def __init__(self, case: Case) -> None:
        ours, theirs = case.difference.ours, case.difference.theirs
        self.is_same = ours is not None and theirs is not None and bool(ours["closed_ns"] == theirs["closed_ns"])
        if ours is None or theirs is None:
            return
        rule, self.side, entry = case.scene.rule, int(ours["side"]), int(ours["entry"])
        self.ours, self.theirs, self.slippage = int(ours["exit"]), round(float(theirs["exit"])), round(case.scene.slippage_bps * BPS_RATE)
        self.candle = case.candle(int(ours["closed_ns"]))
        self.open = int(self.candle["open"])
        self.stop = stop_price(self.side, entry, round(rule.stop_bps * BPS_RATE)) if rule.stop_bps else 0
        self.target = target_price(self.side, entry, round(rule.target_bps * BPS_RATE)) if rule.target_bps else 0

    def taken(self, price: int) -> int:
        """Ticks that leaving by a taking order at `price` brings."""
        return taken_at(price, -self.side, self.slippage)


def _is_high_first(case: Case) -> bool:
    """A long that we left at its stop, and the peer at its target, in a candle whose range holds both."""
    left = _Left(case)
    if not left.is_same or left.side < 0 or not left.stop or not left.target:
        return False
    holds_both = left.candle["low"] <= left.stop < left.open < left.target <= left.candle["high"]
    return bool(holds_both and left.ours == left.taken(left.stop) and left.theirs == left.target)


def _is_stop_at_trigger(case: Case) -> bool:
    """The open was beyond the stop: we left at it, the peer at the stop's trigger."""
    left = _Left(case)
    if not left.is_same or not left.stop or left.side * (left.open - left.stop) >= 0:
        return False
    return left.ours == left.taken(left.open) and left.theirs == left.taken(left.stop)


def _is_target_at_limit(case: Case) -> bool:
    """The open was beyond the target: we left at it, the peer at the target's limit."""
    left = _Left(case)
    if not left.is_same or not left.target or left.side * (left.open - left.target) <= 0:
        return False
    return left.ours == left.open and left.theirs == left.target


def _is_refused(case: Case) -> bool:
    """We were stopped in the candle of the entry, by a stop that its open was beyond already; the peer was still in."""
    ours, theirs, rule = case.difference.ours, case.difference.theirs, case.scene.rule
    if ours is None or theirs is None or not rule.stop_bps or not ours["opened_ns"] == ours["closed_ns"] < theirs["closed_ns"]:
        return False
    side, first = int(ours["side"]), int(case.candle(int(ours["opened_ns"]))["open"])
    return side * (first - stop_price(side, int(ours["entry"]), round(rule.stop_bps * BPS_RATE))) <= 0


def _is_thin(case: Case) -> bool:
    """A candle of the trade touched the target and went no further, and a quarter of its volume was less than the quantity."""
    ours, theirs, rule = case.difference.ours, case.difference.theirs, case.scene.rule
    if ours is None or theirs is None or not rule.target_bps or ours["entry"] != round(float(theirs["entry"])):
        return False
    bars, lot = case.recording.bars[0], float(case.recording.instruments[0].lot_size)
    side = int(ours["side"])
    held = bars[(bars["opened_ns"] >= ours["opened_ns"]) & (bars["opened_ns"] <= case.difference.closed_ns)]
    touched = held["high" if side > 0 else "low"] == target_price(side, int(ours["entry"]), round(rule.target_bps * BPS_RATE))
    return bool((touched & (held["volume"] / 4 < ours["lots"] * lot)).any())


def _is_at_close(case: Case) -> bool:
    """The peer was given bars alone, and entered at the close of the candle before ours."""
    if case.scene.extra != BARS_ALONE:
        return False
    ours, theirs = case.difference.ours, case.difference.theirs
    if theirs is not None:
        return bool(abs(theirs["entry"] - case.candle(int(theirs["opened_ns"]))["close"]) < 1e-6)
    assert ours is not None
    before_ns = case.candle_before(int(ours["opened_ns"]))["opened_ns"]
    return bool(((case.theirs["opened_ns"] == before_ns) & (case.theirs["side"] == ours["side"])).any())


RULES = (
    Rule(
        "the high comes before the low",
        """NautilusTrader walks a bar from open to high to low to close, so a long position whose stop and target lie in one candle reaches its
        target. We take the stop: which came first is not known, and what is not known counts against us. A short position meets its stop at the
        high in both engines.""",
        _is_high_first,
        Scene(
            name="the high comes before the low",
            rule=BOTH,
            market="perp",
            made=(
                *ENTERED_AT_10050,
                (10_100, 10_160, 9_940, 10_110),
                (10_110, 10_120, 10_090, 10_115),
            ),
        ),
    ),
    Rule(
        "a jumped stop fills at its trigger",
        """A candle that opens beyond a stop fills it at the trigger in NautilusTrader, a price at which nothing was traded after the one before. We
        fill at the open, which is worse.""",
        _is_stop_at_trigger,
        Scene(
            name="a jumped stop fills at its trigger",
            rule=STOPPED,
            market="perp",
            made=(
                *ENTERED_AT_10050,
                (10_100, 10_160, 10_090, 10_150),
                (9_900, 9_910, 9_880, 9_890),
                (9_890, 9_900, 9_860, 9_870),
            ),
            slippage_bps=2.0,
        ),
    ),
    Rule(
        "a jumped target fills at its limit",
        """A candle that opens beyond a target fills it at the limit in NautilusTrader. We fill at the open, the better price that a limit order gets
        from those who are there.""",
        _is_target_at_limit,
        Scene(
            name="a jumped target fills at its limit",
            rule=TARGETED,
            market="perp",
            made=(
                *ENTERED_AT_10050,
                (10_100, 10_120, 10_090, 10_110),
                (10_200, 10_210, 10_190, 10_205),
                (10_205, 10_210, 10_190, 10_200),
            ),
        ),
    ),
    Rule(
        "a stop in the market is refused",
        """A stop is a distance from the price that was paid. Where slippage is more than that distance, the market is beyond the stop when it is
        sent; NautilusTrader's venue refuses it, and the position stays without one until the rule's word changes. Ours fills within the candle.""",
        _is_refused,
        Scene(
            name="a stop in the market is refused",
            rule=Arm("sma_cross", fast=1, slow=2, stop_bps=3.0),
            market="perp",
            made=(
                *ENTERED_AT_10050,
                (10_100, 10_160, 10_090, 10_150),
                (10_150, 10_160, 10_060, 10_080),
                (10_080, 10_090, 10_040, 10_050),
            ),
            slippage_bps=12.0,
        ),
    ),
    Rule(
        "a touched target shares the volume",
        """A target whose price is touched and not passed fills in NautilusTrader up to the quarter of the candle's volume that each of its four
        prices is worth, and the rest waits. We fill it whole at the touch. The quantities of the scenes are smaller than that.""",
        _is_thin,
        Scene(
            name="a touched target shares the volume",
            rule=TARGETED,
            market="perp",
            made=(
                *ENTERED_AT_10050,
                (10_100, 10_151, 10_090, 10_110),
                (10_110, 10_160, 10_100, 10_150),
                (10_150, 10_160, 10_140, 10_155),
            ),
            extra=(("made_volume", 2),),
        ),
    ),
    Rule(
        "of bars alone orders fill at the close",
        """What a strategy of NautilusTrader sends when a bar is handed to it meets the last price, which is that bar's close: the very price that was
        decided on. We fill at the next open. In the scenes each candle's first price is given to NautilusTrader as a trade of its own, at which
        what was decided at the close is sent, and the difference is gone. (Ours can be told to fill at the close too: `simulation.fill`.)""",
        _is_at_close,
        Scene(name="of bars alone orders fill at the close", rule=LAST_MOVE, market="perp", made=RISING, extra=BARS_ALONE),
    ),
    NO_FUNDING,
)
