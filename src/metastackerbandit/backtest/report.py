"""What a run comes to: its scores, costs, funnel, baselines and verdict, from the rows that it left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from metastackerbandit.backtest.run import Block, run
from metastackerbandit.decision.funnel import Funnel, funnel
from metastackerbandit.domain.money import money_float, money_of
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.sink import Kept
from metastackerbandit.domain.timeframe import frame_ns
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.plan import Plan, bookless
from metastackerbandit.evaluation.account import equity_of, exposure_of, traded_of
from metastackerbandit.evaluation.evidence import Evidence, shortfalls
from metastackerbandit.evaluation.scores import Scores, as_dict, scores
from metastackerbandit.evaluation.verdict import Verdict, headline, judge
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.catalog import ARMS


class Report(Struct, frozen=True):
    """A run's results; `costs` in account currency; `evidence` is None until `weighed`."""

    scores: Scores | None
    verdict: Verdict | None
    costs: dict[str, float]
    funnel: Funnel
    equity: float
    evidence: Evidence | None = None


def report_of(plan: Plan, kept: Kept, final: int) -> Report:
    """Score the rows of a run that ended with `final` equity (money): what came after the last decision, such as funding, counts too."""
    currency = plan.settings.account.currency
    spot = all(instrument.market == "spot" for instrument in plan.instruments)
    orders = last_states(kept.orders)
    verdict = kept.verdict if len(kept.decisions) else np.zeros((0, len(GATE_NAMES)), np.int8)
    found = funnel(kept.decisions, orders, verdict, GATE_NAMES, is_spot=spot, lenient=plan.settings.decision.unknown_passes)
    costs = {
        "fees": money_float(_total(kept.fills, "fee"), currency),
        "slippage": money_float(_total(kept.fills, "slippage"), currency),
        "impact": money_float(_total(kept.fills, "impact"), currency),
        "funding": money_float(_total(kept.ledger, "funding"), currency),
    }
    capital = money_of(plan.settings.account.deposit, currency)
    if not len(kept.decisions):
        return Report(None, None, costs, found, money_float(capital, currency))
    times, equity = equity_of(kept.decisions)
    equity[-1] = final
    scored = scores(
        equity=equity,
        capital=capital,
        exposure=exposure_of(plan.instruments, kept.decisions, times, equity),
        traded=traded_of(plan.instruments, kept.fills, times, equity),
        trips=kept.trips,
        frame_ns=frame_ns(plan.frame),
    )
    return Report(scored, judge(scored), costs, found, money_float(int(equity[-1]), currency))


def weighed(report: Report, evidence: Evidence | None) -> Report:
    """The report with evidence beside its scores, and the verdict on both."""
    if report.scores is None or evidence is None:
        return report
    return msgspec.structs.replace(report, evidence=evidence, verdict=judge(report.scores, evidence=evidence))


def last_states(orders: np.ndarray) -> np.ndarray:
    """One row an order: the last of its states, in order of number."""
    if not len(orders):
        return orders
    numbers = orders["order"]
    places = np.full(int(numbers.max()) + 1, -1, np.int64)
    places[numbers] = np.arange(len(orders))
    return orders[places[places >= 0]]


def baselines(plan: Plan, block: Block, simulation: SimulationSettings) -> dict[str, float]:
    """Net return of doing nothing, and of every other rule arm that has what it follows, under the same settings."""
    capital = money_of(plan.settings.account.deposit, plan.settings.account.currency)
    found = {"flat": 0.0}
    for place, arm in enumerate(ARMS):
        if arm.name != plan.arm and not bookless(plan.books, place):
            account = run(msgspec.structs.replace(plan, arm=arm.name), block, simulation, None, lean=True).world.account[0]
            found[arm.name] = float((account.cash + account.marked - capital) / capital)
    return found


def as_json(plan: Plan, recording: Recording, report: Report, counts: Mapping[str, int], other: Mapping[str, float]) -> dict[str, Any]:
    """The stable shape of `msb backtest --json`, with more beside it; ratios are null where they do not exist."""
    scored = as_dict(report.scores) if report.scores is not None else {}
    none = {"value": None, "low": None, "high": None}
    return {
        "symbol": ",".join(plan.symbols),
        "frame": ",".join(plan.frames),
        "arm": plan.arm,
        "bars": int(sum(len(bars) for bars in recording.bars)),
        **counts,
        "win_rate": scored.get("hit_rate", none)["value"] if counts["round_trips"] else None,
        "net_return": scored.get("total_return", none)["value"],
        "max_drawdown": scored.get("max_drawdown", none)["value"],
        "sharpe": scored.get("sharpe", none) if counts["round_trips"] else none,
        "equity": report.equity,
        "costs": report.costs,
        "baselines": dict(other),
        "funnel": {"BUY": report.funnel.buy, "SELL": report.funnel.sell},
        "findings": list(report.funnel.findings),
        "headline": headline(report.evidence),
        "evidence": evidence_json(report.evidence),
        "costs_curve": _costs_json(report.evidence),
        "equal_turnover": plain(report.evidence.equal_turnover) if report.evidence is not None else None,
        "verdict": str(report.verdict.word) if report.verdict is not None else "UNDERPOWERED",
        "verdict_text": report.verdict.sentence if report.verdict is not None else "No closed bar: nothing can be said.",
        "verdict_reasons": list(report.verdict.reasons) if report.verdict is not None else [],
        "scores": scored,
    }


def evidence_json(evidence: Evidence | None) -> dict[str, Any] | None:
    """Evidence by name (cost curve and random entries have places of their own), with what SUPPORTED still needs; null where there is none."""
    if evidence is None:
        return None
    told: dict[str, Any] = plain(evidence)
    del told["costs"], told["equal_turnover"]
    return {**told, "random_entry_p": plain(evidence.random_entry_p), "missing": list(shortfalls(evidence))}


def _costs_json(evidence: Evidence | None) -> dict[str, Any] | None:
    """Net return at each multiple of the costs."""
    if evidence is None:
        return None
    costs = evidence.costs
    return {name: plain(value) for name, value in (("0x", costs.free), ("1x", costs.own), ("2x", costs.double))}


def plain(value: Any) -> Any:
    """A Struct as nested dicts, with None for every float that is not finite."""
    if isinstance(value, Struct):
        return {name: plain(item) for name, item in msgspec.structs.asdict(value).items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _total(rows: np.ndarray, name: str) -> int:
    return int(rows[name].sum()) if len(rows) else 0
