"""A loop on ccxt.pro for `msb bench wire`: books and trades of every symbol are watched, and a market order follows the last change of price.

The rule is the one that our side runs: at the first trade behind a second, a close above the one before is bought, a close below sold, one unit of
each symbol. Orders bear names of their own, by which the exchange says when they came.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import ccxt.pro
from serving import serve


class Stamped(ccxt.pro.binance):
    """The client with times: when a message was taken up, by the symbol whose first trade behind a second it brought."""

    received_ns: dict[str, int]
    seconds: dict[str, int]

    def begin(self) -> None:
        """Nothing was heard yet."""
        self.received_ns, self.seconds = {}, {}

    def handle_trade(self, client: Any, message: Any) -> None:
        """Before ccxt reads it."""
        name, second = message["s"], message["T"] // 1_000
        if second != self.seconds.get(name):
            self.seconds[name], self.received_ns[name] = second, time.monotonic_ns()
        super().handle_trade(client, message)


class Follower:
    """One symbol's loop. `sent` are its orders as [client id, received, handed]; the last time is when the client was asked for the order."""

    def __init__(self, client: Stamped, symbol: str, lap: int) -> None:
        self._client, self._symbol, self._lap = client, symbol, lap
        self._name = client.market(symbol)["id"]
        self._second, self._last, self._closed = 0, 0.0, 0.0
        self._is_held = False
        self.sent: list[tuple[str, int, int]] = []

    async def keep_book(self) -> None:
        """Keep the book, as a program does that looks at spread and depth."""
        while True:
            await self._client.watch_order_book(self._symbol)

    async def follow(self) -> None:
        """Watch trades, and act where a second has closed at another price than the one before it."""
        while True:
            for trade in await self._client.watch_trades(self._symbol):
                second = trade["timestamp"] // 1_000
                if self._second and second != self._second:
                    await self._close(self._last)
                self._second, self._last = second, trade["price"]

    async def _close(self, close: float) -> None:
        before, self._closed = self._closed, close
        if before and close != before and (close > before) != self._is_held:
            await self._act(close > before)

    async def _act(self, buys: bool) -> None:
        book = self._client.orderbooks.get(self._symbol)
        if not book or not book["bids"] or not book["asks"]:
            return
        name = f"ccxt-{self._lap}-{self._name}-{len(self.sent)}"
        self.sent.append((name, self._client.received_ns[self._name], time.monotonic_ns()))
        self._is_held = buys
        await self._client.create_order(self._symbol, "market", "buy" if buys else "sell", 1, None, {"newClientOrderId": name})

    async def leave(self) -> None:
        """Sell what is held."""
        if self._is_held:
            await self._client.create_order(self._symbol, "market", "sell", 1)


def wire(job: dict[str, Any]) -> Callable[[], Any]:
    """Markets are loaded before; a run watches for the job's seconds."""
    laps = iter(range(10_000))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    async def run() -> Any:
        client, lap = client_of(job), next(laps)
        try:
            await client.load_markets()
            followers = [Follower(client, symbol, lap) for symbol in client.symbols]
            tasks = [asyncio.create_task(work) for one in followers for work in (one.keep_book(), one.follow())]
            await asyncio.wait(tasks, timeout=job["seconds"], return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for one in followers:
                await one.leave()
            return {"sent": [row for one in followers for row in one.sent]}
        finally:
            await client.close()

    return lambda: loop.run_until_complete(run())


def client_of(job: dict[str, Any]) -> Stamped:
    """Binance's client at the exchange on this machine, without the pauses that it puts between requests."""
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    client = Stamped({"apiKey": job["key"], "secret": job["secret"], "options": options, "enableRateLimit": False})
    at = f"127.0.0.1:{job['port']}"
    client.urls["api"] |= dict.fromkeys(("public", "private", "v1"), f"http://{at}/api/v3")
    client.urls["api"]["ws"]["spot"] = f"ws://{at}/stream/ws"
    client.begin()
    return client


if __name__ == "__main__":
    serve({"wire": wire}, versions=("ccxt", "aiohttp"))
