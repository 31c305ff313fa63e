"""The predecessors' pains that the engine must make impossible, each as the accident it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.decision.reasons import gate_code
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.inputs import Control
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import (
    BY_DAILY_LOSS,
    BY_DRAWDOWN,
    ENTER,
    EXIT,
    HOLD,
    INCREASE,
    MARKET,
    ON_KILL,
    ON_STOP,
    REDUCE,
    RESET,
    TRIP,
    DecisionRow,
    FillRow,
    OrderRow,
    TripRow,
)
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.engine.gates import GATE_NAMES, GATES
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from metastackerbandit.stacking.names import ARM_NAMES
from metastackerbandit.stacking.settings import ArmSettings, Momentum
from tests.covering import covers
from tests.markets import by_block, generated, instrument, walk
from tests.predicted import UNRESTED, predictions_of

FIXED = SizingSettings(mode="fraction", fraction=1.0)
PORTFOLIO = ("heat", "correlated_heat", "volatility_spike")  # gates that need a volatility too, the first two of a position without a stop


def gate(name: str) -> int:
    """Column of a gate."""
    return GATE_NAMES.index(name)


def falling(count: int, a_bar: float, first_up: int = 60) -> Recording:
    """A market that rises a little, then falls steadily by a share a bar."""
    bars = walk(1, count)
    steps = np.concatenate((np.full(first_up, 0.0005), np.full(count - first_up, -a_bar)))
    closes = np.rint(500_000 * np.exp(np.cumsum(steps))).astype(np.int64)
    opens = np.concatenate(([500_000], closes[:-1]))
    bars["open"], bars["close"] = opens, closes
    bars["high"], bars["low"] = np.maximum(opens, closes), np.minimum(opens, closes)
    return Recording((instrument(),), 300 * 10**9, (bars,), (None,), (True,), "falling", "falling")


@covers("A05", "3.20")
def test_a_veto_never_flattens_and_exits_always_pass() -> None:
    """Paused while in position: the position stays as it is, and still leaves when the arm says so."""
    recording = generated(11, 400, symbols=1)
    free, _ = by_block(recording, "5m", "sma_cross", EngineSettings(sizing=FIXED))
    when = int(free.decisions["at_ns"][np.flatnonzero(free.decisions["position"])[0]])
    kept, _ = by_block(recording, "5m", "sma_cross", EngineSettings(sizing=FIXED), controls=(Control(when, "pause"),))
    paused = kept.decisions[kept.decisions["at_ns"] >= when]
    assert paused["position"][0] != 0
    first_change = np.flatnonzero(paused["position"] != paused["position"][0])[0]
    reasons = paused["kind"][:first_change]
    assert set(reasons[:-1]) <= {HOLD} and reasons[-1] == EXIT
    assert not np.any(paused["kind"] == ENTER)
    assert np.all(kept.verdict[kept.decisions["at_ns"] >= when][:, gate("operator")] == BLOCK)
    assert paused["position"][-1] == 0


@covers("A06", "A13")
def test_a_guard_without_data_blocks_new_risk_and_is_counted() -> None:
    """Volatility is unknown for the first bars: UNKNOWN, no entry; once it is known the entry goes out."""
    kept, _ = by_block(generated(3, 60, symbols=1), "5m", "buy_and_hold", EngineSettings())
    unknown = kept.verdict[:, gate("volatility_cap")] == UNKNOWN
    assert unknown[:20].all() and not unknown[21:].any()
    assert not np.any(kept.decisions["kind"][unknown] == ENTER)
    assert np.all(kept.decisions["asks_risk"][unknown] == 1)
    assert kept.decisions["kind"][~unknown][0] == ENTER


@covers("A06")
def test_unknown_passes_only_where_the_operator_said_so() -> None:
    lenient = DecisionSettings(unknown_passes=("volatility_cap", "volatility_floor", "impact", "order_volume", "day_volume", *PORTFOLIO))
    kept, _ = by_block(generated(3, 60, symbols=1), "5m", "buy_and_hold", EngineSettings(decision=lenient, sizing=FIXED))
    assert kept.decisions["kind"][0] == ENTER
    assert kept.verdict[0, gate("volatility_cap")] == UNKNOWN


@covers("A07")
def test_a_gate_whose_input_cannot_exist_is_listed_as_not_applicable() -> None:
    kept, _ = by_block(generated(3, 60, symbols=1, market="spot"), "5m", "sma_cross", EngineSettings())
    assert np.all(kept.verdict[:, gate("funding")] == NA)


@covers("A16", "3.20")
def test_the_daily_stop_trips_blocks_and_resets_at_midnight_utc() -> None:
    recording = falling(600, 0.0012)
    chosen = EngineSettings(sizing=FIXED, risk=RiskSettings(max_daily_loss=0.03, max_drawdown=0.9), exits=ExitSettings(stop_bps=200.0))
    kept, _ = by_block(recording, "5m", "buy_and_hold", EngineSettings(sizing=FIXED, risk=chosen.risk))
    trips = kept.controls[(kept.controls["kind"] == TRIP) & (kept.controls["cause"] == BY_DAILY_LOSS)]
    resets = kept.controls[(kept.controls["kind"] == RESET) & (kept.controls["cause"] == BY_DAILY_LOSS)]
    assert len(trips) >= 2 and len(resets) >= 1
    assert np.all(trips["observed"] >= 0.03)
    assert np.all(trips["until_ns"] % DAY_NS == 0)
    assert np.all(resets["at_ns"] % DAY_NS == 0)
    blocked = kept.verdict[:, gate("daily_loss")] == BLOCK
    at = kept.decisions["at_ns"]
    assert np.all(blocked[(at >= trips["at_ns"][0]) & (at < trips["until_ns"][0])])
    assert not blocked[at == trips["until_ns"][0]].any()


def test_the_drawdown_breaker_takes_a_new_peak_when_it_resets() -> None:
    recording = falling(900, 0.0012)
    kept, _ = by_block(recording, "5m", "buy_and_hold", EngineSettings(sizing=FIXED, risk=RiskSettings(max_daily_loss=0.9, max_drawdown=0.15)))
    trips = kept.controls[(kept.controls["kind"] == TRIP) & (kept.controls["cause"] == BY_DRAWDOWN)]
    resets = kept.controls[(kept.controls["kind"] == RESET) & (kept.controls["cause"] == BY_DRAWDOWN)]
    assert len(trips) >= 2 and len(resets) >= 1
    assert trips["at_ns"][1] > resets["at_ns"][0]


@covers("A16")
def test_a_cooldown_of_one_bar_blocks_exactly_one_decision() -> None:
    for bars in (0, 1, 3):
        chosen = EngineSettings(
            sizing=FIXED,
            execution=ExecutionSettings(cooldown_bars=bars, flip_gap_bars=0),
            arms=ArmSettings(momentum=Momentum(length=2)),
        )
        kept, _ = by_block(generated(8, 400, symbols=1, market="perp"), "5m", "momentum", chosen)
        decisions = kept.decisions
        exits = np.flatnonzero(decisions["kind"] == EXIT)
        entries = np.flatnonzero(decisions["kind"] == ENTER)
        gaps = [entries[entries > exit_at][0] - exit_at for exit_at in exits if (entries > exit_at).any()]
        assert min(gaps) == bars + 1


@covers("2.127")
def test_after_a_stop_the_same_signal_is_not_bought_again() -> None:
    recording = falling(300, 0.002)
    kept, _ = by_block(recording, "5m", "buy_and_hold", EngineSettings(sizing=FIXED, exits=ExitSettings(stop_bps=100.0)))
    assert len(kept.trips) == 1 and kept.trips["reason"][0] == ON_STOP
    after = kept.decisions["at_ns"] > kept.trips["closed_ns"][0]
    assert np.all(kept.verdict[after][:, gate("new_signal")] == BLOCK)
    assert np.all(kept.decisions["kind"][after] == HOLD)


def test_a_kill_leaves_at_the_next_price_and_stays_out() -> None:
    recording = generated(11, 300, symbols=2)
    when = int(recording.bars[0]["known_ns"][200])
    kept, result = by_block(recording, "5m", "sma_cross", EngineSettings(sizing=FIXED), controls=(Control(when, "kill"),))
    killed = kept.fills[kept.fills["reason"] == ON_KILL]
    assert len(killed) == 2 and np.all(killed["at_ns"] == when)
    assert not np.any(kept.fills["at_ns"] > when)
    assert all(seat.position.lots == 0 for seat in result.world.seats)


BOTH_WAYS = ("sma_cross", "ema_cross", "breakout", "momentum", "reversal", "random_entries", "model")


@covers("A01", "A02")
@pytest.mark.parametrize("arm", BOTH_WAYS)
def test_no_order_leaves_that_no_decision_asked_for_and_every_decision_names_who_did(arm: str) -> None:
    """The predecessor bought once at every start, whatever its model said: 37 of its 48 logged BUYs."""
    recording = generated(21, 1_500, symbols=1)
    said = predictions_of(recording, "5m", 21) if arm == "model" else ()
    kept, _ = by_block(recording, "5m", arm, EngineSettings(sizing=FIXED, risk=structs.replace(UNRESTED, max_weekly_loss=1.0)), predictions=said)
    decisions = {int(row["decision"]): row for row in kept.decisions}
    entered = {1: 0, -1: 0}
    for order in kept.orders[kept.orders["kind"] == MARKET]:
        asked = decisions[int(order["decision"])]
        side = 1 if order["lots"] > 0 else -1
        if order["reduce_only"]:
            assert side == -np.sign(asked["position"]) and asked["kind"] in (EXIT, REDUCE, ENTER)
            continue
        assert asked["kind"] in (ENTER, INCREASE) and asked["side"] == asked["signal"] == side and asked["asks_risk"] == 1
        assert asked["blocked"] == 0 and order["sent_ns"] >= asked["at_ns"]
        entered[side] += 1
    assert min(entered.values()) > 3, "a market that goes both ways is traded both ways"
    assert set(kept.decisions["arm"].tolist()) == {ARM_NAMES.index(arm)}
    silent = kept.decisions[kept.decisions["signal"] == 0]
    assert (silent["sent"] * silent["asks_risk"] == 0).all()


@covers("A01")
@pytest.mark.parametrize("market", ["spot", "perp"])
def test_a_flat_word_leaves_all_that_the_fills_hold_and_longs_do_not_stack(market: str) -> None:
    """The predecessor compared its target with a position that its adapter reported as 0 for ever: paper longs went from .014 to .297."""
    chosen = EngineSettings(sizing=SizingSettings(mode="quantity", quantity="0.02"))
    kept, _ = by_block(generated(22, 900, symbols=1, market=market), "5m", "sma_cross", chosen)
    exits = kept.decisions[kept.decisions["kind"] == EXIT]
    assert len(exits) > 5 and (exits["sent"] == -exits["position"]).all()
    held = np.cumsum(kept.fills["lots"])
    assert held.min() >= (-20 if market == "perp" else 0) and held.max() == 20, "one size of 20 lots, never two"
    assert (held[np.isin(kept.fills["decision"], exits["decision"])] == 0).all()


@covers("A14")
def test_a_position_is_lots_wherever_it_is_told_and_a_size_is_a_share() -> None:
    """One predecessor's _pos held a fraction in one place and coins in another."""
    for kind in (DecisionRow, OrderRow, FillRow, TripRow):
        fields: Mapping[str, Any] = layout(kind).fields or {}
        for name in {"position", "pending", "wanted", "sent", "lots", "filled"} & set(fields):
            assert fields[name][0] == np.int64, f"{kind.__name__}.{name}: lots"
    assert layout(DecisionRow)["alpha"] == np.float64, "a share"
    kept, result = by_block(generated(23, 500, symbols=2), "5m", "sma_cross", EngineSettings())
    for s in range(2):
        mine, fills = (rows[rows["instrument"] == s] for rows in (kept.decisions, kept.fills))
        held = np.concatenate(([0], np.cumsum(fills["lots"])))[np.searchsorted(fills["at_ns"], mine["at_ns"], side="left")]
        assert len(fills) > 5 and np.array_equal(held, mine["position"])
        assert result.world.seats[s].position.lots == fills["lots"].sum()
        assert ((mine["alpha"] >= 0.0) & (mine["alpha"] <= 1.0) | np.isnan(mine["alpha"])).all()


