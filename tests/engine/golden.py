"""A few decisions with their whole traces, kept so that no gate changes its answer unnoticed: `python -m tests.engine.golden` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from metastackerbandit.decision.reasons import decision_code, gate_code
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.gate import VERDICTS
from metastackerbandit.domain.inputs import Control
from metastackerbandit.domain.kernel import struct_of
from metastackerbandit.domain.rows import DecisionRow
from metastackerbandit.domain.sink import Kept
from metastackerbandit.engine.gates import GATE_NAMES, GATES
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import RiskSettings
from metastackerbandit.stacking.names import ARM_NAMES
from tests.markets import START_NS, by_block, generated
from tests.predicted import predictions_of

GOLDEN = Path(__file__).with_name("golden.json")


def a_rule() -> Kept:
    """A rule on a perp with funding, stops, a cooldown, a daily stop and a pause."""
    chosen = EngineSettings(
        exits=ExitSettings(stop_bps=90.0, target_bps=150.0),
        decision=DecisionSettings(max_funding_bps=1.0, max_volatility=1.4),
        execution=ExecutionSettings(cooldown_bars=2, flip_gap_bars=3, max_orders_a_day=6),
        risk=RiskSettings(max_daily_loss=0.002),
    )
    pauses = (Control(START_NS + 500 * 300 * 10**9, "pause"), Control(START_NS + 540 * 300 * 10**9, "resume"))
    return by_block(generated(41, 700, symbols=2, funded=True), "5m", "momentum", chosen, controls=pauses)[0]


def a_model() -> Kept:
    """A model beside a mood that may veto, every gate of opinion asked, limits that differ by side."""
    recording = generated(42, 700, symbols=1, funded=True, moody=True)
    decision = DecisionSettings(
        confidence="p_dir_cond",
        min_confidence=0.6,
        min_confidence_sell=0.7,
        min_credibility=0.1,
        min_mood=0.2,
        consensus="hard",
        veto_unearned=True,
        allow_model_only_when_mood_neutral=False,
        conformal=True,
        conformal_alpha=0.2,
    )
    return by_block(recording, "5m", "model", EngineSettings(decision=decision), predictions=predictions_of(recording, "5m", 42))[0]


def aligned() -> Kept:
    """A model with two slower frames beside it."""
    recording = generated(43, 700, symbols=1)
    told = predictions_of(recording, "5m", 43, others=("1h", "15m"), edge_bps=200.0)
    chosen = EngineSettings(decision=DecisionSettings(conformal=False, consensus="soft"))
    return by_block(recording, "5m", "aligned", chosen, predictions=told, frames=("15m", "1h"))[0]


def chosen_arm() -> Kept:
    """Arms chosen by what they earned, on spot."""
    recording = generated(44, 900, symbols=1, market="spot")
    told = predictions_of(recording, "5m", 44)
    return by_block(
        recording,
        "5m",
        "posterior",
        EngineSettings(decision=DecisionSettings(conformal=False)),
        predictions=told,
        arms=("model", "momentum", "reversal"),
    )[0]


SCENES = {"rule": a_rule, "model": a_model, "aligned": aligned, "posterior": chosen_arm}


def told_of(scene: str) -> list[dict[str, Any]]:
    """The first decision of each outcome with the same binding gate, in the order of deciding."""
    kept = SCENES[scene]()
    found: dict[tuple[str, int], int] = {}
    for place, row in enumerate(kept.decisions):
        found.setdefault((decision_code(struct_of(DecisionRow, row)), int(row["binding"])), place)
    return [_told(kept, place) for place in found.values()]


def _told(kept: Kept, place: int) -> dict[str, Any]:
    row = kept.decisions[place]
    answers = zip(GATES, kept.observed[place], kept.limit[place], kept.verdict[place], strict=True)
    return {
        "decision": int(row["decision"]),
        "instrument": int(row["instrument"]),
        "arm": ARM_NAMES[row["arm"]],
        "side": int(row["side"]),
        "alpha": _number(row["alpha"]),
        "code": decision_code(struct_of(DecisionRow, row)),
        "position": int(row["position"]),
        "wanted": int(row["wanted"]),
        "sent": int(row["sent"]),
        "binding": GATE_NAMES[row["binding"]] if row["binding"] >= 0 else None,
        "sole": GATE_NAMES[row["sole"]] if row["sole"] >= 0 else None,
        "trace": {
            gate.name: [VERDICTS[verdict], gate_code(gate, float(seen), int(verdict)), _number(seen), _number(limit)]
            for gate, seen, limit, verdict in answers
        },
    }


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


if __name__ == "__main__":
    scenes = {scene: ",\n".join(msgspec.json.encode(one).decode() for one in told_of(scene)) for scene in SCENES}
    GOLDEN.write_text("{\n" + ",\n".join(f'"{scene}": [\n{lines}\n]' for scene, lines in scenes.items()) + "\n}\n")
