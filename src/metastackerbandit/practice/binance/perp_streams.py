"""Messages of Binance USD-M's public and market streams. `E` is when a message is sent, `T` when what it tells happened, both ms of UTC.

Every message has `st` (1: USD-M), those of books and tickers `ps` (the pair) too: the venue sends them since it merges in COIN-M (2026-06).
"""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance import perp_market
from metastackerbandit.practice.binance.decimals import text8
from metastackerbandit.practice.binance.perp_market import Row, count_of, mean_of, percent, volumes
from metastackerbandit.practice.binance.perp_text import Steps
from metastackerbandit.practice.day import Day
from metastackerbandit.practice.tape import Levels

USD_M = 1


def depth(steps: Steps, first: int, last: int, before: int, bids: Levels, asks: Levels, now_ms: int) -> dict[str, Any]:
    """A change of the book from update `first` to `last`, after the message that ended at `before`; or the best levels as they are."""
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "T": now_ms,
        "s": steps.symbol,
        "U": first,
        "u": last,
        "pu": before,
        "b": steps.levels(bids),
        "a": steps.levels(asks),
        "ps": steps.symbol,
        "st": USD_M,
    }


def book_ticker(steps: Steps, update: int, bid: tuple[int, int], ask: tuple[int, int], now_ms: int) -> dict[str, Any]:
    """The best prices; bid and ask are (ticks, lots)."""
    return {
        "e": "bookTicker",
        "u": update,
        "E": now_ms,
        "T": now_ms,
        "s": steps.symbol,
        "b": steps.price(bid[0]),
        "B": steps.size(bid[1]),
        "a": steps.price(ask[0]),
        "A": steps.size(ask[1]),
        "ps": steps.symbol,
        "st": USD_M,
    }


def agg_trade(steps: Steps, one: Row, now_ms: int) -> dict[str, Any]:
    """Trades of one incoming order at one price (fields of Joined)."""
    return {"e": "aggTrade", "E": now_ms, "s": steps.symbol, **perp_market.agg_trade(steps, one), "st": USD_M}


def trade(steps: Steps, one: Row, now_ms: int) -> dict[str, Any]:
    """One trade (fields of Traded)."""
    number, at_ns, ticks, lots, is_sold, *_ = one
    return {
        "e": "trade",
        "E": now_ms,
        "T": at_ns // MILLI_NS,
        "s": steps.symbol,
        "t": number,
        "p": steps.price(ticks),
        "q": steps.size(lots),
        "X": "MARKET",
        "m": bool(is_sold),
        "st": USD_M,
    }


def mark(steps: Steps, ticks: int, rate_now: int, next_ns: int, now_ms: int) -> dict[str, Any]:
    """Mark price and funding; the index is the same price here."""
    price = steps.price(ticks)
    return {
        "e": "markPriceUpdate",
        "E": now_ms,
        "s": steps.symbol,
        "p": price,
        "ap": price,
        "i": price,
        "P": price,
        "r": text8(rate_now),
        "T": next_ns // MILLI_NS,
        "st": USD_M,
    }


def kline(steps: Steps, interval: str, bar: Any, trades: tuple[int, int], closed_ns: int, now_ns: int) -> dict[str, Any]:
    """A candle (a record of Bar); `trades` are the numbers of its first and last one."""
    base, quote, taker_base, taker_quote = volumes(steps, bar)
    told = {
        "t": int(bar["opened_ns"]) // MILLI_NS,
        "T": closed_ns // MILLI_NS - 1,
        "s": steps.symbol,
        "i": interval,
        "f": trades[0],
        "L": trades[1],
        "o": steps.price(int(bar["open"])),
        "c": steps.price(int(bar["close"])),
        "h": steps.price(int(bar["high"])),
        "l": steps.price(int(bar["low"])),
        "v": base,
        "n": count_of(bar),
        "x": now_ns >= closed_ns,
        "q": quote,
        "V": taker_base,
        "Q": taker_quote,
        "B": "0",
    }
    return {"e": "kline", "E": now_ns // MILLI_NS, "s": steps.symbol, "k": told, "st": USD_M}


def continuous_kline(steps: Steps, interval: str, bar: Any, trades: tuple[int, int], closed_ns: int, now_ns: int) -> dict[str, Any]:
    """A candle of a pair's perpetual contract."""
    made = kline(steps, interval, bar, trades, closed_ns, now_ns)
    candle = {name: value for name, value in made["k"].items() if name != "s"}
    return {"e": "continuous_kline", "E": made["E"], "ps": steps.symbol, "ct": "PERPETUAL", "k": candle, "st": made["st"]}


def mini_ticker(one: Day, steps: Steps, now_ms: int) -> dict[str, Any]:
    """A day in short."""
    return {
        "e": "24hrMiniTicker",
        "E": now_ms,
        "s": steps.symbol,
        "c": steps.price(one.close),
        "o": steps.price(one.open),
        "h": steps.price(one.high),
        "l": steps.price(one.low),
        "v": steps.size(one.lots),
        "q": steps.turnover(one.turnover),
        "ps": steps.symbol,
        "st": USD_M,
    }


def ticker(one: Day, steps: Steps, now_ms: int) -> dict[str, Any]:
    """A day in full."""
    return {
        "e": "24hrTicker",
        "E": now_ms,
        "s": steps.symbol,
        "p": steps.price(one.close - one.open),
        "P": percent(one),
        "w": mean_of(one, steps),
        "c": steps.price(one.close),
        "Q": steps.size(one.last_lots),
        "o": steps.price(one.open),
        "h": steps.price(one.high),
        "l": steps.price(one.low),
        "v": steps.size(one.lots),
        "q": steps.turnover(one.turnover),
        "O": one.opened_ns // MILLI_NS,
        "C": now_ms,
        "F": one.first,
        "L": one.last,
        "n": one.trades,
        "ps": steps.symbol,
        "st": USD_M,
    }
