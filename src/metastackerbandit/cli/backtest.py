"""`msb backtest`: an arm over recorded candles at full speed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market

if TYPE_CHECKING:
    from metastackerbandit.cli.session import Session


@on_market()
def backtest(
    wanted: Wanted,
    scenario: Annotated[
        str | None, typer.Option("--scenario", metavar="NAME", help="A made market with known truth, instead of candles.", show_default=False)
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Write the page of the run after it, as `msb report` does.")] = False,
    json: JsonFlag = False,
) -> None:
    """Run an arm over recorded candles at full speed; every decision is journaled."""
    with answering(json):
        from metastackerbandit.cli.session import open_scenario, open_session

        session = open_session(wanted) if scenario is None else open_scenario(wanted, scenario)
        payload = _backtested(session)
        if report:
            payload["report"] = _page_of(session, payload["run"])
        tell(payload, _backtest_text(payload, session), json)


def _page_of(session: Session, run: int) -> dict[str, Any]:
    """Write the run's page; where its files lie."""
    from metastackerbandit.cli.report import reported
    from metastackerbandit.storage.journal import Journal

    with Journal.open(session.home, create=False) as journal:
        told = reported(journal.run(run))
    return {name: told[name] for name in ("folder", "page", "files")}


def _backtested(session: Session) -> dict[str, Any]:
    import time

    import numpy as np

    from metastackerbandit.backtest.beside import curves_json
    from metastackerbandit.backtest.judging import beside_of, evidence_of, final_of, trial_of
    from metastackerbandit.backtest.report import as_json, baselines, report_of, weighed
    from metastackerbandit.backtest.run import block_of, run
    from metastackerbandit.backtest.warm_start import as_inputs
    from metastackerbandit.cli.mirrored import mirrored
    from metastackerbandit.cli.opinions import served_counts
    from metastackerbandit.cli.session import record_of
    from metastackerbandit.cli.watched import alarms_over
    from metastackerbandit.domain.sink import MemorySink, Tee
    from metastackerbandit.runtime.watching import alarm_lines, alarm_summary
    from metastackerbandit.storage.journal import Journal
    from metastackerbandit.storage.leak_checks import green
    from metastackerbandit.storage.standing import BESIDE
    from metastackerbandit.storage.trials import TrialRegistry

    plan, recording, simulation = session.plan, session.recording, session.config.simulation
    predictions = session.predicted()
    block = block_of(session.fed, (), predictions, as_inputs(session.past))
    journal = Journal.open(session.home)
    is_mirrored = session.scenario is not None  # made to show a fault: the twin's word on it belongs to the answer
    record = record_of(session, "backtest", "block", is_mirrored=is_mirrored)
    writer = journal.begin(record, time.time_ns())
    memory = MemorySink()
    payload: dict[str, Any] = {}
    drawn: dict[str, Any] = {}
    state: Any = "failed"
    try:
        writer.outcomes(session.past)
        result = run(plan, block, simulation, Tee(writer, memory))
        kept = memory.kept()
        raised = alarms_over(session, record, kept)
        twin, seen_beside = mirrored(session) if is_mirrored else (None, raised[:0])
        raised = np.concatenate((raised, seen_beside))
        raised = raised[np.argsort(raised["at_ns"], kind="stable")]
        writer.alarms(raised)
        report = report_of(plan, kept, final_of(result))
        trial = trial_of(plan, result, identity=record.identity, now_ns=time.time_ns(), kind="backtest")
        if trial is not None:
            with TrialRegistry.open(session.home) as registry:
                registry.record(trial)
                tried = registry.of(trial.family)
            beside = beside_of(plan, block, simulation, result)
            canaries_green = green(session.home, record.code)
            evidence = evidence_of(plan, block, simulation, result, kept, tried, canaries_green=canaries_green, beside=beside)
            report, drawn = weighed(report, evidence), {BESIDE: curves_json(plan, result, beside)}
        payload = as_json(plan, recording, report, result.counts, baselines(plan, block, simulation))
        served, silent = served_counts(predictions, session.models())
        payload |= {"models": served, "silent": silent}
        payload |= {"alarms": alarm_lines(raised, record), "alarm_summary": alarm_summary(raised, record), "twin": twin}
        payload |= {"run": writer.run, "identity": record.identity, "fill": simulation.fill, "source": recording.source}
        payload |= {"notices": list(record.notices), "from_ns": _first_ns(session), "to_ns": _last_ns(session)}
        state = "finished"
    finally:
        writer.finish(state, payload | drawn, time.time_ns())
        journal.close()
    return payload


