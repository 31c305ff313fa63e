"""Cryptofeed's handler of Binance's USD-M streams at work on recorded frames: decoded, checked, put into its order book, without a connection.

It asks for the depth snapshot at the first change that it sees, and is answered with the recorded one. Trades come one by one here, and it knows
aggregated ones only: these it decodes and passes over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import captured
from cryptofeed.defines import L2_BOOK, TICKER
from cryptofeed.exchanges import BinanceFutures
from cryptofeed.symbols import Symbols
from serving import serve


class Recorded:
    """Stands where its HTTP connection does."""

    def __init__(self, body: str) -> None:
        self.body = body

    async def read(self, address: str) -> str:
        return self.body


def book(job: dict[str, Any]) -> Callable[[], Any]:
    """The job's instrument known, frames read; a run takes them with a new feed."""
    logging.getLogger("feedhandler").setLevel(logging.CRITICAL)  # it would warn of every trade
    frames = captured.read(job)
    (snapshot,) = (frame.text.decode() for frame in frames if frame.is_reply)
    messages = [frame.text.decode() for frame in frames if not frame.is_reply]
    Symbols.set(BinanceFutures.id, *BinanceFutures._parse_symbol_data({"symbols": [captured.symbol_info(job)]}))
    (name,) = (known for known, theirs in BinanceFutures.symbol_mapping().items() if theirs == job["symbol"])
    changes: list[tuple[Any, ...]] = []

    async def changed(book: Any, received: float) -> None:
        if book.delta is not None:  # else it is the snapshot
            bid, ask = book.book.bids.index(0), book.book.asks.index(0)
            changes.append((book.sequence_number, bid[0], bid[1], ask[0], ask[1]))

    async def ticked(ticker: Any, received: float) -> None:
        """A quote was handed over."""

    async def follow() -> Any:
        feed = BinanceFutures(symbols=[name], channels=[L2_BOOK, TICKER], callbacks={L2_BOOK: changed, TICKER: ticked})
        feed.http_conn = Recorded(snapshot)
        for message in messages:
            await feed.message_handler(message, None, 0.0)
        return feed._l2_book[name].book

    def run() -> Any:
        changes.clear()
        kept = asyncio.run(follow())
        return captured.told(job, changes, kept.bids.to_list(), kept.asks.to_list())

    return run


if __name__ == "__main__":
    serve({"book": book}, versions=("cryptofeed", "order_book", "yapic.json"))
