"""A decision waits for its prediction, takes it in or gives it up, and then one arm's word is decided on; prevented trades hear it too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.gate import PASS
from metastackerbandit.domain.kernel import kernel, rows, struct_of
from metastackerbandit.domain.prediction import FAILED, IN_DOWN, IN_FLAT, IN_UP, LATE, Prediction
from metastackerbandit.domain.rows import ENTER, EXIT, HOLD, INCREASE, KEEP, ON_FLAT, ON_KILL, ON_OPPOSITE, ON_TIME, EquityRow
from metastackerbandit.engine.on_prediction import begin_waiting, conclude_apart, give_up, is_awaited, keep_point, note_set, on_predicted
from metastackerbandit.engine.orders import TOO_MANY_ORDERS
from metastackerbandit.engine.world import HALTED, WORKING_SLOTS, Cursor
from metastackerbandit.stacking.names import ARM_NAMES
from metastackerbandit.stacking.posterior import learn
from tests.engine.moments import A_YEAR, BAR_NS, DEPOSIT, LOT, LOTS, NOW_NS, PRICE, UNIT, VARIANCE, Moment, bytes_of, close_at, moment

DUE_NS = NOW_NS + BAR_NS // 2
ROUND_TRIP = 8.0  # bps, of the costs of these moments
SURE: dict[str, Any] = {"p_down": 0.1, "p_flat": 0.2, "p_up": 0.7, "long_bps": 90.0, "short_bps": -90.0}
AGAINST: dict[str, Any] = {"p_down": 0.7, "p_flat": 0.2, "p_up": 0.1, "long_bps": -90.0, "short_bps": 90.0}
ARMS = ("momentum", "model", "reversal")
RULE, MODEL, CONTRARY = 0, 1, 2  # their places


@kernel
def begun(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """`begin_waiting`, compiled once."""
    return begin_waiting(world, out, s, now_ns, lean)


@kernel
def predicted(world: Any, out: Any, s: int, predictions: Any, lean: bool) -> int:
    """`on_predicted` of a row of predictions, compiled once."""
    return on_predicted(world, out, s, predictions[0], lean)


def said(**changes: Any) -> Any:
    """A prediction upwards about the bar that has just closed, known at once (1,)."""
    told = rows(Prediction, 1)
    usual = {"frame_ns": BAR_NS, "closed_ns": NOW_NS, "at_ns": NOW_NS, "version": 3, "error_bps": 5.0, "barrier_bps": 80.0, "horizon": 6}
    usual |= {"credibility": 0.4, "size_scale": 0.5, "p_value_down": 0.11, "p_value_flat": 0.12, "p_value_up": 0.4, "worth": math.nan}
    for name, value in (usual | SURE | changes).items():
        told[0][name] = value
    return told


def hearing(arm: str = "model", *, waits: bool = True, **changes: Any) -> Moment:
    """Books that hear, with the exits of their predictions; the first waits for the bar that has just closed. Rules say the last move's side."""
    book = moment(arm, **({"exits": {"stop_bps": None, "target_bps": None}} | changes))
    if book.world.memory.shape[2] > 3:
        book.world.memory[:, RULE, :4] = 1, 5, 0, PRICE
    if waits:
        book.seat.awaits, book.seat.due_ns = NOW_NS, DUE_NS
    return book


def come(book: Moment, *, s: int = 0, lean: bool = False, fault: int = 0, **changes: Any) -> None:
    """A prediction comes."""
    assert predicted(book.world, book.out, s, said(**changes), lean) == fault


def last(book: Moment) -> Any:
    """The newest decision's row."""
    return book.kept("decisions")[-1]


def earn(book: Moment, arm: int, outcome: float, s: int = 0) -> None:
    """An arm's outcomes were all about this, in every context."""
    for n in range(120):
        learn(book.world.evidence[s], arm, n % 6, outcome + 0.2 * (-1) ** n, 1.0, book.world.posterior[s])


# -- waiting ----------------------------------------------------------------------------------------------------------------------


