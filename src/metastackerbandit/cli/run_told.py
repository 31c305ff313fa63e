"""How a live run stands and how it ended: what status reads at each heartbeat, and the answer of `msb run --json`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from metastackerbandit.cli.trading import Traded
    from metastackerbandit.runtime.live_route import RouteFacts
    from metastackerbandit.runtime.live_run import LiveRun
    from metastackerbandit.runtime.recorder import Tally
    from metastackerbandit.storage.journal import RunWriter
    from metastackerbandit.storage.run_record import RunRecord


def summary_of_run(run: LiveRun, engine: Any) -> dict[str, Any]:
    """How the run stands, for status."""
    from metastackerbandit.runtime.paper import summary_of

    now = run.standing()
    connections = [
        {
            "id": name,
            "state": "up" if facts.is_up else "down",
            "grade": now.grades[name],
            "taken_from": name in now.active,
            "latency_ms": facts.latency_p50_ms,
            "round_trip_ms": facts.round_trip_ms,
            "rate": facts.rate,
            "age_s": facts.age_s,
            "drops": facts.drops,
            "attempts": facts.attempts,
            "success_rate": facts.connected / facts.attempts if facts.attempts else None,
            "uptime": facts.uptime,
        }
        for name, facts in now.connections.items()
    ]
    symbols = {
        symbol: {"book_live": share, "candles_heard": run.market.heard_share(s), "carried_by": now.carriers[symbol]}
        for s, (symbol, share) in enumerate(now.live_shares.items())
    }
    stands = summary_of(engine, run.trader.taken)
    stands["decisions"] -= run.warmed  # those of the candles before were not traded on
    return {**stands, "connections": connections, "live": list(run.live), "symbols": symbols, "routes": routes_told(now.routes)}


def routes_told(routes: dict[str, RouteFacts]) -> dict[str, Any]:
    """How each plan's connections took over from each other: times are from the last message before to the first news behind, ms of the venue's."""
    told = {}
    for name, facts in routes.items():
        times = sorted(facts.failover_ms)
        quantiles = {f"p{share}": times[min(len(times) * share // 100, len(times) - 1)] for share in (50, 99)} | {"max": times[-1]} if times else None
        told[name] = {"switches": facts.switches, "rotations": facts.rotations, "failover_ms": quantiles}
    return told


def ended_payload(
    asked: Traded,
    record: RunRecord,
    writer: RunWriter,
    run: LiveRun,
    events: Tally,
    alarms: Iterable[np.ndarray],
    seconds: float,
    stopped: bool,
) -> dict[str, Any]:
    """How a run ended, in the shape of `msb run --json`."""
    from metastackerbandit.evaluation.monitors.hearing import blank_alarms
    from metastackerbandit.runtime.watching import alarm_lines, alarm_summary

    raised = np.concatenate((blank_alarms(0), *alarms))
    engine = run.trader.driver.engine
    return {
        "venue": asked.venue.name,
        "run": writer.run,
        "mode": record.mode,
        "lineage": record.lineage,
        "identity": record.identity,
        "seconds": round(seconds, 3),
        "stopped": stopped,
        **summary_of_run(run, engine),
        "reconciliation_differences": run.broker.differences(engine),
        "events": events.happened,
        "alarms": alarm_lines(raised, record),
        "alarm_summary": alarm_summary(raised, record),
        "twin": None,
        "issues": [{"type": one.kind, "severity": one.severity, "where": one.where, "what": one.what} for one in events.issues],
        "notices": list(record.notices),
    }
