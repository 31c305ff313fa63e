"""One decision: the wish of an opinion is sized, put before every gate, and sent; a veto takes no new risk and never flattens."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.gate import BLOCK, PASS
from metastackerbandit.domain.kernel import kernel, rows, struct_of
from metastackerbandit.domain.rows import (
    ENTER,
    EXIT,
    HOLD,
    INCREASE,
    KEEP,
    MARKET,
    ON_FLAT,
    ON_KILL,
    ON_OPPOSITE,
    ON_RESIZE,
    ON_SIGNAL,
    ON_TIME,
    REDUCE,
    DecisionRow,
)
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.engine.decide import (
    act,
    decide,
    is_over,
    is_quiet,
    judge,
    keep_decision,
    look,
    propose,
    quantize,
    remember_entry,
    value,
    wish_for,
)
from metastackerbandit.engine.gates import GATE_NAMES, LEGAL_GATE
from metastackerbandit.engine.orders import TOO_MANY_ORDERS
from metastackerbandit.engine.world import CANCEL, SUBMIT, WORKING_SLOTS
from tests.engine.desks import desk_for
from tests.engine.moments import A_YEAR, BAR_NS, DEPOSIT, LOT, LOTS, NOW_NS, PRICE, UNIT, VARIANCE, Moment, bytes_of, close_at, moment

YEARLY = math.sqrt(VARIANCE * A_YEAR)
ANY_GATE = -2


@kernel
def decided(world: Any, out: Any, s: int, now_ns: int, signal: int, side: int, scale: float, alpha: float, kelly: float) -> int:
    """`decide`, compiled once: what is put into its callers is not kept by itself."""
    return decide(world, out, s, now_ns, signal, side, scale, alpha, kelly)


def say(
    book: Moment, signal: int, *, s: int = 0, now_ns: int = NOW_NS, side: int = 9, scale: float = 1.0, alpha: float = 1.0, kelly: float = math.inf
) -> Any:
    """A word is decided on -> the decision's row."""
    assert decided(book.world, book.out, s, now_ns, signal, signal if side == 9 else side, scale, alpha, kelly) == 0
    return book.kept("decisions")[-1]


def sent(book: Moment) -> list[tuple[int, int, int]]:
    """(lots, reason, whether it may only reduce) of every order so far."""
    return [(int(row.lots), int(row.reason), int(row.reduce_only)) for row in book.kept("orders") if row.filled == 0]


# -- what a word comes to ---------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(words=st.lists(st.sampled_from([-1, 0, 1, KEEP]), min_size=1, max_size=8), flips=st.booleans(), market=st.sampled_from(["perp", "spot"]))
def test_a_position_is_what_the_last_words_asked_for(words: list[int], flips: bool, market: str) -> None:
    """A word names a side, flat, or nothing; another side goes through flat unless positions may be turned."""
    book = moment(market=market, decision={"reversal": "flip" if flips else "through_flat"})
    held = 0
    for n, word in enumerate(words, 1):
        book.seat.bars_seen += 1
        side = 0 if word == -1 and market == "spot" else word
        if side == KEEP or side * LOTS == held:
            wanted = held
        elif held != 0 and side != 0 and not flips:
            wanted = 0
        else:
            wanted = side * LOTS
        row = say(book, word, side=side)
        assert (row.decision, row.signal, row.side, row.position, row.pending, row.wanted, row.sent) == (
            n,
            word,
            0 if side == KEEP else side,
            held,
            0,
            wanted,
            wanted - held,
        )
        assert row.kind == (HOLD if wanted == held else EXIT if wanted == 0 else ENTER)
        assert row.asks_risk == int(row.kind == ENTER) and (row.binding, row.sole, row.blocked) == (-1, -1, 0)
        book.fill()
        held = wanted
        assert book.seat.position.lots == held
    assert book.account.decisions == len(words) == len(book.kept("decisions"))
    assert book.seat.ghosts == 0  # nothing was prevented


def test_a_decision_s_row_tells_the_moment_and_the_wish() -> None:
    book = moment()
    close_at(book.seat, PRICE + 7, NOW_NS)
    row = say(book, 1, now_ns=NOW_NS + 5)
    told = struct_of(DecisionRow, row)
    place = int(book.world.arms[0])
    expected = DecisionRow(
        1, 0, NOW_NS + 5, NOW_NS, BAR_NS, PRICE + 7, place, 1, 1, ENTER, 1.0, 0, 0, LOTS, LOTS, 1, ON_SIGNAL, -1, -1, 0, YEARLY, DEPOSIT
    )
    assert told == expected
    assert book.seat.last_decision == 1 and book.out.cursor[0].decisions == 1
    (order,) = book.kept("orders")
    assert (order.decision, order.lots, order.sent_ns, order.kind, order.reduce_only, order.reason) == (1, LOTS, NOW_NS + 5, MARKET, 0, ON_SIGNAL)


def test_an_order_that_is_out_counts_as_filled() -> None:
    book = moment()
    say(book, 1)
    again = say(book, 1)
    assert (again.kind, again.position, again.pending, again.wanted, again.sent) == (HOLD, 0, LOTS, LOTS, 0)
    assert len(book.kept("orders")) == 1
    back = say(book, 0)
    assert (back.kind, back.pending, back.wanted, back.sent) == (EXIT, LOTS, 0, 0)  # the order is called back: there is nothing else to leave
    assert [(row.what, row.order) for row in book.kept("effects")] == [(SUBMIT, 1), (CANCEL, 1)]


