"""What an owner earned and paid at Binance USD-M, row by row: realized results, commissions, funding; the newest rows of each owner are kept."""

from __future__ import annotations

from collections import defaultdict, deque
from itertools import count
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.decimals import text8
from metastackerbandit.simulation.exchange_words import BalanceEvent, Event, OrderEvent


class Income(Struct, frozen=True):
    """One row; `units` in 1e-8 of `asset`, below zero where it was paid."""

    number: int
    at_ns: int
    s: int
    sort: str
    units: int
    asset: str
    trade: int = 0


class IncomeBook:
    """Rows of all owners. `hear` is one of the floor's listeners."""

    def __init__(self, kept: int) -> None:
        self._rows: dict[int, deque[Income]] = defaultdict(lambda: deque(maxlen=kept))
        self._numbers = count(1)

    def hear(self, event: Event) -> None:
        """Take what an event brought."""
        if isinstance(event, OrderEvent) and event.fill is not None:
            fill = event.fill
            for sort, units in (("REALIZED_PNL", fill.realized), ("COMMISSION", -fill.fee)):
                if units:
                    self._add(event.order.owner, event.at_ns, event.order.wish.s, sort, units, fill.fee_asset, fill.trade)
        elif isinstance(event, BalanceEvent) and event.why == "funding":
            self._add(event.owner, event.at_ns, event.positions[0], "FUNDING_FEE", event.change, event.assets[0])

    def of(self, owner: int) -> list[Income]:
        """An owner's rows, oldest first."""
        return list(self._rows[owner])

    def _add(self, owner: int, at_ns: int, s: int, sort: str, units: int, asset: str, trade: int = 0) -> None:
        self._rows[owner].append(Income(next(self._numbers), at_ns, s, sort, units, asset, trade))


def income(one: Income, symbol: str) -> dict[str, Any]:
    """One row of GET /fapi/v1/income."""
    return {
        "symbol": symbol,
        "incomeType": one.sort,
        "income": text8(one.units),
        "asset": one.asset,
        "info": str(one.trade) if one.trade else one.sort,
        "time": one.at_ns // MILLI_NS,
        "tranId": one.number,
        "tradeId": str(one.trade) if one.trade else "",
    }
