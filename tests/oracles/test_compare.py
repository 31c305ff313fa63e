"""The comparison itself: what is equal passes, and whatever is not is found, whichever field it is in."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.compare import COMPARED, Limits, Row, compare
from oracles.differences import Case, Rule, explain
from oracles.scenes import MADE_NS, SCENES, Scene
from oracles.trades import FIELDS, LAYOUT, Trades, in_order, trades_of
from tests.markets import generated

FEE = 5e-4
EXACT = Limits(fraction=0.0, money=0.0001, fee=FEE)
SLIPPED = Limits(fraction=1.0, money=0.0001, fee=FEE)
CANDLE_NS = 300 * 10**9
PLANTED = ("closed_ns", "lots", "entry", "exit", "fee", "funding", "profit")  # a side is a trade's name: another one is another trade


@st.composite
def played(draw: st.DrawFn) -> Trades:
    """Trades one after the other, as an engine would tell them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(1, 30))
    trades = np.zeros(count, LAYOUT)
    times = MADE_NS + np.cumsum(rng.integers(1, 20, 2 * count)) * CANDLE_NS
    trades["opened_ns"], trades["closed_ns"] = times[::2], times[1::2]
    trades["side"] = rng.choice((-1, 1), count)
    trades["lots"] = rng.integers(1, 1_000, count)
    trades["entry"] = rng.integers(1_000, 1_000_000, count)
    trades["exit"] = np.maximum(trades["entry"] + rng.integers(-500, 501, count), 1)
    trades["fee"] = (trades["entry"] + trades["exit"]) * trades["lots"] * EXACT.money * FEE
    trades["funding"] = rng.normal(0, 0.1, count)
    trades["profit"] = trades["side"] * (trades["exit"] - trades["entry"]) * trades["lots"] * EXACT.money - trades["fee"] - trades["funding"]
    return trades


@given(played())
def test_trades_are_equal_to_themselves(trades: Trades) -> None:
    found = compare(trades, trades.copy(), EXACT)
    assert found.equal == len(trades) and found.differences == () and found.share == 0.0


def just_too_much(field: str, trade: Row, limits: Limits, sign: int) -> float:
    """The smallest change of a field, up or down, that must be found; money is given a tenth of a millionth of what changed hands."""
    if field in ("closed_ns", "lots"):
        return sign * (CANDLE_NS if field == "closed_ns" else 1e-3)
    if field in ("entry", "exit"):
        is_better = sign * trade["side"] * (1 if field == "exit" else -1) > 0
        return sign * (limits.fraction + 1e-3 if is_better else 1e-3)
    gained = trade["lots"] * 2 * limits.fraction * limits.money
    return sign * (gained * {"fee": FEE, "funding": 0.0, "profit": 1 + FEE}[field] + 1e-7 * trade["lots"] * trade["entry"] * limits.money + 1e-6)


@given(played(), st.data(), st.sampled_from(PLANTED), st.sampled_from((EXACT, SLIPPED)), st.sampled_from((-1, 1)))
def test_a_planted_difference_in_any_field_is_found(trades: Trades, data: st.DataObject, field: str, limits: Limits, sign: int) -> None:
    place = data.draw(st.integers(0, len(trades) - 1))
    theirs = trades.copy()
    theirs[field][place] += just_too_much(field, trades[place], limits, sign)
    found = compare(trades, theirs, limits)
    assert found.equal == len(trades) - 1
    assert [difference.fields for difference in found.differences] == [(field,)]
    assert found.differences[0].opened_ns == trades["opened_ns"][place]


@given(played(), st.data())
def test_a_trade_that_one_side_lacks_is_found_on_either_side(trades: Trades, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(trades) - 1))
    fewer = np.delete(trades, place)
    lost, extra = compare(trades, fewer, EXACT), compare(fewer, trades, EXACT)
    assert lost.differences[0].theirs is None and lost.differences[0].ours == trades[place]
    assert extra.differences[0].ours is None and extra.differences[0].theirs == trades[place]
    assert lost.equal == extra.equal == len(trades) - 1


@given(played(), st.data())
def test_a_turned_side_is_two_trades_that_have_no_partner(trades: Trades, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(trades) - 1))
    theirs = trades.copy()
    theirs["side"][place] *= -1
    assert len(compare(trades, theirs, EXACT).differences) == 2


