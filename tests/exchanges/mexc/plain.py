"""MEXC's messages written and read the plain way: an encoder by the .proto tables, and a reader with Python's integers and exact decimals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.market_rows import ACK, DEPTH, NOTHING, QUOTE, TRADES, USER, VENUE_BARS
from tests.exchanges.reading import Told, Wrong

# The tables: name -> fields by number, text "s", whole number "i", or the table of a message, in brackets where there may be several.
LEVEL = {1: ("price", "s"), 2: ("quantity", "s")}
DEAL = {1: ("price", "s"), 2: ("quantity", "s"), 3: ("tradeType", "i"), 4: ("time", "i"), 5: ("tradeId", "s")}
TABLES: dict[str, dict[int, tuple[str, Any]]] = {
    "publicLimitDepths": {1: ("asks", [LEVEL]), 2: ("bids", [LEVEL]), 3: ("eventType", "s"), 4: ("version", "s"), 5: ("lastOrderCreateTime", "i")},
    "publicSpotKline": {
        1: ("interval", "s"),
        2: ("windowStart", "i"),
        **{n: (name, "s") for n, name in enumerate(("openingPrice", "closingPrice", "highestPrice", "lowestPrice", "volume", "amount"), 3)},
        9: ("windowEnd", "i"),
    },
    "publicAggreDepths": {
        1: ("asks", [LEVEL]),
        2: ("bids", [LEVEL]),
        **{n: (name, "s") for n, name in enumerate(("eventType", "fromVersion", "toVersion"), 3)},
        6: ("lastOrderCreateTime", "i"),
    },
    "publicAggreDeals": {1: ("deals", [DEAL]), 2: ("eventType", "s")},
    "publicAggreBookTicker": {
        **{n: (name, "s") for n, name in enumerate(("bidPrice", "bidQuantity", "askPrice", "askQuantity", "version"), 1)},
        6: ("lastOrderCreateTime", "i"),
    },
}
BODIES = {303: "publicLimitDepths", 308: "publicSpotKline", 313: "publicAggreDepths", 314: "publicAggreDeals", 315: "publicAggreBookTicker"}
OTHERS = {n: f"body{n}" for n in range(301, 316) if n not in BODIES}
TABLES |= {name: {} for name in OTHERS.values()}
WRAPPER: dict[int, tuple[str, Any]] = {
    1: ("channel", "s"),
    3: ("symbol", "s"),
    4: ("symbolId", "s"),
    5: ("createTime", "i"),
    6: ("sendTime", "i"),
    **{n: (name, TABLES[name]) for n, name in sorted((BODIES | OTHERS).items())},
}
UNITS = {"Min": 60, "Hour": 3_600, "Day": 86_400, "Week": 604_800}


def varint(value: int) -> bytes:
    """A number's bytes; a negative one has ten."""
    value %= 2**64
    made = b""
    while value >= 128:
        made += bytes([value & 127 | 128])
        value >>= 7
    return made + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    """A tag and its value."""
    return varint(number << 3) + varint(value) if isinstance(value, int) else varint(number << 3 | 2) + varint(len(value)) + value


def encode(message: Mapping[str, Any], table: Mapping[int, tuple[str, Any]] = WRAPPER) -> bytes:
    """A message by its table, fields in rising order, as proto3 writes them: what is 0 or empty is left out."""
    made = b""
    for number, (name, kind) in sorted(table.items()):
        if name not in message:
            continue
        value = message[name]
        if kind in ("s", "i"):
            made += field(number, value.encode() if kind == "s" else value) if value else b""
        else:
            inner = kind[0] if isinstance(kind, list) else kind
            for one in value if isinstance(kind, list) else [value]:
                made += field(number, encode(one, inner))
    return made


def _varint(text: bytes, p: int) -> tuple[int, int]:
    value = 0
    for n in range(10):
        if p >= len(text):
            raise Wrong
        value |= (text[p] & 127) << 7 * n
        p += 1
        if text[p - 1] < 128:
            if value >= 2**64:
                raise Wrong
            return p, value
    raise Wrong