def test_a_blocked_wish_is_held_and_lives_on_as_a_ghost_of_the_gate_that_alone_stopped_it() -> None:
    book = moment(decision={"allowed_regimes": ("calm_rising",), "unknown_passes": ()})
    book.world.terciles[0].seen, book.world.terciles[0].low, book.world.terciles[0].high = 10, 0.0, 1.0  # it is calm
    book.seat.level = PRICE - 1.0  # and rising
    book.account.paused = 1
    row = say(book, -1, alpha=0.5)
    stopped = GATE_NAMES.index("operator")
    assert (row.kind, row.wanted, row.sent, row.asks_risk, row.binding, row.sole, row.blocked) == (HOLD, 0, 0, 1, stopped, stopped, 1)
    assert book.seat.ghosts == 2 and len(book.kept("orders")) == 0
    ghosts = book.world.ghosts[0, :2]
    assert ghosts["gate"].tolist() == [stopped, ANY_GATE]
    for ghost in ghosts:
        wish = ghost.wish
        assert (wish.side, wish.lots, wish.decision, wish.sent_ns, wish.cell, wish.arm) == (-1, LOTS, 1, NOW_NS, 3, book.world.arms[0])
        assert wish.volatility == pytest.approx(math.sqrt(VARIANCE * 12))
    book.hold(LOTS)
    assert say(book, 0).kind == EXIT  # leaving is never stopped
    assert say(book, KEEP).kind == HOLD


def test_a_prevented_trade_has_the_exits_of_its_prediction_however_small_it_is() -> None:
    book = moment("model", sizing={"quantity": "0.001"}, exits={"stop_bps": None, "target_bps": None})
    book.world.predictions[0, 0].barrier_bps, book.world.predictions[0, 0].horizon = 80.0, 6
    book.seen.has_model, book.seen.stop_scale, book.account.paused = 1, 0.5, 1
    assert say(book, 1).kind == HOLD
    wish = book.world.ghosts[0, 0].wish
    assert (book.seat.ghosts, wish.lots, wish.stop, wish.target, wish.horizon) == (1, 1, 400_000, 800_000, 6)


def test_two_gates_that_stop_a_wish_leave_one_ghost_of_any_gate() -> None:
    book = moment(decision={"min_volatility": 2.0})
    book.account.paused = 1
    row = say(book, 1)
    assert (row.blocked, row.sole) == (2, -1) and row.binding == GATE_NAMES.index("volatility_floor")
    assert book.world.ghosts[0]["gate"][: book.seat.ghosts].tolist() == [ANY_GATE]


def test_what_sizing_leaves_nothing_of_leaves_no_ghost() -> None:
    book = moment(sizing={"mode": "volatility"})
    book.account.paused = 1
    row = say(book, 1, alpha=0.0)
    assert (row.kind, row.asks_risk, row.wanted) == (HOLD, 1, 0) and row.blocked > 0 and book.seat.ghosts == 0


def test_a_gate_that_stops_a_turn_still_leaves_the_position() -> None:
    book = moment(decision={"reversal": "flip"})
    book.hold(LOTS)
    book.account.paused = 1
    row = say(book, -1)
    assert (row.kind, row.wanted, row.sent, row.reason, row.asks_risk) == (EXIT, 0, -LOTS, ON_OPPOSITE, 1)
    assert sent(book) == [(-LOTS, ON_OPPOSITE, 1)]
    assert book.seat.ghosts == 2


@pytest.mark.parametrize(("level", "verdict"), [(PRICE - 1.0, PASS), (PRICE + 1.0, BLOCK)])
def test_new_risk_is_taken_in_allowed_contexts_alone(level: float, verdict: int) -> None:
    book = moment(decision={"allowed_regimes": ("calm_rising",), "unknown_passes": ()})
    book.world.terciles[0].seen, book.world.terciles[0].low, book.world.terciles[0].high = 10, 0.0, 1.0
    book.seat.level = level
    row = say(book, 1)
    assert book.traced("regime")[2] == verdict
    assert row.kind == (ENTER if verdict == PASS else HOLD)


def test_a_mood_against_the_side_takes_a_quarter_of_the_size() -> None:
    """Opinion and mood are two sources: half of them disagree, and the penalty is one half."""
    for mood, left in ((1.0, 1.0), (-1.0, 0.75)):
        book = moment(moody=True, sizing={"mode": "volatility"})
        book.seat.mood, book.seat.mood_ns = mood, NOW_NS
        row = say(book, 1)
        assert row.alpha == left and book.traced("consensus")[0] == (1.0 if mood > 0 else 0.5)
        assert row.wanted == int(left * 0.15 / YEARLY * DEPOSIT / LOT)


def test_a_mood_too_old_names_no_side_and_a_word_without_side_has_none_against_it() -> None:
    book = moment(moody=True, sizing={"mode": "volatility"})
    book.seat.mood, book.seat.mood_ns = -1.0, NOW_NS
    assert say(book, KEEP, alpha=0.0).alpha == 0.0 and book.seen.side == 0 and book.seen.agreement == 1.0
    assert say(book, 1, now_ns=NOW_NS + BAR_NS + 1).alpha == 1.0


@pytest.mark.parametrize(("is_predicted", "alpha"), [(0, 0.75), (1, 1.0)])
def test_a_model_beside_a_rule_is_a_source_and_none_of_its_own_opinion(is_predicted: int, alpha: float) -> None:
    book = moment("posterior", arms=("momentum", "model"), sizing={"mode": "volatility"})
    told = book.world.predictions[0, 0]
    told.p_down, told.p_up, told.long_bps, told.short_bps, told.barrier_bps = 0.7, 0.2, -50.0, 50.0, 80.0
    book.seen.has_model = is_predicted
    assert say(book, 1).alpha == alpha