def test_a_bar_s_close_lets_the_rules_speak_and_waits_for_the_prediction() -> None:
    book = hearing("posterior", symbols=2, arms=ARMS, waits=False)
    book.world.signals[:] = 7
    close_at(book.world.seats[1], PRICE + 900, NOW_NS)
    assert begun(book.world, book.out, 1, NOW_NS + 4, False) == 0
    assert book.world.signals.tolist() == [[7, 7, 7], [1, 7, 0]]  # a reversal has seen no bar before, the model is not asked
    assert (book.world.seats[1].awaits, book.world.seats[1].due_ns) == (NOW_NS, NOW_NS + 4 + BAR_NS // 2)
    assert book.account.decisions == 0 and book.seat.awaits == 0


def test_rules_see_the_whole_bar() -> None:
    """A breakout looks at highs and lows as well as at the close."""
    for low, high, word in ((PRICE - 50, PRICE + 50, KEEP), (PRICE - 50, PRICE + 10, 1), (PRICE - 10, PRICE + 50, -1)):
        book = hearing("posterior", arms=("breakout", "momentum"), waits=False)
        book.world.memory[0, 0, :3] = 1, 0, 0
        bar = book.seat.done
        bar.low, bar.high, bar.close = low, high, PRICE
        begun(book.world, book.out, 0, NOW_NS, False)
        bar.low, bar.high, bar.close = PRICE - 90, PRICE + 90, PRICE + (20 if word == 1 else -20 if word == -1 else 0)
        begun(book.world, book.out, 0, NOW_NS, False)
        assert book.world.signals[0, 0] == word


def test_a_rule_that_tosses_coins_has_its_own() -> None:
    for chance, word in ((0.0, 5), (1.0, 1)):
        book = moment("posterior", arms=("random_entries", "model"))
        book.world.memory[0, 0, :2] = 1, 5  # the generator's state, and the side so far
        book.world.reals[0, 0, 0] = chance
        begun(book.world, book.out, 0, NOW_NS, False)
        assert book.world.signals[0, 0] == (word if chance == 0.0 else (1 if 48_271**2 % (2**31 - 1) % 2_048 < 1_024 else -1))


def test_where_the_prediction_came_first_or_none_is_waited_for_the_decision_is_made_at_once() -> None:
    early = hearing(waits=False)
    come(early)
    assert early.account.decisions == 0
    assert begun(early.world, early.out, 0, NOW_NS + 4, False) == 0
    assert (last(early).at_ns, last(early).kind, early.seat.awaits) == (NOW_NS + 4, ENTER, 0)
    rules = hearing("posterior", arms=("momentum", "reversal"), waits=False)
    assert begun(rules.world, rules.out, 0, NOW_NS + 4, False) == 0
    assert (last(rules).at_ns, rules.seat.awaits) == (NOW_NS + 4, 0)
    lean = hearing("posterior", arms=("momentum", "reversal"), waits=False)
    assert begun(lean.world, lean.out, 0, NOW_NS + 4, True) == 0
    assert len(lean.kept("decisions")) == 0 and lean.account.decisions == 1 == len(lean.kept("curve"))


def test_a_closed_bar_tells_open_sets_their_truth_where_sets_are_followed() -> None:
    for follows in (True, False):
        book = hearing(waits=False, decision={"conformal": follows, "conformal_gamma": 0.1, "conformal_alpha": 0.2})
        book.limits.hears = 1
        issued = book.world.sets[0, 0]
        issued.bits, issued.bar, issued.horizon, issued.barrier = IN_DOWN, 499, 6, 0.008
        book.seat.coverage.issued, book.seat.coverage.fresh, book.seat.coverage.horizon = 1, 1, 6
        book.seat.done.high = PRICE + 5_000  # up: the set missed it
        begun(book.world, book.out, 0, NOW_NS, False)
        coverage = book.seat.coverage
        assert (coverage.told, coverage.missed) == ((1, 1) if follows else (0, 0))
        assert coverage.level == pytest.approx(0.2 + 0.1 * (0.2 - 1.0) if follows else 0.2)


def test_where_arms_are_chosen_each_lives_on_in_its_own_portfolio_before_the_decision() -> None:
    book = hearing("posterior", arms=ARMS, waits=False)
    wish = book.world.shadows[0, MODEL].wish
    wish.side, wish.volatility, wish.horizon = 1, 0.01, 6
    begun(book.world, book.out, 0, NOW_NS, False)
    assert (book.world.shadows[0, MODEL].held.side, book.world.shadows[0, MODEL].opened) == (1, PRICE)
    held = book.world.shadows[0, MODEL].held
    held.stop, held.decision = 0.01, 3
    book.seat.done.low = PRICE - PRICE // 50
    begun(book.world, book.out, 0, NOW_NS, False)
    (ended,) = book.kept("outcomes")
    assert (ended.instrument, ended.arm, ended.side, ended.decision) == (0, ARM_NAMES.index("model"), 1, 3) and ended.outcome < -1.0
    alone = hearing(waits=False)
    alone.world.shadows[0, 0].wish.side = 1
    begun(alone.world, alone.out, 0, NOW_NS, False)
    assert alone.world.shadows[0, 0].held.side == 0


# -- a prediction comes -----------------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(
    frame=st.sampled_from([BAR_NS, 3 * BAR_NS, 12 * BAR_NS]),
    closes=st.integers(-2, 2),
    before=st.lists(st.integers(-2, 2), min_size=2, max_size=2),
    heard=st.integers(1, 2),
)
def test_the_newest_prediction_of_each_frame_that_is_heard_is_kept_and_the_own_frame_s_is_what_was_waited_for(
    frame: int, closes: int, before: list[int], heard: int
) -> None:
    book = hearing("aligned", frames=("15m",))
    kept = book.world.predictions[0]
    kept["closed_ns"] = [NOW_NS + one for one in before]
    was = kept.copy()
    told = said(frame_ns=frame, closed_ns=NOW_NS + closes)
    awaited = is_awaited(book.seat, kept, book.world.frames[0], heard, told[0])
    place = {BAR_NS: 0, 3 * BAR_NS: 1}.get(frame, 9)
    is_new = place < heard and closes > before[place]
    assert bool(awaited) == (is_new and place == 0 and closes == 0)
    for k in range(2):
        assert kept[k].tobytes() == (told[0] if is_new and k == place else was[k]).tobytes()


