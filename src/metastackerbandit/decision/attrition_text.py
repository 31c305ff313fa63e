"""Attrition as tables that a trader reads: stages by group, or gates by group with pass rates and what each alone stopped."""

from __future__ import annotations

from metastackerbandit.decision.attrition import Attrition
from metastackerbandit.decision.attrition_groups import Group


def attrition_text(found: Attrition) -> str:
    """A line a group; of gates only those that stopped something, or had no data."""
    head = [*found.by]
    if "gate" in found.by:
        numbers = ["wishes", "asked", "passed", "BLOCK", "UNKNOWN", "pass rate", "alone", "of wishes"]
        told = [group for group in found.groups if group.answers is not None and (group.answers.blocked or group.answers.unknown)]
        rows = [[*group.of.values(), *_answers(group)] for group in told]
    else:
        numbers = list(found.groups[0].stages or ()) if found.groups else []
        rows = [[*group.of.values(), *(f"{count:,}" for count in (group.stages or {}).values())] for group in found.groups]
    lines = _table([*head, *numbers], rows, len(head)) if rows else [f"nothing to group by {', '.join(found.by)}"]
    unequal = [_symmetry(one.of, one.buy.passed, one.buy.asked, one.sell.passed, one.sell.asked, one.p) for one in found.symmetry if _differs(one.p)]
    if unequal:
        lines += ["", "pass rates by side, where chance does not explain the difference (Fisher exact, two-sided, p < 0.05, uncorrected):", *unequal]
    return "\n".join([*lines, *(f"  <- {finding}" for finding in found.findings)])


_SHOWN = 0.05  # p of the differences that are listed; only those beyond attrition.CHANCE are findings


def _differs(p: float | None) -> bool:
    return p is not None and p < _SHOWN


def _symmetry(of: dict[str, str], buy: int, buys: int, sell: int, sells: int, p: float | None) -> str:
    return f"  {' '.join(of.values())}: BUY {buy:,} of {buys:,}, SELL {sell:,} of {sells:,}, p {p:.2g}"


def _answers(group: Group) -> list[str]:
    answers = group.answers
    assert answers is not None
    counts = (answers.wishes, answers.asked, answers.passed, answers.blocked, answers.unknown)
    return [*(f"{count:,}" for count in counts), _share(answers.pass_rate), f"{answers.sole:,}", _share(answers.sole_share)]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _table(head: list[str], rows: list[list[str]], names: int) -> list[str]:
    """Names to the left, numbers to the right."""
    widths = [max(len(cells[place]) for cells in (head, *rows)) for place in range(len(head))]
    return [
        "  "
        + "  ".join(
            f"{cell:<{width}}" if place < names else f"{cell:>{width}}" for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        for cells in (head, *rows)
    ]
