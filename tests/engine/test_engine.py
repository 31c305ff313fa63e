"""One input in, its rows and orders out: in time order, each kind to its book, and a snapshot that does not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.backtest.run import block_of
from metastackerbandit.bench.wide import Rule, settings_of
from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.effects import AmendOrder, CancelOrder, Decided, Effect, Journaled, SubmitOrder
from metastackerbandit.domain.errors import Fault, IllegalReport
from metastackerbandit.domain.inputs import BarClosed, BarOpened, Control, FundingSettled, Input, MoodSeen, OrderReport, OutcomeKnown
from metastackerbandit.domain.kernel import signatures_of
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import (
    BY_OPERATOR,
    FILLED,
    FUNDING,
    KILL,
    MARKET,
    ON_SIGNAL,
    PAUSE,
    RESUME,
    SENT,
    STOP,
    TARGET,
    WORKING,
    ControlRow,
    FillRow,
    LedgerRow,
    OrderRow,
    OutcomeRow,
    TripRow,
)
from metastackerbandit.engine.engine import Engine, step_closed, step_opened, step_report
from metastackerbandit.engine.gates import GATE_NAMES, GATES
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.engine.world import WORKING_SLOTS
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.runtime.replay import inputs_of
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.names import ARM_NAMES
from tests.covering import covers
from tests.markets import ARMS_ON_BARS, START_NS, by_stream, generated, same_bytes, streaming

BAR_NS = 300 * 10**9
PRICE = 500_000  # ticks
UNIT = 10_000  # money of one tick of one lot
LOTS = 100  # of the trade that every arm wants here
OTHER = 1  # the place of the symbol that is spoken of; the first one hears nothing
CLOSES_NS = START_NS + BAR_NS


def engine_of(arm: str = "buy_and_hold", frame: str = "5m", arms: tuple[str, ...] = (), symbols: int = 2, **exits: Any) -> Engine:
    """An engine of two perpetuals whose gates let everything pass."""
    chosen = settings_of(Rule("sma_cross"), "0.1", 4.0)
    chosen = structs.replace(chosen, exits=ExitSettings(**exits))
    return Engine(plan_of(generated(1, 5, symbols=symbols, funded=True, moody=True), frame, arm, chosen, arms=arms))


def opened(place: int = 0, price: int = PRICE, s: int = OTHER) -> BarOpened:
    """The first price of a candle."""
    return BarOpened(s, START_NS + place * BAR_NS, price)


def closed(place: int = 0, price: int = PRICE, s: int = OTHER) -> BarClosed:
    """A candle of one price that closed on time."""
    opens_ns = START_NS + place * BAR_NS
    return BarClosed(s, Bar(opens_ns, opens_ns + BAR_NS, opens_ns + BAR_NS, price, price, price, price, 50.0))


def filled(order: int, lots: int, ticks: int = PRICE, at_ns: int = CLOSES_NS) -> OrderReport:
    """The venue filled an order at once."""
    return OrderReport(OTHER, order, FILLED, at_ns, lots=lots, ticks=ticks, reference=ticks - 1, fee=7, slippage=3, impact=2)


def told(place: int = 0) -> Prediction:
    """A prediction upwards of the candle's close."""
    at_ns = START_NS + (place + 1) * BAR_NS
    return Prediction(OTHER, BAR_NS, at_ns, at_ns, 0, -1, 0.1, 0.2, 0.7, 90.0, -90.0, 5.0, 80.0, 6, 4, 0.5, 1.0)


def entered(**exits: Any) -> tuple[Engine, list[Effect]]:
    """An engine whose second book is long since the first close, and what the fill came to."""
    engine = engine_of(**exits)
    engine.step(opened())
    engine.step(closed())
    return engine, engine.step(filled(1, LOTS))


def kinds(effects: list[Effect]) -> list[type]:
    """What came out, rows by the table they are for."""
    return [type(one.row) if isinstance(one, Journaled) else type(one) for one in effects]


