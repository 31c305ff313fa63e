"""cryptofeed follows the loopback exchange over TLS: what it understood of a book and of aggregated trades, for `python -m conformance`."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any

from cryptofeed import FeedHandler
from cryptofeed.connection import RestEndpoint, WebsocketEndpoint
from cryptofeed.defines import L2_BOOK, TRADES
from cryptofeed.exchanges import Binance
from serving import serve

SYMBOL = "BTC-USDT"


def spot(job: dict[str, Any]) -> Callable[[], Any]:
    """A session on the spot market: everybody's streams, which are all that it has for us."""
    trusting = ssl.create_default_context(cafile=job["certificate"])
    routes = Binance.rest_endpoints[0].routes
    Binance.rest_endpoints = [RestEndpoint(f"http://127.0.0.1:{job['port']}", routes=routes)]
    Binance.websocket_endpoints = [WebsocketEndpoint(f"wss://127.0.0.1:{job['tls_port']}", options={"ssl": trusting})]
    return lambda: followed(job["seconds"])


def followed(seconds: float) -> dict[str, Any]:
    """Books after each event, with the update that they are of, and trades."""
    books: list[Any] = []
    trades: list[Any] = []

    async def changed(book: Any, received: float) -> None:
        sides = ([[str(value) for value in side.index(n)] for n in range(min(10, len(side)))] for side in (book.book.bids, book.book.asks))
        books.append(("update", book.sequence_number, *sides))

    async def traded(trade: Any, received: float) -> None:
        trades.append((trade.id, str(trade.price), str(trade.amount), trade.side == "sell"))

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    feeds = FeedHandler(config={"log": {"filename": "/dev/null", "level": "ERROR"}, "uvloop": False})
    logging.getLogger("feedhandler").setLevel(logging.CRITICAL)
    feeds.add_feed(Binance(symbols=[SYMBOL], channels=[L2_BOOK, TRADES], callbacks={L2_BOOK: changed, TRADES: traded}))
    feeds.run(start_loop=False, install_signal_handlers=False)
    loop.run_until_complete(asyncio.sleep(seconds))
    loop.run_until_complete(feeds.stop_async(loop=loop))
    return {"books": books, "joined": trades}


if __name__ == "__main__":
    serve({"spot": spot}, versions=("cryptofeed", "order_book"))
