"""Readiness from evidence alone: everything at its best is ready, anything unknown is not, and each stage waits for those before it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.evaluation.readiness import (
    STAGES,
    Agreement,
    Backtested,
    Evidence,
    LastPreflight,
    Models,
    PaperRun,
    Readiness,
    Status,
    readiness,
)
from metastackerbandit.evaluation.settings import ReadinessSettings
from tests.covering import covers

NOW = 10**18
PAPER = PaperRun("run 2", 5_000, 20.0, 0, (300, 280), (30, 28), False)
MODELS = Models("model", ("BTCUSDT 5m",), ("BTCUSDT 5m",), (), ("stack-0001",))
BEST = Evidence(
    setup="s",
    code="c",
    models=MODELS,
    is_clean=True,
    preflight=LastPreflight("preflight.json", NOW - DAY_NS, True, (), 2),
    agreement=Agreement("runs 1 and 2", 5_000, ""),
    paper=PAPER,
    tested=Backtested("run 1", "SUPPORTED", "an edge"),
)
PARTS = ("models", "is_clean", "preflight", "agreement", "paper", "tested")


def judged(**changed: Any) -> Readiness:
    """The best evidence with changes."""
    return readiness(structs.replace(BEST, **changed), ReadinessSettings(), NOW)


def statuses(found: Readiness, stage: str) -> set[str]:
    """How the criteria of a stage stand."""
    return {str(one.status) for one in found.criteria if one.stage == stage}


@covers("0.53", "0.57", "0.58", "3.21")
def test_all_evidence_at_its_best_is_ready() -> None:
    found = judged()
    assert found.is_ready and found.reached == STAGES[-1] and {one.status for one in found.criteria} == {Status.MET}
    assert list(dict.fromkeys(one.stage for one in found.criteria)) == list(STAGES)


@covers("A37")
@given(st.sets(st.sampled_from(PARTS), min_size=1))
def test_what_is_unknown_is_never_met(missing: set[str]) -> None:
    found = judged(**dict.fromkeys(missing))
    assert not found.is_ready
    known = {one.stage for one in found.criteria if one.status is Status.MET}
    assert all(one.status is not Status.MET or one.evidence for one in found.criteria)
    first = min(STAGES.index(stage) for stage in STAGES if "unknown" in statuses(found, stage))
    assert found.reached == (STAGES[first - 1] if first else "")
    assert all(stage in known for stage in STAGES[:first]) and found.next


@pytest.mark.parametrize(
    ("changed", "stage", "status"),
    [
        ({"is_clean": False}, "trained", "not met"),
        ({"models": structs.replace(MODELS, ready=(), wanting=("BTCUSDT 5m has none promoted",))}, "trained", "not met"),
        ({"preflight": LastPreflight("preflight.json", NOW, False, ("unreachable.confidence",), 0)}, "preflight", "not met"),
        ({"preflight": LastPreflight("preflight.json", NOW - 8 * DAY_NS, True, (), 0)}, "preflight", "not met"),
        ({"agreement": Agreement("runs 1 and 2", 10, "first difference in fills row 3")}, "replay", "not met"),
        ({"paper": structs.replace(PAPER, decisions=1_999)}, "paper", "not met"),
        ({"paper": structs.replace(PAPER, days=6.9)}, "paper", "not met"),
        ({"paper": structs.replace(PAPER, alarms=1)}, "paper", "not met"),
        ({"paper": structs.replace(PAPER, alarms=None)}, "paper", "unknown"),
        ({"paper": structs.replace(PAPER, intents=(30, 0))}, "two-sided", "not met"),
        ({"paper": structs.replace(PAPER, opinions=(300, 0), intents=(30, 0))}, "two-sided", "not met"),
        ({"paper": structs.replace(PAPER, opinions=(5, 4), intents=(1, 1))}, "two-sided", "unknown"),
        ({"tested": Backtested("run 1", "WEAK", "weak")}, "verdict", "not met"),
    ],
)
def test_evidence_against_a_criterion_is_told_with_what_to_do_next(changed: dict[str, Any], stage: str, status: str) -> None:
    found = judged(**changed)
    assert status in statuses(found, stage) and not found.is_ready and found.next
    assert all({"met"} == statuses(found, other) for other in STAGES if other != stage)


def test_spot_needs_no_sells_and_a_rule_needs_no_model() -> None:
    spot = structs.replace(PAPER, opinions=(300, 0), intents=(30, 0), is_spot=True)
    assert judged(paper=spot).is_ready
    assert judged(models=Models("sma_cross", (), (), (), ())).is_ready