def fields_of(text: bytes) -> list[tuple[int, int, int | bytes]]:
    """(number, wire type, value) of each field."""
    found: list[tuple[int, int, int | bytes]] = []
    p = 0
    while p < len(text):
        p, tag = _varint(text, p)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 2**29 or wire not in (0, 1, 2, 5):
            raise Wrong
        if wire == 0:
            p, value = _varint(text, p)
            found.append((number, 0, value - 2**64 if value >= 2**63 else value))
            continue
        size = {1: 8, 5: 4}.get(wire, 0)
        if wire == 2:
            p, size = _varint(text, p)
        if p + size > len(text):
            raise Wrong
        found.append((number, wire, text[p : p + size]))
        p += size
    return found


def decode(text: bytes, table: Mapping[int, tuple[str, Any]] = WRAPPER) -> dict[str, Any]:
    """A message by its table; Wrong where it is broken, a field of another type than the table says, or there are two bodies."""
    made: dict[str, Any] = {name: [] for name, kind in table.values() if isinstance(kind, list)}
    for number, wire, value in fields_of(text):
        if number not in table:
            continue
        name, kind = table[number]
        if wire != (0 if kind == "i" else 2):
            raise Wrong
        if kind == "i":
            made[name] = value
        elif kind == "s":
            try:
                made[name] = bytes(value).decode()  # type: ignore[arg-type]
            except UnicodeDecodeError:
                raise Wrong from None
        elif isinstance(kind, list):
            made[name].append(value)
        else:
            if any(other in made for other in TABLES):
                raise Wrong
            made[name] = value
    return made


def told(frame: bytes, instruments: Mapping[str, Instrument], alone: int = -1) -> Told:
    """The kind of a frame and its rows (without the time of receipt); Wrong where it is broken, foreign, or off the grid."""
    if not frame:
        raise Wrong
    if frame[:1] in (b"{", b"["):
        return _told_json(frame, instruments, alone)
    message = decode(frame)
    body = next((name for name in message if name in TABLES), "")
    if body in ("body304", "body306", "body307"):
        return USER, []
    if body not in BODIES.values():
        return NOTHING, []
    place = _place(message, list(instruments), 2 if body in ("publicLimitDepths", "publicSpotKline") else 3, alone)
    one = list(instruments.values())[place]
    sent, made = _stamp(message.get("sendTime", 0)), _stamp(message.get("createTime", 0))
    kind, rows = _READERS[body](decode(message[body], TABLES[body]), one)
    return kind, [{"instrument": place, "exchange_ns": sent or made} | row for row in rows]


def _place(message: Mapping[str, Any], names: list[str], part: int, alone: int) -> int:
    parts = message.get("channel", "").split("@")
    names_here = [name for name in (parts[part] if len(parts) > part else "", message.get("symbol", "")) if name]
    folded = [name.upper() if name.isascii() else name for name in names_here]
    if any(name not in names for name in folded) or len(set(folded)) > 1 or (not folded and alone < 0):
        raise Wrong
    return names.index(folded[0]) if folded else alone


def _told_json(frame: bytes, instruments: Mapping[str, Instrument], alone: int) -> Told:
    def refuse(_: str) -> None:
        raise Wrong

    try:
        message = json.loads(frame.decode("utf-8"), parse_constant=refuse)
    except ValueError:
        raise Wrong from None
    if not isinstance(message, dict):
        return NOTHING, []
    if "lastUpdateId" not in message:
        return (ACK if message.keys() & {"id", "code"} else NOTHING), []
    last = message["lastUpdateId"]
    if alone < 0 or isinstance(last, bool) or not isinstance(last, int) or not 0 <= last < 9 * 10**18:
        raise Wrong
    one = list(instruments.values())[alone]
    sides = {}
    for long, short in (("bids", "b"), ("asks", "a")):
        levels = message.get(long, message.get(short))
        if not isinstance(levels, list) or any(not isinstance(level, list) or len(level) < 2 for level in levels):
            raise Wrong
        texts = [[value if isinstance(value, str) else json.dumps(value) for value in level[:2]] for level in levels]
        if any(not re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) for level in texts for text in level):
            raise Wrong
        sides[long] = [(_ticks(price, one, least=1), _lots(size, one)) for price, size in texts]
    row = {"instrument": alone, "is_whole": 2, "first_id": last, "last_id": last, "prior_id": -1, "exchange_ns": 0, "engine_ns": 0}
    return DEPTH, [row | sides]


def _stamp(value: int) -> int:
    if not 0 <= value < 9 * 10**12:
        raise Wrong
    return value * 10**6