def row_of(effects: list[Effect], kind: type) -> Any:
    """The only row of a table."""
    (found,) = (one.row for one in effects if isinstance(one, Journaled) and isinstance(one.row, kind))
    return found


# -- what comes out ---------------------------------------------------------------------------------------------------------------


def test_a_close_comes_out_as_its_decision_the_intent_and_the_order_in_this_order_and_once() -> None:
    engine = engine_of()
    assert engine.step(opened()) == []
    effects = engine.step(closed())
    assert kinds(effects) == [Decided, OrderRow, SubmitOrder]
    decided, journaled, sent = effects
    assert isinstance(decided, Decided) and isinstance(journaled, Journaled) and isinstance(sent, SubmitOrder)
    assert (decided.row.decision, decided.row.instrument, decided.row.at_ns, decided.row.sent) == (1, OTHER, CLOSES_NS, LOTS)
    assert journaled.row == OrderRow(1, 1, OTHER, MARKET, ON_SIGNAL, LOTS, 0, 0, CLOSES_NS, SENT, 0, CLOSES_NS)
    assert sent == SubmitOrder(OTHER, 1, 1, MARKET, LOTS, 0, 0, 0, CLOSES_NS)
    assert len(decided.observed) == len(decided.limit) == len(decided.verdict) == len(GATES)
    assert kinds(engine.step(closed(s=0))) == [Decided, OrderRow, SubmitOrder]


def test_a_trace_stays_as_it_was_when_the_next_decision_is_made() -> None:
    engine, _ = entered()
    (first,) = (one for one in engine.step(closed(1)) if isinstance(one, Decided))
    before = first.observed.copy(), first.limit.copy(), first.verdict.copy()
    for place in range(2, 30):
        engine.step(closed(place, PRICE + 90 * place))
    for one, other in zip(before, (first.observed, first.limit, first.verdict), strict=True):
        assert one.tobytes() == other.tobytes()
    assert first.limit[GATE_NAMES.index("legal_order")] == 1.0


