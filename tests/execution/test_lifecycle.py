"""The life of an order: every pair of state and report, against the table."""

from __future__ import annotations

import pytest

from metastackerbandit.domain.rows import FILLED, PARTLY_FILLED, STATES
from metastackerbandit.execution.lifecycle import ILLEGAL, LEGAL, advance
from tests.covering import covers


@covers("2.124")
@pytest.mark.parametrize("state", range(len(STATES)))
@pytest.mark.parametrize("report", range(len(STATES)))
def test_the_kernel_allows_what_the_table_allows(state: int, report: int) -> None:
    fills = report in (PARTLY_FILLED, FILLED)
    filled = 4 if state == PARTLY_FILLED else 0
    more = (10 - filled if report == FILLED else 2) if fills else 0
    after = advance(state, report, filled, more, 10)
    assert after == (report if report in LEGAL[state] else ILLEGAL)


def test_quantities_decide_whether_a_fill_is_the_last() -> None:
    assert advance(2, PARTLY_FILLED, 4, 6, 10) == FILLED
    assert advance(2, FILLED, 4, 5, 10) == PARTLY_FILLED
    assert advance(2, FILLED, 4, 7, 10) == ILLEGAL
    assert advance(2, FILLED, 4, 0, 10) == ILLEGAL
    assert advance(1, 2, 0, 3, 10) == ILLEGAL  # an acknowledgement that carries a quantity


def test_a_single_lot_counts() -> None:
    assert advance(2, PARTLY_FILLED, 0, 1, 1) == FILLED
    assert advance(1, 2, 0, 1, 10) == ILLEGAL  # an acknowledgement that carries one lot
