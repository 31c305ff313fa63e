"""The ledger: average cost in integers against exact fractions, long and short alike."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.execution.ledger import Position, Posting, close_part, open_part
from tests.covering import covers

TRADES = st.lists(st.tuples(st.booleans(), st.integers(1, 10**6), st.integers(1, 10**7), st.integers(0, 10**6)), min_size=1, max_size=30)


@covers("B09", "2.126")
@given(trades=TRADES, side=st.sampled_from([-1, 1]), unit=st.integers(1, 10_000))
def test_cash_cost_and_profit_balance_after_every_trade(trades: list[tuple[bool, int, int, int]], side: int, unit: int) -> None:
    position, posting = rows(Position, 1)[0], rows(Posting, 1)[0]
    cash = 0
    exact_cost = Fraction(0)
    closings = 0
    for opens, size, ticks, fee in trades:
        held = abs(int(position.lots))
        if opens or held == 0:
            open_part(position, unit, side * size, ticks, fee, posting)
            exact_cost += size * ticks * unit
        else:
            closed = min(size, held)
            close_part(position, unit, closed, ticks, fee, posting)
            exact_cost -= exact_cost * closed / held
            closings += 1
        cash += int(posting.cash)
        assert posting.cash + posting.cost - posting.realised + posting.fee == 0
        assert cash + position.cost - position.realised + position.fees == 0
        assert position.lots == 0 or (position.lots > 0) == (side > 0)
        if position.lots == 0:
            assert position.cost == 0
            exact_cost = Fraction(0)
        assert abs(abs(int(position.cost)) - exact_cost) <= closings + 1


@given(trades=TRADES, side=st.sampled_from([-1, 1]), unit=st.integers(1, 10_000))
def test_a_trip_sums_up_its_fills(trades: list[tuple[bool, int, int, int]], side: int, unit: int) -> None:
    position, posting = rows(Position, 1)[0], rows(Posting, 1)[0]
    held = most = bought = sold = fees = realised = 0
    for opens, size, ticks, fee in trades:
        if opens or held == 0:
            open_part(position, unit, side * size, ticks, fee, posting)
            assert (posting.opened, posting.closed, posting.realised) == (size, 0, 0)
            held, bought = held + size, bought + size * ticks * unit
        else:
            closed = min(size, held)
            close_part(position, unit, closed, ticks, fee, posting)
            assert (posting.opened, posting.closed) == (0, closed)
            held, sold = held - closed, sold + closed * ticks * unit
        most, fees, realised = max(most, held), fees + fee, realised + int(posting.realised)
        assert posting.fee == fee
        assert (position.lots, position.most_lots) == (side * held, most)
        assert (position.entry_value, position.exit_value, position.fees, position.realised) == (bought, sold, fees, realised)


@given(size=st.integers(1, 10**6), entry=st.integers(1, 10**7), leave=st.integers(1, 10**7), unit=st.integers(1, 10_000))
def test_long_and_short_profits_negate_exactly(size: int, entry: int, leave: int, unit: int) -> None:
    profits = []
    for side in (1, -1):
        position, posting = rows(Position, 1)[0], rows(Posting, 1)[0]
        open_part(position, unit, side * size, entry, 0, posting)
        close_part(position, unit, size, leave, 0, posting)
        profits.append(int(position.realised))
    assert profits[0] == -profits[1] == size * (leave - entry) * unit