def test_the_prediction_that_was_waited_for_is_decided_on_and_an_older_one_or_one_more_changes_nothing() -> None:
    book = hearing()
    come(book, closed_ns=NOW_NS - BAR_NS)
    assert book.account.decisions == 0 and book.seat.awaits == NOW_NS
    come(book, at_ns=NOW_NS + 9)
    row = last(book)
    assert (row.at_ns, row.side, row.kind, row.sent, book.seat.awaits) == (NOW_NS + 9, 1, ENTER, LOTS, 0)
    before = bytes_of(*book.world, *book.out)
    come(book, at_ns=NOW_NS + 10, **AGAINST)
    assert bytes_of(*book.world, *book.out) == before


def test_it_is_the_book_s_own() -> None:
    book = hearing(symbols=2)
    book.world.seats[1].awaits, book.world.seats[1].due_ns = NOW_NS, DUE_NS
    come(book, s=1)
    assert (last(book).instrument, book.seat.awaits, book.world.seats[1].awaits) == (1, NOW_NS, 0)
    assert book.world.predictions[0, 0].closed_ns == 0


@pytest.mark.parametrize(("at_ns", "is_late"), [(DUE_NS - 1, False), (DUE_NS, True)])
def test_what_comes_when_it_is_due_is_late(at_ns: int, is_late: bool) -> None:
    book = hearing()
    come(book, at_ns=at_ns)
    (row,) = book.kept("decisions")
    assert row.kind == (HOLD if is_late else ENTER) and row.at_ns == at_ns
    kept = book.world.predictions[0, 0]
    assert kept.silence == (LATE if is_late else 0) and kept.version == (-1 if is_late else 3)


def test_a_late_prediction_of_the_next_bar_gives_up_and_waits_no_more() -> None:
    book = hearing()
    come(book, at_ns=NOW_NS + BAR_NS, closed_ns=NOW_NS + BAR_NS)
    assert book.account.decisions == 1 and last(book).kind == HOLD
    assert book.world.predictions[0, 0].closed_ns == NOW_NS + BAR_NS and book.seat.awaits == 0


def test_a_fault_of_the_late_decision_ends_the_step() -> None:
    for at_ns in (NOW_NS, DUE_NS):
        book = hearing(exits={"max_bars": 3})
        book.hold(LOTS)
        book.seat.position.bars, book.seat.working = 3, WORKING_SLOTS
        come(book, at_ns=at_ns, closed_ns=NOW_NS if at_ns == NOW_NS else NOW_NS + BAR_NS, fault=TOO_MANY_ORDERS, **AGAINST)
        assert book.world.predictions[0, 0].closed_ns == NOW_NS  # a newer one was not taken


def test_lean_steps_leave_rows_out_and_nothing_else() -> None:
    cases: tuple[dict[str, Any], ...] = ({}, {"at_ns": DUE_NS}, {"silence": FAILED})
    for changes in cases:
        full, lean = hearing(), hearing()
        come(full, **changes)
        come(lean, lean=True, **changes)
        assert len(full.kept("decisions")) == 1 and len(lean.kept("decisions")) == 0
        assert bytes_of(full.world.account, full.world.working) == bytes_of(lean.world.account, lean.world.working)
        assert full.seat.last_decision == lean.seat.last_decision == 1
        for name in ("orders", "effects", "curve"):
            assert full.kept(name).tobytes() == lean.kept(name).tobytes()
    for lots in (0, LOTS):
        quiet = hearing()
        quiet.hold(lots)
        quiet.seen.side, quiet.account.decisions = 77, 4
        come(quiet, lean=True, silence=FAILED)
        assert quiet.seen.side == 77  # no gate was asked
        assert quiet.account.decisions == quiet.seat.last_decision == 5
    killed = hearing()
    killed.hold(LOTS)
    killed.account.killed = 1
    come(killed, lean=True, silence=FAILED)
    assert len(killed.kept("orders")) == 1