def test_a_cap_shrinks_the_size_before_its_gate_is_asked() -> None:
    book = moment(risk={"max_symbol_exposure": 20 * LOT / DEPOSIT})
    row = say(book, 1)
    assert (row.kind, row.wanted, row.sent) == (ENTER, 20, 20)
    observed, limit, verdict = book.traced("symbol_exposure")
    assert observed == limit == 20 * LOT / DEPOSIT and verdict == PASS


def test_the_stop_of_the_prediction_is_what_a_position_may_lose() -> None:
    """Heat: the money of the trade times the distance of its stop, over equity; the wish is cut to it."""
    book = moment("model", risk={"max_heat": 40 * LOT * 0.008 / DEPOSIT, "max_correlated_heat": 1.0}, exits={"stop_bps": None, "target_bps": None})
    book.world.predictions[0, 0].barrier_bps, book.world.predictions[0, 0].horizon = 80.0, 6
    opinion = {"has_model": 1, "credibility": 1.0, "p_with": 0.9, "p_flat": 0.1, "edge_bps": 90.0, "barrier_bps": 80.0, "stop_scale": 1.0}
    for name, number in (opinion | {"worth": math.nan}).items():
        book.seen[name] = number
    row = say(book, 1)
    assert row.wanted == 40 and book.traced("heat")[0] == pytest.approx(40 * LOT * 0.008 / DEPOSIT)
    assert (book.seat.stop, book.seat.barrier, book.seat.horizon) == (800_000, 800_000, 6)


def test_what_other_books_hold_and_have_ordered_counts_before_a_trade() -> None:
    book = moment(symbols=2)
    for other in book.world.limits:
        other.books = 2
    book.hold(30, s=1)
    say(book, 1)
    assert book.traced("gross_exposure")[0] == pytest.approx(130 * LOT / DEPOSIT)
    assert book.traced("symbol_exposure")[0] == pytest.approx(100 * LOT / DEPOSIT)
    say(book, 1, s=1)  # it holds 30 of a fixed 100, and fixed sizes do not follow: nothing is asked
    assert book.kept("decisions")[-1].instrument == 1 and book.kept("decisions")[-1].kind == HOLD
    book.hold(0, s=1)
    row = say(book, -1, s=1)
    assert row.sent == -LOTS and book.traced("gross_exposure")[0] == pytest.approx(200 * LOT / DEPOSIT)
    assert book.traced("net_exposure")[0] == pytest.approx(0.0)
    assert book.kept("orders")[-1].instrument == 1


@pytest.mark.parametrize("side", [-1, 1])
def test_either_side_is_weighed_against_what_others_hold(side: int) -> None:
    book = moment(symbols=2)
    book.hold(30 * side, s=1)
    say(book, side)
    assert book.traced("side_exposure")[0] == book.traced("gross_exposure")[0] == pytest.approx(130 * LOT / DEPOSIT)


def test_books_that_share_a_bet_share_its_size() -> None:
    """Another book of the same volatility holds as much as this one would take, and nothing is known of how they go together."""
    alone, beside = (moment(symbols=2, sizing={"mode": "volatility"}) for _ in range(2))
    size = int(0.15 / YEARLY * DEPOSIT / LOT)
    beside.hold(size, s=1)
    assert say(alone, 1).wanted == size and alone.draft.correlation == 1.0
    row = say(beside, 1)
    assert 0 < row.wanted < 0.7 * size and beside.seat.correlation == beside.draft.correlation < 0.7
    kept = beside.draft.gross
    say(beside, KEEP)
    beside.hold(0, s=1)
    say(beside, 0)
    assert beside.draft.gross == kept  # only a side is weighed against the others


def test_the_edge_bounds_the_size() -> None:
    book = moment(sizing={"mode": "volatility"})
    assert say(book, 1, kelly=0.01).wanted == int(0.01 * DEPOSIT / LOT)
    assert book.draft.kelly == 0.01


def test_the_alpha_that_sizes_is_not_the_scale_that_is_judged() -> None:
    book = moment(sizing={"mode": "volatility"}, decision={"min_alpha": 0.3, "unknown_passes": ()})
    row = say(book, 1, scale=0.25, alpha=0.75)
    assert book.traced("alpha") == (0.25, 0.3, BLOCK) and row.alpha == 0.75 and row.kind == HOLD
    assert book.draft.signal == 1 and book.draft.scale == 0.25
    assert say(book, 1, scale=0.3, alpha=0.5).wanted == int(0.5 * 0.15 / YEARLY * DEPOSIT / LOT)


def test_no_room_for_an_order_is_a_fault_and_the_decision_is_kept() -> None:
    book = moment()
    book.seat.working = WORKING_SLOTS
    assert decided(book.world, book.out, 0, NOW_NS, 1, 1, 1.0, 1.0, math.inf) == TOO_MANY_ORDERS
    assert len(book.kept("decisions")) == 1 and len(book.kept("orders")) == 0
    assert decided(book.world, book.out, 0, NOW_NS, 0, 0, 0.0, 0.0, math.inf) == 0


def test_what_was_sent_before_does_not_show_in_a_decision_that_sends_nothing() -> None:
    book = moment()
    assert say(book, 1).sent == LOTS
    book.fill()
    assert say(book, 1).sent == 0


