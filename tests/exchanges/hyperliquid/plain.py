"""Hyperliquid's messages read the plain way, by a JSON reader and exact decimals: what the scanners must agree with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.market_rows import ACK, DEPTH, MARK, NOTHING, QUOTE, TRADES, USER, VENUE_BARS
from tests.exchanges.plain_json import decimal, flag, lots, stamp, strict, ticks, whole, words
from tests.exchanges.reading import Told, Wrong

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
ANSWERS = ("subscriptionResponse", "pong", "error")
USERS = ("userFills", "user", "orderUpdates", "userFundings")


def told(frame: bytes, instruments: Mapping[str, Instrument], alone: int = -1) -> Told:
    """The kind of a frame and its rows (without the time of receipt); Wrong where it is broken, foreign, or off the grid."""
    if frame.lstrip(b" \t\r\n") == b"Websocket connection established.":
        return ACK, []
    message = strict(frame)
    if not isinstance(message, dict):
        return NOTHING, []
    if "channel" not in message and "levels" in message:
        return DEPTH, [_book(message, instruments, alone) | {"is_whole": 2}]
    channel, data = message.get("channel"), message.get("data")
    if channel in ANSWERS or channel in USERS:
        return (ACK if channel in ANSWERS else USER), []
    if channel in ("trades", "candle"):
        if not isinstance(data, list if channel == "trades" else (list, dict)):
            raise Wrong
        rows = [(_trade if channel == "trades" else _bar)(one, instruments, alone) for one in (data if isinstance(data, list) else [data])]
        return (NOTHING if not rows else TRADES if channel == "trades" else VENUE_BARS), rows
    if channel not in ("l2Book", "bbo", "activeAssetCtx"):
        return NOTHING, []
    if not isinstance(data, dict):
        raise Wrong
    if channel == "l2Book":
        return DEPTH, [_book(data, instruments, alone)]
    return (QUOTE, [_quote(data, instruments, alone)]) if channel == "bbo" else (MARK, [_mark(data, instruments, alone)])


def _place(coin: Any, instruments: Mapping[str, Instrument], alone: int) -> tuple[int, Instrument]:
    places = list(instruments)
    place = alone
    if coin is not None:
        name = words(coin).upper() if str(coin).isascii() else coin
        if name not in places or (0 <= alone != places.index(name)):
            raise Wrong
        place = places.index(name)
    if place < 0:
        raise Wrong
    return place, instruments[places[place]]


def _named(message: Any, key: str, instruments: Mapping[str, Instrument], alone: int) -> tuple[int, Instrument]:
    if not isinstance(message, dict) or (key in message and message[key] is None):
        raise Wrong
    return _place(message.get(key), instruments, alone)


def _level(level: Any, one: Instrument) -> tuple[int, int]:
    if not isinstance(level, dict):
        raise Wrong
    found = ticks(words(level.get("px")), one), lots(words(level.get("sz")), one)
    if found[0] == 0:
        raise Wrong
    return found


def _pair(value: Any) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise Wrong
    return value


def _book(message: Any, instruments: Mapping[str, Instrument], alone: int) -> dict[str, Any]:
    place, one = _named(message, "coin", instruments, alone)
    at = stamp(message.get("time"))
    sides = _pair(message.get("levels"))
    if any(not isinstance(side, list) for side in sides):
        raise Wrong
    bids, asks = ([_level(level, one) for level in side] for side in sides)
    ids = {"first_id": at // 10**6, "last_id": at // 10**6, "prior_id": -1}
    return {"instrument": place, "is_whole": 1, **ids, "exchange_ns": at, "engine_ns": 0, "bids": bids, "asks": asks}


def _quote(message: Any, instruments: Mapping[str, Instrument], alone: int) -> dict[str, Any]:
    place, one = _named(message, "coin", instruments, alone)
    bid, ask = (_level(level, one) if level is not None else (0, 0) for level in _pair(message.get("bbo")))
    row = {"instrument": place, "update_id": -1, "exchange_ns": stamp(message.get("time"))}
    return row | {"bid": bid[0], "bid_lots": bid[1], "ask": ask[0], "ask_lots": ask[1]}


def _trade(message: Any, instruments: Mapping[str, Instrument], alone: int) -> dict[str, Any]:
    place, one = _named(message, "coin", instruments, alone)
    at, number, side = stamp(message.get("time")), whole(message.get("tid")), message.get("side")
    if side not in ("A", "B"):
        raise Wrong
    size = {"ticks": ticks(words(message.get("px")), one), "lots": lots(words(message.get("sz")), one), "side": 1 if side == "B" else -1}
    return {"instrument": place, "first_id": number, "last_id": number, "exchange_ns": at, "traded_ns": at} | size


def _bar(message: Any, instruments: Mapping[str, Instrument], alone: int) -> dict[str, Any]:
    place, one = _named(message, "s", instruments, alone)
    frame = words(message.get("i"))
    if frame[-1:] not in UNITS or not frame[:-1].isdigit() or not frame.isascii() or not 0 < UNITS[frame[-1]] * int(frame[:-1]) <= 2 * 10**8:
        raise Wrong
    length, opened = UNITS[frame[-1]] * int(frame[:-1]) * 10**9, stamp(message.get("t"))
    row = {"instrument": place, "frame_ns": length, "opened_ns": opened, "closed_ns": opened + length, "exchange_ns": 0}
    row |= {name: ticks(words(message.get(name[0])), one) for name in ("open", "high", "low", "close")}
    volumes = {"volume": float(decimal(words(message.get("v")))), "quote_volume": None, "taker_volume": None}
    return row | volumes | {"trades": whole(message.get("n")), "first_id": -1, "last_id": -1, "is_closed": 0}


def _mark(message: Any, instruments: Mapping[str, Instrument], alone: int) -> dict[str, Any]:
    place, _ = _named(message, "coin", instruments, alone)
    context = message.get("ctx")
    if not isinstance(context, dict):
        raise Wrong
    mark, oracle = (float(decimal(words(context.get(key)))) for key in ("markPx", "oraclePx"))
    funding = words(context.get("funding"))
    rate = float(decimal(funding.removeprefix("-")))
    if not mark or not oracle or rate >= 1e6:
        raise Wrong
    row = {"instrument": place, "exchange_ns": 0, "mark_price": mark, "index_price": oracle, "settles_ns": 0}
    return row | {"rate": round(rate * 1e8) * (-1 if funding.startswith("-") else 1)}


def fills_told(frame: bytes, instruments: Mapping[str, Instrument], traders: Sequence[str], alone: int) -> list[dict[str, Any]]:
    """The fills of a user's frame, one a row."""
    message = strict(frame)
    if not isinstance(message, dict):
        raise Wrong
    channel, data = message.get("channel"), message.get("data")
    if channel not in ("userFills", "user"):
        return []
    if not isinstance(data, dict):
        raise Wrong
    if "fills" not in data and channel == "user":
        return []
    if not isinstance(data.get("fills"), list):
        raise Wrong
    user = data.get("user")
    if isinstance(user, str):
        folded = [trader.lower() for trader in traders]
        if not user.isascii() or user.lower() not in folded:
            raise Wrong
        alone = folded.index(user.lower())
    if alone < 0:
        raise Wrong
    is_old = flag(data.get("isSnapshot", False))
    rows = []
    for fill in data["fills"]:
        if not isinstance(fill, dict):
            raise Wrong
        coin, number = words(fill.get("coin")), whole(fill.get("tid"))
        if not coin.isascii() or coin.upper() not in instruments or not number:
            continue
        trade = _trade(fill, instruments, -1)
        row = {name: trade[name] for name in ("instrument", "traded_ns", "side", "ticks", "lots")}
        rows.append({"trader": alone, "trade_id": number} | row | {"is_taker": int(flag(fill.get("crossed"))), "is_old": int(is_old)})
    return rows
