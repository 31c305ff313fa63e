"""The risk register of a start: what can go wrong with an installation, and what the replay says of each, as numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.rows import TRIP
from metastackerbandit.evaluation.finding import CRITICAL, HIGH, LOW, MEDIUM, NOTED, OPEN, Evidence, Finding
from metastackerbandit.evaluation.preflight import BookView

LOST = 0.05  # share of bars or answers that is missing, from which it is a risk and no accident


class Risk(Struct, frozen=True):
    """One risk: how grave it stands, what shows it, and what keeps it small."""

    id: str
    risk: str
    severity: str
    status: str
    what: str
    evidence: Evidence
    mend: str


def risk_register(
    views: Sequence[BookView], found: Sequence[Finding], rows: np.ndarray, controls: np.ndarray, *, days: float, due: int, answers: int, silent: int
) -> tuple[Risk, ...]:
    """The four risks of a start.

    `rows` are the replay's decisions in the layout of DecisionRow, `controls` in that of ControlRow; `due` counts the bars that the
    stretch should have, over all books, `answers` the predictions in it and `silent` those without an answer.
    """
    return (
        _wrong_configuration(found),
        _instability(rows, controls),
        _reduced_activity(views, days),
        _data_loss(len(rows), due, answers, silent),
    )


def _wrong_configuration(found: Sequence[Finding]) -> Risk:
    errors, waived = sum(one.is_error for one in found), sum(one.status == "waived" for one in found)
    evidence: Evidence = {"errors": errors, "waived": waived, "findings": len(found)}
    what = f"{errors} findings stand against a start, {waived} are waived"
    return _risk(
        "configuration", "a setting does not do what it says", CRITICAL if errors else LOW, what, evidence, "mend the findings, or waive them"
    )


def _instability(rows: np.ndarray, controls: np.ndarray) -> Risk:
    equity = rows["equity"].astype(np.float64)
    drawdown = float((1.0 - equity / np.maximum.accumulate(equity)).max()) if len(equity) else 0.0
    trips = int(np.count_nonzero(controls["kind"] == TRIP))
    evidence: Evidence = {"drawdown": drawdown, "breakers": trips}
    what = f"largest drawdown {drawdown:.2%}, breakers tripped {trips} times"
    return _risk("instability", "losses follow each other", HIGH if trips else LOW, what, evidence, "breakers rest until the next day; look at sizes")


def _reduced_activity(views: Sequence[BookView], days: float) -> Risk:
    entries = sum(view.entries.both for view in views)
    opinions = sum(view.opinions.both for view in views)
    evidence: Evidence = {"entries": entries, "opinions": opinions, "entries_a_day": entries / days}
    what = f"{entries:,} entries from {opinions:,} opinions, {entries / days:.1f} a day"
    mend = "see which gate alone stops most; no edge after costs is a reason to stay flat, a limit out of reach is none"
    return _risk("reduced activity", "limits leave nothing to trade", MEDIUM if entries == 0 else LOW, what, evidence, mend)


def _data_loss(decided: int, due: int, answers: int, silent: int) -> Risk:
    missing = max(1.0 - decided / due, 0.0) if due else 1.0
    quiet = silent / answers if answers else 0.0
    evidence: Evidence = {"bars_due": due, "decisions": decided, "missing": missing, "answers": answers, "silent": quiet}
    told = f"; models were silent on {quiet:.1%} of {answers:,} bars" if answers else ""
    what = f"{missing:.1%} of {due:,} bars had no decision{told}"
    severity = HIGH if missing > LOST else MEDIUM if quiet > LOST else LOW
    return _risk("data loss", "candles or answers are missing", severity, what, evidence, "`msb data check` names the gaps; silence has its reason")


def _risk(id: str, risk: str, severity: str, what: str, evidence: Evidence, mend: str) -> Risk:
    return Risk(id.replace(" ", "_"), risk, severity, NOTED if severity == LOW else OPEN, what, evidence, mend)
