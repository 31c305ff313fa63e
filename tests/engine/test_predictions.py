"""Decisions on predictions: the same in both drivers, never without a prediction, and left by the prediction's own exits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.inputs import Control
from metastackerbandit.domain.prediction import LATE
from metastackerbandit.domain.rows import ENTER, EXIT, ON_SIGNAL, ON_STOP, ON_TARGET, ON_TIME, STOP, TARGET
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.settings import PosteriorSettings
from tests.covering import covers
from tests.engine.test_parity import ROWS_OF_TRADES, engine_settings
from tests.markets import START_NS, by_block, by_stream, generated, same_bytes
from tests.predicted import predictions_of

QUICK = settings(max_examples=25)
MINUTES = 60 * 10**9


@covers("2.138", "A34")
@QUICK
@given(
    seed=st.integers(0, 10_000),
    frame=st.sampled_from(["5m", "15m", "1h"]),
    market=st.sampled_from(["spot", "perp"]),
    holes=st.sampled_from([0.0, 0.15]),
    latency_ns=st.sampled_from([0, 10**9, 4 * MINUTES, 40 * MINUTES]),
    arm=st.sampled_from(["model", "aligned", "posterior"]),
    arms=st.sampled_from([("model", "aligned", "momentum"), ("sma_cross", "breakout")]),
    chosen=engine_settings(),
)
def test_streaming_equals_block_on_predictions(
    seed: int, frame: str, market: str, holes: float, latency_ns: int, arm: str, arms: tuple[str, ...], chosen: EngineSettings
) -> None:
    recording = generated(seed, 220, market=market, holes=holes, funded=market == "perp")
    eager = structs.replace(chosen, posterior=PosteriorSettings(prior_count=1.0, enter=0.55, stay=0.5, strength=5.0))
    heard: dict[str, Any] = {
        "controls": (Control(START_NS + 150 * 5 * MINUTES, "pause"), Control(START_NS + 170 * 5 * MINUTES, "resume")),
        "predictions": predictions_of(recording, frame, seed, latency_ns=latency_ns, others=("4h", "1h") if frame != "1h" else ("12h", "4h")),
        "frames": ("1h", "4h") if frame != "1h" else ("4h", "12h"),
        "arms": arms,
    }
    block, result = by_block(recording, frame, arm, eager, **heard)
    stream, driver = by_stream(recording, frame, arm, eager, **heard)
    same_bytes(block, stream)
    for part in ("seats", "account", "shadows", "evidence"):
        assert getattr(driver.engine.world, part).tobytes() == getattr(result.world, part).tobytes()
    lean, lean_result = by_block(recording, frame, arm, eager, lean=True, **heard)
    same_bytes(block, lean, ROWS_OF_TRADES)
    assert result.curve.tobytes() == lean_result.curve.tobytes()


def test_every_closed_bar_is_decided_on_once_also_without_a_prediction() -> None:
    recording = generated(5, 400, symbols=1)
    late = predictions_of(recording, "5m", 5, latency_ns=3 * MINUTES, missing=0.3)  # half a bar is the limit
    kept, _ = by_block(recording, "5m", "model", EngineSettings(), predictions=late)
    assert kept.decisions["closed_ns"].tolist() == recording.bars[0]["closed_ns"][: len(kept.decisions)].tolist()
    assert len(kept.decisions) >= 399  # the last bar's answer is still out when the recording ends
    place = GATE_NAMES.index("model")
    assert set(kept.observed[1:, place].tolist()) == {float(LATE)}
    assert len(kept.fills) == 0


@covers("A20")
def test_a_silent_model_takes_no_new_risk_and_flattens_nothing() -> None:
    recording = generated(6, 600, symbols=1)
    spoken = predictions_of(recording, "5m", 6, silent=0.0, missing=0.0)
    quiet = tuple(rows.copy() for rows in spoken)
    for rows in quiet:
        rows["silence"][300:] = 6
    kept, _ = by_block(recording, "5m", "model", EngineSettings(), predictions=quiet)
    until = recording.bars[0]["closed_ns"][300]
    after = kept.decisions[kept.decisions["closed_ns"] > until]
    assert len(kept.fills) > 10
    assert not (after["kind"] == ENTER).any()
    left = kept.trips[kept.trips["closed_ns"] > until]
    assert set(left["reason"].tolist()) <= {ON_STOP, ON_TARGET, ON_TIME}
    assert not ((after["kind"] == EXIT) & (after["reason"] == ON_SIGNAL)).any()


def test_positions_leave_by_the_barrier_and_horizon_of_their_prediction() -> None:
    recording = generated(7, 800, symbols=1)
    predictions = predictions_of(recording, "5m", 7, silent=0.0, missing=0.0, barrier_bps=120.0, horizon=4)
    kept, _ = by_block(recording, "5m", "model", EngineSettings(), predictions=predictions)
    entries = {int(fill["decision"]): int(fill["ticks"]) for fill in kept.fills if fill["reason"] == ON_SIGNAL}
    protective = [order for order in kept.orders if order["kind"] in (STOP, TARGET) and order["filled"] == 0]
    assert len(protective) > 20
    for order in protective:
        entry = entries[int(order["decision"])]
        assert abs(abs(int(order["trigger"]) - entry) / entry - 0.012) < 1.0 / entry + 1e-12
    assert {ON_STOP, ON_TARGET, ON_TIME} & set(kept.trips["reason"].tolist())
    own = EngineSettings(exits=ExitSettings(stop_bps=50.0, target_bps=0.0, max_bars=3))
    other, _ = by_block(recording, "5m", "model", own, predictions=predictions)
    assert not (other.orders["kind"] == TARGET).any()
    assert other.trips["bars"].max() <= 3 + 1  # decided on the third close, filled at the open after it


def test_an_edge_below_its_cost_never_trades_and_says_so() -> None:
    recording = generated(8, 300, symbols=1)
    predictions = predictions_of(recording, "5m", 8, silent=0.0, missing=0.0, edge_bps=20.0)  # at most 10 bps against 13 of costs
    kept, _ = by_block(recording, "5m", "model", EngineSettings(), predictions=predictions)
    assert len(kept.fills) == 0
    asked = kept.decisions[kept.decisions["asks_risk"] != 0]
    place = GATE_NAMES.index("net_edge")
    assert len(asked) > 200
    warm = kept.decisions["asks_risk"] != 0
    assert (kept.verdict[warm, place] == 2).all()


@covers("A01", "B09")
@QUICK
@given(seed=st.integers(0, 10_000))
def test_swapped_predictions_swap_the_sides(seed: int) -> None:
    recording = generated(seed, 200, symbols=1)
    one = predictions_of(recording, "5m", seed, silent=0.1, missing=0.0)
    other = tuple(rows.copy() for rows in one)
    for rows, source in zip(other, one, strict=True):
        rows["p_up"], rows["p_down"] = source["p_down"], source["p_up"]
        rows["long_bps"], rows["short_bps"] = source["short_bps"], source["long_bps"]
    chosen = EngineSettings(decision=DecisionSettings(alpha="strength"))
    first, _ = by_block(recording, "5m", "model", chosen, predictions=one)
    second, _ = by_block(recording, "5m", "model", chosen, predictions=other)
    flat = (first.decisions["position"] == 0) & (second.decisions["position"] == 0) & (first.decisions["equity"] == second.decisions["equity"])
    assert flat[:20].all()  # until volatility is known nothing trades, and every bar can be compared
    assert np.array_equal(first.decisions["side"][flat], _opposite(second.decisions["side"][flat]))
    same = first.verdict[flat] == second.verdict[flat]
    places = [GATE_NAMES.index(name) for name in ("model", "familiar", "alpha", "net_edge")]
    assert same[:, places].all()


def _opposite(sides: np.ndarray) -> np.ndarray:
    return np.where(np.abs(sides) == 1, -sides, sides)


@pytest.mark.parametrize("market", ["spot"])
def test_spot_is_never_short(market: str) -> None:
    recording = generated(9, 500, symbols=1, market=market)
    kept, _ = by_block(recording, "5m", "model", EngineSettings(), SimulationSettings(), predictions=predictions_of(recording, "5m", 9))
    assert len(kept.fills) > 0
    assert (kept.decisions["position"] >= 0).all()
