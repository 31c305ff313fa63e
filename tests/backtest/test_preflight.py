"""The replay before a start, on generated markets with predictions: the engine's own gates, both sides on spot, nothing left behind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from metastackerbandit.backtest.preflight import Preflight, between, preflight
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.recording import Recording
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.evaluation.finding import Waiver, Written
from metastackerbandit.evaluation.settings import PreflightSettings
from metastackerbandit.simulation.settings import SimulationSettings
from tests.covering import covers
from tests.markets import generated
from tests.predicted import UNRESTED, predictions_of

SHORT = PreflightSettings(days=5.0, warm_days=1.0, record_days=2.0)


def predicted(recording: Recording) -> Sequence[np.ndarray]:
    """The same words about the same bars, whatever part of the recording is asked for."""
    told = predictions_of(_WHOLE[recording.instruments[0].market], "5m", 3)
    first, last = recording.bars[0]["opened_ns"][0], recording.bars[0]["closed_ns"][-1]
    return tuple(rows[(rows["closed_ns"] > first) & (rows["closed_ns"] <= last)] for rows in told)


_WHOLE = {market: generated(11, 288 * 8, 2, market=market) for market in ("perp", "spot")}


def of_market(market: str, decision: DecisionSettings | None = None, **more: object) -> Preflight:
    """The preflight of a generated market."""
    settings = EngineSettings(decision=decision or DecisionSettings(), risk=UNRESTED)
    whole = _WHOLE[market]
    given = {"now_ns": 10**18, "written": ({}, {}), **more}
    return preflight(plan_of(whole, "5m", "model", settings), whole, predicted, SimulationSettings(), SHORT, **given)  # type: ignore[arg-type]


@covers("A11", "0.56", "3.15", "0.53")
def test_the_replay_counts_the_last_days_and_both_sides_of_every_gate() -> None:
    told = of_market("perp")
    assert [gate.gate for gate in told.gates] == list(GATE_NAMES)
    assert told.days == 5.0 and all(book.decisions in (5 * 288 - 1, 5 * 288) for book in told.books), "the last bar may wait for its answer"
    edge = next(gate for gate in told.gates if gate.gate == "net_edge")
    assert edge.passes.buy > 20 and edge.passes.sell > 20
    assert edge.asked.both == sum(gate.asked.both for book in told.books for gate in book.gates if gate.gate == "net_edge")
    assert all(book.entries.buy > 0 and book.entries.sell > 0 for book in told.books)
    assert told.is_ready and {risk.id for risk in told.risks} == {"configuration", "instability", "reduced_activity", "data_loss"}


@covers("A01")
def test_on_spot_selling_intents_are_judged_as_if_they_could_be_traded() -> None:
    spot, perp = of_market("spot"), of_market("perp")
    edge, there = (next(gate for gate in told.gates if gate.gate == "net_edge") for told in (spot, perp))
    assert edge.passes.sell > 20 and abs(edge.passes.sell - there.passes.sell) < 0.2 * there.passes.sell
    assert all(book.entries.sell == 0 and book.opinions.sell == 0 for book in spot.books)
    assert any("spot" in notice for notice in spot.notices)
    assert spot.is_ready


@covers("A10", "A11")
def test_a_limit_that_the_model_never_reaches_forbids_the_start_until_it_is_waived() -> None:
    written = {"net_edge": Written("decision.min_net_edge_bps", 500.0)}
    refused = of_market("perp", DecisionSettings(min_net_edge_bps=500.0), written=(written, written))
    assert not refused.is_ready
    assert {(one.kind, one.gate) for one in refused.findings if one.is_error} >= {("unreachable", "net_edge")}
    waiver = (Waiver("decision.min_net_edge_bps", 2 * 10**18, "a test"), Waiver("alpha", 2 * 10**18, "follows from it"))
    assert of_market("perp", DecisionSettings(min_net_edge_bps=500.0), written=(written, written), waivers=waiver).is_ready


def test_a_preflight_is_the_same_each_time() -> None:
    assert of_market("perp") == of_market("perp")


def test_a_short_recording_says_so() -> None:
    whole = _WHOLE["perp"]
    part = between(whole, int(whole.bars[0]["opened_ns"][0]), int(whole.bars[0]["closed_ns"][287]))
    told = preflight(plan_of(part, "5m", "sma_cross", EngineSettings()), part, lambda _: (), SimulationSettings(), SHORT, now_ns=10**18)
    assert told.days == pytest.approx(1.0) and any("only 1.0 days" in notice for notice in told.notices)
