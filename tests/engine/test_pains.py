"""The predecessors' pains that the engine must make impossible, each as the accident it was."""

from __future__ import annotations

import numpy as np

from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.gate import BLOCK, NA, UNKNOWN
from metastackerbandit.domain.inputs import Control
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import BY_DAILY_LOSS, BY_DRAWDOWN, ENTER, EXIT, HOLD, ON_KILL, ON_STOP, RESET, TRIP
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from metastackerbandit.stacking.settings import ArmSettings, Momentum
from tests.covering import covers
from tests.markets import by_block, generated, instrument, walk

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


@covers("A33", "C23")
def test_an_open_trade_is_not_a_trip_and_a_fee_alone_is_not_a_loss() -> None:
    kept, _ = by_block(generated(2, 100, symbols=1), "5m", "buy_and_hold", EngineSettings(sizing=FIXED))
    assert len(kept.fills) == 1 and len(kept.trips) == 0