# -- what need not be decided -----------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(most=st.integers(0, 4), horizon=st.integers(0, 4), bars=st.integers(0, 5), follows=st.integers(0, 1))
def test_a_position_may_be_held_for_so_many_bars_as_its_prediction_or_the_setting_says(most: int, horizon: int, bars: int, follows: int) -> None:
    book = moment()
    book.limits.exits.max_bars, book.limits.time_by_model, book.seat.horizon, book.seat.position.bars = most, follows, horizon, bars
    own = horizon if follows else most
    assert bool(is_over(book.seat, book.limits)) == (0 < own <= bars)


def test_a_quiet_decision_changes_nothing_but_its_row() -> None:
    """Every case there is: the word, what is held, an order out, a kill, a time that is over, a size that is followed."""
    book = moment(sizing={"quantity": "0.001"})
    book.limits.exits.max_bars = 3
    for side, lots, out, killed, over, resizes in itertools.product((-1, 0, 1, KEEP), (-1, 0, 1), *[(0, 1)] * 4):
        book.hold(lots)
        book.seat.position.bars, book.account.killed, book.limits.resizes = 3 * over, killed, resizes
        book.seat.market_out = book.seat.working = out
        must_leave = lots != 0 and (killed or over)
        changes = side not in (KEEP, lots)
        follows = side != KEEP and lots != 0 and resizes
        quiet = not (out or must_leave or changes or follows)
        assert bool(is_quiet(book.account, book.seat, book.limits, side)) == quiet
        if quiet:
            before = bytes_of(book.world.working, book.seat.position, book.world.ghosts)
            row = say(book, side)
            assert bytes_of(book.world.working, book.seat.position, book.world.ghosts) == before
            assert row.kind == HOLD and row.asks_risk == 0 and len(book.kept("effects")) == 0
            book.out.cursor[0].decisions = 0


# -- the moment, the size, the wish -----------------------------------------------------------------------------------------------


def test_what_account_and_market_are_worth_is_taken_at_the_close() -> None:
    book = moment()
    close_at(book.seat, PRICE + 11, NOW_NS)
    book.account.cash, book.account.marked = 700, 100
    book.account.breakers.peak = book.account.breakers.high = 1_000
    value(book.account, book.seat, book.limits, book.draft)
    draft = book.draft
    assert (draft.price, draft.lot_money, draft.equity) == (PRICE + 11, (PRICE + 11) * UNIT, 800)
    assert draft.volatility == pytest.approx(YEARLY)
    assert (draft.drawdown, draft.fall) == (0.2, 0.2)
    book.account.breakers.high = 1_600  # a reset lowered the peak, and not the highest ever
    value(book.account, book.seat, book.limits, draft)
    assert (draft.drawdown, draft.fall) == (0.2, 0.5)
    book.seat.activity.returns = 1
    value(book.account, book.seat, book.limits, draft)
    assert math.isnan(draft.volatility)


@settings(max_examples=40)
@given(
    mode=st.sampled_from(["volatility", "fraction", "notional", "quantity"]),
    alpha=st.floats(0.1, 1),
    fall=st.floats(0, 0.3),
    kelly=st.floats(0.01, 2),
    share=st.floats(0.1, 1),
)
def test_the_one_formula_sizes_a_book_alone(mode: str, alpha: float, fall: float, kelly: float, share: float) -> None:
    """Written out plainly: share, alpha, the less of volatility and edge, and what is left of the way to the largest drawdown."""
    sizing = {"mode": mode, "notional": "5000", "fraction": 0.8, "volatility_target": 0.2, "quantity": "0.25", "drawdown_floor": 0.3}
    book = moment(sizing=sizing, risk={"max_drawdown": 0.2})
    draft = book.draft
    book.hold(40)
    draft.pending, draft.alpha, draft.kelly, draft.fall, draft.correlation = 7, alpha, kelly, fall, 0.1
    draft.equity, draft.lot_money, draft.volatility, book.limits.share = DEPOSIT, LOT, 0.5, share
    propose(book.seat, book.limits, draft)
    scale = max(1.0 - fall / 0.2, 0.3)
    money = {
        "volatility": share * alpha * min(0.4, kelly) * scale * DEPOSIT,
        "fraction": share * 0.8 * DEPOSIT,
        "notional": 5_000 * 10**8,
        "quantity": 250 * LOT,
    }
    assert (draft.held, draft.correlation) == (47, 1.0) and draft.drawdown_scale == pytest.approx(scale)
    assert draft.target == pytest.approx(money[mode] / LOT, abs=1.001) and draft.target <= money[mode] / LOT + 1e-6


@pytest.mark.parametrize(
    ("lots", "pending", "killed", "over", "side", "expected"),
    [
        (0, 0, 0, False, 1, (ENTER, 9, 1, ON_SIGNAL)),
        (5, 0, 0, False, 0, (EXIT, 0, 0, ON_FLAT)),
        (5, 0, 0, False, -1, (EXIT, 0, 0, ON_OPPOSITE)),
        (5, 0, 0, False, KEEP, (HOLD, 5, 0, ON_SIGNAL)),
        (5, 0, 0, True, 1, (EXIT, 0, 0, ON_TIME)),
        (0, 0, 0, True, 1, (ENTER, 9, 1, ON_SIGNAL)),  # nothing is held that could be over
        (5, -5, 0, True, 1, (HOLD, 0, 0, ON_TIME)),  # it leaves already
        (5, 0, 1, True, 1, (EXIT, 0, 0, ON_KILL)),
        (5, -5, 1, False, 1, (HOLD, 0, 0, ON_KILL)),
        (0, 0, 1, False, 1, (HOLD, 0, 0, ON_KILL)),
        (0, 5, 1, False, 1, (EXIT, 0, 0, ON_KILL)),
    ],
)
def test_a_kill_and_the_time_come_before_the_opinion(lots: int, pending: int, killed: int, over: bool, side: int, expected: tuple[int, ...]) -> None:
    book = moment()
    book.seat.position.lots, book.account.killed, book.draft.held = lots, killed, lots + pending
    if over:
        book.limits.exits.max_bars, book.seat.position.bars = 3, 3
    book.draft.side, book.draft.target, book.limits.flips = side, 9, 0
    wish_for(book.account, book.seat, book.limits, book.draft)
    assert (book.draft.kind, book.draft.wanted, book.draft.asks, book.draft.reason) == expected


