"""An order says itself whether it is open, and what is left of it."""

from __future__ import annotations

from typing import get_args

import pytest

from metastackerbandit.domain.user_events import Status
from metastackerbandit.simulation.exchange_words import NewOrder, Order


@pytest.mark.parametrize("status", get_args(Status))
def test_only_new_and_partly_filled_orders_are_open(status: Status) -> None:
    order = Order(1, 1, NewOrder(0, 0, "limit", 10, 100), "", 10, status, 1, 1, filled=4)
    assert order.is_open == (status in ("new", "partly_filled")) and order.left == 6
