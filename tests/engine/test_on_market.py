"""The market moves: closes are marked and decided on, breakers trip and lift, opens bring what is overdue, funding is paid, and a kill leaves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metastackerbandit.decision.settings import REGIMES
from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import kernel, rows, struct_of
from metastackerbandit.domain.prediction import LATE
from metastackerbandit.domain.rows import (
    BY_DAILY_LOSS,
    BY_DATA_QUALITY,
    BY_DRAWDOWN,
    BY_LOSS_STREAK,
    BY_OPERATOR,
    BY_VOLATILITY_SPIKE,
    BY_WEEKLY_LOSS,
    ENTER,
    EXIT,
    FLATTEN,
    FUNDING,
    HOLD,
    KEEP,
    KILL,
    MARKET,
    ON_FLAT,
    ON_FLATTEN,
    ON_KILL,
    ON_OPPOSITE,
    ON_STOP,
    PAUSE,
    RESET,
    RESUME,
    STOP,
    TRIP,
    ControlRow,
    EquityRow,
)
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.engine.on_market import (
    attend,
    count_bar,
    hear,
    heed_bar,
    late_frame,
    mark,
    on_closed,
    on_control,
    on_funding,
    on_mood,
    on_opened,
)
from metastackerbandit.engine.orders import TOO_MANY_ORDERS, place_order
from metastackerbandit.engine.world import AMEND, CANCEL, HALTED, SUBMIT, WORKING_SLOTS
from metastackerbandit.exits.rules import stop_price
from tests.engine.desks import desk_for
from tests.engine.moments import BAR_NS, DEPOSIT, LOT, LOTS, NOW_NS, PRICE, UNIT, VARIANCE, Moment, bytes_of, moment

DOOMSDAY_NS = NOW_NS + 10_000 * DAY_NS


@kernel
def closed(world: Any, out: Any, s: int, bars: Any, lean: bool) -> int:
    """`on_closed` of a row of bars, compiled once for both ways."""
    return on_closed(world, out, s, bars[0], lean)


@kernel
def opened(world: Any, out: Any, s: int, at_ns: int, price: int, lean: bool) -> int:
    """`on_opened`, compiled once for both ways."""
    return on_opened(world, out, s, at_ns, price, lean)


def candle(price: int, place: int = 1, late_ns: int = 0, **changes: float) -> Any:
    """The candle so many after the one of the moment, of one price, known so late (1,)."""
    bars = rows(Bar, 1)
    bar = bars[0]
    bar.opened_ns, bar.closed_ns = NOW_NS + (place - 1) * BAR_NS, NOW_NS + place * BAR_NS
    bar.known_ns = bar.closed_ns + late_ns
    bar.open = bar.high = bar.low = bar.close = price
    bar.volume, bar.parts, bar.parts_due = 100.0, 1, 1
    for name, number in changes.items():
        bar[name] = number
    return bars


def close(book: Moment, price: int, place: int = 1, *, s: int = 0, lean: bool = False, fault: int = 0, **changes: Any) -> None:
    """A candle closes."""
    assert closed(book.world, book.out, s, candle(price, place, **changes), lean) == fault


def open_at(book: Moment, at_ns: int, price: int = PRICE, *, s: int = 0, lean: bool = False, fault: int = 0) -> None:
    """A candle opens."""
    assert opened(book.world, book.out, s, at_ns, price, lean) == fault


def following(arm: str = "momentum", **changes: Any) -> Moment:
    """Books whose rule says the side of the last move, and whose breakers have no day to turn."""
    book = moment(arm, **changes)
    for s in range(len(book.world.seats)):
        if book.world.memory.shape[2] > 1:  # a model remembers nothing
            book.world.memory[s, :, :4] = 1, 5, 0, PRICE
        book.world.seats[s].rests.closed_ns = NOW_NS
    book.account.breakers.next_day_ns = book.account.breakers.next_week_ns = DOOMSDAY_NS
    book.account.breakers.floor = -(2**62)
    return book


def controls(book: Moment) -> list[ControlRow]:
    """What changed what may be done."""
    return [struct_of(ControlRow, one) for one in book.kept("controls")]


# -- marks ------------------------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(
    closes=st.lists(st.integers(PRICE // 2, 2 * PRICE), min_size=1, max_size=6), lots=st.sampled_from([-30, 0, 30]), other=st.sampled_from([-50, 50])
)
def test_an_account_is_worth_its_cash_and_its_positions_at_their_last_closes(closes: list[int], lots: int, other: int) -> None:
    book = following(symbols=2)
    book.hold(lots)
    book.hold(other, s=1, price=PRICE // 4)
    cash, beside = int(book.account.cash), other * (PRICE // 4) * UNIT
    highest = DEPOSIT
    for price in closes:
        assert mark(book.account, book.seat, book.limits, candle(price)[0]) == 0
        value = lots * price * UNIT
        assert (book.account.marked, book.account.gross, book.account.cash) == (value + beside, abs(value) + abs(beside), cash)
        assert (book.seat.position.mark, book.seat.position.value) == (price, value)
        highest = max(highest, cash + value + beside)
        assert book.account.breakers.peak == highest


def test_a_close_asks_for_attention_where_a_day_turns_a_floor_is_reached_or_a_stop_trails() -> None:
    def attention(lots: int = 0, **changes: Any) -> int:
        book = following()
        book.hold(lots)
        for name, number in changes.items():
            (book.limits.exits if name == "trail" else book.account.breakers)[name] = number
        return int(mark(book.account, book.seat, book.limits, candle(PRICE)[0]))

    assert [attention(), attention(next_day_ns=NOW_NS + BAR_NS), attention(next_day_ns=NOW_NS + BAR_NS + 1)] == [0, 1, 0]
    assert [attention(floor=DEPOSIT), attention(floor=DEPOSIT - 1)] == [1, 0]
    assert [attention(trail=5), attention(1, trail=5), attention(1)] == [0, 1, 0]


# -- breakers of the account ------------------------------------------------------------------------------------------------------

RISK = {"max_daily_loss": 0.03, "max_weekly_loss": 0.06, "max_drawdown": 0.15}
CAUSES = ((BY_DAILY_LOSS, "daily", 0.03), (BY_DRAWDOWN, "drawdown", 0.15), (BY_WEEKLY_LOSS, "weekly", 0.06))


@settings(max_examples=30)
@given(tripped=st.tuples(st.booleans(), st.booleans(), st.booleans()), week=st.booleans())
def test_a_turned_day_lifts_what_was_tripped_and_the_week_s_when_the_week_turns(tripped: tuple[bool, bool, bool], week: bool) -> None:
    book = following(risk=RISK)
    breakers, now_ns = book.account.breakers, NOW_NS + BAR_NS + 7
    for (_, name, _), was in zip(CAUSES, tripped, strict=True):
        breakers[f"{name}_tripped"] = int(was)
    breakers.next_day_ns = now_ns
    breakers.week_equity = breakers.day_equity = 2 * DEPOSIT
    if week:
        breakers.next_week_ns = now_ns
    attend(book.world, book.out, 0, candle(PRICE, late_ns=7)[0])
    lifted = [tripped[0], tripped[1], tripped[2] and week]
    assert controls(book) == [ControlRow(now_ns, RESET, cause, 0.0, most, 0) for (cause, _, most), is_up in zip(CAUSES, lifted, strict=True) if is_up]
    assert breakers.day_equity == DEPOSIT and breakers.next_day_ns > now_ns and breakers.day_floor == pytest.approx(0.97 * DEPOSIT)
    assert breakers.week_equity == (DEPOSIT if week else 2 * DEPOSIT)
    assert not week or breakers.week_floor == pytest.approx(0.94 * DEPOSIT)
    assert (breakers.daily_tripped, breakers.drawdown_tripped, breakers.weekly_tripped) == (0, 0, int(tripped[2] and not week))
    if tripped[1]:
        assert breakers.peak_floor == pytest.approx(0.85 * DEPOSIT)


@settings(max_examples=30)
@given(reached=st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_a_loss_at_its_limit_trips_and_says_how_much_was_lost_and_until_when(reached: tuple[bool, bool, bool]) -> None:
    book = following(risk=RISK)
    breakers = book.account.breakers
    breakers.next_day_ns, breakers.next_week_ns = DOOMSDAY_NS, DOOMSDAY_NS + 5
    starts = {"daily": ("day_equity", "day_floor", 2), "drawdown": ("peak", "peak_floor", 4), "weekly": ("week_equity", "week_floor", 5)}
    expected = []
    for (cause, name, most), is_down in zip(CAUSES, reached, strict=True):
        start, floor, times = starts[name]
        breakers[start], breakers[floor] = times * DEPOSIT, DEPOSIT if is_down else DEPOSIT - 1
        if is_down:
            until_ns = DOOMSDAY_NS + 5 if name == "weekly" else DOOMSDAY_NS
            expected.append(ControlRow(NOW_NS + BAR_NS + 7, TRIP, cause, 1.0 - 1.0 / times, most, until_ns))
    attend(book.world, book.out, 0, candle(PRICE, late_ns=7)[0])
    assert controls(book) == expected
    assert (breakers.daily_tripped, breakers.drawdown_tripped, breakers.weekly_tripped) == tuple(map(int, reached))
    attend(book.world, book.out, 0, candle(PRICE)[0])
    assert controls(book) == expected  # once


def test_the_equity_that_breakers_look_at_has_the_positions_in_it() -> None:
    book = following(risk=RISK)
    book.hold(1_000)
    assert mark(book.account, book.seat, book.limits, candle(PRICE - 3)[0]) == 0
    lost = 3 * 1_000 * UNIT
    for floor, causes in ((DEPOSIT - lost - 1, []), (DEPOSIT - lost, [BY_DAILY_LOSS])):
        book.account.breakers.day_floor = floor
        attend(book.world, book.out, 0, candle(PRICE - 3)[0])
        assert [one.cause for one in controls(book)] == causes
    assert controls(book)[0].observed == pytest.approx(lost / DEPOSIT)
    book.account.breakers.next_day_ns = NOW_NS + BAR_NS
    attend(book.world, book.out, 0, candle(PRICE - 3)[0])
    assert book.account.breakers.day_equity == DEPOSIT - lost


def test_a_trailing_stop_follows_the_close_of_its_own_book() -> None:
    book = following(symbols=2, exits={"stop_bps": 100.0, "trail_bps": 100.0})
    book.hold(30, s=1)
    desk = desk_for(book.world, book.out, 1)
    assert place_order(desk, 1, NOW_NS, 3, STOP, ON_STOP, -30, stop_price(1, PRICE, 1_000_000), 1, 0) == 0
    close(book, PRICE + 900, s=1, late_ns=7)
    moved = [one for one in book.kept("effects") if one.what == AMEND]
    assert [(one.instrument, one.order, one.trigger, one.at_ns) for one in moved] == [
        (1, 1, stop_price(1, PRICE + 900, 1_000_000), NOW_NS + BAR_NS + 7)
    ]


# -- a bar is counted -------------------------------------------------------------------------------------------------------------


def test_a_bar_moves_volatility_and_is_counted_and_one_in_position_for_it() -> None:
    book = following()
    book.seat.position.bars = 4
    for lots in (0, 5):
        book.hold(lots)
        before = (int(book.seat.bars_seen), int(book.seat.position.bars))
        book.seat.done.close = PRICE + 500
        book.seat.done.closed_ns += BAR_NS
        assert count_bar(book.seat, book.limits, NOW_NS) == 0
        assert (book.seat.bars_seen, book.seat.position.bars) == (before[0] + 1, before[1] + (lots != 0))
    assert book.seat.activity.last_close == PRICE + 500 and book.seat.activity.returns == 502
    assert book.seat.activity.volume == pytest.approx(100.0)


@pytest.mark.parametrize(("after", "bad"), [(1, 0), (2, 1), (4, 3)])
def test_bars_that_never_came_are_bad_ones(after: int, bad: int) -> None:
    book = following(risk={"max_bad_bars": 0.05, "quality_bars": 50})
    book.seat.done.closed_ns = NOW_NS + after * BAR_NS
    changed = count_bar(book.seat, book.limits, NOW_NS + 5)
    assert book.seat.rests.bad == bad and changed == (4 if bad > 2.5 else 0)
    first = following(risk={"max_bad_bars": 0.05, "quality_bars": 50})
    first.seat.rests.closed_ns = 0  # before the first bar nothing was missed
    first.seat.done.closed_ns = NOW_NS + after * BAR_NS
    assert count_bar(first.seat, first.limits, NOW_NS) == 0 and first.seat.rests.bad == 0


def test_a_bar_with_holes_is_a_bad_one_and_a_rest_is_over_when_its_time_is() -> None:
    book = following()
    book.seat.done.closed_ns, book.seat.done.parts_due = NOW_NS + BAR_NS, 3
    assert count_bar(book.seat, book.limits, NOW_NS) == 0 and book.seat.rests.bad == 1
    book.seat.rests.tripped, book.seat.rests.until_ns = 1, NOW_NS + 9
    for now_ns, changed in ((NOW_NS + 8, 0), (NOW_NS + 9, 1)):
        book.seat.done.closed_ns += BAR_NS
        assert count_bar(book.seat, book.limits, now_ns) == changed


def test_a_spike_needs_a_volatility_that_is_known() -> None:
    for returns, changed in ((500, 2), (3, 0)):
        book = following(risk={"max_volatility_ratio": 2.0})
        book.seat.activity.fast, book.seat.activity.returns = 9.0 * VARIANCE, returns
        book.seat.done.closed_ns += BAR_NS
        assert count_bar(book.seat, book.limits, NOW_NS) == changed


@pytest.mark.parametrize(("arm", "counted"), [("model", 1), ("momentum", 0)])
def test_only_where_predictions_are_heard_one_is_judged_by_the_bar(arm: str, counted: int) -> None:
    book = following(arm)
    scored = book.seat.rests.scored
    scored.p_up, scored.p_flat, scored.p_down, scored.barrier, scored.bars = 0.5, 0.3, 0.2, 0.008, 1
    bar = book.seat.done
    bar.closed_ns, bar.high = NOW_NS + BAR_NS, PRICE + 5_000
    count_bar(book.seat, book.limits, NOW_NS)
    assert (book.seat.rests.ups, scored.bars) == (counted, 1 - counted)


def test_a_book_s_breakers_are_written_down_with_the_book_they_are_of() -> None:
    book = following(symbols=2, risk={"max_bad_bars": 0.05, "max_volatility_ratio": 2.0})
    seat = book.world.seats[1]
    seat.rests.bad, seat.rests.tripped, seat.activity.fast = 5, 4, 9.0 * VARIANCE
    heed_bar(book.account, seat, book.world.limits[1], book.world.trails, book.world.pairs, book.out.cursor[0], book.out.controls, 1, NOW_NS + 3, 6)
    ratio = controls(book)[0].observed
    assert ratio == pytest.approx(3.0) and controls(book) == [
        ControlRow(NOW_NS + 3, RESET, BY_VOLATILITY_SPIKE, ratio, 2.0, 0, 1),
        ControlRow(NOW_NS + 3, TRIP, BY_DATA_QUALITY, 5 / 50, 0.05, 0, 1),
    ]
    heed_bar(book.account, seat, book.world.limits[1], book.world.trails, book.world.pairs, book.out.cursor[0], book.out.controls, 1, NOW_NS, 0)
    assert len(controls(book)) == 2


@pytest.mark.parametrize("symbols", [1, 2])
def test_a_rest_whose_time_is_over_ends_with_the_close_that_finds_it_so(symbols: int) -> None:
    book, s = following(symbols=symbols, risk={"max_loss_streak": 4}), symbols - 1
    rests = book.world.seats[s].rests
    rests.tripped, rests.losses, rests.until_ns, rests.busy = 1, 4, NOW_NS + 2 * BAR_NS + 3, 1
    close(book, PRICE, 1, s=s)
    close(book, PRICE, 2, s=s, late_ns=2)
    assert controls(book) == []
    close(book, PRICE, 3, s=s)
    assert controls(book) == [ControlRow(NOW_NS + 3 * BAR_NS, RESET, BY_LOSS_STREAK, 0.0, 4.0, 0, s)]


def test_closes_on_the_common_grid_make_the_correlations_of_books_that_feed_them() -> None:
    book = following(symbols=2)
    trails = book.world.trails
    for s, place in ((0, 1), (1, 1), (0, 2), (1, 2), (0, 3)):
        close(book, PRICE + 100 * place * (s + 1), place, s=s)
    assert trails["closed_ns"].tolist() == [NOW_NS + 3 * BAR_NS, NOW_NS + 2 * BAR_NS]
    assert trails["close"].tolist() == [PRICE + 300, PRICE + 400]
    assert trails["change"][1] == pytest.approx((PRICE + 400) / (PRICE + 200) - 1.0)
    pair = book.world.pairs[0, 1]
    assert pair.count == 1 and pair.cross > 0.0
    assert book.account.matrix.next_ns > NOW_NS
    book.world.limits[0].grid_ns = 2 * BAR_NS
    close(book, PRICE + 999, 4)  # twenty-five past: between two times of the grid
    assert trails["close"][0] == PRICE + 300
    close(book, PRICE + 555, 5)
    assert trails["close"][0] == PRICE + 555
    book.world.limits[1].feeds = 0
    close(book, PRICE + 999, 3, s=1)
    assert trails["close"][1] == PRICE + 400


@pytest.mark.parametrize(
    ("spent", "signal", "is_spot", "side", "left"),
    [
        (0, 1, 0, 1, 0),
        (0, -1, 0, -1, 0),
        (0, -1, 1, 0, 0),
        (0, 1, 1, 1, 0),
        (0, KEEP, 1, KEEP, 0),
        (1, 1, 0, 1, 1),
        (1, -1, 1, 0, 0),
        (1, 0, 0, 0, 0),
        (-1, 1, 0, 1, 0),
    ],
)
def test_a_word_is_a_side_that_the_market_has_and_a_used_up_one_is_free_once_it_changed(
    spent: int, signal: int, is_spot: int, side: int, left: int
) -> None:
    book = moment()
    book.seat.spent_side, book.limits.rules.is_spot = spent, is_spot
    assert hear(book.seat, book.limits, signal) == side and book.seat.spent_side == left


# -- a close is decided on --------------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(moves=st.lists(st.sampled_from([-900, 0, 900]), min_size=1, max_size=8), market=st.sampled_from(["perp", "spot"]))
def test_every_close_is_a_decision_on_the_rule_s_word_and_a_point_of_the_curve_and_lean_leaves_out_rows_alone(moves: list[int], market: str) -> None:
    full, lean = following(market=market), following(market=market)
    price = PRICE
    for place, move in enumerate(moves, 1):
        price += move
        word = (move > 0) - (move < 0)
        for book in (full, lean):
            close(book, price, place, lean=book is lean)
            book.fill(at_ns=NOW_NS + place * BAR_NS)
        row = full.kept("decisions")[-1]
        side = 0 if word < 0 and market == "spot" else word
        assert (row.decision, row.signal, row.side, row.close, row.closed_ns, row.wanted) == (
            place,
            word,
            side,
            price,
            NOW_NS + place * BAR_NS,
            side * LOTS,
        )
        assert row.alpha == (0.0 if side == 0 else 1.0)
        assert full.seat.position.lots == lean.seat.position.lots == side * LOTS
        (point,) = full.kept("curve")[place - 1 :]
        assert struct_of(EquityRow, point).at_ns == NOW_NS + place * BAR_NS
    assert full.account.decisions == len(moves) == full.seat.last_decision
    assert bytes_of(full.account) == bytes_of(lean.account) and full.seat.last_decision == lean.seat.last_decision
    assert len(lean.kept("decisions")) == 0
    for name in ("orders", "effects", "fills", "ledger", "trips", "curve"):
        assert full.kept(name).tobytes() == lean.kept(name).tobytes(), name


def test_a_rule_is_as_sure_as_it_ever_is_and_its_size_has_no_other_bound() -> None:
    for move, scale in ((5, 1.0), (-5, 1.0), (0, 0.0)):
        book = following()
        book.draft.kelly = 3.0
        close(book, PRICE + move)
        assert book.traced("alpha")[0] == scale and book.draft.scale == scale and book.draft.kelly == math.inf


@pytest.mark.parametrize(("low", "high", "last", "word"), [(-50, 50, 20, KEEP), (-50, 10, 20, 1), (-10, 50, -20, -1)])
def test_a_rule_sees_the_whole_bar(low: int, high: int, last: int, word: int) -> None:
    """A breakout of one bar, whose range is the one before."""
    book = moment("breakout")
    book.world.memory[0, 0, 0] = 1
    close(book, PRICE, low=PRICE + low, high=PRICE + high)
    close(book, PRICE + last, 2)
    assert book.world.signals[0, 0] == word and book.kept("decisions")[-1].signal == word


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_a_rule_that_tosses_coins_has_its_own(chance: float) -> None:
    """The sides of the minimal standard generator, two draws a bar; without any chance of a new toss the first one stays."""
    book = moment("random_entries")
    book.world.reals[0, 0, 0] = chance
    state, sides = int(book.world.memory[0, 0, 0]), []
    for place in range(1, 9):
        close(book, PRICE, place)
        state = state * 48_271**2 % (2**31 - 1)
        sides.append(1 if state % 2_048 < 1_024 else -1)
    assert [int(row.signal) for row in book.kept("decisions")] == (sides if chance else sides[:1] * 8)
    assert len(set(sides)) == 2


def test_a_point_of_the_curve_is_equity_and_what_is_held_after_the_decision() -> None:
    book = following(symbols=2)
    book.hold(30, s=1)
    close(book, PRICE + 100, s=1)
    (point,) = book.kept("curve")
    assert struct_of(EquityRow, point) == EquityRow(NOW_NS + BAR_NS, 1, DEPOSIT + 30 * 100 * UNIT, 30 * (PRICE + 100) * UNIT)


def test_three_candles_are_one_bar_of_fifteen_minutes() -> None:
    book = following(frame="15m")
    for place in range(1, 6):  # from five past on, so that the first quarter has a hole
        close(book, PRICE + 100 * place, place, late_ns=4)
        assert book.seat.position.mark == PRICE + 100 * place  # every candle marks
    ends = (NOW_NS + 2 * BAR_NS, NOW_NS + 5 * BAR_NS)
    assert [(row.closed_ns, row.at_ns) for row in book.kept("decisions")] == [(end, end + 4) for end in ends]
    assert book.traced("complete", 0)[0] == pytest.approx(2 / 3) and book.traced("complete", 1)[0] == 1.0


def test_the_decision_s_own_context_and_mood_follow_the_bar_where_somebody_asks() -> None:
    asked = following(moody=True, decision={"allowed_regimes": REGIMES[:3]})
    asked.seat.mood, asked.seat.mood_ns, asked.seat.level = 1.0, NOW_NS, float(PRICE)
    close(asked, PRICE + 510)
    assert asked.world.terciles[0].seen == 1 and asked.seat.level == pytest.approx(PRICE + 510 * 2 / 51)
    assert (asked.seat.mood_standing.outputs, asked.seat.mood_standing.ups) == (1, 1)
    assert asked.world.outputs[0, 0, 0].close == PRICE + 510 and asked.world.outputs[0, 1].tobytes().strip(b"\0") == b""
    old = following(moody=True)
    old.seat.mood, old.seat.mood_ns = 1.0, NOW_NS
    close(old, PRICE, late_ns=1)  # a bar and a nanosecond later it is not known any more
    assert old.seat.mood_standing.outputs == 0
    assert old.world.terciles[0].seen == 0 and old.seat.level == 0.0


def test_no_room_for_the_rule_s_order_is_a_fault() -> None:
    book = following()
    book.seat.working = WORKING_SLOTS
    close(book, PRICE + 5, fault=TOO_MANY_ORDERS)


def test_a_step_that_is_asked_to_halt_ends_before_its_decision() -> None:
    book = following()
    book.draft.halts = 1
    close(book, PRICE + 5, fault=HALTED)
    assert book.world.signals[0, 0] == 1 and book.account.decisions == 0 and len(book.kept("curve")) == 0


def test_a_book_that_hears_predictions_waits_for_the_bar_s() -> None:
    book = following("model")
    close(book, PRICE + 5, late_ns=3)
    assert book.seat.awaits == NOW_NS + BAR_NS and book.seat.due_ns == NOW_NS + BAR_NS + 3 + BAR_NS // 2
    assert book.account.decisions == 0
    at_once = following("posterior", arms=("momentum", "reversal"))
    close(at_once, PRICE + 5)
    assert at_once.seat.awaits == 0 and at_once.account.decisions == 1 == len(at_once.kept("decisions"))
    lean = following("posterior", arms=("momentum", "reversal"))
    close(lean, PRICE + 5, lean=True)
    assert lean.account.decisions == 1 and len(lean.kept("decisions")) == 0


@pytest.mark.parametrize("opens", [True, False])
def test_a_prediction_that_is_due_when_the_market_moves_is_given_up_first(opens: bool) -> None:
    for early in (1, 0):
        book = following("model")
        close(book, PRICE)
        book.seat.due_ns = NOW_NS + 2 * BAR_NS + early
        before = int(book.seat.done.closed_ns)
        if opens:
            open_at(book, NOW_NS + 2 * BAR_NS)
        else:
            close(book, PRICE, 2)
        if early:
            assert book.account.decisions == 0
            continue
        (row,) = book.kept("decisions")
        assert (row.closed_ns, row.at_ns, row.kind) == (before, NOW_NS + 2 * BAR_NS, HOLD)
        assert book.world.predictions[0, 0].silence == LATE
        assert book.seat.awaits == (0 if opens else NOW_NS + 2 * BAR_NS)


@pytest.mark.parametrize("opens", [True, False])
def test_a_late_decision_that_finds_no_room_is_a_fault_at_once(opens: bool) -> None:
    book = following("model", exits={"max_bars": 3})
    close(book, PRICE)
    book.hold(LOTS)
    book.seat.position.bars, book.seat.working = 3, WORKING_SLOTS
    if opens:
        book.seat.due_ns = NOW_NS + BAR_NS + 1
        open_at(book, NOW_NS + BAR_NS + 1, fault=TOO_MANY_ORDERS)
    else:
        close(book, PRICE + 77, 2, fault=TOO_MANY_ORDERS)
        assert book.seat.position.mark == PRICE  # the candle itself was not taken
    lean = following("model")
    close(lean, PRICE)
    lean.seat.due_ns = NOW_NS + BAR_NS + 1
    if opens:
        open_at(lean, NOW_NS + BAR_NS + 1, lean=True)
    else:
        close(lean, PRICE, 2, lean=True)
    assert lean.account.decisions == 1 and len(lean.kept("decisions")) == 0


# -- what gates prevented ---------------------------------------------------------------------------------------------------------


def haunted(arm: str = "momentum", lots: int = 10, **changes: Any) -> tuple[Moment, Any]:
    """A ghost of a long that is on, with a stop and a bar behind it."""
    book = following(arm, symbols=2, **changes)
    book.world.seats[1].ghosts = 1
    ghost = book.world.ghosts[1, 0]
    ghost.gate, ghost.bars, ghost.entry, ghost.mark = 5, 1, PRICE, PRICE
    ghost.entry_value, ghost.stop_at = PRICE * lots * UNIT, PRICE - 1_000
    ghost.held.side, ghost.held.lots, ghost.held.volatility, ghost.held.decision = 1, lots, 0.01, 2
    return book, ghost


def test_a_prevented_trade_is_marked_ages_and_leaves_on_the_word_that_it_would_have_left_on() -> None:
    book, ghost = haunted()
    close(book, PRICE + 5, s=1)
    assert (ghost.mark, ghost.bars, ghost.leaves) == (PRICE + 5, 2, 0)
    close(book, PRICE, 2, s=1)
    assert (ghost.bars, ghost.leaves, ghost.reason, ghost.leave_ns) == (3, 1, ON_OPPOSITE, NOW_NS + 2 * BAR_NS)
    open_at(book, NOW_NS + 2 * BAR_NS, PRICE + 8, s=1)
    (row,) = book.kept("outcomes")
    assert (row.instrument, row.at_ns, row.reason, row.bars, row.gate) == (1, NOW_NS + 2 * BAR_NS, ON_OPPOSITE, 3, 5)
    assert row.net == 10 * 8 * UNIT - math.ceil(10 * (PRICE + 8) * UNIT * 4e-4)  # the way out costs 4 bps here
    assert book.seat.ghosts == 0


@pytest.mark.parametrize("opens", [True, False])
def test_a_price_at_its_stop_ends_a_prevented_trade(opens: bool) -> None:
    book, _ = haunted()
    if opens:
        open_at(book, NOW_NS, PRICE - 1_000, s=1)
    else:
        close(book, PRICE, s=1, low=PRICE - 1_000, late_ns=5)
    (row,) = book.kept("outcomes")
    assert (row.instrument, row.reason, row.at_ns) == (1, ON_STOP, NOW_NS if opens else NOW_NS + BAR_NS)


def test_a_kill_reaches_what_was_prevented_and_lean_steps_tell_it_too() -> None:
    book, ghost = haunted()
    book.account.killed = 1
    close(book, PRICE + 5, s=1, lean=True)
    assert (ghost.leaves, ghost.reason) == (1, ON_KILL)


@pytest.mark.parametrize(("move", "spent"), [(5, 1), (-5, 0), (0, 0)])
def test_a_signal_that_a_prevented_trade_used_up_is_free_once_it_changed(move: int, spent: int) -> None:
    book, ghost = haunted()
    ghost.spent = 1
    close(book, PRICE + move, s=1)
    assert ghost.spent == spent


def test_a_flat_word_on_spot_ends_a_prevented_long_as_flat() -> None:
    book, ghost = haunted(market="spot")
    close(book, PRICE - 5, s=1)
    assert (ghost.leaves, ghost.reason) == (1, ON_FLAT)


# -- a candle opens ---------------------------------------------------------------------------------------------------------------


def half_a_bar(arm: str = "momentum") -> tuple[Moment, int]:
    """A quarter of an hour whose last candle will not come -> (the book, when it should have closed)."""
    book = following(arm, frame="15m")
    close(book, PRICE + 5)
    assert len(book.kept("decisions")) == 0 and book.seat.forming.parts == 1
    return book, NOW_NS + 2 * BAR_NS


def test_a_bar_whose_last_candle_never_came_is_decided_on_at_the_first_open_from_its_end_on() -> None:
    book, ends_ns = half_a_bar()
    open_at(book, ends_ns - 1)
    assert len(book.kept("decisions")) == 0
    open_at(book, ends_ns, PRICE + 90)
    (row,) = book.kept("decisions")
    assert (row.closed_ns, row.at_ns, row.close, row.kind) == (ends_ns, ends_ns, PRICE + 5, ENTER)
    assert book.traced("complete")[0] == pytest.approx(1 / 3)
    open_at(book, ends_ns + BAR_NS)
    assert len(book.kept("decisions")) == 1


def test_a_late_bar_may_be_lean_and_may_fault() -> None:
    book, ends_ns = half_a_bar()
    open_at(book, ends_ns, lean=True)
    assert book.account.decisions == 1 and len(book.kept("decisions")) == 0 and len(book.kept("orders")) == 1
    full, ends_ns = half_a_bar()
    full.seat.working = WORKING_SLOTS
    open_at(full, ends_ns, fault=TOO_MANY_ORDERS)


def test_a_late_bar_is_closed_in_its_own_book() -> None:
    book = following(symbols=2)
    book.world.seats[1].done.close = PRICE + 9
    assert late_frame(book.world, book.out, 1, NOW_NS + 8, False) == 0
    (row,) = book.kept("decisions")
    assert (row.instrument, row.at_ns, row.close) == (1, NOW_NS + 8, PRICE + 9)
    assert late_frame(book.world, book.out, 1, NOW_NS + 8, True) == 0 and len(book.kept("decisions")) == 0


# -- funding, mood, the operator --------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(lots=st.integers(-50, 50), rate=st.integers(-40_000, 40_000), mark_=st.sampled_from([0, 1, PRICE + 700]))
@example(lots=1, rate=40_000, mark_=0)
@example(lots=-1, rate=40_000, mark_=1)
def test_longs_pay_a_positive_rate_and_shorts_receive_it_rounded_against_us(lots: int, rate: int, mark_: int) -> None:
    book = following(symbols=2, funded=True)
    book.hold(lots, s=1)
    cash = int(book.account.cash)
    assert on_funding(book.world, book.out, 1, NOW_NS + 6, rate, mark_) == 0
    notional = abs(lots) * (mark_ or PRICE) * UNIT
    exact = notional * rate * (1 if lots > 0 else -1)
    paid = -(-exact // 10**8) if lots else 0
    assert cash - book.account.cash == paid and book.world.seats[1].funding_bps == rate / 10_000
    found = [(row.kind, row.at_ns, row.instrument, row.cash, row.funding) for row in book.kept("ledger")]
    assert found == ([(FUNDING, NOW_NS + 6, 1, -paid, paid)] if paid else [])


def test_without_any_price_nothing_is_paid() -> None:
    book = following()
    book.seat.position.lots, book.seat.position.mark = 5, 0
    assert on_funding(book.world, book.out, 0, NOW_NS, 10_000, 0) == 0 and len(book.kept("ledger")) == 0


def test_funding_reaches_prevented_trades_and_the_arms_own_portfolios_where_arms_are_chosen() -> None:
    book, ghost = haunted()
    on_funding(book.world, book.out, 1, NOW_NS, 10_000, 0)
    assert ghost.funding == 10 * PRICE * UNIT // 10_000
    for arms, cost in ((("momentum", "reversal"), 0.0003), ((), 0.0)):
        chosen = following("posterior" if arms else "momentum", symbols=2, arms=arms)
        chosen.world.shadows["held"]["side"][:] = 1
        on_funding(chosen.world, chosen.out, 1, NOW_NS, 30_000, 0)
        assert chosen.world.shadows["costs"][1].tolist() == pytest.approx([cost] * max(len(arms), 1))
        assert not chosen.world.shadows["costs"][0].any()


def test_a_mood_stands_until_the_next_one() -> None:
    book = moment()
    on_mood(book.seat, 7, 0.5, -0.4)
    on_mood(book.seat, 9, np.nan, 0.25)
    assert math.isnan(book.seat.mood) and (book.seat.mood_mirror, book.seat.mood_ns) == (0.25, 9)
    on_mood(book.seat, 11, 0.75, np.nan)
    assert book.seat.mood == 0.75 and math.isnan(book.seat.mood_mirror)


def test_an_operator_s_pause_lasts_until_a_resume_and_both_are_written_down() -> None:
    book = following(symbols=2)
    book.hold(5)
    for word, paused in ((PAUSE, 1), (PAUSE, 1), (RESUME, 0)):
        assert on_control(book.world, book.out, NOW_NS + word, word) == 0
        assert (book.account.paused, book.account.killed) == (paused, 0)
    assert controls(book) == [ControlRow(NOW_NS + word, word, BY_OPERATOR, 0.0, 0.0, 0) for word in (PAUSE, PAUSE, RESUME)]
    assert len(book.kept("effects")) == 0


def test_a_kill_calls_entries_back_leaves_every_position_and_keeps_protection() -> None:
    book = following(symbols=3)
    book.hold(5)
    book.hold(-7, s=2)
    for s in range(3):
        book.world.seats[s].last_decision, book.world.seats[s].impact = 10 + s, 20 + s
        desk = desk_for(book.world, book.out, s)
        assert place_order(desk, s, NOW_NS, 1, MARKET, 0, 3, 0, 0, 0) == 0
        assert place_order(desk, s, NOW_NS, 1, STOP, ON_STOP, -5, PRICE - 9, 1, 0) == 0
    sent = len(book.kept("effects"))
    assert on_control(book.world, book.out, NOW_NS + 4, KILL) == 0
    effects = book.kept("effects")[sent:]
    assert [(row.what, row.instrument, row.lots) for row in effects] == [
        (CANCEL, 0, 0),
        (SUBMIT, 0, -5),
        (CANCEL, 1, 0),
        (CANCEL, 2, 0),
        (SUBMIT, 2, 7),
    ]
    assert [(row.order, row.at_ns) for row in effects if row.what == CANCEL] == [(1, NOW_NS + 4), (3, NOW_NS + 4), (5, NOW_NS + 4)]
    left = [row for row in effects if row.what == SUBMIT]
    assert [(row.decision, row.impact, row.kind, row.reduce_only, row.trigger, row.at_ns) for row in left] == [
        (10, 20, MARKET, 1, 0, NOW_NS + 4),
        (12, 22, MARKET, 1, 0, NOW_NS + 4),
    ]
    assert [row.reason for row in book.kept("orders")[-2:]] == [ON_KILL, ON_KILL]
    assert (book.account.killed, book.account.paused) == (1, 0)
    assert controls(book) == [ControlRow(NOW_NS + 4, KILL, BY_OPERATOR, 0.0, 0.0, 0)]


def test_a_flattening_leaves_every_position_and_pauses_until_a_resume() -> None:
    book = following(symbols=2)
    book.hold(5)
    assert place_order(desk_for(book.world, book.out, 1), 1, NOW_NS, 1, MARKET, 0, 3, 0, 0, 0) == 0
    sent = len(book.kept("effects"))
    assert on_control(book.world, book.out, NOW_NS + 4, FLATTEN) == 0
    assert [(row.what, row.instrument, row.lots) for row in book.kept("effects")[sent:]] == [(SUBMIT, 0, -5), (CANCEL, 1, 0)]
    assert book.kept("orders")[-1].reason == ON_FLATTEN
    assert (book.account.killed, book.account.paused) == (0, 1)
    assert controls(book) == [ControlRow(NOW_NS + 4, FLATTEN, BY_OPERATOR, 0.0, 0.0, 0)]
    assert on_control(book.world, book.out, NOW_NS + 5, RESUME) == 0 and book.account.paused == 0


def test_a_flattening_leaves_prevented_trades_alone() -> None:
    book, ghost = haunted()
    on_control(book.world, book.out, NOW_NS + 4, FLATTEN)
    assert ghost.leaves == 0


def test_a_kill_ends_prevented_trades_at_the_next_open_and_gives_up_those_that_wait() -> None:
    book, ghost = haunted()
    ghost.wish.side = -1
    on_control(book.world, book.out, NOW_NS + 4, KILL)
    assert (ghost.leaves, ghost.leave_ns, ghost.reason, ghost.wish.side) == (1, NOW_NS + 4, ON_KILL, 0)


def test_a_kill_that_finds_no_room_is_a_fault() -> None:
    book = following()
    book.hold(5)
    book.seat.working = WORKING_SLOTS
    assert on_control(book.world, book.out, NOW_NS, KILL) == TOO_MANY_ORDERS


def test_a_stopped_account_decides_no_more_than_to_leave() -> None:
    book = following()
    on_control(book.world, book.out, NOW_NS, KILL)
    close(book, PRICE + 5)
    assert book.kept("decisions")[-1].kind == HOLD
    book.hold(LOTS)
    close(book, PRICE + 9, 2)
    assert (book.kept("decisions")[-1].kind, book.kept("decisions")[-1].reason) == (EXIT, ON_KILL)
    assert book.account.cash + LOT * LOTS == DEPOSIT
