"""python-binance trades on the loopback exchange: what it understood of it, for `python -m conformance`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from binance import AsyncClient, BinanceSocketManager, DepthCacheManager
from binance.exceptions import BinanceAPIException
from serving import serve

SYMBOL = "BTCUSDT"
WAIT_S = 20.0
OVER = ("FILLED", "CANCELED", "EXPIRED")


def spot(job: dict[str, Any]) -> Callable[[], Any]:
    """A session on the spot market."""
    at = f"127.0.0.1:{job['port']}"
    AsyncClient.API_URL, AsyncClient.WS_API_URL = f"http://{at}/api", f"ws://{at}/ws-api/v3"
    BinanceSocketManager.STREAM_URL = f"ws://{at}/"
    return lambda: asyncio.run(session(job))


async def session(job: dict[str, Any]) -> dict[str, Any]:
    """Candles, orders, a book and trades for a while, the account's own stream, and how things stand in the end."""
    client = await AsyncClient.create(job["key"], job["secret"])
    sockets = BinanceSocketManager(client)
    try:
        rows = await client.get_klines(symbol=SYMBOL, interval="1m", limit=100)
        told: dict[str, Any] = {"candles": [row[:6] for row in rows]}
        books, trades, orders = await asyncio.gather(
            book_kept(client, job["seconds"]), trades_heard(sockets, job["seconds"]), orders_watched(client, sockets)
        )
        told |= {"books": books, "trades": trades, "orders": orders, "refusals": await refusals(client)}
        mine = await client.get_my_trades(symbol=SYMBOL)
        told["fills"] = [(one["id"], one["price"], one["qty"], one["commission"]) for one in mine]
        balances = (await client.get_account())["balances"]
        told["balances"] = {one["asset"]: (one["free"], one["locked"]) for one in balances}
        return told
    finally:
        await client.close_connection()


async def book_kept(client: Any, seconds: float) -> list[Any]:
    """The best levels after each event, with the time that it told."""
    kept, loop = [], asyncio.get_running_loop()
    async with DepthCacheManager(client, SYMBOL, ws_interval=100) as caches:
        end = loop.time() + seconds
        while loop.time() < end:
            cache = await asyncio.wait_for(caches.recv(), WAIT_S)
            if cache is not None and cache.update_time:
                kept.append(("time", cache.update_time, cache.get_bids()[:10], cache.get_asks()[:10]))
    return kept


async def trades_heard(sockets: Any, seconds: float) -> list[Any]:
    """Trades as they come."""
    heard, loop = [], asyncio.get_running_loop()
    async with sockets.trade_socket(SYMBOL) as stream:
        end = loop.time() + seconds
        while loop.time() < end:
            one = await asyncio.wait_for(stream.recv(), WAIT_S)
            heard.append((one["t"], one["p"], one["q"], one["m"]))
    return heard


async def orders_watched(client: Any, sockets: Any) -> list[Any]:
    """Place, fill and cancel orders, and wait until the user stream has told how each ended."""
    ended: dict[int, tuple[str, str]] = {}
    async with sockets.user_socket() as stream:
        bid = float((await client.get_order_book(symbol=SYMBOL, limit=5))["bids"][0][0])
        bought = await client.order_market_buy(symbol=SYMBOL, quantity="0.05")
        resting = await client.order_limit_buy(symbol=SYMBOL, quantity="0.01", price=f"{bid - 50:.2f}")
        assert [one["orderId"] for one in await client.get_open_orders(symbol=SYMBOL)] == [resting["orderId"]]
        await client.cancel_order(symbol=SYMBOL, orderId=resting["orderId"])
        sold = await client.ws_order_limit_sell(symbol=SYMBOL, quantity="0.02", price=f"{bid - 20:.2f}")
        wanted = [one["orderId"] for one in (bought, resting, sold)]
        while not all(ended.get(number, ("",))[0] in OVER for number in wanted):
            one = await asyncio.wait_for(stream.recv(), WAIT_S)
            if one["e"] == "executionReport":
                ended[one["i"]] = one["X"], one["z"]
    return [(number, *ended[number]) for number in wanted]


async def refusals(client: Any) -> dict[str, str]:
    """What a client makes of a refusal: its code, by the one that it should be."""
    tried: dict[str, Callable[[], Awaitable[Any]]] = {
        "-2010": lambda: client.order_limit_buy(symbol=SYMBOL, quantity="1000", price="50000.00"),
        "-1013": lambda: client.order_limit_buy(symbol=SYMBOL, quantity="0.01", price="50000.001"),
        "-2011": lambda: client.cancel_order(symbol=SYMBOL, orderId=999999),
        "-1121": lambda: client.get_order_book(symbol="NONE"),
    }
    found = {}
    for expected, attempt in tried.items():
        try:
            await attempt()
        except BinanceAPIException as error:
            found[expected] = str(error.code)
    return found


if __name__ == "__main__":
    serve({"spot": spot}, versions=("python-binance",))
