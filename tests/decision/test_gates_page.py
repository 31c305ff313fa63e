"""The page of gates: what stands in the docs is what the catalog says, with each default."""

from __future__ import annotations

from pathlib import Path

from metastackerbandit.config.outline import keys
from metastackerbandit.decision.gates_page import gates_table
from metastackerbandit.domain.gate import GateSpec, at_least
from metastackerbandit.engine.gates import GATES

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_gates_has_every_gate_with_its_setting_and_default() -> None:
    """`python tools/gates_doc.py` writes it again after a gate or a default has changed."""
    table = gates_table(GATES, {name: key.default for name, key in keys().items()})
    assert table in (DOCS / "gates.md").read_text()
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    assert [row[0].removeprefix("| ") for row in rows] == [gate.name for gate in GATES]
    assert all(gate.setting in row[4] for gate, row in zip(GATES, rows, strict=True))
    cooldown = next(row for row in rows if row[0] == "| cooldown")
    assert cooldown[4] == "`execution.cooldown_bars` 0, plus 1"


def test_a_line_tells_what_passes_what_holds_the_limit_and_whether_each_side_has_one() -> None:
    gates = (
        GateSpec("edge", "bps", "at least", "opinion", "net edge", at_least, setting="a.edge"),
        GateSpec("alpha", "share", "at least", "opinion", "scale", at_least, setting="a.alpha", by_side=True, lead=0.5),
        GateSpec("operator", "", "at most", "safety", "stopped", at_least, states=("", "PAUSED")),
        GateSpec("consensus", "sources", "at most", "opinion", "who agrees", at_least, setting="a.consensus"),
    )
    assert gates_table(gates, {"a.edge": None, "a.alpha": 0.25, "a.consensus": "soft"}).splitlines() == [
        "| gate | looks at | unit | passes | setting, and its default | a limit each side | kind |",
        "|---|---|---|---|---|---|---|",
        "| edge | net edge | bps | at least | `a.edge` not given |  | opinion |",
        "| alpha | scale | share | at least | `a.alpha` 0.25, plus 0.5 | yes | opinion |",
        "| operator | stopped |  | a state, not a threshold |  |  | safety |",
        "| consensus | who agrees | sources | at most | `a.consensus` soft |  | opinion |",
    ]