def test_what_did_not_come_counts_as_silence_about_that_bar() -> None:
    book = hearing(symbols=2, frame="5m")
    for s in range(2):
        book.world.seats[s].awaits = NOW_NS
        book.world.predictions[s, 0] = said()[0]
        book.world.predictions[s, 0].closed_ns = 5
    assert give_up(book.world, book.out, 1, NOW_NS + 8, False) == 0
    missing = book.world.predictions[1, 0]
    assert (missing.frame_ns, missing.closed_ns, missing.at_ns, missing.silence, missing.version) == (BAR_NS, NOW_NS, NOW_NS + 8, LATE, -1)
    assert book.world.predictions[0, 0].closed_ns == 5 and (book.seat.awaits, book.world.seats[1].awaits) == (NOW_NS, 0)
    assert (last(book).instrument, last(book).at_ns, last(book).signal, last(book).kind) == (1, NOW_NS + 8, KEEP, HOLD)
    assert book.traced("model")[0] == LATE
    assert give_up(book.world, book.out, 0, NOW_NS + 8, True) == 0 and len(book.kept("decisions")) == 1


# -- what is noted ----------------------------------------------------------------------------------------------------------------


def test_a_set_is_what_could_not_be_excluded_at_the_level_in_force() -> None:
    book = hearing(decision={"conformal": True})
    coverage, sets = book.seat.coverage, book.world.sets[0]
    for level, bits in ((0.05, IN_DOWN | IN_FLAT | IN_UP), (0.115, IN_FLAT | IN_UP), (0.2, IN_UP), (0.5, 0)):
        coverage.level = level
        place = int(coverage.issued)
        note_set(book.seat, said()[0], sets)
        issued = sets[place]
        assert (issued.bits, issued.bar, issued.horizon, issued.barrier, coverage.issued) == (bits, 500, 6, 0.008, place + 1)
    note_set(book.seat, said(silence=FAILED)[0], sets)
    assert coverage.issued == 4


@pytest.mark.parametrize("asks", [True, False])
def test_the_prediction_is_noted_where_its_sets_are_followed(asks: bool) -> None:
    book = hearing(decision={"conformal": asks})
    come(book)
    assert book.seat.coverage.issued == int(asks) and book.world.sets[0, 0].bar == (500 if asks else 0)


@pytest.mark.parametrize("arms", [ARMS, ("momentum", "reversal")])
def test_the_model_beside_rules_is_followed_as_a_source(arms: tuple[str, ...]) -> None:
    book = hearing("posterior", arms=arms)
    come(book)
    standing = book.seat.model_standing
    assert (standing.outputs, standing.ups) == ((1, 1) if "model" in arms else (0, 0))
    assert book.world.outputs[0, 1, 0].close == (PRICE if "model" in arms else 0) and book.world.outputs[0, 0, 0].close == 0


def test_a_prediction_about_this_bar_alone_is_awaited_to_be_judged() -> None:
    book = hearing()
    come(book)
    scored = book.seat.rests.scored
    assert (scored.bars, scored.p_up, scored.barrier, book.seat.rests.version) == (6, 0.7, 0.008, 3)
    stale = hearing("posterior", arms=("momentum", "reversal"), waits=False)
    stale.world.predictions[0, 0] = said(closed_ns=NOW_NS - BAR_NS)[0]
    conclude_apart(stale.world, stale.out, 0, NOW_NS, False)
    assert stale.seat.rests.scored.bars == 0


def test_a_step_that_is_asked_to_halt_ends_before_its_decision() -> None:
    book = hearing()
    book.draft.halts = 1
    come(book, fault=HALTED)
    assert book.account.decisions == 0 and book.seat.rests.scored.bars == 6


# -- one arm is heard -------------------------------------------------------------------------------------------------------------


