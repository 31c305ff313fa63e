"""The quantiser: legal or none, towards zero, never up."""

from __future__ import annotations

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


@given(rules=RULES, lots=st.integers(1, 10**8), price=st.integers(1, 10**7), reduces=st.booleans())
def test_no_larger_legal_order_towards_the_wish_exists(rules: Rules, lots: int, price: int, reduces: bool) -> None:
    legal = legal_lots(lots, price, row(rules)[0], reduces)
    if legal == 0:
        least = rules.min_lots if reduces and not rules.is_spot else least_lots(price, row(rules)[0])
        assert min(lots, rules.max_lots) < least
    else:
        assert legal == min(lots, rules.max_lots)
    assert legal_lots(-lots, price, row(rules)[0], reduces) == -legal
