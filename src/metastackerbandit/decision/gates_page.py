"""The catalog of gates as the table in docs/gates.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from metastackerbandit.domain.gate import GateSpec


def gates_table(gates: Iterable[GateSpec], defaults: Mapping[str, object]) -> str:
    """Markdown: a gate a line, with what it asks, what passes, and the setting that holds its limit; `defaults` are settings by dotted key."""
    lines = ["| gate | looks at | unit | passes | setting, and its default | a limit each side | kind |", "|---|---|---|---|---|---|---|"]
    for gate in gates:
        sides = "yes" if gate.by_side else ""
        passes = "a state, not a threshold" if gate.states else gate.sense
        lines.append(f"| {gate.name} | {gate.meaning} | {gate.unit} | {passes} | {_setting(gate, defaults)} | {sides} | {gate.kind} |")
    return "\n".join(lines)


def _setting(gate: GateSpec, defaults: Mapping[str, object]) -> str:
    """Such as `decision.min_alpha` 0.02."""
    if not gate.setting:
        return ""
    value = defaults[gate.setting]
    told = "not given" if value is None else f"{value:g}" if isinstance(value, (int, float)) else str(value)
    return f"`{gate.setting}` {told}{f', plus {gate.lead:g}' if gate.lead else ''}"
