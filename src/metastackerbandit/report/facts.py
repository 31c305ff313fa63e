"""Everything that the page says in numbers, in one object: the page and `--json` are two views of it."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.decision.attrition import CHANCE, LEAST_WISHES, Symmetry, attrition
from metastackerbandit.decision.attrition_groups import Words
from metastackerbandit.decision.funnel import Funnel
from metastackerbandit.decision.waterfall import Waterfall
from metastackerbandit.report.account import Account, Judged, account_of, judged
from metastackerbandit.report.calibration import Calibration, calibrations_of
from metastackerbandit.report.charges import Charges, charges_of
from metastackerbandit.report.identity import Identity, identity_of
from metastackerbandit.report.reading import Reading
from metastackerbandit.report.results import Line, Period, lines_of, periods_of, trip_bps
from metastackerbandit.report.trades import Traded, traded_of
from metastackerbandit.report.watched import Watched, watched_of

Floats = NDArray[np.float64]


class Facts(Struct, frozen=True, eq=False):
    """A run, told: what it was, what it came to, and why; `passes` are pass rates by side of gates
    that were asked, `unequal` the gates that do not treat the sides alike."""

    identity: Identity
    judged: Judged
    account: Account
    charges: Charges
    funnel: Funnel
    falls: Waterfall
    passes: tuple[Symmetry, ...]
    unequal: tuple[str, ...]
    traded: tuple[Traded, ...]
    lines: tuple[Line, ...]
    bps: Floats  # net results (N,) of the round trips
    period: str
    periods: tuple[Period, ...]
    calibrations: tuple[Calibration, ...]
    watched: Watched
    evidence: dict[str, Any] | None
    baselines: dict[str, float]
    costs_curve: dict[str, float | None]
    chance: dict[str, Any] | None
    no_candles: str
    no_labels: str


def facts_of(reading: Reading) -> Facts:
    """Tell a run from what was read of it."""
    account, signals, said = account_of(reading), reading.signals, reading.summary
    words = Words([gate.name for gate in reading.row.gates], list(reading.row.symbols), reading.row.arms)
    apart = attrition(signals.rows, signals.orders, signals.verdict, words, ("gate", "side"))
    period, periods = periods_of(reading, account)
    return Facts(
        identity=identity_of(reading),
        judged=judged(reading),
        account=account,
        charges=charges_of(reading, account),
        funnel=signals.found,
        falls=signals.falls,
        passes=apart.symmetry,
        unequal=tuple(one.of["gate"] for one in apart.symmetry if is_unequal(one)),
        traded=traded_of(reading),
        lines=lines_of(reading),
        bps=trip_bps(reading.trips),
        period=period,
        periods=periods,
        calibrations=calibrations_of(reading),
        watched=watched_of(reading),
        evidence=said.get("evidence"),
        baselines=said.get("baselines") or {},
        costs_curve=said.get("costs_curve") or {},
        chance=said.get("equal_turnover"),
        no_candles=reading.beside.no_candles,
        no_labels=reading.beside.no_labels,
    )


def is_unequal(one: Symmetry) -> bool:
    """Whether a gate's pass rates differ by side beyond chance, on enough wishes of each."""
    return one.p is not None and one.p < CHANCE and min(one.buy.asked, one.sell.asked) >= LEAST_WISHES


def as_json(facts: Facts) -> dict[str, Any]:
    """The figures of the page as `msb report --json` gives them; series of the charts are left out, and what is not known is null."""
    account, charges = facts.account, facts.charges
    told = {
        "run": msgspec.to_builtins(facts.identity),
        "verdict": facts.judged.word,
        "verdict_text": facts.judged.sentence,
        "verdict_reasons": list(facts.judged.reasons),
        "headline": facts.judged.headline,
        "is_weighed": facts.judged.is_weighed,
        "scores": facts.judged.scores,
        "equity": float(account.equity[-1]) if len(account.equity) else account.capital,
        "max_drawdown": float(account.drawdown.max()) if len(account.drawdown) else None,
        "costs": charges.totals,
        "cost_total": charges.total,
        "profit_before_costs": charges.before,
        "cost_share": charges.share,
        "costs_curve": facts.costs_curve,
        "baselines": facts.baselines,
        "equal_turnover": facts.chance,
        "evidence": facts.evidence,
        "funnel": msgspec.to_builtins(facts.funnel),
        "waterfall": msgspec.to_builtins(facts.falls),
        "pass_rates": msgspec.to_builtins(facts.passes),
        "results": msgspec.to_builtins(facts.lines),
        "periods": {"kind": facts.period, "lines": msgspec.to_builtins(facts.periods)},
        "calibration": msgspec.to_builtins(facts.calibrations),
        "watched": msgspec.to_builtins(facts.watched),
        "drawn": [{"symbol": one.symbol, "candles": len(one.prices.times), "fills": len(one.marks), "of_fills": one.fills} for one in facts.traded],
        "notes": [note for note in (facts.no_candles, facts.no_labels) if note],
    }
    return {name: _finite(value) for name, value in told.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