def test_a_fill_comes_out_as_orders_fill_and_postings_and_asks_for_protection() -> None:
    engine, effects = entered(stop_bps=100.0, target_bps=200.0)
    assert kinds(effects) == [OrderRow, OrderRow, OrderRow, FillRow, LedgerRow, SubmitOrder, SubmitOrder]
    assert row_of(effects, FillRow) == FillRow(1, 1, 1, OTHER, CLOSES_NS, ON_SIGNAL, LOTS, PRICE, PRICE - 1, 7, 3, 2)
    stop, target = effects[-2:]
    assert stop == SubmitOrder(OTHER, 2, 1, STOP, -LOTS, PRICE - PRICE // 100, 1, 0, CLOSES_NS)
    assert target == SubmitOrder(OTHER, 3, 1, TARGET, -LOTS, PRICE + PRICE // 50, 1, 0, CLOSES_NS)
    left = engine.step(filled(2, -LOTS, PRICE - 5_000, CLOSES_NS + 1))
    assert kinds(left) == [OrderRow, FillRow, LedgerRow, TripRow, CancelOrder]
    assert left[-1] == CancelOrder(OTHER, 3, CLOSES_NS + 1)
    assert row_of(left, TripRow).net == -5_000 * LOTS * UNIT - 14


def test_a_trailing_stop_comes_out_as_a_change_of_the_order() -> None:
    engine, _ = entered(stop_bps=100.0, trail_bps=100.0)
    effects = engine.step(closed(1, PRICE + 1_000))
    assert kinds(effects) == [Decided, OrderRow, AmendOrder]
    assert effects[-1] == AmendOrder(OTHER, 2, -LOTS, PRICE + 1_000 - 5_010, CLOSES_NS + BAR_NS)


def test_equity_is_cash_and_positions_at_their_last_marks() -> None:
    engine, _ = entered()
    begin = 10_000_000 * 10**8
    assert engine.equity == begin - LOTS * UNIT - 7  # bought a tick above the reference
    engine.step(closed(1, PRICE + 30))
    assert engine.equity == begin + 30 * LOTS * UNIT - 7
    assert isinstance(engine.equity, int)


# -- what goes in -----------------------------------------------------------------------------------------------------------------


def test_funding_is_paid_at_the_mark_by_the_book_that_it_is_about() -> None:
    engine, _ = entered()
    assert engine.step(FundingSettled(0, CLOSES_NS, 10_000, 400_000)) == []  # nothing is held there
    effects = engine.step(FundingSettled(OTHER, CLOSES_NS + 5, 10_000, 400_000))
    paid = LOTS * 400_000 * UNIT // 10_000
    assert kinds(effects) == [LedgerRow]
    assert row_of(effects, LedgerRow) == LedgerRow(3, CLOSES_NS + 5, OTHER, FUNDING, 0, -paid, 0, 0, 0, paid, 0)
    assert engine.world.seats[OTHER].funding_bps == 1.0


def test_a_mood_stands_in_its_book_and_asks_for_nothing() -> None:
    engine = engine_of()
    assert engine.step(MoodSeen(OTHER, START_NS, 0.5, -0.25)) == []
    seats = engine.world.seats
    assert (seats[OTHER].mood, seats[OTHER].mood_mirror, seats[OTHER].mood_ns) == (0.5, -0.25, START_NS)
    assert np.isnan(seats[0].mood)


def test_a_book_that_hears_a_model_decides_when_its_prediction_comes() -> None:
    engine = engine_of("model")
    assert engine.step(closed()) == []
    assert engine.step(structs.replace(told(), instrument=0)) == []
    effects = engine.step(told())
    assert kinds(effects) == [Decided, OrderRow, SubmitOrder]
    assert isinstance(effects[0], Decided) and (effects[0].row.instrument, effects[0].row.side) == (OTHER, 1)
    assert engine.world.predictions[OTHER, 0].p_up == 0.7 and engine.world.predictions[0, 0].p_up == 0.7


def test_a_bar_that_never_closed_is_decided_on_at_the_next_open() -> None:
    engine = engine_of(frame="15m")
    assert engine.step(closed()) == [] and engine.step(closed(1)) == []
    assert engine.step(opened(2)) == []
    effects = engine.step(opened(3))
    assert kinds(effects) == [Decided, OrderRow, SubmitOrder]
    assert isinstance(effects[0], Decided) and effects[0].row.closed_ns == START_NS + 3 * BAR_NS
    assert kinds(engine_after_a_flat_word().step(opened(3))) == [Decided]  # also where it wants nothing


def engine_after_a_flat_word() -> Engine:
    """Two candles of three, and a rule that has nothing to say yet."""
    engine = engine_of("sma_cross", frame="15m")
    engine.step(closed())
    engine.step(closed(1))
    return engine


def test_an_outcome_from_before_the_run_is_learned_by_its_arm_in_its_book() -> None:
    engine = engine_of("posterior", arms=("momentum", "reversal"))
    assert engine.step(OutcomeKnown(OTHER, START_NS, ARM_NAMES.index("reversal"), 4, 1.5)) == []
    totals = engine.world.evidence["total"]
    assert totals[OTHER, 1, 4] == 1.5 and np.count_nonzero(totals) == 1


@pytest.mark.parametrize(("word", "kind"), [("pause", PAUSE), ("resume", RESUME), ("kill", KILL)])
def test_an_operator_s_word_is_kept_and_heeded(word: Any, kind: int) -> None:
    engine = engine_of()
    engine.step(Control(START_NS, "pause"))
    effects = engine.step(Control(START_NS + 4, word))
    assert kinds(effects) == [ControlRow] and row_of(effects, ControlRow) == ControlRow(START_NS + 4, kind, BY_OPERATOR, 0.0, 0.0, 0)
    account = engine.world.account[0]
    assert (account.paused, account.killed) == (int(kind != RESUME), int(kind == KILL))


def test_a_kill_leaves_what_is_held() -> None:
    engine, _ = entered()
    effects = engine.step(Control(CLOSES_NS + 4, "kill"))
    assert kinds(effects) == [OrderRow, ControlRow, SubmitOrder]
    assert isinstance(effects[-1], SubmitOrder) and (effects[-1].lots, effects[-1].reduce_only) == (-LOTS, 1)


def test_one_open_may_end_every_prevented_trade_of_a_book() -> None:
    """A ghost of each gate and one of any gate, all stopped by the same price: there is room for their outcomes."""
    engine = engine_of("sma_cross", symbols=1)
    ghosts, seat = engine.world.ghosts[0], engine.world.seats[0]
    for ghost in ghosts:
        ghost.held.side, ghost.held.lots, ghost.held.volatility = 1, LOTS, 0.01
        ghost.entry_value, ghost.stop_at = PRICE * LOTS * UNIT, PRICE
    seat.ghosts = len(ghosts)
    effects = engine.step(BarOpened(0, START_NS, PRICE - 10))
    assert kinds(effects) == [OutcomeRow] * (len(GATES) + 1)


INPUTS: list[Input] = [
    opened(1),
    closed(0),
    told(),
    OutcomeKnown(OTHER, CLOSES_NS, ARM_NAMES.index("momentum"), 0, 1.0),
    filled(1, LOTS),
    MoodSeen(OTHER, CLOSES_NS, 0.5, 0.5),
    FundingSettled(OTHER, CLOSES_NS, 1, PRICE),
    Control(CLOSES_NS, "pause"),
]


@pytest.mark.parametrize("event", INPUTS, ids=lambda event: type(event).__name__)
def test_inputs_that_go_back_in_time_are_refused_and_at_one_instant_may_follow_each_other(event: Input) -> None:
    late, same = engine_of(), engine_of()
    for engine, at_ns in ((late, CLOSES_NS + 1), (same, CLOSES_NS)):
        engine.step(closed())  # order 1 is out
        engine.step(MoodSeen(0, at_ns, 0.0, 0.0))
    before = late.snapshot()
    with pytest.raises(Fault) as refused:
        late.step(event)
    name = type(event).__name__
    assert str(refused.value) == f"input: {name} at {CLOSES_NS} ns comes after an input at {CLOSES_NS + 1} ns (give inputs in time order)"
    assert late.snapshot() == before
    same.step(event)
    with pytest.raises(Fault, match="time order"):
        same.step(MoodSeen(0, CLOSES_NS - 1, 0.0, 0.0))


@pytest.mark.parametrize("event", INPUTS, ids=lambda event: type(event).__name__)
def test_an_input_moves_the_clock(event: Input) -> None:
    engine = engine_of()
    engine.step(BarClosed(OTHER, structs.replace(closed().bar, known_ns=CLOSES_NS - 9)))
    engine.step(event)
    with pytest.raises(Fault, match=f"after an input at {CLOSES_NS} ns"):
        engine.step(MoodSeen(0, CLOSES_NS - 1, 0.0, 0.0))


# -- promises that are broken -----------------------------------------------------------------------------------------------------


def test_a_report_for_an_unknown_order_is_a_fault_and_changes_nothing() -> None:
    engine = engine_of()
    before = engine.world.account.tobytes() + engine.world.seats.tobytes()
    report = OrderReport(0, 99, WORKING, START_NS)
    with pytest.raises(IllegalReport) as refused:
        engine.step(report)
    assert str(refused.value) == f"order: a report for an order that is not working: {report} (reconcile with the venue)"
    assert engine.world.account.tobytes() + engine.world.seats.tobytes() == before


def test_more_filled_than_ordered_is_a_fault() -> None:
    engine = engine_of()
    engine.step(closed())
    report = filled(1, 2 * LOTS)
    with pytest.raises(IllegalReport) as refused:
        engine.step(report)
    assert str(refused.value) == f"order: a report that the order's life does not allow: {report} (reconcile with the venue)"


def test_more_working_orders_than_slots_is_a_fault() -> None:
    engine = engine_of()
    engine.world.seats[OTHER].working = WORKING_SLOTS
    with pytest.raises(Fault) as refused:
        engine.step(closed())
    assert type(refused.value) is Fault and str(refused.value) == f"order: more working orders than slots after {closed()}"


# -- snapshots --------------------------------------------------------------------------------------------------------------------

QUICK = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
ARM_PLACES = st.sampled_from(ARMS_ON_BARS)


@covers("0.45", "2.127")
@QUICK
@given(seed=st.integers(0, 10_000), arm=ARM_PLACES, cut=st.integers(1, 230))
def test_snapshot_restore_and_continue_equals_never_having_stopped(seed: int, arm: str, cut: int) -> None:
    recording = generated(seed, 120, symbols=1, holes=0.05)
    plan = plan_of(recording, "5m", arm, EngineSettings(exits=ExitSettings(stop_bps=70.0, trail_bps=90.0)))
    events = list(inputs_of(recording, block_of(recording).order))
    whole, whole_sink = streaming(plan, SimulationSettings())
    for event in events:
        whole.take(event)
    parted, parted_sink = streaming(plan, SimulationSettings())
    for event in events[:cut]:
        parted.take(event)
    kept = parted.engine.snapshot()
    again = Engine(plan)
    again.restore(kept)
    assert again.snapshot() == kept
    parted.engine = again
    for event in events[cut:]:
        parted.take(event)
    same_bytes(whole_sink.kept(), parted_sink.kept())


def test_a_snapshot_of_another_plan_is_refused() -> None:
    recording = generated(1, 50)
    kept = Engine(plan_of(recording, "5m", "sma_cross", EngineSettings())).snapshot()
    other = Engine(plan_of(recording, "5m", "momentum", EngineSettings()))
    before = other.snapshot()
    with pytest.raises(Fault) as refused:
        other.restore(kept)
    said = "snapshot: the snapshot was taken under another plan or another version of the engine (start anew, or with its own config)"
    assert str(refused.value) == said
    assert other.snapshot() == before


def test_a_snapshot_of_another_version_of_the_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that remembers in other rows, under the same plan."""
    engine = engine_of()
    kept = engine.snapshot()
    wider = engine.world._replace(arms=engine.world.arms.astype(np.float64))
    monkeypatch.setattr("metastackerbandit.engine.engine.begin", lambda plan: wider)
    with pytest.raises(Fault, match="another version of the engine"):
        engine.restore(kept)
    engine.restore(engine.snapshot())


def test_what_was_taken_up_is_every_byte_and_the_clock() -> None:
    engine, _ = entered(stop_bps=100.0)
    kept = engine.snapshot()
    again = engine_of(stop_bps=100.0)
    assert again.snapshot() != kept
    again.restore(kept)
    assert again.snapshot() == kept
    for name, array in again.world._asdict().items():
        assert array.tobytes() == getattr(engine.world, name).tobytes(), name
    with pytest.raises(Fault, match=f"after an input at {CLOSES_NS} ns"):
        again.step(opened())
    assert kinds(again.step(closed(1))) == kinds(engine.step(closed(1)))
    assert again.snapshot() == engine.snapshot() != kept


# -- one signature a port ---------------------------------------------------------------------------------------------------------


def test_a_run_leaves_one_signature_a_port() -> None:
    """A wrong array fails at once, and nothing compiles in the live loop."""
    by_stream(generated(4, 120, funded=True), "15m", "sma_cross", EngineSettings())
    by_stream(generated(5, 60, symbols=1, market="spot"), "5m", "reversal", EngineSettings())
    ports = (step_closed, step_opened, step_report)
    compiled = [signatures_of(port) for port in ports]
    assert compiled == [1, 1, 1] or not any(hasattr(port, "signatures") for port in ports)  # plain Python has none
