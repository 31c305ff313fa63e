"""A session looked at in a mirror: every decision beside its mirror image, as figures, lines and alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from metastackerbandit.cli.session import Session
    from metastackerbandit.runtime.twin import Twinned


def mirrored(session: Session) -> tuple[dict[str, Any], np.ndarray]:
    """-> (what the twin of a replay of the session has seen, its alarms in the layout of AlarmRow); nothing is journaled."""
    import numpy as np

    from metastackerbandit.cli.replay import inputs_heard
    from metastackerbandit.domain.sink import Tee
    from metastackerbandit.evaluation.monitors.catalog import NAMES
    from metastackerbandit.evaluation.monitors.hearing import blank_alarms
    from metastackerbandit.runtime.replay import Driver
    from metastackerbandit.runtime.twin import Twinned
    from metastackerbandit.simulation.broker import SimulatedBroker, open_venue

    plan = session.plan
    raised: list[np.ndarray] = []
    engine = Twinned(plan, raised.append, len(NAMES))
    broker = SimulatedBroker(open_venue(plan.instruments, plan.costs, session.config.simulation))
    driver = Driver(engine, broker, Tee())  # its rows go nowhere
    for event in inputs_heard(session):
        driver.take(event)
    return twin_json(engine), np.concatenate(raised) if raised else blank_alarms(0)


def twin_json(engine: Twinned) -> dict[str, Any]:
    """What an engine's twin has seen, as JSON has it."""
    import msgspec

    seen = engine.twin.seen()
    looks = seen.decisions + seen.fills + seen.settlements
    return {**msgspec.to_builtins(seen), "microseconds_a_look": round(engine.looked_s / looks * 1e6, 1) if looks else None}


def twin_text(told: dict[str, Any]) -> list[str]:
    """The same in lines."""
    lines = [f"mirror twin: looked at {told['decisions']:,} decisions, {told['fills']:,} fills, {told['settlements']:,} settlements of funding"]
    if told["microseconds_a_look"] is not None:
        lines[0] += f", {told['microseconds_a_look']:,.0f} microseconds each"
    lines += [f"  not mirrored: {stage}, {count:,} times" for stage, count in sorted(told["mismatches"].items(), key=lambda item: -item[1])]
    if told["first"] is not None:
        lines.append(f"  first: {_mismatch(told['first'])}")
    mood = told["mood"]
    if mood["answers"]:
        stages = "".join(f", {count:,} at {stage}" for stage, count in sorted(told["source_stages"].items(), key=lambda item: -item[1]))
        lines.append(
            f"  mood: {mood['unmirrored']:,} of {mood['answers']:,} answers not mirrored; they turned {told['source_mismatches']:,} decisions{stages}"
        )
    if told["source_first"] is not None:
        lines.append(f"  first: {_mismatch(told['source_first'])}")
    if not told["alarm"]:
        return [*lines, "  every decision is the mirror image of its mirror image's decision"]
    at = f" at decision {told['alarm_decision']:,}" if told["alarm_decision"] else ""
    return [*lines, f"  ALARM{at}: {told['alarm']}"]


def _mismatch(first: dict[str, Any]) -> str:
    what = f" ({first['what']})" if first["what"] else ""
    at = f"decision {first['decision']}" if first["decision"] else "between decisions"
    return f"{first['stage']}{what}, {at}: {first['one']:g} here, {first['mirrored']:g} in the mirror"
