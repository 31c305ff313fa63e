"""Half a day of the campaign, with faults that are twenty times as frequent; `make soak` plays thirty days of each market."""

from __future__ import annotations

from tests.covering import covers
from tests.soak.connections import campaign, is_good, lines_of


@covers("0.43", "0.44", "0.45", "0.46", "B15")
def test_books_are_live_and_right_through_half_a_day_of_faults() -> None:
    found = campaign("perp", 3, 0.5, 20.0)
    assert is_good(found), lines_of(found)
    assert sum(found.faults.values()) > 20 and len(found.failover_ms) >= 5 and found.compared > 10_000
    assert min(found.candles.values()) > 0.99
