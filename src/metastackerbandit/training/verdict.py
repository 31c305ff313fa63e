"""The verdict on a series: what its walk-forward record allows to be said of its forecasts, in one word, with the numbers behind it.

SUPPORTED is never said here: it takes a backtest of what was traded (evaluation/verdict.py). WEAK is the most that forecasts can earn.
"""

from __future__ import annotations

import math

from msgspec import Struct

from metastackerbandit.domain.card import Score
from metastackerbandit.evaluation.verdict import Word
from metastackerbandit.training.scoring import AUC, CONTROL, GAIN, OUTCOMES, score_named
from metastackerbandit.training.versions import LEAST_OUTCOMES

ASSUMED_IC = 0.05  # what a good forecast of this kind correlates with what it foresees
_Z = 1.96 + 0.8416  # two-sided 5 % test, 80 % power
_CHANCE = 0.5  # AUC of a coin


class SkillVerdict(Struct, frozen=True):
    """A word and its reasons."""

    word: Word
    reasons: tuple[str, ...]


def needed_outcomes(ic: float = ASSUMED_IC) -> float:
    """Independent outcomes with which an information coefficient shows in four of five tests (method 2.4)."""
    return (_Z / ic) ** 2


def judge_skill(scores: tuple[Score, ...]) -> SkillVerdict:
    """The first rule that applies."""
    outcomes, gain, auc, control = (score_named(scores, name) for name in (OUTCOMES, GAIN, AUC, CONTROL))
    if not outcomes.value >= LEAST_OUTCOMES:
        had = 0.0 if math.isnan(outcomes.value) else outcomes.value
        return SkillVerdict(Word.UNDERPOWERED, (f"{had:,.0f} independent outcomes after the first version, {LEAST_OUTCOMES:,.0f} needed",))
    said = f"gain over the base rate {_said(gain, '.1f')} mnats"
    if math.isnan(gain.low) or math.isnan(auc.low):
        return SkillVerdict(Word.UNDERPOWERED, (f"{said}, AUC {_said(auc, '.3f')}: no interval",))
    if gain.high < 0.0 or auc.high < _CHANCE:
        return SkillVerdict(Word.HARMFUL, (f"{said}, AUC {_said(auc, '.3f')}: worse than chance",))
    if gain.low > 0.0 and auc.low > _CHANCE:
        if control.low > 0.0:
            return SkillVerdict(Word.NO_EVIDENCE, (f"shuffled labels gain {_said(control, '.1f')} mnats too: something leaks",))
        return SkillVerdict(Word.WEAK, (f"{said}, AUC {_said(auc, '.3f')}: both above chance; only a backtest can say more",))
    found = f"{said}, AUC {_said(auc, '.3f')}: no side foreseen" if gain.low > 0.0 else f"{said}, AUC {_said(auc, '.3f')}"
    if outcomes.value < needed_outcomes():
        needed = f"{outcomes.value:,.0f} independent outcomes, {needed_outcomes():,.0f} needed to find an IC of {ASSUMED_IC:g}"
        return SkillVerdict(Word.UNDERPOWERED, (found, needed))
    return SkillVerdict(Word.NO_EVIDENCE, (found,))


def _said(score: Score, form: str) -> str:
    return f"{score.value:{form}} [{score.low:{form}}, {score.high:{form}}]"