def _backtest_text(payload: dict[str, Any], session: Session) -> str:
    from metastackerbandit.cli.mirrored import twin_text

    scores = payload["scores"]
    currency = session.config.account.currency
    lines = [
        f"{payload['symbol']}  {payload['frame']}  {payload['arm']}  {_day(payload['from_ns'])} .. {_day(payload['to_ns'])}  run {payload['run']}",
        f"  {payload['bars']:,} candles, {payload['decisions']:,} decisions, {payload['orders']:,} orders, "
        f"{payload['fills']:,} fills, {payload['round_trips']:,} round trips",
        "",
    ]
    for name, label, share in (
        ("total_return", "net return", True),
        ("sharpe", "Sharpe, annual", False),
        ("sortino", "Sortino, annual", False),
        ("volatility", "volatility, annual", True),
        ("max_drawdown", "max drawdown", True),
        ("hit_rate", "hit rate", True),
        ("payoff", "payoff", False),
        ("turnover", "turnover a year", False),
        ("exposure", "mean exposure", True),
    ):
        found = scores.get(name)
        if found:
            lines.append(
                f"  {label:<20} {_number(found['value'], share):>10}   95 %: {_number(found['low'], share)} .. {_number(found['high'], share)}"
            )
    if payload.get("headline"):
        lines.insert(0, payload["headline"])
    costs = payload["costs"]
    lines.append("")
    lines.append(
        f"  costs in {currency}: " + ", ".join(f"{name} {amount:,.2f}" for name, amount in costs.items()) + f"; equity {payload['equity']:,.2f}"
    )
    lines.append("  beside it, net: " + ", ".join(f"{name} {value:+.1%}" for name, value in payload["baselines"].items()))
    if payload.get("costs_curve"):
        lines.append("  at other costs, net: " + ", ".join(f"{name} {_number(value, True)}" for name, value in payload["costs_curve"].items()))
    chance = payload.get("equal_turnover")
    if chance and chance["mean"] is not None:
        lines.append(
            f"  by chance at equal turnover: {_number(chance['mean'], True)} ({_number(chance['low'], True)} .. {_number(chance['high'], True)}); "
            f"this signal {_number(chance['own'], True)}, flipped {_number(chance['flipped'], True)}, p {chance['p']:.3f}"
        )
    if payload["models"]:
        bars = sum(model["bars"] for model in payload["models"])
        lines.append(f"  {len(payload['models'])} versions answered {bars:,} bars, each trained before the bars that it answered:")
        lines += [f"    {line}" for line in _series_lines(payload["models"])]
    lines += [f"  silent on {count:,} bars: {why}" for why, count in payload["silent"].items()]
    for side in ("BUY", "SELL"):
        lines.append(f"  {side:<5}" + " -> ".join(f"{stage} {count:,}" for stage, count in payload["funnel"][side].items()))
    lines += [f"  ! {finding}" for finding in payload["findings"]]
    lines += [f"  alarm: {line}" for line in payload["alarm_summary"]]
    lines += [f"  {line}" for line in (twin_text(payload["twin"]) if payload["twin"] is not None else ())]
    lines += ["", f"  {payload['verdict']}: {payload['verdict_text']}"]
    lines += [f"  note: {notice}" for notice in payload["notices"]]
    lines += [f"  page: {payload['report']['page']}"] if "report" in payload else []
    return "\n".join(lines)


def _series_lines(models: list[dict[str, Any]]) -> list[str]:
    """A line a series: how many of its versions answered how many bars, from when to when."""
    series: dict[str, list[dict[str, Any]]] = {}
    for model in models:
        name, _, number = model["id"].rpartition("-")
        series.setdefault(name if number.isdecimal() else model["id"], []).append(model)
    return [
        f"{name}  {len(each)} versions, {sum(one['bars'] for one in each):,} bars  "
        f"{_day(min(one['from_ns'] for one in each))} .. {_day(max(one['to_ns'] for one in each))}"
        for name, each in series.items()
    ]


def _number(value: float | None, share: bool) -> str:
    if value is None:
        return "-"
    return f"{value:,.2%}" if share else f"{value:,.2f}"


def _day(ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M")


def _first_ns(session: Session) -> int:
    return min(int(bars["opened_ns"][0]) for bars in session.recording.bars if len(bars))


def _last_ns(session: Session) -> int:
    return max(int(bars["closed_ns"][-1]) for bars in session.recording.bars if len(bars))
