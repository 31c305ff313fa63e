"""The last look before new risk is sent: no sequence of orders and fills passes a hard limit, and both sides are looked at alike."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from metastackerbandit.domain.hard_limits import HardLimits
from metastackerbandit.execution.last_check import Exposed, passed

LIMITS = HardLimits("USDT", position=50_000, gross=80_000, order=20_000, leverage=2, orders_a_day=12, daily_loss=5_000)
FLAT = Exposed("BTCUSDT", 0, 0, 0, 100, 1)
exposures = st.builds(
    Exposed, st.just("BTCUSDT"), st.integers(-600, 600), st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.integers(1, 3)
)


@dataclass
class Account:
    """An account of several symbols whose orders are filled in any order and part."""

    prices: list[int]
    lots: list[int] = field(init=False)
    out: list[tuple[int, int]] = field(default_factory=list)  # symbol and what is left of an order of new risk, signed
    sent: int = 0

    def __post_init__(self) -> None:
        self.lots = [0] * len(self.prices)

    def exposed(self) -> list[Exposed]:
        left = [[lots for s, lots in self.out if s == symbol] for symbol in range(len(self.prices))]
        sides = [(sum(one for one in own if one > 0), -sum(one for one in own if one < 0)) for own in left]
        return [Exposed(f"S{s}", self.lots[s], *sides[s], price, 1) for s, price in enumerate(self.prices)]

    def worth(self) -> list[int]:
        return [abs(lots) * price for lots, price in zip(self.lots, self.prices, strict=True)]


steps = st.one_of(
    st.tuples(st.just("order"), st.integers(0, 2), st.integers(-400, 400).filter(bool)),
    st.tuples(st.just("fill"), st.integers(0, 20), st.integers(1, 400)),
    st.tuples(st.just("reduce"), st.integers(0, 2), st.integers(1, 400)),
    st.tuples(st.just("cancel"), st.integers(0, 20), st.just(0)),
)


@given(prices=st.lists(st.integers(1, 200), min_size=3, max_size=3), history=st.lists(steps, max_size=60))
def test_no_sequence_of_orders_and_fills_passes_a_limit(prices: list[int], history: list[tuple[str, int, int]]) -> None:
    account = Account(prices)
    for what, place, lots in history:
        if what == "order":
            if passed(LIMITS, account.exposed(), place, lots, account.sent, 0) is None:
                account.out.append((place, lots))
                account.sent += 1
                assert abs(lots) * prices[place] <= LIMITS.order
        elif what == "reduce":
            held = account.lots[place]
            account.lots[place] -= min(lots, abs(held)) * (1 if held > 0 else -1)
        elif account.out:
            symbol, left = account.out.pop(place % len(account.out))
            if what == "fill":
                done = min(abs(left), lots) * (1 if left > 0 else -1)
                account.lots[symbol] += done
                account.out += [(symbol, left - done)] if left != done else []
        assert all(worth <= LIMITS.position for worth in account.worth())
        assert sum(account.worth()) <= LIMITS.gross and account.sent <= LIMITS.orders_a_day


@given(
    exposed=st.lists(exposures, min_size=1, max_size=3), lots=st.integers(-600, 600).filter(bool), sent=st.integers(0, 20), lost=st.integers(0, 9_000)
)
def test_buying_and_selling_are_mirror_images(exposed: list[Exposed], lots: int, sent: int, lost: int) -> None:
    mirrored = [replace(one, lots=-one.lots, buys=one.sells, sells=one.buys) for one in exposed]
    assert passed(LIMITS, exposed, 0, lots, sent, lost) == passed(LIMITS, mirrored, 0, -lots, sent, lost)


@given(exposed=st.lists(exposures, min_size=1, max_size=3), lots=st.integers(1, 600), more=st.integers(0, 300), notional=st.integers(0, 90_000))
def test_what_is_refused_stays_refused_for_a_larger_order_and_a_narrower_unlock(exposed: list[Exposed], lots: int, more: int, notional: int) -> None:
    if passed(LIMITS, exposed, 0, lots, 0, 0) is not None:
        assert passed(LIMITS, exposed, 0, lots + more, 0, 0) is not None
        assert passed(LIMITS.within(notional), exposed, 0, lots, 0, 0) is not None


@pytest.mark.parametrize(
    ("exposed", "lots", "sent", "lost", "limit", "words"),
    [
        (FLAT, 200, 0, 0, None, ""),
        (FLAT, 201, 0, 0, "order", "the order could come to 0.000201 USDT, and the hard limits allow 0.0002 USDT (max_order)"),
        (replace(FLAT, lots=400), 101, 0, 0, "position", "the position in BTCUSDT could come to 0.000501 USDT"),
        (replace(FLAT, lots=-400), 101, 0, 0, None, ""),
        (replace(FLAT, lots=-300, sells=150), -60, 0, 0, "position", "could come to 0.00051 USDT"),
        (FLAT, 1, 12, 0, "orders_a_day", "it would be order 13 of new risk today, and the hard limits allow 12"),
        (FLAT, 1, 0, 5_000, "daily_loss", "0.00005 USDT were lost today"),
        (replace(FLAT, ticks=0), 1, 0, 0, "price", "nobody knows the price of BTCUSDT"),
    ],
)
def test_a_refusal_has_the_limit_and_the_numbers(exposed: Exposed, lots: int, sent: int, lost: int, limit: str | None, words: str) -> None:
    found = passed(LIMITS, [exposed], 0, lots, sent, lost)
    assert (found.limit if found else None) == limit
    if found is not None:
        assert words in found.words("USDT")


def test_another_symbol_that_is_held_without_a_price_refuses_and_one_that_is_not_held_does_not() -> None:
    away = Exposed("ETHUSDT", 0, 0, 0, 0, 1)
    assert passed(LIMITS, [FLAT, away], 0, 1, 0, 0) is None
    found = passed(LIMITS, [FLAT, replace(away, sells=1)], 0, 1, 0, 0)
    assert found is not None and (found.limit, found.symbol) == ("price", "ETHUSDT")


def test_the_gross_limit_counts_every_symbol() -> None:
    other = Exposed("ETHUSDT", -450, 0, 0, 100, 1)
    found = passed(LIMITS, [replace(FLAT, lots=300), other], 0, 51, 0, 0)
    assert found is not None and (found.limit, found.observed) == ("gross", 80_100)
    assert passed(LIMITS, [replace(FLAT, lots=300), other], 0, 50, 0, 0) is None
