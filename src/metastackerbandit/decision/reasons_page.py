"""The catalog of reason codes as the table in docs/explain.md."""

from __future__ import annotations

from collections.abc import Iterable

from metastackerbandit.decision.reasons import NamedGate, decision_reasons, gate_reasons


def reasons_table(gates: Iterable[NamedGate]) -> str:
    """Markdown: a gate a line with the codes of its blocks, then the codes of decisions."""
    lines = ["| gate | blocks with | compares, in | setting that holds the limit |", "| --- | --- | --- | --- |"]
    for gate in gates:
        codes = ", ".join(f"`{reason.code}`" for reason in gate_reasons(gate) if reason.result == "BLOCK")
        sides = " (`_buy`, `_sell`)" if gate.by_side else ""
        setting = f"`{gate.setting}`{sides}" if gate.setting else "none"
        plus = f", plus {gate.lead:g}" if gate.lead else ""
        unit = f", {gate.unit}" if gate.unit else ""
        lines.append(f"| {gate.name} | {codes} | {gate.meaning}{unit} | {setting}{plus}{'; not a threshold' if gate.states else ''} |")
    lines += ["", "| decision | means |", "| --- | --- |"]
    lines += [f"| `{reason.code}` | {reason.meaning} |" for reason in decision_reasons()]
    return "\n".join(lines)
