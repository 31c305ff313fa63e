"""The verdict on a run: what its numbers allow to be said, in one word and in words.

SUPPORTED is not given here: it also needs a deflated Sharpe ratio, the SPA test, random entries with the same turnover, the probability
of backtest overfitting and a gain at twice the cost, which a single run cannot show. WEAK is the most it can earn.
"""

from __future__ import annotations

import math
from enum import StrEnum

from msgspec import Struct

from metastackerbandit.evaluation.bootstrap import Interval
from metastackerbandit.evaluation.scores import Scores

LEAST_TRIPS = 30  # closed round trips below which nothing is concluded
ASSUMED_SHARPE = 1.0  # annual Sharpe ratio that a long enough run would have shown
_Z_SIZE, _Z_POWER = 1.645, 0.8416  # one-sided 5 % test, 80 % power


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

_UNTESTED = "SUPPORTED also needs a deflated Sharpe ratio, SPA, random entries, overfitting probability and a gain at 2x cost: not tested here"


def years_needed(sharpe: float) -> float:
    """Years after which an annual Sharpe ratio is found with 80 % power, one-sided at 5 %."""
    return ((_Z_SIZE + _Z_POWER) / sharpe) ** 2


def detectable_sharpe(years: float) -> float:
    """Smallest annual Sharpe ratio found with 80 % power, one-sided at 5 %, in so many years; NaN for none."""
    return (_Z_SIZE + _Z_POWER) / math.sqrt(years) if years > 0.0 else math.nan


def judge(scored: Scores, period: str = "") -> Verdict:
    """The verdict on a run's scores; `period` is how its sentence calls the time, by default its length."""
    word, reasons = _ruled(scored)
    detectable = detectable_sharpe(scored.years)
    return Verdict(word=word, sentence=_sentence(word, scored, period, detectable), reasons=reasons, detectable_sharpe=detectable)


def _ruled(scored: Scores) -> tuple[Word, tuple[str, ...]]:
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
        return Word.WEAK, (f"{said} lies above 0", _UNTESTED)
    needed = years_needed(ASSUMED_SHARPE)
    if scored.years < needed:
        return Word.UNDERPOWERED, (
            f"{said} contains 0",
            f"{scored.years:.2f} years, {needed:.1f} needed to find an annual Sharpe of {ASSUMED_SHARPE:g}",
        )
    return Word.NO_EVIDENCE, (f"{said} contains 0",)


def _sentence(word: Word, scored: Scores, period: str, detectable: float) -> str:
    trips = "1 trade" if scored.n_trips == 1 else f"{scored.n_trips} trades"
    power = "The design had no power to detect any edge."
    if not math.isnan(detectable):
        power = f"The design had 80 % power to detect an annual SR of {detectable:.2f}; smaller edges cannot be excluded."
    figures = "net SR unknown" if math.isnan(scored.sharpe.value) else f"net SR {scored.sharpe.value:.2f} {_bounds(scored.sharpe)}"
    return f"Over {period or _span(scored.years)}, {trips}, {figures}. {_FINDING[word]} {power} Recommended allocation: 0."


def _bounds(sharpe: Interval) -> str:
    return "[?, ?]" if math.isnan(sharpe.low) else f"[{sharpe.low:.2f}, {sharpe.high:.2f}]"


def _span(years: float) -> str:
    return f"{years:.2f} years" if years >= 1.0 else f"{years * 365.25:.1f} days"
