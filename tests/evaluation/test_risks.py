"""The four risks of a start: each rises with its own numbers alone, and says them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import TRIP, ControlRow, DecisionRow
from metastackerbandit.evaluation.finding import CRITICAL, HIGH, LOW, MEDIUM, NOTED, OPEN, WAIVED, Book, Finding, finding
from metastackerbandit.evaluation.gate_record import BySide
from metastackerbandit.evaluation.preflight import BookView
from metastackerbandit.evaluation.risks import Risk, risk_register

GRAVE, NOTE = (finding("far", "funding", (Book("BTCUSDT", "5m"),), severity, "", {}, "") for severity in (HIGH, LOW))
PASSED = structs.replace(GRAVE, status=WAIVED)


def view(opinions: BySide, entries: BySide) -> BookView:
    """A book that decided so much."""
    return BookView("BTCUSDT", "5m", 100, opinions, opinions, entries, ())


def register(
    *,
    found: tuple[Finding, ...] = (),
    equity: tuple[int, ...] = (100,) * 100,
    kinds: tuple[int, ...] = (),
    views: tuple[BookView, ...] = (view(BySide(5, 4), BySide(2, 1)),),
    days: float = 2.0,
    due: int = 100,
    answers: int = 0,
    silent: int = 0,
) -> dict[str, Risk]:
    """The register of a start, by id; nothing is wrong unless said."""
    decisions, controls = rows(DecisionRow, len(equity)), rows(ControlRow, len(kinds))
    decisions["equity"], controls["kind"] = equity, kinds
    risks = risk_register(views, found, decisions, controls, days=days, due=due, answers=answers, silent=silent)
    return {risk.id: risk for risk in risks}


def test_a_start_without_a_fault_has_four_risks_that_are_low() -> None:
    found = register()
    assert list(found) == ["configuration", "instability", "reduced_activity", "data_loss"]
    assert all((risk.severity, risk.status) == (LOW, NOTED) and risk.risk and risk.what and risk.mend for risk in found.values())


@given(errors=st.integers(0, 3), waived=st.integers(0, 3), notes=st.integers(0, 3))
def test_findings_that_stand_are_a_wrong_configuration(errors: int, waived: int, notes: int) -> None:
    risk = register(found=(GRAVE,) * errors + (PASSED,) * waived + (NOTE,) * notes)["configuration"]
    assert risk.evidence == {"errors": errors, "waived": waived, "findings": errors + waived + notes}
    assert (risk.severity, risk.status) == ((CRITICAL, OPEN) if errors else (LOW, NOTED))
    assert risk.what == f"{errors} findings stand against a start, {waived} are waived"


def test_breakers_that_tripped_are_instability_and_the_drawdown_is_said() -> None:
    risk = register(equity=(100, 120, 90, 110), kinds=(TRIP, TRIP + 1, TRIP))["instability"]
    assert risk.evidence == {"drawdown": pytest.approx(0.25), "breakers": 2} and (risk.severity, risk.status) == (HIGH, OPEN)
    assert risk.what == "largest drawdown 25.00%, breakers tripped 2 times"
    calm = register(equity=(100, 120, 90, 110), kinds=(TRIP + 1,))["instability"]
    assert calm.severity == LOW and calm.evidence["breakers"] == 0
    assert register(equity=(), kinds=())["instability"].evidence == {"drawdown": 0.0, "breakers": 0}


def test_nothing_traded_is_reduced_activity() -> None:
    busy = register(views=(view(BySide(900, 400), BySide(2, 0)), view(BySide(100, 0), BySide(0, 1))), days=2.0)["reduced_activity"]
    assert busy.evidence == {"entries": 3, "opinions": 1_400, "entries_a_day": 1.5} and busy.severity == LOW
    assert busy.what == "3 entries from 1,400 opinions, 1.5 a day"
    assert register(views=(view(BySide(1, 0), BySide(0, 1)),))["reduced_activity"].severity == LOW, "one entry is not none"
    idle = register(views=(view(BySide(3, 3), BySide(0, 0)),))["reduced_activity"]
    assert (idle.severity, idle.status, idle.evidence["entries_a_day"]) == (MEDIUM, OPEN, 0.0)


@pytest.mark.parametrize(
    ("decided", "due", "answers", "silent", "severity", "missing", "quiet"),
    [
        (96, 100, 0, 0, LOW, 0.04, 0.0),
        (94, 100, 0, 0, HIGH, 0.06, 0.0),
        (110, 100, 0, 0, LOW, 0.0, 0.0),
        (0, 0, 0, 0, HIGH, 1.0, 0.0),
        (1, 1, 100, 5, LOW, 0.0, 0.05),
        (1, 1, 100, 6, MEDIUM, 0.0, 0.06),
        (94, 100, 100, 50, HIGH, 0.06, 0.5),
        (1, 1, 1, 1, MEDIUM, 0.0, 1.0),
    ],
)
def test_more_than_a_twentieth_missing_is_data_loss(
    decided: int, due: int, answers: int, silent: int, severity: str, missing: float, quiet: float
) -> None:
    risk = register(equity=(100,) * decided, due=due, answers=answers, silent=silent)["data_loss"]
    assert risk.severity == severity and risk.status == (NOTED if severity == LOW else OPEN)
    assert risk.evidence == pytest.approx({"bars_due": due, "decisions": decided, "missing": missing, "answers": answers, "silent": quiet})
    assert risk.what.startswith(f"{missing:.1%} of {due:,} bars had no decision")
    assert (f"; models were silent on {quiet:.1%} of {answers:,} bars" in risk.what) == (answers > 0)
    assert risk.what.endswith("decision" if answers == 0 else "bars")
