"""What a reader must know before the start is said once for all books, or by name for those that it is true of."""

from __future__ import annotations

from typing import Any

import pytest

from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.engine.notices import notices_of
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.stacking.settings import POSTERIOR
from tests.markets import generated

ALONE = "hard consensus, and no source beside the opinion to agree with: the gate is not asked"
UNEARNED = "hard consensus whose veto nobody earned (decision.veto_unearned): any source stops the other side, however one-sided it is"
EARNING = "hard consensus is soft until a source earns its veto: both sides fairly among its last 200, and proven skill"


def under(**decision: Any) -> EngineSettings:
    return EngineSettings(decision=DecisionSettings(**decision))


HARD, CARELESS, SOFT = under(consensus="hard"), under(consensus="hard", veto_unearned=True), under(veto_unearned=True)


@pytest.mark.parametrize(
    ("own", "has_mood", "said"),
    [(CARELESS, True, UNEARNED), (HARD, True, EARNING), (HARD, False, ALONE), (CARELESS, False, ALONE), (SOFT, True, ""), (SOFT, False, "")],
)
def test_what_a_hard_consensus_stands_on_is_said_before_the_start(own: EngineSettings, has_mood: bool, said: str) -> None:
    recording = generated(27, 20, moody=has_mood)
    assert notices_of(plan_of(recording, ("5m", "1h"), "sma_cross", own)) == ((said,) if said else ())
    mixed = plan_of(recording, ("5m", "1h"), "sma_cross", EngineSettings(), own=lambda symbol, frame: own if frame == "1h" else EngineSettings())
    assert notices_of(mixed) == ((f"BTCUSDT 1h, ETHUSDT 1h: {said}",) if said else ())


@pytest.mark.parametrize(
    ("arm", "arms", "said"),
    [
        (POSTERIOR, ("model", "momentum"), EARNING),  # the model is a source beside the rule that is heard
        (POSTERIOR, ("sma_cross", "momentum"), ALONE),
        ("model", (), ALONE),
        ("momentum", (), ALONE),
    ],
)
def test_a_model_is_a_source_only_where_it_competes_with_a_rule(arm: str, arms: tuple[str, ...], said: str) -> None:
    plan = plan_of(generated(27, 20), "5m", arm, HARD, arms=arms)
    assert notices_of(plan) == (said,)


def test_books_that_stand_on_different_things_are_told_apart_in_one_order() -> None:
    recording = generated(27, 20, moody=True)
    chosen = {("BTCUSDT", "5m"): HARD, ("BTCUSDT", "1h"): CARELESS, ("ETHUSDT", "5m"): SOFT, ("ETHUSDT", "1h"): HARD}
    plan = plan_of(recording, ("5m", "1h"), "sma_cross", EngineSettings(), own=lambda symbol, frame: chosen[symbol, frame])
    assert notices_of(plan) == (f"BTCUSDT 1h: {UNEARNED}", f"BTCUSDT 5m, ETHUSDT 1h: {EARNING}")