def test_a_model_s_word_is_decided_on_with_its_scale_its_alpha_and_the_bound_of_its_edge() -> None:
    """82 bps net of 8: 80 of 24 above the least, so the whole of the half that its evidence allows; Kelly puts .59 % on it."""
    book = hearing(sizing={"mode": "volatility"}, risk={"max_symbol_exposure": 20.0})
    come(book)
    row = last(book)
    assert (row.signal, row.side, row.alpha, row.arm) == (1, 1, 0.5, ARM_NAMES.index("model"))
    assert book.traced("alpha")[0] == 1.0 and book.traced("net_edge")[0] == pytest.approx(82.0)
    assert book.traced("confidence")[0] == 0.7 and book.traced("posterior")[2] == 0
    kelly = 0.25 * (82.0 / 80.0) * 0.05**2 / (0.05**2 + (5.0 / 80.0) ** 2) / 0.008
    size = 0.5 * min(0.15 / math.sqrt(VARIANCE * A_YEAR), kelly) * DEPOSIT / LOT
    assert row.wanted == int(size) and book.draft.kelly == pytest.approx(kelly)
    weak = hearing(sizing={"mode": "volatility"}, decision={"neutral_band": 0.0, "thresholds": "profile"})
    come(weak, long_bps=14.0, short_bps=-14.0, error_bps=60.0)
    bound = 0.25 * (6.0 / 80.0) * 0.05**2 / (0.05**2 + 0.75**2) / 0.008
    assert weak.draft.kelly == pytest.approx(bound) and last(weak).wanted == int(0.5 * (6.0 - 2.0) / 24.0 * bound * DEPOSIT / LOT)


def test_a_word_without_a_side_has_no_size_and_no_bound() -> None:
    book = hearing()
    book.draft.kelly = 5.0
    come(book, silence=FAILED)
    row = last(book)
    assert (row.signal, row.side, row.alpha, row.kind) == (KEEP, 0, 0.0, HOLD) and book.draft.kelly == math.inf and book.draft.scale == 0.0
    flat = hearing()
    come(flat, p_up=0.4, p_down=0.4)
    assert (last(flat).signal, last(flat).alpha, flat.draft.kelly) == (0, 0.0, math.inf)


@pytest.mark.parametrize(("lots", "side"), [(LOTS, 1), (-LOTS, -1)])
def test_what_is_held_is_kept_until_the_other_side_is_predicted(lots: int, side: int) -> None:
    book = hearing()
    book.hold(lots)
    come(book, **(SURE if side > 0 else AGAINST))
    assert (last(book).signal, last(book).kind, last(book).position) == (KEEP, HOLD, lots)
    assert book.seen.held_side == side
    turned = hearing()
    turned.hold(lots)
    come(turned, **(AGAINST if side > 0 else SURE))
    assert (last(turned).signal, last(turned).wanted) == (-side, -side * LOTS)


def test_one_lot_is_a_position() -> None:
    book = hearing()
    book.hold(1)
    come(book)
    assert last(book).signal == KEEP and book.seen.held_side == 1


@pytest.mark.parametrize(
    ("bars", "told", "stays"),
    [(6, SURE, True), (5, SURE, True), (6, AGAINST, False), (6, SURE | {"p_up": 0.34, "p_down": 0.33}, False), (6, {"silence": FAILED}, False)],
)
def test_a_position_whose_time_is_up_stays_for_another_horizon_where_its_side_is_predicted_still(
    bars: int, told: dict[str, Any], stays: bool
) -> None:
    book = hearing()
    book.hold(LOTS)
    book.seat.position.bars, book.seat.horizon = bars, 6
    come(book, **(told | {"horizon": 9}))
    if stays:
        assert last(book).kind == HOLD and book.seat.position.bars == (0 if bars == 6 else 5) and book.seat.horizon == (9 if bars == 6 else 6)
    else:
        assert (last(book).kind, last(book).reason) == (EXIT, ON_TIME) and book.seat.horizon == 6


@pytest.mark.parametrize(("bars", "leaves"), [(3, False), (4, True)])
def test_a_limit_of_bars_that_the_user_wrote_stands_whatever_is_predicted(bars: int, leaves: bool) -> None:
    book = hearing(exits={"stop_bps": None, "target_bps": None, "max_bars": 4})
    book.hold(LOTS)
    book.seat.position.bars, book.seat.horizon = bars, 6
    come(book, **(SURE | {"horizon": 9}))
    assert (last(book).kind, last(book).reason) == ((EXIT, ON_TIME) if leaves else (HOLD, last(book).reason))
    assert (book.seat.position.bars, book.seat.horizon) == (bars, 6)


