"""The frames of a recorded session as a peer is handed them, and what it answers: best prices after each change of its book, and the book at the end.

A file of frames has one a line: `S ` and what a stream sent, `R ` and the depth snapshot that was asked for; in the order of their arrival.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple


class Frame(NamedTuple):
    """What arrived: the snapshot that was asked for, or a stream's message."""

    is_reply: bool
    text: bytes


def read(job: dict[str, Any]) -> list[Frame]:
    """The frames of the job's file."""
    return [Frame(line.startswith(b"R "), line[2:]) for line in Path(job["frames"]).read_bytes().splitlines()]


def symbol_info(job: dict[str, Any]) -> dict[str, Any]:
    """What the venue's `exchangeInfo` says of the job's instrument, as far as peers read it."""
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": job["tick"], "minPrice": job["tick"], "maxPrice": "10000000"},
        {"filterType": "LOT_SIZE", "stepSize": job["step"], "minQty": job["step"], "maxQty": "1000000"},
    ]
    told = {"symbol": job["symbol"], "pair": job["symbol"], "contractType": "PERPETUAL", "status": "TRADING", "contractStatus": "TRADING"}
    return told | {"baseAsset": "BTC", "quoteAsset": "USDT", "marginAsset": "USDT", "filters": filters}


def told(job: dict[str, Any], changes: list[tuple[Any, ...]], bids: Iterable[tuple[Any, Any]], asks: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """The answer: rows [update id, bid, its size, ask, its size] in ticks and lots, and the levels of both sides at the end, best first.

    `quiet` asks for their numbers alone.
    """
    if job.get("quiet"):
        return {"changes": len(changes)}
    tick, step = float(job["tick"]), float(job["step"])

    def steps(price: Any, size: Any) -> tuple[int, int]:
        return round(float(price) / tick), round(float(size) / step)

    return {
        "changes": [[int(last), *steps(bid, bid_size), *steps(ask, ask_size)] for last, bid, bid_size, ask, ask_size in changes],
        "bids": [steps(*level) for level in bids],
        "asks": [steps(*level) for level in asks],
    }
