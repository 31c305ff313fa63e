"""The quantiser: legal or none, towards zero, never up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.instrument import Rules
from metastackerbandit.domain.kernel import row
from metastackerbandit.execution.quantize import least_lots, legal_lots
from tests.covering import covers

RULES = st.builds(
    Rules,
    unit=st.integers(1, 10**6),
    min_lots=st.integers(1, 50),
    max_lots=st.integers(50, 10**7),
    max_ticks=st.just(2**40),
    min_notional=st.integers(0, 10**12),
    is_spot=st.booleans(),
)


@covers("A28", "A29", "1.12")
@given(rules=RULES, lots=st.integers(-(10**8), 10**8), price=st.integers(1, 10**7), reduces=st.booleans())
def test_a_quantised_order_is_legal_or_nothing(rules: Rules, lots: int, price: int, reduces: bool) -> None:
    legal = legal_lots(lots, price, row(rules)[0], reduces)
    assert abs(legal) <= abs(lots)
    assert legal * lots >= 0
    if legal:
        assert rules.min_lots <= abs(legal) <= rules.max_lots
        if rules.is_spot or not reduces:
            assert abs(legal) * price * rules.unit >= rules.min_notional


@given(rules=RULES, price=st.integers(1, 10**7))
def test_the_least_quantity_is_the_smallest_that_meets_both_minima(rules: Rules, price: int) -> None:
    least = least_lots(price, row(rules)[0])
    assert least >= rules.min_lots and least * price * rules.unit >= rules.min_notional
    assert least == rules.min_lots or (least - 1) * price * rules.unit < rules.min_notional


def test_a_notional_that_is_met_exactly_needs_no_lot_more() -> None:
    rules = row(Rules(unit=1, min_lots=1, max_lots=100, max_ticks=2**40, min_notional=50, is_spot=False))[0]
    assert least_lots(49, rules) == 2  # one lot is a unit of money short
    assert (least_lots(10, rules), least_lots(11, rules), least_lots(9, rules)) == (5, 5, 6)


@pytest.mark.parametrize(("is_spot", "reduces", "legal"), [(False, False, 0), (False, True, 2), (True, False, 0), (True, True, 0)])
def test_only_what_reduces_a_perp_may_fall_below_the_minimum_notional(is_spot: bool, reduces: bool, legal: int) -> None:
    rules = row(Rules(unit=1, min_lots=1, max_lots=100, max_ticks=2**40, min_notional=50, is_spot=is_spot))[0]
    assert legal_lots(2, 10, rules, reduces) == legal


@given(rules=RULES, lots=st.integers(1, 10**8), price=st.integers(1, 10**7), reduces=st.booleans())
def test_no_larger_legal_order_towards_the_wish_exists(rules: Rules, lots: int, price: int, reduces: bool) -> None:
    legal = legal_lots(lots, price, row(rules)[0], reduces)
    if legal == 0:
        least = rules.min_lots if reduces and not rules.is_spot else least_lots(price, row(rules)[0])
        assert min(lots, rules.max_lots) < least
    else:
        assert legal == min(lots, rules.max_lots)
    assert legal_lots(-lots, price, row(rules)[0], reduces) == -legal
