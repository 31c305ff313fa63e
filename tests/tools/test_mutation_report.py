"""The table of mutants: members of a catalog together, packages summed, and what does not count left out of the rate."""

from __future__ import annotations

from tools.mutation.report import Found, Tried, table


def found(module: str, *fates: str) -> Found:
    return Found(module, "d", tuple(Tried(fate) for fate in fates))


def test_a_module_a_line_then_the_packages_then_all() -> None:
    results = [
        found("risk.tail", "killed", "slow", "survived", "unreached", "excluded"),
        found("risk.gates.heat", "killed"),
        found("risk.gates.net", "killed", "survived"),
        found("execution.ledger", *["killed"] * 1_000),
        found("execution.catalog"),
        found("domain.money", "survived"),
    ]
    assert table(results).splitlines()[2:] == [
        "| execution.ledger | 1,000 | 1,000 | 100.0% | 0 |",
        "| risk.gates.* | 3 | 2 | 66.7% | 0 |",
        "| risk.tail | 4 | 2 | 50.0% | 1 |",
        "| **execution** | 1,000 | 1,000 | 100.0% | 0 |",
        "| **risk** | 7 | 4 | 57.1% | 1 |",
        "| **all** | 1,007 | 1,004 | 99.7% | 1 |",
    ]
