"""The mirror twin: silent on a fair engine whatever it trades, loud within a hundred decisions on a one-sided one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from metastackerbandit.decision.settings import REGIMES, DecisionSettings
from metastackerbandit.domain.inputs import Control
from metastackerbandit.domain.recording import Recording
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from tests.covering import covers
from tests.markets import ARMS_ON_BARS, START_NS, generated, recorded
from tests.predicted import predictions_of
from tests.runtime.twinned import by_twin

OPINIONS = ("model", "aligned", "posterior")
CHOSEN = ("model", "momentum", "reversal", "breakout")
SETTINGS = (
    EngineSettings(),
    EngineSettings(
        exits=ExitSettings(stop_bps=60.0, target_bps=90.0, trail_bps=50.0, max_bars=9),
        decision=DecisionSettings(reversal="flip", consensus="hard", veto_unearned=True, max_funding_bps=0.5),
        execution=ExecutionSettings(cooldown_bars=2, max_orders_a_day=8),
    ),
    EngineSettings(
        sizing=SizingSettings(mode="quantity", quantity="0.02"),
        decision=DecisionSettings(
            confidence="strength", min_confidence_buy=0.1, min_confidence_sell=0.2, min_alpha_sell=0.3, alpha="strength", allowed_regimes=REGIMES[:4]
        ),
        risk=RiskSettings(max_gross_exposure=0.6, max_daily_loss=0.01),
    ),
)


@covers("K6", "B09")
@pytest.mark.parametrize("which", range(len(SETTINGS)))
@pytest.mark.parametrize("arm", [*ARMS_ON_BARS, *OPINIONS])
def test_a_fair_engine_is_its_own_mirror_image(arm: str, which: int) -> None:
    recording = generated(which + 5, 500, symbols=2, funded=True, moody=True, holes=0.02)
    told = predictions_of(recording, "5m", which, others=("1h", "15m")) if arm in OPINIONS else ()
    controls = (Control(START_NS + 300 * 300 * 10**9, "pause"), Control(START_NS + 340 * 300 * 10**9, "resume"))
    seen = by_twin(
        recording,
        "5m",
        arm,
        SETTINGS[which],
        told,
        controls,
        frames=("15m", "1h") if arm == "aligned" else (),
        arms=CHOSEN if arm == "posterior" else (),
    )
    assert seen.mismatches == {} and seen.first is None and seen.alarm == "" and seen.source_mismatches == 0
    assert seen.decisions > 900


@covers("K6")
def test_nor_does_a_fair_engine_differ_on_recorded_markets_and_several_frames() -> None:
    recording = recorded(("BTCUSDT", "ETHUSDT"), first=30_000, count=700)
    for arm in ("sma_cross", "breakout", "reversal", "ema_cross"):
        seen = by_twin(recording, ("5m", "15m"), arm, SETTINGS[1])
        assert seen.mismatches == {} and seen.decisions > 1_500 and seen.settlements + seen.fills > 50
    seen = by_twin(recording, "5m", "model", SETTINGS[0], predictions_of(recording, "5m", 4))
    assert seen.mismatches == {} and seen.fills > 50


def test_on_spot_intents_are_mirrored_before_the_market_refuses_to_be_short() -> None:
    recording = generated(4, 400, symbols=1, market="spot")
    for arm in ("momentum", "model"):
        seen = by_twin(recording, "5m", arm, SETTINGS[0], predictions_of(recording, "5m", 4) if arm == "model" else ())
        assert seen.mismatches == {} and seen.decisions > 350


def always_up(recording: Recording) -> Recording:
    """The predecessor's mood: up on the market, and up on its mirror image."""
    moods = []
    for own in recording.mood:
        assert own is not None
        changed = own.copy()
        changed["mood"] = changed["mirror"] = 1.0
        moods.append(changed)
    return structs.replace(recording, mood=tuple(moods))


@covers("K7", "A01")
def test_the_seeds_consensus_bug_alarms_within_a_hundred_decisions() -> None:
    """A mood that names one side on both markets, with a hard veto that it has not earned."""
    recording = always_up(generated(9, 400, symbols=1, moody=True))
    chosen = EngineSettings(decision=DecisionSettings(consensus="hard", veto_unearned=True))
    seen = by_twin(recording, "5m", "random_entries", chosen, stop=lambda seen: bool(seen.alarm))
    assert seen.alarm and "mood" in seen.alarm
    assert seen.decisions < 100
    whole = by_twin(recording, "5m", "random_entries", chosen)
    assert whole.source_mismatches > 20 and whole.mismatches == {}  # the source turned decisions; the engine itself is fair


FAULTS = {
    "an arm that only buys": ("arm", "momentum"),
    "a gate that blocks sells": ("gate complete", "model"),
    "a gate that sees funding without its sign": ("gate funding", "model"),
    "a sign lost in sizing": ("sizing", "model"),
    "rounding in favour of longs": ("sizing", "random_entries"),
    "a fee that shorts receive": ("fill", "random_entries"),
    "a cost that only sells pay": ("fill", "random_entries"),
    "funding of which shorts pay half": ("funding", "random_entries"),
    "an opinion that leans up": ("opinion", "model"),
    "a stop that is nearer to shorts": ("order", "breakout"),
}


@covers("B09", "A01")
def test_every_planted_one_sided_fault_is_found_and_put_down_to_its_stage(tmp_path: Path) -> None:
    """Kernels as plain Python, one fault each, in one process of its own."""
    answer = subprocess.run(
        [sys.executable, "-c", "from tests.runtime.faults import found; import json; print(json.dumps(found()))"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "MSB_KERNEL_CACHE": str(tmp_path)},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-3_000:]
    found: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    assert found.pop("no fault") == ["", 0]
    assert set(found) == set(FAULTS)
    for fault, (stage, _) in FAULTS.items():
        where, decisions = found[fault]
        assert where.startswith(stage), (fault, where)
        assert decisions < 100, (fault, decisions)
