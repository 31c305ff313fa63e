"""The ledger of gates from a run's rows: counts, the trades that each prevented, and money that adds up by two ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.backtest.gate_ledger import as_json, gate_ledger, profit_of
from metastackerbandit.decision.attrition_groups import Words
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.inputs import Control
from metastackerbandit.domain.rows import ANY_GATE, NO_GATE
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.evaluation.attribution import Waterfall
from metastackerbandit.evaluation.gate_value import HARMFUL
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.risk.settings import SizingSettings
from metastackerbandit.stacking.names import ARM_NAMES
from metastackerbandit.stacking.settings import PosteriorSettings
from tests.covering import covers
from tests.markets import START_NS, by_block, generated
from tests.predicted import foresight, predictions_of

DEPOSIT = 10_000 * 10**8


def money_two_ways(kept: Any, result: Any) -> Waterfall:
    """Double entry and cash agree to the unit, and so do the sums of profit."""
    falls = profit_of(kept.decisions, kept.verdict, kept.outcomes, kept.trips, kept.ledger, GATE_NAMES)
    account = result.world.account[0]
    at_cost = sum(int(seat.position.cost) for seat in result.world.seats)
    assert falls.realised == int(account.cash) + at_cost - DEPOSIT
    assert falls.trips == (int(kept.trips["net"].sum()) if len(kept.trips) else 0)
    still = result.world.seats["position"]
    assert falls.open_profit == int((still["realised"] - still["fees"] - still["funding"]).sum())
    assert falls.traded_all - sum(falls.taken.values()) == falls.realised
    assert sum(falls.taken.values()) == int(kept.outcomes["net"][kept.outcomes["gate"] == ANY_GATE].sum())
    return falls


def with_more(kept: Any, part: str, name: str, where: np.ndarray) -> Any:
    """The same rows, with one unit of money more in the first of those chosen."""
    rows = getattr(kept, part).copy()
    rows[name][np.flatnonzero(where)[0]] += 1
    return structs.replace(kept, **{part: rows})


@covers("K22")
@pytest.mark.parametrize(("arm", "gates"), [("sma_cross", 2), ("reversal", 4), ("model", 6), ("posterior", 6)])
def test_profit_adds_up_by_two_ways(arm: str, gates: int) -> None:
    recording = generated(6, 1_200, symbols=2, funded=True)
    told = predictions_of(recording, "5m", 6) if arm in ("model", "posterior") else ()
    chosen = EngineSettings(
        decision=DecisionSettings(min_credibility=0.4, max_funding_bps=0.5, unknown_passes=("posterior",)),
        execution=ExecutionSettings(cooldown_bars=3, max_orders_a_day=20),
        posterior=PosteriorSettings(enter=0.5),  # arms that have shown nothing trade as well
    )
    controls = (Control(START_NS + 900 * 300 * 10**9, "pause"),)
    kept, result = by_block(recording, "5m", arm, chosen, controls=controls, predictions=told, arms=("model", "reversal"))
    falls = money_two_ways(kept, result)
    assert falls.realised != 0 and len(kept.trips) >= 5, "a run in which nothing happened adds up by itself"
    assert sum(net != 0 for net in falls.taken.values()) >= gates, falls.taken
    for part, name, where in (("ledger", "realised", kept.ledger["instrument"] >= 0), ("trips", "net", kept.trips["net"] != 0)):
        with pytest.raises(AssertionError):
            money_two_ways(with_more(kept, part, name, where), result)


def test_a_harmful_gate_is_found_in_a_run_and_named_for_its_side() -> None:
    """A seer whose entries are stopped half of the time by a limit of funding: that gate prevents gains, and is named."""
    recording = generated(12, 6_000, symbols=1, funded=True)
    chosen = EngineSettings(sizing=SizingSettings(mode="quantity", quantity="0.02"), decision=DecisionSettings(max_funding_bps=0.0))
    kept, _ = by_block(recording, "5m", "model", chosen, predictions=foresight(recording))
    words = Words(GATE_NAMES, ["BTCUSDT"], ARM_NAMES)
    lines = gate_ledger(kept.decisions, kept.verdict, kept.outcomes, words)
    funding = next(line for line in lines if line.gate == "funding")
    assert funding.value.verdict == HARMFUL and funding.value.mean_bps > 0.0
    assert funding.value.low < funding.value.mean < funding.value.high
    apart = gate_ledger(kept.decisions, kept.verdict, kept.outcomes, words, ("side",))
    sides = [line for line in apart if line.gate == "funding"]
    assert sum(line.value.matured for line in sides) == funding.value.matured
    assert sum(line.answers.sole for line in sides) == funding.answers.sole == int((kept.decisions["sole"] == GATE_NAMES.index("funding")).sum())
    assert as_json(funding)["verdict"] == HARMFUL


def test_an_arms_own_outcomes_are_of_no_gate() -> None:
    recording = generated(3, 800, symbols=1)
    kept, _ = by_block(recording, "5m", "posterior", EngineSettings(), predictions=predictions_of(recording, "5m", 3), arms=("model", "momentum"))
    own = kept.outcomes[kept.outcomes["gate"] == NO_GATE]
    assert len(own) > 50 and (own["net"] == 0).all() and (own["decision"] > 0).all()
    cut = np.abs(own["outcome"]) < 5.999
    assert (np.sign(own["net_bps"][cut]) == np.sign(own["outcome"][cut])).all()


def test_a_run_in_which_nothing_was_stopped_has_no_gate_to_judge() -> None:
    kept, _ = by_block(generated(3, 30, symbols=1), "5m", "momentum", EngineSettings())
    words = Words(GATE_NAMES, ["BTCUSDT"], ARM_NAMES)
    assert gate_ledger(kept.decisions[:0], kept.verdict[:0], kept.outcomes, words) == ()
