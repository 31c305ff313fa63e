"""Every gate can stop a trade in a run, and every code that the runs give is in the catalog: a guard that cannot fire is no guard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from metastackerbandit.decision.reasons import catalog_of, gate_code
from metastackerbandit.decision.settings import REGIMES, DecisionSettings
from metastackerbandit.domain.gate import BLOCK, UNKNOWN
from metastackerbandit.domain.inputs import Control
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.sink import Kept
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.engine.gates import GATE_NAMES, GATES
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from tests.covering import covers
from tests.engine.test_portfolio import breaker_runs
from tests.markets import START_NS, by_block, generated
from tests.predicted import predictions_of

SAY_WHY_NOTHING_IS_ASKED = {"warm", "model"}  # an arm that is not warm, or whose model is silent, asks for nothing
RECORDING = generated(3, 1_200, symbols=2, holes=0.2, funded=True, moody=True)
BOOKED = generated(4, 400, symbols=1, booked=True)


def run(
    arm: str,
    *,
    decision: dict[str, Any] | None = None,
    execution: dict[str, Any] | None = None,
    risk: dict[str, Any] | None = None,
    sizing: dict[str, Any] | None = None,
    exits: dict[str, Any] | None = None,
    frame: str = "5m",
    said: Sequence[np.ndarray] = (),
    recording: Recording = RECORDING,
    **more: Any,
) -> Kept:
    """A run under some hostile settings."""
    chosen = EngineSettings(
        decision=DecisionSettings(**decision or {}),
        execution=ExecutionSettings(**execution or {}),
        risk=RiskSettings(**risk or {}),
        sizing=SizingSettings(**sizing or {}),
        exits=ExitSettings(**exits or {}),
    )
    return by_block(recording, frame, arm, chosen, predictions=said, **more)[0]


def predicted(*higher: str) -> tuple[np.ndarray, ...]:
    """Words of models by lot, a fifth of them silent, of trades that are not worth it."""
    said = predictions_of(RECORDING, "5m", 3, silent=0.2, others=higher)
    for rows in said:
        rows["worth"] = 0.3
    return said


@pytest.fixture(scope="module")
def runs() -> list[Kept]:
    opinions = {
        "min_credibility": 0.5,
        "min_model_signal": 0.3,
        "min_mood": 1.0,
        "allow_model_only_when_mood_neutral": False,
        "consensus": "hard",
        "veto_unearned": True,
        "min_confidence": 0.7,
        "min_alpha": 0.5,
        "neutral_band": 0.3,
        "conformal": True,
        "min_net_edge_bps": 50.0,
        "min_worth": 0.6,
        "max_volatility": 1.0,
        "max_funding_bps": 1.0,
    }
    orders = {"cooldown_bars": 20, "flip_gap_bars": 40, "min_change_bps": 500.0, "max_orders_a_day": 1}
    caps = {"max_gross_exposure": 0.004, "max_symbol_exposure": 0.003, "max_side_exposure": 0.004, "max_net_exposure": 0.003}
    heats = {"max_heat": 1e-4, "max_correlated_heat": 1e-4}
    losses = {"max_daily_loss": 1e-4, "max_weekly_loss": 2e-4, "max_drawdown": 5e-4}
    large: dict[str, Any] = {"sizing": {"mode": "fraction", "fraction": 2.0}}
    return [
        run("model", decision=opinions, said=predicted()),
        run("model", decision={"allowed_regimes": REGIMES[:1]}, said=predicted()),
        run("aligned", decision={"min_alignment": 0.95}, said=predicted("15m", "1h"), frames=("15m", "1h")),
        run("posterior", said=predicted(), arms=("model", "momentum")),
        run("momentum", decision={"min_volatility": 4.0}, execution=orders, frame="15m"),
        run("random_entries", execution={"cooldown_bars": 20, "flip_gap_bars": 40, "max_orders_a_day": 1}),
        run("momentum", execution={"max_impact_bps": 0.001, "max_order_volume": 1e-9, "max_day_volume": 1e-9}, **large),
        run("random_entries", risk=caps | heats, **large),
        run("reversal", risk=losses, **large),
        run("buy_and_hold", exits={"stop_bps": 20.0}, **large),
        run("sma_cross", controls=(Control(START_NS + 300 * 5 * MINUTE_NS, "pause"),)),
        run("book_pressure", decision={"max_spread_bps": 1.0, "min_depth": 10.0, "max_book_age_s": 0.5}, recording=BOOKED),
        *(kept for _, kept in breaker_runs().values()),
    ]


@covers("A16", "A41", "A36")
def test_every_gate_stops_a_trade_in_some_run(runs: list[Kept]) -> None:
    stopped: set[str] = set()
    told: set[str] = set()
    for kept in runs:
        blocks, asks = kept.verdict == BLOCK, kept.decisions["asks_risk"] != 0
        stopped |= {GATE_NAMES[g] for g in np.flatnonzero(blocks[asks].any(axis=0))}
        told |= {GATE_NAMES[g] for g in np.flatnonzero(blocks.any(axis=0))}
    assert told == set(GATE_NAMES)
    assert stopped == told - SAY_WHY_NOTHING_IS_ASKED


@covers("A36")
def test_every_code_of_a_run_is_in_the_catalog(runs: list[Kept]) -> None:
    known, found = {reason.code for reason in catalog_of(GATES)}, set()
    for kept in runs:
        for g, gate in enumerate(GATES):
            answers = np.unique(np.stack((np.nan_to_num(kept.observed[:, g], nan=-1.0), kept.verdict[:, g])), axis=1)
            found |= {gate_code(gate, float(seen), int(verdict)) for seen, verdict in answers.T if verdict in (BLOCK, UNKNOWN)}
    assert found <= known and len(found) > len(GATES)