def test_a_rule_s_position_is_not_kept_for_another_horizon() -> None:
    book = hearing("posterior", arms=ARMS)
    earn(book, RULE, 1.0)
    book.hold(LOTS)
    book.seat.holder, book.seat.position.bars, book.seat.horizon = RULE, 6, 6
    book.world.signals[0, RULE] = KEEP
    come(book)
    assert (last(book).kind, last(book).reason, last(book).arm) == (EXIT, ON_TIME, ARM_NAMES.index("momentum"))


def test_spot_is_never_short_and_hears_it_as_flat() -> None:
    book = hearing(market="spot")
    come(book, **AGAINST)
    assert (last(book).signal, last(book).side, last(book).kind) == (-1, 0, HOLD)
    assert (last(book).alpha, book.draft.scale, book.draft.kelly) == (0.0, 0.0, math.inf)
    held = hearing(market="spot")
    held.hold(LOTS)
    come(held, **AGAINST)
    assert (last(held).kind, last(held).reason) == (EXIT, ON_FLAT)


def test_the_level_in_force_stands_before_the_gate_of_sets() -> None:
    book = hearing(decision={"conformal": True, "unknown_passes": ()})
    book.seat.coverage.level = 0.3
    come(book)
    assert book.seen.conformal_level == 0.3 and book.traced("conformal")[2] == PASS


@pytest.mark.parametrize(("best", "word", "arm"), [(RULE, -1, "momentum"), (MODEL, 1, "model"), (CONTRARY, 0, "reversal")])
def test_among_arms_the_one_that_has_earned_it_is_heard(best: int, word: int, arm: str) -> None:
    book = hearing("posterior", arms=ARMS)
    for other in range(3):
        earn(book, other, 1.0 if other == best else -1.0)
    book.world.signals[0, :] = -1, 0, 0
    come(book)
    row = last(book)
    assert (row.signal, ARM_NAMES[row.arm], book.seat.arm) == (word, arm, best)
    assert book.seen.has_posterior == 1 and book.traced("posterior")[0] == pytest.approx(book.world.beliefs[best].chance) and book.seen.chance > 0.99
    assert book.seen.has_model == int(best == MODEL)
    if word:
        assert row.kind == ENTER and book.seat.holder == best


def test_the_arm_that_a_position_is_of_is_heard_while_nobody_has_earned_more() -> None:
    """None has shown anything; without a position the likeliest is heard, and stopped by the gate."""
    book = hearing("posterior", arms=ARMS, decision={"unknown_passes": ()})
    book.world.signals[0, :] = -1, 0, 0
    book.seat.holder = CONTRARY
    book.hold(LOTS)
    come(book)
    assert (ARM_NAMES[last(book).arm], last(book).signal) == ("reversal", 0)
    flat = hearing("posterior", arms=ARMS, decision={"unknown_passes": ()})
    flat.seat.holder = CONTRARY
    flat.world.signals[0, :] = -1, 0, 0
    come(flat)
    assert ARM_NAMES[last(flat).arm] == "momentum" and last(flat).kind == HOLD and flat.traced("posterior")[0] == 0.5


def test_each_arm_s_own_portfolio_takes_its_wish_where_arms_are_chosen() -> None:
    book = hearing("posterior", arms=ARMS, symbols=2)
    book.world.seats[1].awaits, book.world.seats[1].due_ns = NOW_NS, DUE_NS
    for terciles, seat in zip(book.world.terciles, book.world.seats, strict=True):
        terciles.seen, terciles.low, terciles.high, seat.level = 10, 0.0, 1.0, PRICE - 1.0
    book.world.signals[1, :] = -1, 0, 0
    come(book, s=1)
    assert book.world.shadows["wish"]["side"].tolist() == [[0, 0, 0], [-1, 1, 0]]
    assert book.world.shadows["wish"]["decision"][1].tolist() == [1, 1, 1]
    assert book.world.shadows["wish"]["predicted"][1].tolist() == [0, 1, 0]


def test_without_a_choice_no_chance_is_shown() -> None:
    book = hearing()
    book.seen.has_posterior, book.seen.chance = 1, 0.9
    come(book)
    assert book.seen.has_posterior == 0 and math.isnan(book.seen.chance)


def test_every_decision_is_a_point_of_the_curve() -> None:
    book = hearing(symbols=2)
    book.world.seats[1].awaits, book.world.seats[1].due_ns = NOW_NS, DUE_NS
    book.hold(30, s=1)
    come(book, s=1)
    come(book)
    assert [struct_of(EquityRow, point) for point in book.kept("curve")] == [EquityRow(NOW_NS, s, DEPOSIT, 30 * LOT) for s in (1, 0)]
    cursor, point = rows(Cursor, 1)[0], rows(EquityRow, 1)[0]
    book.account.cash, book.account.marked, book.account.gross = 11, -4, 5
    keep_point(cursor, point, book.account, 3, 9)
    assert struct_of(EquityRow, point) == EquityRow(9, 3, 7, 5) and cursor.curve == 1


