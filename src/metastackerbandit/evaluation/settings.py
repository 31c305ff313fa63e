"""What is asked before a start, of a readiness report and of each stage of a rollout; and what the monitors compare with."""

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
    least_clear: Chance = 0.02  # share of the opinions that all other gates let pass, below which a gate that lets some of them pass is called tight
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


class MonitorSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of the monitors (docs/monitors.md); a limit is reached at equality."""

    halt: bool = False  # true: a HALT pauses the run (no new risk until an operator resumes); false: it is shown only, as a replay wants it
    prior: Annotated[float, Meta(ge=0.05, le=10)] = 0.5  # a = b of the Beta mixtures; 0.5 is Jeffreys', 1 the uniform one (10 trades slower)
    warn_evidence: Annotated[float, Meta(gt=1, le=1e12)] = 20.0  # e-value: chance 1/20 that a sound run ever shows it
    halt_evidence: Annotated[float, Meta(gt=1, le=1e12)] = 1_000.0  # e-value: chance 1/1000
    audit_evidence: Annotated[float, Meta(gt=1, le=1e12)] = 20.0  # e-value of an impossible win rate; halts, since accounting is at stake
    least_up: Annotated[float, Meta(gt=0, lt=0.5)] = 0.35  # share of UP (and of DOWN) that a healthy model may fall to
    least_win: Annotated[float, Meta(gt=0, lt=0.5)] = 0.15  # win rate below which (and, mirrored, above which) no market explains it
    run_warn: Annotated[float, Meta(gt=0, le=100)] = 6.0  # nats beyond the longest run that chance brings: e^-6 is one in 400
    run_halt: Annotated[float, Meta(gt=0, le=100)] = 12.0  # nats; e^-12 is one in 160,000
    spread_warn: Annotated[float, Meta(gt=0, le=1)] = 0.5  # spread of 200 outputs over the expected one
    spread_halt: Annotated[float, Meta(gt=0, le=1)] = 0.25  # the predecessors' 24h model had less
    least_spread: Annotated[float, Meta(gt=0, le=1)] = 0.01  # expected spread of p_up - p_down is at least this: 1/8 of the cheapest break-even
    entropy_warn: Annotated[float, Meta(gt=0, le=1)] = 0.99  # mean entropy over ln 3, of 200 outputs
    entropy_halt: Annotated[float, Meta(gt=0, le=1)] = 0.997  # outputs this even tell nothing
    gap_warn: Annotated[float, Meta(gt=0, le=1)] = 0.08  # mean largest probability less hit rate
    gap_halt: Annotated[float, Meta(gt=0, le=1)] = 0.15  # the same, where sizes follow probabilities
    same_warn: Annotated[int, Meta(ge=2, le=10_000)] = 5  # equal outputs in a row for unlike bars
    same_halt: Annotated[int, Meta(ge=2, le=10_000)] = 20  # the same, when it is no chance of a quiet hour
    stale_warn: Annotated[float, Meta(gt=1, le=1_000)] = 1.5  # bars between closes decided on, or from close to decision
    stale_halt: Annotated[float, Meta(gt=1, le=1_000)] = 3.0  # bars
    drift_warn: Annotated[float, Meta(gt=0, le=10)] = 0.1  # PSI, or the 99.9 % noise line where that is higher
    drift_halt: Annotated[float, Meta(gt=0, le=10)] = 0.25  # PSI, or the line that noise passes once in a million windows
    missed_warn: Annotated[int, Meta(ge=1, le=10_000)] = 1  # trades that every gate let pass and that no order followed; none may be
    missed_halt: Annotated[int, Meta(ge=1, le=10_000)] = 5  # trades
    dead_warn: Annotated[int, Meta(ge=2, le=10_000)] = 5  # decisions in a row on inputs that do not vary
    dead_halt: Annotated[int, Meta(ge=2, le=10_000)] = 20  # decisions
    least_fire: Annotated[float, Meta(gt=0, lt=1)] = 0.005  # share of predictions that must reach the confidence limit, or nothing is ever traded
    most_fire: Annotated[float, Meta(gt=0, lt=1)] = 0.5  # share above which the limit filters nothing
    burst_warn: Annotated[float, Meta(gt=0, lt=1)] = 0.01  # chance of a burst as large, over a whole run
    burst_halt: Annotated[float, Meta(gt=0, lt=1)] = 1e-5  # the same
    unfit_warn: Annotated[int, Meta(ge=1, le=100)] = 1  # gates that never had data, or never let anything pass
    twin_warn: Annotated[float, Meta(gt=0, le=1)] = 0.999  # correlation of two arms' outcomes: they are one arm with two votes
    quiet_steps: Annotated[int, Meta(ge=1, le=1_000_000)] = 200  # readings without alarm until the same alarm is raised again