@given(played(), st.floats(0.0, 0.99))
def test_a_peer_that_keeps_a_tick_s_fraction_is_equal_only_where_slippage_makes_fractions(trades: Trades, fraction: float) -> None:
    theirs = trades.copy()
    theirs["entry"] -= trades["side"] * fraction
    theirs["exit"] += trades["side"] * fraction
    assert compare(trades, theirs, SLIPPED).equal == len(trades)
    if fraction > 0.001:
        assert compare(trades, theirs, EXACT).equal == 0
        assert compare(theirs, trades, SLIPPED).equal == 0, "we never pay less than a peer that keeps the fraction"


@given(played())
def test_where_funding_is_not_compared_profit_is_compared_before_it(trades: Trades) -> None:
    theirs = trades.copy()
    theirs["profit"] += theirs["funding"]
    theirs["funding"] = 0.0
    without = msgspec.structs.replace(EXACT, fields=tuple(name for name in COMPARED if name != "funding"))
    assert compare(trades, theirs, without).equal == len(trades)


def test_two_trades_of_one_side_in_one_candle_are_compared_in_their_order() -> None:
    trades = np.zeros(2, LAYOUT)
    trades["side"], trades["lots"], trades["entry"], trades["exit"] = 1, 1.0, 100.0, (101.0, 102.0)
    assert compare(trades, trades.copy(), EXACT).equal == 2
    theirs = trades.copy()
    theirs["exit"][1] = 103.0
    assert [difference.fields for difference in compare(trades, theirs, EXACT).differences] == [("exit",)]


def test_a_peer_s_answer_becomes_ticks_and_lots() -> None:
    (trade,) = trades_of([[MADE_NS, MADE_NS + CANDLE_NS, -1, 0.137, 92_636.1, 92_636.0, 1.0, 0.0, -0.9]], "0.1", "0.001")
    assert (trade["lots"], trade["entry"], trade["exit"]) == pytest.approx((137, 926_361, 926_360))
    assert tuple(trade[name] for name in ("opened_ns", "closed_ns", "side", "fee", "profit")) == (MADE_NS, MADE_NS + CANDLE_NS, -1, 1.0, -0.9)
    assert len(trades_of([], "0.1", "0.001")) == 0
    assert FIELDS == ("opened_ns", "closed_ns", "side", "lots", "entry", "exit", "fee", "funding", "profit")


# -- rules ------------------------------------------------------------------------------------------------------------


def always(name: str, at_ns: int) -> Rule:
    """A rule that explains what was entered at `at_ns`."""

    def explains(case: Case) -> bool:
        return case.difference.opened_ns == at_ns

    return Rule(name, "", explains, SCENES[0])


def rows(*spans: tuple[int, int]) -> Trades:
    """Trades by the candles that they were entered and left in."""
    trades = np.zeros(len(spans), LAYOUT)
    trades["opened_ns"], trades["closed_ns"] = np.array(spans).T * CANDLE_NS
    trades["side"], trades["lots"], trades["entry"], trades["exit"] = 1, 1.0, 100.0, 101.0
    return in_order(trades)


def named(ours: Trades, theirs: Trades, *rules: Rule) -> list[Any]:
    scene: Scene = SCENES[0]
    return list(explain(scene, generated(1, 10, 1), ours, theirs, compare(ours, theirs, EXACT), rules).names)


def test_what_begins_while_an_explained_difference_is_open_comes_after_it() -> None:
    ours = rows((1, 5), (6, 8), (9, 12), (20, 25))
    theirs = rows((1, 10), (11, 12), (20, 24))
    rule = always("late", CANDLE_NS)
    assert named(ours, theirs, rule) == ["late", "after late", "after late", "after late", None]
    assert named(ours, theirs) == [None] * 5


def test_the_first_rule_that_explains_a_difference_names_it() -> None:
    ours, theirs = rows((1, 5)), rows((1, 6))
    assert named(ours, theirs, always("one", CANDLE_NS), always("two", CANDLE_NS)) == ["one"]
    assert named(ours, theirs, always("one", 7), always("two", CANDLE_NS)) == ["two"]