def test_more_of_a_position_is_asked_for_where_sizes_follow_and_the_position_keeps_its_terms() -> None:
    book = hearing(sizing={"mode": "volatility"}, risk={"max_symbol_exposure": 20.0})
    book.hold(-5)
    book.seat.horizon = 7
    come(book, **AGAINST)
    assert last(book).kind == HOLD and book.seat.horizon == 7  # a predicted position is left as it is
    earned = hearing("posterior", arms=ARMS, sizing={"mode": "volatility"})
    earn(earned, RULE, 1.0)
    earned.hold(5)
    earned.world.signals[0, RULE] = 1
    come(earned)
    assert last(earned).kind == INCREASE and last(earned).alpha == pytest.approx(0.5 + 0.5 * (earned.seen.agreement == 1.0))


# -- what gates prevented hears it too --------------------------------------------------------------------------------------------


def haunted(arm: str = "model", side: int = 1, **changes: Any) -> tuple[Moment, Any]:
    """A ghost of a trade that is on, of horizon 6, in the first book."""
    book = hearing(arm, **changes)
    book.seat.ghosts = 1
    ghost = book.world.ghosts[0, 0]
    ghost.gate, ghost.entry, ghost.mark, ghost.bars = 5, PRICE, PRICE, 2
    ghost.entry_value = 10 * PRICE * UNIT
    ghost.held.side, ghost.held.lots, ghost.held.volatility, ghost.held.horizon = side, 10, 0.01, 6
    return book, ghost


@pytest.mark.parametrize("side", [-1, 1])
def test_a_prevented_trade_leaves_for_the_other_side_and_stays_for_its_own(side: int) -> None:
    own, other = (SURE, AGAINST) if side > 0 else (AGAINST, SURE)
    book, ghost = haunted(side=side)
    come(book, **own)
    assert (ghost.leaves, ghost.held.side, book.seat.ghosts) == (0, side, 1)
    book, ghost = haunted(side=side)
    come(book, at_ns=NOW_NS + 3, **other)
    assert (ghost.leaves, ghost.reason, ghost.leave_ns) == (1, ON_OPPOSITE, NOW_NS + 3)


@pytest.mark.parametrize(
    ("bars", "told", "leaves"), [(6, SURE, 0), (6, {"silence": FAILED}, 1), (6, {"p_up": 0.34, "p_down": 0.33}, 1), (5, {"silence": FAILED}, 0)]
)
def test_a_prevented_trade_whose_time_is_up_stays_where_its_side_is_predicted_still(bars: int, told: dict[str, Any], leaves: int) -> None:
    book, ghost = haunted()
    ghost.bars = bars
    come(book, **(told | {"horizon": 9}))
    stayed = bars == 6 and not leaves
    assert (ghost.leaves, ghost.bars, ghost.held.horizon) == (leaves, 0 if stayed else bars, 9 if stayed else 6)
    if leaves:
        assert ghost.reason == ON_TIME
    book, ghost = haunted()  # a limit of bars that the user wrote stands, whatever is predicted
    book.limits.time_by_model = 0
    ghost.bars = bars
    come(book, **(told | {"horizon": 9}))
    assert (ghost.leaves, ghost.bars, ghost.held.horizon) == (int(bars == 6), bars, 6)


def test_a_prevented_long_leaves_spot_as_flat_and_a_kill_ends_it() -> None:
    book, ghost = haunted(market="spot")
    come(book, **AGAINST)
    assert (ghost.leaves, ghost.reason) == (1, ON_FLAT)
    book, ghost = haunted()
    book.account.killed = 1
    come(book)
    assert (ghost.leaves, ghost.reason) == (1, ON_KILL)


WEAK = {"p_down": 0.42, "p_up": 0.38, "long_bps": -9.0, "short_bps": 9.0}  # a lead of .04, where half of the neutral band is .05


