"""Public answers of Binance USD-M: books, trades, candles, days, marks, funding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.decimals import fixed, text8
from metastackerbandit.practice.binance.perp_text import Steps
from metastackerbandit.practice.day import Day
from metastackerbandit.practice.tape import Levels
from metastackerbandit.simulation.exchange import Exchange

Row = Sequence[int]


def book(steps: Steps, update: int, bids: Levels, asks: Levels, now_ms: int) -> dict[str, Any]:
    """GET /fapi/v1/depth."""
    return {"lastUpdateId": update, "E": now_ms, "T": now_ms, "bids": steps.levels(bids), "asks": steps.levels(asks)}


def trade(steps: Steps, one: Row) -> dict[str, Any]:
    """One trade (fields of Traded) of GET /fapi/v1/trades."""
    number, at_ns, ticks, lots, is_sold, *_ = one
    return {
        "id": number,
        "price": steps.price(ticks),
        "qty": steps.size(lots),
        "quoteQty": steps.turnover(ticks * lots),
        "time": at_ns // MILLI_NS,
        "isBuyerMaker": bool(is_sold),
        "isRPITrade": False,
    }


def agg_trade(steps: Steps, one: Row) -> dict[str, Any]:
    """One aggregated trade (fields of Joined) of GET /fapi/v1/aggTrades; `nq` leaves out retail-only liquidity, of which there is none."""
    number, first, last, at_ns, ticks, lots, is_sold, _ = one
    size = steps.size(lots)
    return {"a": number, "p": steps.price(ticks), "q": size, "nq": size, "f": first, "l": last, "T": at_ns // MILLI_NS, "m": bool(is_sold)}


def candle(steps: Steps, bar: Any, closed_ns: int) -> list[Any]:
    """One candle (a record of Bar) of GET /fapi/v1/klines. What takers turned over is their share at the candle's mean price."""
    base, quote, taker_base, taker_quote = volumes(steps, bar)
    return [
        int(bar["opened_ns"]) // MILLI_NS,
        *(steps.price(int(bar[name])) for name in ("open", "high", "low", "close")),
        base,
        closed_ns // MILLI_NS - 1,
        quote,
        count_of(bar),
        taker_base,
        taker_quote,
        "0",
    ]


def volumes(steps: Steps, bar: Any) -> tuple[str, str, str, str]:
    """A bar's volume in the base and in the quote asset, and what takers bought of each; zeros where it is not known."""
    base, quote, taker = (known(float(bar[name])) for name in ("volume", "quote_volume", "taker_volume"))
    of_takers = quote * taker / base if base > 0 else 0.0
    return floating(base, steps.size_digits), floating(quote, 8), floating(taker, steps.size_digits), floating(of_takers, 8)


def count_of(bar: Any) -> int:
    """A bar's trades."""
    return int(known(float(bar["trades"])))


def known(value: float) -> float:
    """A statistic, 0 where it is not known."""
    return 0.0 if math.isnan(value) else value


def floating(value: float, digits: int) -> str:
    """A statistic as text with so many digits."""
    return f"{value:.{digits}f}"


def mean_of(one: Day, steps: Steps) -> str:
    """A day's mean price."""
    return steps.mean(one.turnover, one.lots) if one.lots else steps.price(one.close)


def percent(one: Day) -> str:
    """By how much a day's price changed, in percent."""
    thousandths = 200_000 * (one.close - one.open) // one.open + 1 if one.open else 0
    return fixed(thousandths // 2, 3)


def ticker(one: Day, steps: Steps, now_ms: int) -> dict[str, Any]:
    """GET /fapi/v1/ticker/24hr."""
    return {
        "symbol": steps.symbol,
        "priceChange": steps.price(one.close - one.open),
        "priceChangePercent": percent(one),
        "weightedAvgPrice": mean_of(one, steps),
        "lastPrice": steps.price(one.close),
        "lastQty": steps.size(one.last_lots),
        "openPrice": steps.price(one.open),
        "highPrice": steps.price(one.high),
        "lowPrice": steps.price(one.low),
        "volume": steps.size(one.lots),
        "quoteVolume": steps.turnover(one.turnover),
        "openTime": one.opened_ns // MILLI_NS,
        "closeTime": now_ms,
        "firstId": one.first,
        "lastId": one.last,
        "count": one.trades,
    }


def last_price(steps: Steps, ticks: int, at_ms: int) -> dict[str, Any]:
    """GET /fapi/v1/ticker/price, and v2."""
    return {"symbol": steps.symbol, "price": steps.price(ticks), "time": at_ms}


def best(steps: Steps, update: int, bid: tuple[int, int], ask: tuple[int, int], at_ms: int) -> dict[str, Any]:
    """GET /fapi/v1/ticker/bookTicker; bid and ask are (ticks, lots), zeros for none."""
    return {
        "symbol": steps.symbol,
        "bidPrice": steps.price(bid[0]),
        "bidQty": steps.size(bid[1]),
        "askPrice": steps.price(ask[0]),
        "askQty": steps.size(ask[1]),
        "time": at_ms,
        "lastUpdateId": update,
    }


def premium(steps: Steps, mark: int, rate_now: int, next_ns: int, now_ms: int) -> dict[str, Any]:
    """GET /fapi/v1/premiumIndex: mark and index price are the same here."""
    price = steps.price(mark)
    return {
        "symbol": steps.symbol,
        "pair": steps.symbol,
        "markPrice": price,
        "indexPrice": price,
        "estimatedSettlePrice": price,
        "lastFundingRate": text8(rate_now),
        "interestRate": "0.00010000",
        "nextFundingTime": next_ns // MILLI_NS,
        "time": now_ms,
    }


def funding_rate(steps: Steps, paid: int, at_ns: int, mark: int) -> dict[str, Any]:
    """One settlement of GET /fapi/v1/fundingRate."""
    return {
        "symbol": steps.symbol,
        "fundingRate": text8(paid),
        "fundingTime": at_ns // MILLI_NS,
        "markPrice": steps.price(mark),
        "rateType": "REALIZED",
    }


def funding_info(steps: Steps, cap: int, hours: int) -> dict[str, Any]:
    """One symbol of GET /fapi/v1/fundingInfo."""
    return {
        "symbol": steps.symbol,
        "adjustedFundingRateCap": text8(cap),
        "adjustedFundingRateFloor": text8(-cap),
        "fundingIntervalHours": hours,
        "disclaimer": False,
    }


def open_interest(exchange: Exchange, steps: Steps, s: int, now_ms: int) -> dict[str, Any]:
    """GET /fapi/v1/openInterest: what owners hold long; the background's own positions are not known one by one."""
    lots = sum(held[s].lots for held in exchange.perp.held.values() if held[s].lots > 0)
    return {"symbol": steps.symbol, "openInterest": steps.size(lots), "time": now_ms}
