"""The verdict on a run: what its numbers allow to be said, in one word and in words.

SUPPORTED also needs what a single run cannot show (evidence.py): without evidence, or where a part of it is missing, WEAK is the most
that a run can earn.
"""

from __future__ import annotations

import math
from enum import StrEnum

from msgspec import Struct

from metastackerbandit.domain.timeframe import DAYS_A_YEAR
from metastackerbandit.evaluation.bootstrap import Interval
from metastackerbandit.evaluation.evidence import Evidence, shortfalls
from metastackerbandit.evaluation.power import detectable_sharpe, years_needed
from metastackerbandit.evaluation.scores import Scores

LEAST_TRIPS = 30  # closed round trips below which nothing is concluded
ASSUMED_SHARPE = 1.0  # annual Sharpe ratio that a long enough run would have shown


class Word(StrEnum):
    """The five verdicts."""

    NO_EVIDENCE = "NO_EVIDENCE"
    WEAK = "WEAK"
    SUPPORTED = "SUPPORTED"
    HARMFUL = "HARMFUL"
    UNDERPOWERED = "UNDERPOWERED"


class Verdict(Struct, frozen=True):
    """A verdict with the sentence that a report prints, its reasons, and the annual Sharpe that the run's length could have shown (NaN: none)."""

    word: Word
    sentence: str
    reasons: tuple[str, ...]
    detectable_sharpe: float


_FINDING = {
    Word.NO_EVIDENCE: "We find no evidence of an edge net of costs.",
    Word.WEAK: "We find weak evidence of an edge net of costs.",
    Word.SUPPORTED: "We find an edge net of costs.",
    Word.HARMFUL: "We find a loss net of costs.",
    Word.UNDERPOWERED: "The sample is too small to tell an edge from luck.",
}

_SUPPORTED_ALLOCATION = "Recommended allocation: no more than the risk limits that it was tested under."
_UNTESTED = "SUPPORTED also needs a deflated Sharpe ratio, SPA, random entries, overfitting probability and a gain at 2x cost: not tested here"


def judge(scored: Scores, period: str = "", evidence: Evidence | None = None) -> Verdict:
    """The verdict on a run's scores and the evidence beside them; `period` is how its sentence calls the time, by default its length."""
    word, reasons = _ruled(scored, evidence)
    detectable = detectable_sharpe(scored.years, evidence.n_trials if evidence is not None else 1)
    return Verdict(word=word, sentence=_sentence(word, scored, period, detectable, evidence), reasons=reasons, detectable_sharpe=detectable)


def headline(evidence: Evidence | None) -> str:
    """What must be said first: that a gain does not survive twice the costs; else empty."""
    if evidence is None or not evidence.costs.turns:
        return ""
    own, double = evidence.costs.own, evidence.costs.double
    digits = 1 if min(abs(own), abs(double)) >= 0.001 else 3  # a small account move must not read as none
    return f"At twice the costs the net return of {own:+.{digits}%} becomes {double:+.{digits}%}."


def _ruled(scored: Scores, evidence: Evidence | None) -> tuple[Word, tuple[str, ...]]:
    """The first rule that applies, with what it looked at."""
    sharpe = scored.sharpe
    said = f"net Sharpe's 95 % interval {_bounds(sharpe)}"
    if scored.n_trips < LEAST_TRIPS:
        return Word.UNDERPOWERED, (f"{scored.n_trips} closed round trips, {LEAST_TRIPS} needed",)
    if math.isnan(sharpe.low) or math.isnan(sharpe.high):
        return Word.UNDERPOWERED, ("the net Sharpe ratio has no interval",)
    if sharpe.high < 0.0:
        return Word.HARMFUL, (f"{said} lies below 0",)
    if sharpe.low > 0.0:
        lacking = (_UNTESTED,) if evidence is None else shortfalls(evidence)
        return Word.WEAK if lacking else Word.SUPPORTED, (f"{said} lies above 0", *lacking)
    needed = years_needed(ASSUMED_SHARPE)
    if scored.years < needed:
        return Word.UNDERPOWERED, (
            f"{said} contains 0",
            f"{scored.years:.2f} years, {needed:.1f} needed to find an annual Sharpe of {ASSUMED_SHARPE:g}",
        )
    return Word.NO_EVIDENCE, (f"{said} contains 0",)


def _sentence(word: Word, scored: Scores, period: str, detectable: float, evidence: Evidence | None) -> str:
    trips = "1 trade" if scored.n_trips == 1 else f"{scored.n_trips} trades"
    power = "The design had no power to detect any edge."
    if not math.isnan(detectable):
        power = f"The design had 80 % power to detect an annual SR of {detectable:.2f}; smaller edges cannot be excluded."
    figures = "net SR unknown" if math.isnan(scored.sharpe.value) else f"net SR {scored.sharpe.value:.2f} {_bounds(scored.sharpe)}"
    first = headline(evidence)
    if evidence is not None:
        trips += f" ({_number(evidence.n_eff, '.0f')} effective)"
        figures += f"; DSR {_number(evidence.deflated_sharpe, '.3f')} after {_runs(evidence.n_trials)}"
        figures += f"; SPA p {_number(evidence.superiority_p, '.3f')}; random-entry p {_number(evidence.random_entry_p, '.3f')}"
    allocation = _SUPPORTED_ALLOCATION if word is Word.SUPPORTED else "Recommended allocation: 0."
    return f"{first}{' ' if first else ''}Over {period or _span(scored.years)}, {trips}, {figures}. {_FINDING[word]} {power} {allocation}"


def _number(value: float, form: str) -> str:
    return "unknown" if math.isnan(value) else format(value, form)


def _runs(trials: int) -> str:
    return "1 trial" if trials == 1 else f"{trials} trials"


def _bounds(sharpe: Interval) -> str:
    return "[?, ?]" if math.isnan(sharpe.low) else f"[{sharpe.low:.2f}, {sharpe.high:.2f}]"


def _span(years: float) -> str:
    return f"{years:.2f} years" if years >= 1.0 else f"{years * DAYS_A_YEAR:.1f} days"
