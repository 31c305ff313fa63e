"""The page of reason codes: what stands in the docs is what the catalog says."""

from __future__ import annotations

from pathlib import Path

from metastackerbandit.decision.reasons import decision_reasons
from metastackerbandit.decision.reasons_page import reasons_table
from metastackerbandit.engine.gates import GATES
from metastackerbandit.storage.run_record import GateWords

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_has_the_catalog_as_it_is() -> None:
    """`python tools/reasons_doc.py` writes it again after a gate has changed."""
    assert reasons_table(GATES) in (DOCS / "explain.md").read_text()


def test_a_line_for_each_gate_and_one_for_each_decision() -> None:
    gates = (
        GateWords("edge", "bps", "at least", "net edge", "decision.min_edge"),
        GateWords("alpha", "", "at least", "scale", "decision.min_alpha", by_side=True),
        GateWords("cooldown", "bars", "at least", "bars since", "execution.cooldown_bars", lead=1.0),
        GateWords("operator", "", "at most", "stopped", states=("", "PAUSED", "KILLED")),
    )
    lines = reasons_table(gates).splitlines()
    assert lines[:9] == [
        "| gate | blocks with | compares, in | setting that holds the limit |",
        "| --- | --- | --- | --- |",
        "| edge | `EDGE_BELOW_LIMIT` | net edge, bps | `decision.min_edge` |",
        "| alpha | `ALPHA_BELOW_LIMIT` | scale | `decision.min_alpha` (`_buy`, `_sell`) |",
        "| cooldown | `COOLDOWN_BELOW_LIMIT` | bars since, bars | `execution.cooldown_bars`, plus 1 |",
        "| operator | `OPERATOR_PAUSED`, `OPERATOR_KILLED` | stopped | none; not a threshold |",
        "",
        "| decision | means |",
        "| --- | --- |",
    ]
    assert lines[9:] == [f"| `{reason.code}` | {reason.meaning} |" for reason in decision_reasons()]