def test_a_size_that_is_followed_changes_beyond_its_band_and_a_turn_is_one_wish_where_it_may_be() -> None:
    book = moment(sizing={"mode": "volatility", "resize_band": 0.5})
    book.seat.position.lots = book.draft.held = 10
    found = []
    for target in (14, 15, 6, 5):
        book.draft.side, book.draft.target = 1, target
        wish_for(book.account, book.seat, book.limits, book.draft)
        found.append((int(book.draft.kind), int(book.draft.wanted), int(book.draft.reason)))
    assert found == [(HOLD, 10, ON_SIGNAL), (INCREASE, 15, ON_RESIZE), (HOLD, 10, ON_SIGNAL), (REDUCE, 5, ON_RESIZE)]
    book.draft.side = -1
    wish_for(book.account, book.seat, book.limits, book.draft)
    assert (book.draft.kind, book.draft.wanted) == (ENTER, -5)  # settings of these moments turn positions at once


# -- the order that it needs ------------------------------------------------------------------------------------------------------


def quantized(held: int, wanted: int, asks: int, market: str = "perp", volume: float = 100.0, **costs: float) -> Any:
    """The draft after its order was made legal."""
    book = moment(market=market, costs=costs or {"impact_coefficient": 0.5})
    book.seat.activity.volume = volume
    draft = book.draft
    draft.held, draft.wanted, draft.asks, draft.price, draft.at_ns, draft.volatility = held, wanted, asks, PRICE, NOW_NS, YEARLY
    draft.legal, draft.participation, draft.impact, draft.change = 77, 77.0, 77, 77
    quantize(book.seat, book.limits, draft)
    return draft


@settings(max_examples=50)
@given(held=st.integers(-90, 90), wanted=st.integers(-90, 90), asks=st.integers(0, 1))
def test_an_order_is_the_change_that_a_venue_takes_and_moves_the_market_by_the_square_root_of_its_share(held: int, wanted: int, asks: int) -> None:
    """The least notional of 5 is nothing at 50 a lot; a day is 288 bars of 100, and the law takes two thirds of a daily deviation."""
    draft = quantized(held, wanted, asks)
    turns = held * wanted < 0
    change = wanted if turns else wanted - held
    assert (draft.turns, draft.change, draft.legal, draft.moves) == (int(turns), change, change, int(asks or change != 0))
    share = abs(change) * 0.001 / 28_800
    assert draft.participation == pytest.approx(share)
    daily = math.sqrt(VARIANCE * 288)
    assert draft.impact == pytest.approx(2 / 3 * 0.5 * daily * math.sqrt(share) * 1e8, abs=1.0)


def test_an_order_of_one_lot_is_one() -> None:
    one = quantized(0, 1, 1)
    assert (one.legal, one.moves) == (1, 1) and one.participation == pytest.approx(0.001 / 28_800)
    less = quantized(1, 0, 0)
    assert (less.legal, less.moves, less.turns) == (-1, 1, 0)
    none = quantized(0, 0, 1)
    assert (none.legal, none.moves, none.participation, none.impact) == (0, 1, 0.0, 0)


def test_an_order_below_what_the_venue_takes_is_none_but_a_perp_may_always_leave() -> None:
    small = {"taker_fee_bps": 4.0}
    for market, asks, legal in (("perp", 1, 0), ("perp", 0, -2), ("spot", 0, 0)):
        book = moment(market=market, costs=small)
        book.limits.rules.min_notional = 3 * LOT
        draft = book.draft
        draft.held, draft.wanted, draft.asks, draft.price, draft.at_ns = (2, 0, 0, PRICE, NOW_NS) if not asks else (0, -2, 1, PRICE, NOW_NS)
        draft.participation, draft.impact = 77.0, 77
        quantize(book.seat, book.limits, draft)
        assert draft.legal == legal
        if legal == 0:
            assert (draft.participation, draft.impact, draft.moves) == (0.0, 0, 1)


def test_where_volume_is_not_known_the_share_of_it_is_not_either() -> None:
    draft = quantized(0, 5, 1, volume=0.0)
    assert math.isnan(draft.participation) and draft.impact == 0 and draft.legal == 5
    none = quantized(0, 0, 1, volume=0.0)
    assert math.isnan(none.participation) and none.legal == 0
    idle = quantized(5, 5, 0, volume=0.0)
    assert (idle.moves, idle.legal, idle.participation, idle.impact) == (0, 0, 0.0, 0)


def test_entries_are_counted_anew_each_utc_day() -> None:
    book = moment()
    book.seat.entries_today, book.seat.lots_today, book.seat.next_day_ns = 5, 50, NOW_NS + 1
    book.draft.at_ns, book.draft.price = NOW_NS, PRICE
    quantize(book.seat, book.limits, book.draft)
    assert (book.seat.entries_today, book.seat.lots_today) == (5, 50)
    book.draft.at_ns = NOW_NS + 1
    quantize(book.seat, book.limits, book.draft)
    assert (book.seat.entries_today, book.seat.lots_today) == (0, 0)
    assert book.seat.next_day_ns % DAY_NS == 0 and 0 < book.seat.next_day_ns - NOW_NS <= DAY_NS
    midnight = int(book.seat.next_day_ns)
    book.draft.at_ns = midnight
    quantize(book.seat, book.limits, book.draft)
    assert book.seat.next_day_ns == midnight + DAY_NS