@pytest.mark.parametrize(("decision", "told", "side"), [(0, AGAINST, 0), (0, SURE, 1), (0, WEAK, 0), (1, AGAINST, 1), (0, {"silence": FAILED}, 1)])
def test_a_wish_that_waits_is_given_up_for_the_other_side_unless_this_decision_made_it(decision: int, told: dict[str, Any], side: int) -> None:
    """Two decisions may be made at one instant: a prediction that never came is given up when the next bar's is there.

    What waits is an order: opinions too weak to enter on take it back, though a position would be held on them.
    """
    book, ghost = haunted(side=0)
    ghost.wish.side, ghost.wish.sent_ns, ghost.wish.holder, ghost.spent = 1, NOW_NS, 0, 0
    ghost.wish.decision = int(book.account.decisions) + decision
    come(book, **told)
    found = [int(one.wish.side) for one in book.world.ghosts[0, : int(book.seat.ghosts)] if one.gate == 5]
    assert found == ([1] if side else [])


def test_a_ghost_with_nothing_on_and_nothing_waiting_gives_up_its_place_and_the_next_one_is_asked() -> None:
    book, first = haunted(side=0)
    book.world.ghosts[0, 1] = first
    book.seat.ghosts = 2
    second = book.world.ghosts[0, 1]
    second.gate, second.held.side = 7, 1
    come(book, **AGAINST)
    assert book.seat.ghosts == 1 and (book.world.ghosts[0, 0].gate, book.world.ghosts[0, 0].leaves) == (7, 1)


def test_among_arms_a_prevented_trade_hears_the_arm_it_is_of_until_another_has_earned_it() -> None:
    """Two trades of the same side: the contrary rule's hears flat, the model's stays."""
    for holder, reason in ((CONTRARY, ON_FLAT), (MODEL, 0), (RULE, ON_OPPOSITE)):
        book, ghost = haunted("posterior", arms=ARMS)
        ghost.held.holder = holder
        book.world.signals[0, :] = -1, 0, 0
        book.account.paused = 1
        come(book)
        assert (ghost.leaves, ghost.reason) == (int(holder != MODEL), reason)
    book, ghost = haunted("posterior", arms=ARMS)
    earn(book, RULE, 1.0)
    ghost.held.holder = MODEL
    book.world.signals[0, :] = -1, 0, 0
    come(book)
    assert (ghost.leaves, ghost.reason) == (1, ON_OPPOSITE)
    waiting, ghost = haunted("posterior", side=0, arms=ARMS)
    ghost.wish.side, ghost.wish.holder = 1, MODEL
    waiting.world.signals[0, :] = -1, 0, 0
    come(waiting)
    assert ghost.wish.side == 0 or ghost.gate != 5
    for holder in (MODEL, CONTRARY):  # nothing is held yet: whom a flat book hears decides
        kept, ghost = haunted("posterior", side=0, arms=ARMS)
        ghost.wish.side, ghost.wish.holder = 1, holder
        kept.world.signals[0, :] = 1, 0, 0
        come(kept)
        assert (ghost.gate, ghost.wish.side) == (5, 1)


@pytest.mark.parametrize(("late_ns", "side"), [(0, 0), (BAR_NS, 1)])
def test_frames_together_are_heard_as_they_are_known_when_it_is_decided(late_ns: int, side: int) -> None:
    """The 15m's word is twenty minutes old: it outweighs the trade while it is fresh, for two and a half minutes more. A prevented long stays."""
    book, ghost = haunted("posterior", arms=("aligned", "momentum"), frames=("15m",))
    earn(book, 0, 1.0)
    ghost.held.holder = 0
    book.seat.due_ns = NOW_NS + 20 * BAR_NS
    for terciles in book.world.terciles:
        terciles.seen, terciles.low, terciles.high = 10, 0.0, 1.0
    slow = AGAINST | {"long_bps": -400.0, "short_bps": 400.0, "error_bps": 1.0}
    come(book, frame_ns=3 * BAR_NS, closed_ns=NOW_NS - 4 * BAR_NS, **slow)
    assert book.account.decisions == 0
    come(book, at_ns=NOW_NS + late_ns, closed_ns=NOW_NS)
    assert (last(book).side, book.world.shadows[0, 0].wish.side, ghost.leaves) == (side, side, 0)


def test_a_rule_s_prevented_trade_is_not_kept_for_another_horizon() -> None:
    book, ghost = haunted("posterior", arms=ARMS)
    ghost.held.holder, ghost.bars = RULE, 6
    book.world.signals[0, :] = KEEP, 0, 0
    come(book)
    assert (ghost.leaves, ghost.reason, ghost.bars) == (1, ON_TIME, 6)


def test_prevented_trades_of_other_books_are_not_asked() -> None:
    book, ghost = haunted(symbols=2)
    book.world.seats[1].awaits, book.world.seats[1].due_ns = NOW_NS, DUE_NS
    come(book, s=1, **AGAINST)
    assert ghost.leaves == 0 and np.isfinite(ghost.held.volatility)
