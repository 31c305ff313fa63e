"""CCXT's own client of Binance's USD-M streams at work on recorded frames: decoded, handled, its cached order book kept, without a connection.

Its client is given each message as its connection would; the depth snapshot that it asks for is answered with the recorded one. Nobody waits for what
it resolves: a program that did would take turns of the event loop on top.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import captured
import ccxt.pro
from ccxt.async_support.base.ws.client import Client
from serving import serve

URL = "wss://fstream.binance.com/ws"  # of its futures streams; nothing is opened


class Watching(ccxt.pro.binanceusdm):
    """The exchange with one look at its book after each change."""

    def begin(self, changes: list[tuple[Any, ...]], symbol: str) -> None:
        """Forget all that was seen; the book waits for its snapshot."""
        self.changes = changes
        for seen in (self.orderbooks, self.trades, self.tickers, self.bidsasks):
            seen.clear()
        self.orderbooks[symbol] = self.order_book({}, None)

    def handle_order_book_message(self, client: Any, message: Any, orderbook: Any) -> Any:
        book = super().handle_order_book_message(client, message, orderbook)
        bid, ask = book["bids"][0], book["asks"][0]
        self.changes.append((book["nonce"], bid[0], bid[1], ask[0], ask[1]))
        return book


def book(job: dict[str, Any]) -> Callable[[], Any]:
    """The exchange with the job's instrument; a run takes all frames."""
    frames = [(frame.is_reply, frame.text.decode()) for frame in captured.read(job)]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    exchange = Watching({"enableRateLimit": False})
    exchange.set_markets([exchange.parse_market(captured.symbol_info(job))])
    symbol = exchange.symbols[0]
    asked: list[str] = []

    async def recorded(params: Any = None) -> Any:
        return json.loads(asked[0])

    exchange.fapiPublicGetDepth = recorded

    async def follow() -> None:
        client = Client(URL, exchange.handle_message, exchange.on_error, exchange.on_close, exchange.on_connected)
        subscription = {"symbol": symbol, "type": "linear", "params": {}}
        for is_reply, text in frames:
            if is_reply:
                asked[:] = [text]
                await exchange.fetch_order_book_snapshot(client, None, subscription)
            else:
                client.handle_text_or_binary_message(text)
        for rejected in client.rejections.values():
            raise rejected

    def run() -> Any:
        changes: list[tuple[Any, ...]] = []
        exchange.begin(changes, symbol)
        loop.run_until_complete(follow())
        kept = exchange.orderbooks[symbol]
        return captured.told(job, changes, kept["bids"], kept["asks"])

    return run


if __name__ == "__main__":
    serve({"book": book}, versions=("ccxt", "orjson"))
