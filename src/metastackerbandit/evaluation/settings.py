"""What is asked before a start, of a readiness report, and of each stage of a rollout."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Days = Annotated[float, Meta(gt=0, le=3_650)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]
Chance = Annotated[float, Meta(gt=0, lt=1)]


class PreflightSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is replayed before a start, and when a gate's record is enough to be judged."""

    days: Days = 30.0  # of the recording that are replayed and shown
    warm_days: Annotated[float, Meta(ge=0, le=365)] = 15.0  # before them, not counted: features and volatilities have to be warm
    record_days: Annotated[float, Meta(ge=0, le=3_650)] = 180.0  # before them, replayed only where a gate would be called unreachable or vacuous
    least_asked: Count = 20  # opinions of a side before its gate is judged; of 20 that all fail, the pass rate is below 14 % at 95 %
    one_sided: Chance = 0.001  # chance that a side's passes are none by luck (Fisher's exact test), below which the gate is one-sided
    spell_bars: Count = 12  # opinions this close to each other count as one where luck is judged: the horizon of most labels
    approached: Annotated[float, Meta(gt=0, le=1)] = 0.5  # share of a safety limit that history must have reached, else it is noted


class ReadinessSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The criteria of `msb readiness`; evidence alone meets them."""

    paper_decisions: Count = 2_000  # decisions taken on paper: a week of one symbol on 5m
    paper_days: Days = 7.0  # of market time on paper: every weekday and weekend once
    side_opinions: Count = 20  # opinions of a side before a side without an intent is a finding
    preflight_days: Days = 7.0  # age of the last preflight: the market it saw is still this one
    verdicts: tuple[str, ...] = ("SUPPORTED",)  # of the newest backtest; WEAK and below are not enough to risk money on


class RolloutSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The stages of a change, and what each of them asks before the next (method 10.4)."""

    outcomes: Count = 100  # matured paired outcomes of a stage: the sequential test is asymptotic, and holds from about 100 on
    evidence: Annotated[float, Meta(gt=1, le=1_000_000)] = 20.0  # e-value that decides, for or against: false alarms at most 1 in 20
    spread: Annotated[float, Meta(gt=0, le=1)] = 0.0025  # variance of the mixture, (paired Sharpe ratio)^2: tuned to about .05 an outcome
    chance_better: Chance = 0.8  # chance that the net outcome is better, asked of a change before it is adopted
    adopt: Literal["better", "not_worse"] = "better"  # what adopting asks of the test; not_worse is for changes that are made for safety
    shares: tuple[Annotated[float, Meta(gt=0, lt=1)], ...] = (0.1, 0.5)  # of the sizes, one stage each, between paper and the whole
