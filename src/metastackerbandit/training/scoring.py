"""Scores of a walk-forward record with their intervals, beside naive answers to the same bars."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.card import Score
from metastackerbandit.domain.label import CLASSES, DOWN, UP
from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval
from metastackerbandit.evaluation.reliability import reliability
from metastackerbandit.evaluation.skill import MNATS, auc_up, information_coefficient, log_loss, skill_mnats
from metastackerbandit.evaluation.time_blocks import mean_around, time_blocks
from metastackerbandit.stacking.worth import proposed_sides
from metastackerbandit.training.edge_rule import traded
from metastackerbandit.training.fit import FittedStack
from metastackerbandit.training.meta_fit import auc_of, losses
from metastackerbandit.training.record import Record
from metastackerbandit.training.sample import Sample

Floats = NDArray[np.float64]

# Names of scores: what a card, a report and a verdict mean by them.
GAIN, AUC, IC, BRIER, SLOPE, ERROR, SHARE_UP = "gain", "auc", "ic", "brier_gain", "calibration_slope", "calibration_error", "share_up"
TRADE, TRADES, LONGS, NET = "net_trade", "trades", "long_share", "net_return"
ROWS, OUTCOMES, VERSIONS = "rows", "outcomes", "versions"
CONTROL, IN_FOLD = "control_gain", "fold_gain"
WORTH_GAIN, WORTH_AUC, PROPOSED, PAID = "worth_gain", "worth_auc", "proposed", "paid_share"  # of the meta-label model: its trades alone
OF_TRADES = "mnats of trades"  # over the share that paid
ALONE = "gain_"  # before a family's name: that learner alone, uncalibrated, on the same bars


def scores_of(record: Record, grid_ns: int, cost_bps: float) -> tuple[Score, ...]:
    """Everything that a record shows; empty for an empty one."""
    if not len(record):
        return ()
    weight, outcomes = record.weights(grid_ns)
    lead = record.p[:, UP] - record.p[:, DOWN]
    spans = (record.start_ns, record.end_ns)
    happened = np.eye(len(CLASSES))[record.side]

    def brier(probabilities: Floats) -> Floats:
        away = probabilities - happened
        return (away * away).sum(axis=1)

    fit = reliability(record.p[:, UP], record.side == UP, weight, *spans)
    found = [
        interval_score(GAIN, "mnats", gain_of(record, record.p, weight)),
        interval_score(AUC, "probability", auc_up(record.p, record.side, weight, *spans)),
        interval_score(IC, "correlation", information_coefficient(lead, record.gross, weight, *spans)),
        interval_score(BRIER, "squared probability", mean_around(brier(record.base) - brier(record.p), weight, time_blocks(*spans))),
        interval_score(SLOPE, "ratio", fit.slope),
        _count(ERROR, "probability", fit.error),
        _count(SHARE_UP, "share", _share(lead > 0.0, lead != 0.0)),
        _count("log_loss", "nats", log_loss(record.p, record.side, weight)),
        *_trades(record, cost_bps),
        *_worth(record, weight),
        _count(ROWS, "count", float(len(record))),
        _count(OUTCOMES, "count", outcomes),
        _count(VERSIONS, "count", float(len(np.unique(record.version)))),
    ]
    for family, part in sorted(record.parts.items()):
        known = np.flatnonzero(~np.isnan(part[:, 0]))
        found.append(interval_score(ALONE + family, "mnats", gain_of(record.taken(known), part[known], weight[known])))
    return tuple(found)


def gain_of(record: Record, probabilities: Floats, weight: Floats) -> Interval:
    """Gain of answers (N, 3) to the record's bars over the class shares that each version had seen, mnats."""
    if not len(record):
        return UNKNOWN
    return skill_mnats(probabilities, record.side, weight, record.start_ns, record.end_ns, record.base)


def fold_gain(sample: Sample, fitted: FittedStack) -> Interval:
    """Gain of the out-of-fold probabilities over the class shares, mnats; weights and calibrator saw these rows, so it is no promise."""
    base = np.asarray(fitted.stack.facts.prior)
    return skill_mnats(fitted.probabilities, sample.side, sample.weight, sample.start_ns, sample.end_ns, base)


def score_named(scores: tuple[Score, ...], name: str) -> Score:
    """A score by its name; NaN where there is none."""
    return next((score for score in scores if score.name == name), Score(name, "", math.nan, math.nan, math.nan))


def _trades(record: Record, cost_bps: float) -> list[Score]:
    places, returns, sides = traded(record, cost_bps)
    chosen = record.taken(places)
    mean = mean_around(returns * 1e4, np.ones(len(returns)), time_blocks(chosen.start_ns, chosen.end_ns)) if len(returns) else UNKNOWN
    return [
        interval_score(TRADE, "bps", mean),
        _count(TRADES, "count", float(len(returns))),
        _count(LONGS, "share", _share(sides > 0, sides != 0)),
        _count(NET, "fraction", float(returns.sum())),
    ]


def _worth(record: Record, weight: Floats) -> list[Score]:
    """How well the meta-label models told trades that paid from those that did not; nothing where no version had one.

    Trades are ranked by how far they stand above their version's base rate: that rates differ from version to version is no merit.
    """
    sides = proposed_sides(record.p, record.long, record.short)
    places = np.flatnonzero((sides != 0) & ~np.isnan(record.worth))
    if not len(places):
        return []
    asked, share = record.taken(places), weight[places]
    paid = np.where(sides[places] > 0, asked.net_long, asked.net_short) > 0.0
    spans = (asked.start_ns, asked.end_ns)
    gains = MNATS * (losses(asked.worth_base, paid) - losses(asked.worth, paid))
    return [
        interval_score(WORTH_GAIN, OF_TRADES, mean_around(gains, share, time_blocks(*spans))),
        interval_score(WORTH_AUC, "probability", auc_of(0.5 + 0.5 * (asked.worth - asked.worth_base), paid, share, *spans)),
        _count(PROPOSED, "count", float(len(places))),
        _count(PAID, "share", float(np.average(paid, weights=share))),
    ]


def _share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    count = int(np.count_nonzero(among))
    return float(np.count_nonzero(of & among)) / count if count else math.nan


def interval_score(name: str, unit: str, found: Interval) -> Score:
    """A figure with its interval, as a card keeps it."""
    return Score(name, unit, found.value, found.low, found.high)


def _count(name: str, unit: str, value: float) -> Score:
    return Score(name, unit, value, math.nan, math.nan)
