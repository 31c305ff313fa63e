"""An exchange of one or two made instruments for tests, with the amounts that its owners begin with."""

from __future__ import annotations

import numpy as np

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import rows
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.exchange_words import ASSET_ONE, NewOrder, Order, Refusal
from metastackerbandit.simulation.flow import ADD, Flow
from metastackerbandit.simulation.listing import Listing

BASES = ("AAA", "BBB")
GIVEN = {"AAA": 50 * ASSET_ONE, "BBB": 50 * ASSET_ONE, "USDT": 5_000 * ASSET_ONE}


def instrument(s: int, market: str) -> Instrument:
    """Prices in 0.1 USDT, sizes in 0.01 coins, orders from 5 USDT and 0.02 coins on."""
    return Instrument(f"{BASES[s]}USDT", BASES[s], "USDT", "perp" if market == "perp" else "spot", "BINANCE", "0.1", "0.01", "0.02", "1000", "5")


def exchange(market: str, *, instruments: int = 1, owners: int = 2, **terms: int) -> Exchange:
    """An exchange with a background of 10 coins at each of five prices a side of 100 USDT."""
    made = Exchange([Listing(instrument(s, market), **terms) for s in range(instruments)], prices=64, orders=256)  # type: ignore[arg-type]
    for owner in range(1, owners + 1):
        made.open(owner, GIVEN)
    for s in range(instruments):
        made.flow(background(*[(ADD, side, 1_000 + (1 if side else -1) * n, 1_000) for n in range(1, 6) for side in (0, 1)], s=s))
        if market == "perp":
            made.mark(s, 1_000, 10)
    return made


def background(*wanted: tuple[int, int, int, int], s: int = 0, at_ns: int = 10) -> np.ndarray:
    """Rows of flow: what, side, ticks, lots."""
    made = rows(Flow, len(wanted))
    for n, one in enumerate(wanted):
        made[n] = (at_ns, s, *one)
    return made


def placed(made: Exchange, owner: int, wish: NewOrder, now_ns: int = 20) -> Order:
    """An order that is not refused."""
    order = made.place(owner, wish, now_ns)
    assert isinstance(order, Order), order
    return order


def refused(what: object) -> str:
    """Why something is refused."""
    assert isinstance(what, Refusal), what
    return what.why