@covers("A29", "A36")
def test_less_than_the_venue_takes_is_no_order_and_says_why() -> None:
    """A predecessor rounded tiny changes up to the least quantity and traded them."""
    chosen = EngineSettings(sizing=SizingSettings(mode="notional", notional="30"))  # of a coin at 50,000: below the least lot of 0.001
    kept, _ = by_block(generated(24, 400, symbols=1), "5m", "sma_cross", chosen)
    wishes = kept.decisions["asks_risk"] == 1
    assert wishes.sum() > 100 and len(kept.orders) == 0
    legal = gate("legal_order")
    known = wishes & (kept.verdict[:, gate("volatility_cap")] == PASS)
    assert (kept.verdict[known, legal] == BLOCK).all() and (kept.observed[known, legal] == 0).all() and (kept.limit[known, legal] >= 1).all()
    assert {gate_code(GATES[legal], 0.0, BLOCK)} == {"LEGAL_ORDER_BELOW_LIMIT"}
    assert set(kept.decisions["kind"].tolist()) == {HOLD}


@covers("A42")
def test_an_order_of_928_dollars_in_a_liquid_market_moves_it_by_less_than_a_basis_point() -> None:
    """The predecessor's k x quantity^2 x price came to 54 bps for it. Here the market trades a million times as much in a day."""
    recording = generated(25, 600, symbols=1)
    recording.bars[0]["volume"] = 1e6 * 928 / 50_000 / 288  # coins a candle, at 50,000 each
    chosen = EngineSettings(sizing=SizingSettings(mode="notional", notional="928"))
    kept, _ = by_block(recording, "5m", "sma_cross", chosen)
    seen = kept.observed[:, gate("impact")]
    asked = np.isfinite(seen) & (kept.verdict[:, gate("impact")] == PASS)
    assert asked.sum() > 20 and 0.0 < seen[asked].max() < 1.0


@covers("A33", "C23", "A01")
def test_an_open_trade_is_not_a_trip_and_a_fee_alone_is_not_a_loss() -> None:
    kept, _ = by_block(generated(2, 100, symbols=1), "5m", "buy_and_hold", EngineSettings(sizing=FIXED))
    assert len(kept.fills) == 1 and len(kept.trips) == 0