# -- before the gates -------------------------------------------------------------------------------------------------------------


def looked(market: str = "perp", **changes: Any) -> tuple[Moment, Any]:
    """A moment with a mark in every number, changed as asked for, and what the gates then see."""
    book = moment(market=market, funded=market == "perp")
    seat, draft, breakers = book.seat, book.draft, book.account.breakers
    seat.done.parts, seat.done.parts_due = 3, 4
    seat.bars_seen, seat.exit_bar, seat.last_side, seat.funding_bps = 41, 30, -1, 1.5
    seat.entries_today, seat.lots_today, seat.spent_side = 6, 60, 0
    draft.at_ns, draft.asks, draft.moves, draft.scale, draft.side = NOW_NS + BAR_NS // 2, 1, 1, 0.4, 1
    draft.equity, draft.price, draft.lot_money, draft.legal = DEPOSIT, PRICE, LOT, -20
    draft.volatility, draft.participation, draft.volume, draft.impact, draft.drawdown = 0.7, 0.003, 10.0, 25_000, 0.11
    breakers.day_equity, breakers.daily_tripped, breakers.drawdown_tripped = 2 * DEPOSIT, 1, 1
    book.account.paused = 1
    book.seen.side, book.seen.has_model, book.seen.edge_bps, book.seen.net_edge_bps = -1, 1, 40.0, 0.0
    for name, number in changes.items():
        *parts, last = name.split("__")
        held: Any = {"seat": seat, "draft": draft, "account": book.account, "seen": book.seen, "limits": book.limits}[parts[0]]
        for part in parts[1:]:
            held = held[part]
        held[last] = number
    look(book.account, seat, book.limits, draft, book.seen)
    return book, book.seen


def test_the_gates_see_the_bar_the_market_the_order_and_the_account() -> None:
    book, seen = looked()
    assert (seen.asks, seen.moves, seen.completeness, seen.age_bars, seen.bars_seen, seen.alpha) == (1, 1, 0.75, 0.5, 41.0, 0.4)
    assert (seen.volatility, seen.has_funding, seen.funding_bps, seen.has_volume) == (0.7, 1, -1.5, 1)
    assert (seen.since_exit, seen.last_side, seen.is_new_signal) == (11.0, -1, 1.0)
    assert seen.change_bps == pytest.approx(20 * LOT * 1e4 / DEPOSIT)
    assert (seen.impact_bps, seen.participation) == (2.5, 0.003) and seen.day_participation == pytest.approx(80 * 0.001 / 10.0)
    assert seen.net_edge_bps == pytest.approx(40.0 - 8.0 - 5.0)  # the round trip of these moments, and twice the impact
    assert (seen.orders_today, seen.legal_lots, seen.least_lots) == (7.0, 20.0, 1.0)
    assert (seen.daily_loss, seen.daily_tripped, seen.drawdown, seen.drawdown_tripped, seen.stopped) == (0.5, 1, 0.11, 1, 1.0)
    assert book.limits.cost_bps == 8.0


@pytest.mark.parametrize("side", [-1, 0, 1])
def test_funding_is_against_the_side_that_is_wanted(side: int) -> None:
    assert looked(seen__side=side)[1].funding_bps == 1.5 * side


def test_a_pause_is_one_and_a_kill_two() -> None:
    assert [looked(account__paused=p, account__killed=k)[1].stopped for p, k in ((0, 0), (1, 0), (0, 1), (1, 1))] == [0.0, 1.0, 2.0, 2.0]


def test_before_the_first_exit_nothing_was_left_and_a_bar_just_left_is_none_since() -> None:
    assert [looked(seat__exit_bar=bar)[1].since_exit for bar in (-1, 0, 41)] == [-1.0, 41.0, 0.0]


@pytest.mark.parametrize(("spent", "side", "new"), [(0, 0, 1.0), (1, 1, 0.0), (1, -1, 1.0), (-1, -1, 0.0), (0, 1, 1.0)])
def test_a_signal_that_a_protective_exit_used_up_is_not_new(spent: int, side: int, new: float) -> None:
    assert looked(seat__spent_side=spent, draft__side=side)[1].is_new_signal == new


def test_what_is_not_moved_or_not_predicted_is_left_as_it_was() -> None:
    still = looked(draft__moves=0, seen__change_bps=7.0, seen__impact_bps=7.0, seen__participation=7.0, seen__day_participation=7.0)[1]
    assert (still.change_bps, still.impact_bps, still.participation, still.day_participation) == (7.0,) * 4
    assert looked(seen__has_model=0, seen__net_edge_bps=7.0)[1].net_edge_bps == 7.0


def test_without_equity_a_change_is_none_and_without_volume_the_impact_is_not_known() -> None:
    assert [looked(draft__equity=equity)[1].change_bps for equity in (0, -5)] == [0.0, 0.0]
    assert looked(draft__equity=1)[1].change_bps == 20.0 * LOT * 1e4
    assert math.isnan(looked(draft__participation=math.nan)[1].impact_bps)


