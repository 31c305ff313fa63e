"""What gates look at, for tests: a record of a decision's state and one of the default limits, with changes; and what a gate says of them."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.kernel import row
from metastackerbandit.engine import book_limits
from metastackerbandit.engine.limits import Limits
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.seen import Seen
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.stacking.arm import prepared
from tests.markets import generated


def limits_under(settings: EngineSettings) -> Limits:
    """The limits of one book under these settings."""
    plan = plan_of(generated(1, 5, symbols=1, moody=True, funded=True), "5m", "sma_cross", settings)
    return book_limits.limits_of(plan, plan.books[0], [prepared([0], 0, [], 50)], 1.0)


LIMITS = limits_under(EngineSettings())


def seen_of(**changes: float) -> Any:
    """A record of Seen: everything known and unremarkable, but for the changes."""
    values: dict[str, Any] = {name: (0.5 if kind == "float" else 0) for name, kind in Seen.__annotations__.items()}
    return row(Seen(**(values | changes)))[0]


def limits_of(limits: Limits = LIMITS, /, **changes: float) -> Any:
    """A record of the default limits, but for the changes; `rests.streak` is a field of a part."""
    record = row(limits)[0]
    for name, value in changes.items():
        *parts, last = name.split("__")
        held = record
        for part in parts:
            held = held[part]
        held[last] = value
    return record


def answer(gate: GateSpec, seen: dict[str, float], limits: dict[str, float]) -> tuple[float, float, int]:
    """What one gate says."""
    observed, limit, verdict = gate.ask(seen_of(**seen), limits_of(**limits))
    return float(observed), float(limit), int(verdict)