def _decimal(value: str) -> Decimal:
    if not re.fullmatch(r"\d+(\.\d+)?([eE][+-]?\d{1,3})?", value, re.ASCII):
        raise Wrong
    return Decimal(value)


def _ticks(value: str, one: Instrument, least: int = 0) -> int:
    ticks = _decimal(value) / Decimal(one.tick_size)
    if ticks > 8 * 10**17 or ticks != int(ticks) or ticks < least:
        raise Wrong
    return int(ticks)


def _lots(value: str, one: Instrument) -> int:
    lots = _decimal(value) / Decimal(one.lot_size)
    if lots > 8 * 10**17:
        raise Wrong
    return int(lots) if lots == 0 else max(int(lots), 1)


def _version(value: str) -> int:
    if not value.isdigit() or not value.isascii() or int(value) >= 9 * 10**18:
        raise Wrong
    return int(value)


def _depth(is_picture: bool, body: Mapping[str, Any], one: Instrument) -> Told:
    first = body.get("version" if is_picture else "fromVersion", "")
    last = first if is_picture else body.get("toVersion", "")
    row = {"is_whole": int(is_picture), "first_id": _version(first), "last_id": _version(last), "prior_id": -1}
    if row["first_id"] > row["last_id"]:
        raise Wrong
    row["engine_ns"] = _stamp(body.get("lastOrderCreateTime", 0))
    for side in ("bids", "asks"):
        levels = [decode(level, LEVEL) for level in body[side]]
        row[side] = [(_ticks(level.get("price", ""), one, least=1), _lots(level.get("quantity", ""), one)) for level in levels]  # type: ignore[assignment]
    return DEPTH, [row]


def _deals(body: Mapping[str, Any], one: Instrument) -> Told:
    rows = []
    for deal in (decode(deal, DEAL) for deal in body["deals"]):
        number = -1
        with suppress(Wrong):
            number = _version(deal.get("tradeId", ""))
        if deal.get("tradeType", 0) not in (0, 1, 2) or not deal.get("time", 0):
            raise Wrong
        rows.append(
            {
                "first_id": number,
                "last_id": number,
                "traded_ns": _stamp(deal["time"]),
                "ticks": _ticks(deal.get("price", ""), one),
                "lots": _lots(deal.get("quantity", ""), one),
                "side": (0, 1, -1)[deal.get("tradeType", 0)],
            }
        )
    return (TRADES if rows else NOTHING), rows


def _ticker(body: Mapping[str, Any], one: Instrument) -> Told:
    row = {"update_id": _version(body["version"]) if body.get("version") else -1}
    for side in ("bid", "ask"):
        price, size = body.get(f"{side}Price", ""), body.get(f"{side}Quantity", "")
        is_empty = not price and not size
        row |= {side: 0 if is_empty else _ticks(price, one), f"{side}_lots": 0 if is_empty else _lots(size, one)}
    return QUOTE, [row]


def _candle(body: Mapping[str, Any], one: Instrument) -> Told:
    match = re.fullmatch(r"(Min|Hour|Day|Week)(\d+)", body.get("interval", ""), re.ASCII)
    if not match or not 0 < UNITS[match[1]] * int(match[2]) <= 2 * 10**8:
        raise Wrong
    length = UNITS[match[1]] * int(match[2]) * 10**9
    start = body.get("windowStart", -1)
    if not 0 <= start < 9 * 10**9:
        raise Wrong
    row = {
        "frame_ns": length,
        "opened_ns": start * 10**9,
        "closed_ns": start * 10**9 + length,
        "taker_volume": None,
        "trades": -1,
        "first_id": -1,
        "last_id": -1,
        "is_closed": 0,
    }
    for name, key in (("open", "openingPrice"), ("high", "highestPrice"), ("low", "lowestPrice"), ("close", "closingPrice")):
        row[name] = _ticks(body.get(key, ""), one)
    return VENUE_BARS, [row | {"volume": float(_decimal(body.get("volume", ""))), "quote_volume": float(_decimal(body.get("amount", "")))}]


_READERS: dict[str, Callable[[Mapping[str, Any], Instrument], Told]] = {
    "publicLimitDepths": partial(_depth, True),
    "publicAggreDepths": partial(_depth, False),
    "publicAggreDeals": _deals,
    "publicAggreBookTicker": _ticker,
    "publicSpotKline": _candle,
}