@pytest.mark.parametrize(("market", "asks", "least"), [("perp", 1, 3.0), ("perp", 0, 2.0), ("spot", 1, 3.0), ("spot", 0, 3.0)])
def test_the_least_that_the_venue_takes_is_its_notional_but_for_what_only_reduces_a_perp(market: str, asks: int, least: float) -> None:
    book, seen = looked(market, draft__asks=asks, limits__rules__min_notional=3 * LOT, limits__rules__min_lots=2)
    assert seen.least_lots == least and book.limits.rules.is_spot == int(market == "spot")


# -- the verdict ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [  # kind, held, side, wanted, legal, asks, moves, turns, blocked, binding, reason -> kind, wanted, binding, sole, reason
        ((ENTER, 0, 1, 9, 8, 1, 1, 0, 0, -1, ON_SIGNAL), (ENTER, 8, -1, -1, ON_SIGNAL)),
        ((INCREASE, 5, 1, 9, 3, 1, 1, 0, 0, -1, ON_RESIZE), (INCREASE, 8, -1, -1, ON_RESIZE)),
        ((ENTER, 5, -1, -9, -8, 1, 1, 1, 0, -1, ON_OPPOSITE), (ENTER, -8, -1, -1, ON_OPPOSITE)),
        ((ENTER, 0, 1, 9, 8, 1, 1, 0, 1, 4, ON_SIGNAL), (HOLD, 0, 4, 4, ON_SIGNAL)),
        ((INCREASE, 5, 1, 9, 3, 1, 1, 0, 2, 4, ON_RESIZE), (HOLD, 5, 4, -1, ON_RESIZE)),
        ((ENTER, 5, -1, -9, -8, 1, 1, 1, 1, 4, ON_SIGNAL), (EXIT, 0, 4, 4, ON_OPPOSITE)),
        ((EXIT, 5, 0, 0, -5, 0, 1, 0, 3, 4, ON_FLAT), (EXIT, 0, -1, -1, ON_FLAT)),
        ((REDUCE, 5, 1, 4, 0, 0, 1, 0, 1, 4, ON_RESIZE), (HOLD, 5, LEGAL_GATE, LEGAL_GATE, ON_RESIZE)),
        ((HOLD, 5, 1, 5, 0, 0, 0, 0, 1, 4, ON_SIGNAL), (HOLD, 5, -1, -1, ON_SIGNAL)),
    ],
)
def test_gates_bind_new_risk_alone_and_what_reduces_is_held_back_only_where_no_venue_takes_it(
    before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    draft = moment().draft
    names = ("kind", "held", "side", "wanted", "legal", "asks", "moves", "turns", "blocked", "binding", "reason")
    for name, number in zip(names, before, strict=True):
        draft[name] = number
    judge(draft)
    assert tuple(int(draft[name]) for name in ("kind", "wanted", "binding", "sole", "reason")) == after


# -- the orders -------------------------------------------------------------------------------------------------------------------


def acted(
    book: Moment, kind: int, wanted: int, *, held: int = 0, pending: int = 0, reason: int = ON_SIGNAL, fault: int = 0
) -> list[tuple[int, int, int]]:
    """What is sent for a verdict of this kind."""
    draft = book.draft
    book.hold(held)
    draft.kind, draft.wanted, draft.held, draft.pending, draft.reason, draft.at_ns = kind, wanted, held + pending, pending, reason, NOW_NS
    draft.price, draft.impact, draft.correlation, draft.legal = PRICE, 33, 0.5, wanted - held - pending
    book.account.decisions = 4
    before = len(book.kept("effects"))
    desk = desk_for(book.world, book.out, 0)
    assert act(desk, book.world.predictions[0, 0], book.seen, 0, draft) == fault
    for effect in book.kept("effects")[before:]:
        assert effect.at_ns == NOW_NS and effect.instrument == 0
        if effect.what == SUBMIT:
            assert (effect.decision, effect.impact, effect.kind, effect.trigger) == (4, 33, MARKET, 0)
    return sent(book)


def test_an_entry_is_one_order_and_its_scale_and_its_count_are_remembered() -> None:
    book = moment()
    assert acted(book, ENTER, 9) == [(9, ON_SIGNAL, 0)] and book.draft.sent == 9
    assert (book.seat.correlation, book.seat.entries_today, book.seat.lots_today, book.seat.impact) == (0.5, 1, 9, 33)
    more = moment()
    assert acted(more, INCREASE, 9, held=4, reason=ON_RESIZE) == [(5, ON_RESIZE, 0)] and more.draft.sent == 5
    assert (more.seat.correlation, more.seat.entries_today, more.seat.lots_today) == (0.5, 1, 5)


def test_a_reduction_may_only_reduce_and_an_exit_forgets_no_scale() -> None:
    less = moment()
    assert acted(less, REDUCE, 4, held=9, reason=ON_RESIZE) == [(-5, ON_RESIZE, 1)] and less.draft.sent == -5
    assert (less.seat.correlation, less.seat.entries_today) == (0.5, 0)
    none = moment()
    assert acted(none, EXIT, 0, held=-9, reason=ON_FLAT) == [(9, ON_FLAT, 1)] and none.draft.sent == 9
    assert (none.seat.correlation, none.seat.entries_today) == (1.0, 0)


def test_what_reduces_calls_orders_that_are_out_back_and_leaves_what_is_held() -> None:
    book = moment()
    say(book, 1)
    assert acted(book, EXIT, 0, held=20, pending=LOTS, reason=ON_FLAT)[1:] == [(-20, ON_FLAT, 1)]
    assert [(row.what, row.order) for row in book.kept("effects")] == [(SUBMIT, 1), (CANCEL, 1), (SUBMIT, 2)]


def test_an_order_of_one_lot_that_is_out_is_called_back_too() -> None:
    book = moment(sizing={"quantity": "0.001"})
    say(book, 1)
    assert acted(book, REDUCE, 5, held=20, pending=1, reason=ON_RESIZE)[1:] == [(-15, ON_RESIZE, 1)]
    assert [row.what for row in book.kept("effects")] == [SUBMIT, CANCEL, SUBMIT]


def test_more_beside_an_order_that_is_out_is_only_what_is_missing() -> None:
    book = moment()
    book.seat.correlation = 0.9
    assert acted(book, INCREASE, 30, held=10, pending=15, reason=ON_RESIZE) == [(5, ON_RESIZE, 0)]
    assert not any(row.what == CANCEL for row in book.kept("effects"))


def test_a_turn_leaves_first_and_then_enters() -> None:
    book = moment()
    assert acted(book, ENTER, -9, held=20, reason=ON_SIGNAL) == [(-20, ON_OPPOSITE, 1), (-9, ON_SIGNAL, 0)]
    assert book.draft.sent == -29 and book.seat.entries_today == 1


def test_a_position_larger_than_an_order_may_be_leaves_in_steps() -> None:
    book = moment()
    book.limits.rules.max_lots = 30
    assert acted(book, EXIT, 0, held=100, reason=ON_FLAT) == [(-30, ON_FLAT, 1)] and book.draft.sent == -30
    turned = moment()
    turned.limits.rules.max_lots = 30
    assert acted(turned, ENTER, -9, held=100) == [(-30, ON_OPPOSITE, 1), (-9, ON_SIGNAL, 0)]


def test_what_no_venue_takes_is_not_sent_and_a_perp_leaves_whatever_it_is_worth() -> None:
    spot = moment(market="spot")
    spot.limits.rules.min_notional = 3 * LOT
    assert acted(spot, REDUCE, 7, held=9) == [] and spot.draft.sent == 0
    perp = moment()
    perp.limits.rules.min_notional = 3 * LOT
    assert acted(perp, REDUCE, 7, held=9) == [(-2, ON_SIGNAL, 1)]
    assert acted(moment(), REDUCE, 9, held=9) == []
    turned = moment()
    turned.limits.rules.min_notional = 3 * LOT
    assert acted(turned, ENTER, -9, held=2) == [(-2, ON_OPPOSITE, 1), (-9, ON_SIGNAL, 0)]


def test_a_full_book_faults_at_the_first_order_and_sends_no_second() -> None:
    book = moment()
    book.seat.working = WORKING_SLOTS
    assert acted(book, ENTER, -9, held=20, fault=TOO_MANY_ORDERS) == []
    almost = moment()
    almost.seat.working = WORKING_SLOTS - 1
    assert acted(almost, ENTER, -9, held=20, fault=TOO_MANY_ORDERS) == [(-20, ON_OPPOSITE, 1)]


def entry(hears: int, has_model: int, kind: int = ENTER) -> Any:
    """The seat after an entry of 8 lots on a prediction of 80.5 bps, with a nearer stop."""
    book = moment("model")
    seat, prediction = book.seat, rows_of_prediction(book)
    seat.arm, seat.holder, seat.barrier, seat.stop, seat.horizon = 3, 2, 5, 6, 7
    seat.entries_today, seat.lots_today = 1, 100
    book.limits.hears, book.seen.has_model, book.seen.stop_scale = hears, has_model, 0.5
    book.draft.kind, book.draft.legal, book.draft.impact = kind, -8, 44
    remember_entry(seat, book.limits, prediction, book.seen, book.draft)
    assert (seat.entries_today, seat.lots_today, seat.impact) == (2, 108, 44)
    return seat.holder, seat.barrier, seat.stop, seat.horizon


def rows_of_prediction(book: Moment) -> Any:
    """The newest prediction of the book's own frame."""
    prediction = book.world.predictions[0, 0]
    prediction.barrier_bps, prediction.horizon = 80.5, 6
    return prediction


def test_an_entry_keeps_the_terms_of_its_prediction_which_more_of_it_does_not_change() -> None:
    assert entry(1, 1) == (3, 805_000, 402_500, 6)
    assert entry(1, 0) == (3, 0, 0, 0)  # a rule has none
    assert entry(0, 0) == entry(0, 1) == entry(1, 1, INCREASE) == (2, 5, 6, 7)


def test_a_decision_s_row_is_its_draft() -> None:
    book = moment()
    draft, seat = book.draft, book.seat
    names = (
        "at_ns",
        "price",
        "signal",
        "kind",
        "alpha",
        "pending",
        "wanted",
        "sent",
        "asks",
        "reason",
        "binding",
        "sole",
        "blocked",
        "volatility",
        "equity",
    )
    for place, name in enumerate(names):
        draft[name] = 10 + place
    seat.done.closed_ns, seat.position.lots, book.account.decisions, book.limits.frame_ns = 5, 6, 7, 8
    row = rows(DecisionRow, 1)[0]
    keep_decision(row, book.account, seat, book.limits, draft, -1, 3, 4)
    assert struct_of(DecisionRow, row) == DecisionRow(
        decision=7,
        instrument=3,
        at_ns=10,
        closed_ns=5,
        frame_ns=8,
        close=11,
        arm=4,
        signal=12,
        side=-1,
        kind=13,
        alpha=14.0,
        position=6,
        pending=15,
        wanted=16,
        sent=17,
        asks_risk=18,
        reason=19,
        binding=20,
        sole=21,
        blocked=22,
        volatility=23.0,
        equity=24,
    )
    assert np.isfinite(row.volatility)
