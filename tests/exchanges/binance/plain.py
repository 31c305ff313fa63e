"""Binance's messages read the plain way, by a JSON reader and exact decimals: what the scanner must agree with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.market_rows import ACK, DEPTH, LIQUIDATION, MARK, NOTHING, QUOTE, TRADES, USER, VENUE_BARS
from tests.exchanges.plain_json import decimal, flag, lots, stamp, strict, ticks, whole, words
from tests.exchanges.reading import Wrong

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

USER_EVENTS = {
    *("executionReport", "outboundAccountPosition", "balanceUpdate", "listStatus", "externalLockUpdate", "eventStreamTerminated"),
    *("ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ACCOUNT_CONFIG_UPDATE", "MARGIN_CALL", "listenKeyExpired"),
}


def told(frame: bytes, instruments: Mapping[str, Instrument]) -> tuple[int, dict[str, Any]]:
    """The kind of a frame and its row's fields (without the time of receipt); Wrong where it is broken, foreign, or off the grid."""
    message = strict(frame)
    stream = ""
    if not isinstance(message, dict):
        return NOTHING, {}
    if isinstance(message.get("stream"), str) and isinstance(message.get("data"), list):
        return NOTHING, {}
    if isinstance(message.get("stream"), str) and isinstance(message.get("data"), dict):
        stream, message = message["stream"], message["data"]
    event = message.get("e")
    if isinstance(event, str):
        kind = {"depthUpdate": DEPTH, "trade": TRADES, "aggTrade": TRADES, "bookTicker": QUOTE, "kline": VENUE_BARS}.get(event)
        kind = kind or {"markPriceUpdate": MARK, "forceOrder": LIQUIDATION}.get(event)
        if kind is None:
            return (USER if event in USER_EVENTS else NOTHING), {}
    elif "lastUpdateId" in message:
        kind = DEPTH
    elif isinstance(message.get("a"), str) and isinstance(message.get("A"), str) and "u" in message:
        kind = QUOTE
    elif isinstance(message.get("event"), dict):
        return USER, {}
    else:
        return (ACK if message.keys() & {"result", "id", "code"} else NOTHING), {}
    inner = message
    if kind in (VENUE_BARS, LIQUIDATION):
        inner = message.get("k" if kind == VENUE_BARS else "o")
        if not isinstance(inner, dict):
            raise Wrong
    named = stream.partition("@")[0].upper()
    symbol = (inner if kind == LIQUIDATION else message).get("s", named)
    symbol = symbol.upper() if isinstance(symbol, str) else named
    if symbol not in instruments or (named in instruments and named != symbol):
        raise Wrong
    row = {"instrument": list(instruments).index(symbol)}
    return kind, row | _ROWS[kind](message, inner, instruments[symbol], stream)


def _levels(value: Any, one: Instrument) -> list[tuple[int, int]]:
    if not isinstance(value, list) or any(not isinstance(level, list) or len(level) < 2 for level in value):
        raise Wrong
    made = [(ticks(level[0], one), lots(level[1], one)) for level in value]
    if any(price == 0 for price, _ in made):
        raise Wrong
    return made


def _depth(message: Any, _: Any, one: Instrument, stream: str) -> dict[str, Any]:
    is_snapshot = "lastUpdateId" in message
    bids, asks = (message[long] if long in message else message.get(short) for long, short in (("bids", "b"), ("asks", "a")))
    is_part = stream.partition("@")[2][:5] == "depth" and stream.partition("@")[2][5:6] in set("0123456789")
    first, last = ("lastUpdateId", "lastUpdateId") if is_snapshot else ("U", "u")
    row = {"first_id": whole(message.get(first)), "last_id": whole(message.get(last))}
    if row["first_id"] > row["last_id"]:
        raise Wrong
    return row | {
        "is_whole": 1 if is_part or (is_snapshot and stream) else 2 if is_snapshot else 0,
        "prior_id": whole(message["pu"]) if "pu" in message else -1,
        "exchange_ns": stamp(message["E"]) if "E" in message else 0,
        "engine_ns": stamp(message["T"]) if "T" in message else 0,
        "bids": _levels(bids, one),
        "asks": _levels(asks, one),
    }


def _trade(message: Any, _: Any, one: Instrument, stream: str) -> dict[str, Any]:
    first, last = ("f", "l") if message["e"] == "aggTrade" else ("t", "t")
    return {
        "first_id": whole(message.get(first)),
        "last_id": whole(message.get(last)),
        "exchange_ns": stamp(message.get("E")),
        "traded_ns": stamp(message.get("T")),
        "ticks": ticks(words(message.get("p")), one),
        "lots": lots(words(message.get("q")), one),
        "side": -1 if flag(message.get("m")) else 1,
    }


def _quote(message: Any, _: Any, one: Instrument, stream: str) -> dict[str, Any]:
    return {
        "update_id": whole(message.get("u")),
        "exchange_ns": stamp(message["E"]) if "E" in message else 0,
        "bid": ticks(words(message.get("b")), one),
        "bid_lots": lots(words(message.get("B")), one),
        "ask": ticks(words(message.get("a")), one),
        "ask_lots": lots(words(message.get("A")), one),
    }


def _bar(message: Any, bar: Any, one: Instrument, stream: str) -> dict[str, Any]:
    frame = words(bar.get("i"))
    if frame[-1:] not in UNITS or not frame[:-1].isdigit() or not 0 < UNITS[frame[-1]] * int(frame[:-1]) <= 2 * 10**8:
        raise Wrong
    length = int(frame[:-1]) * UNITS[frame[-1]] * 10**9
    opened = stamp(bar.get("t"))
    prices = {name: ticks(words(bar.get(name[0])), one) for name in ("open", "high", "low", "close")}
    volumes = {name: float(decimal(words(bar.get(key)))) for name, key in (("volume", "v"), ("quote_volume", "q"), ("taker_volume", "V"))}
    row = {"frame_ns": length, "opened_ns": opened, "closed_ns": opened + length, "exchange_ns": stamp(message.get("E")), **prices, **volumes}
    ids = {name: -1 if bar.get(key, -1) == -1 else whole(bar[key]) for name, key in (("first_id", "f"), ("last_id", "L"))}
    return row | ids | {"trades": whole(bar.get("n")), "is_closed": int(flag(bar.get("x")))}


def _mark(message: Any, _: Any, one: Instrument, stream: str) -> dict[str, Any]:
    mark = float(decimal(words(message.get("p"))))
    index = float(decimal(words(message["i"]))) if "i" in message else None
    rate = message.get("r", "")
    told = float(decimal(words(rate).removeprefix("-"))) if rate != "" else 0.0
    if not mark or told >= 1e6:
        raise Wrong
    sign = -1 if rate.startswith("-") else 1
    row = {"exchange_ns": stamp(message.get("E")), "settles_ns": stamp(message.get("T")), "mark_price": mark}
    return row | {"index_price": index, "rate": sign * round(told * 1e8)}


def _liquidation(message: Any, order: Any, one: Instrument, stream: str) -> dict[str, Any]:
    average = float(decimal(words(order.get("ap"))))
    if not average:
        raise Wrong
    return {
        "exchange_ns": stamp(message.get("E")),
        "side": 1 if words(order.get("S"))[:1] == "B" else -1,
        "ticks": ticks(words(order.get("p")), one),
        "average": average,
        "lots": lots(words(order.get("q")), one),
        "filled": lots(words(order.get("z")), one),
    }


_ROWS = {DEPTH: _depth, TRADES: _trade, QUOTE: _quote, VENUE_BARS: _bar, MARK: _mark, LIQUIDATION: _liquidation}
