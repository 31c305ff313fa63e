"""Words of orders: which sorts wait for a price, and which answers are as good as what was asked."""

from __future__ import annotations

from typing import get_args

import pytest

from metastackerbandit.domain.trading import REFUSALS_OF_ALL, WAITING_SORTS, Meaning, NewOrder, Sort, Verdict


@pytest.mark.parametrize("sort", get_args(Sort))
def test_an_order_waits_where_its_sort_has_a_trigger(sort: Sort) -> None:
    assert NewOrder("a", "buy", sort, 1).waits == (sort in WAITING_SORTS) == sort.startswith(("stop", "target"))


def test_only_what_was_done_or_is_so_already_is_done() -> None:
    assert [word for word in get_args(Meaning) if Verdict(word).is_done] == ["done", "nothing_to_change"]
    assert all(word in get_args(Meaning) and not Verdict(word).is_done for word in REFUSALS_OF_ALL)
