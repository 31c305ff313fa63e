"""ccxt and ccxt.pro trade on the loopback exchange: what they understood of it, for `python -m conformance`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt
import ccxt.pro
from serving import serve

SYMBOL = "BTC/USDT"
WAIT_S = 20.0


def spot(job: dict[str, Any]) -> Callable[[], Any]:
    """A session on the spot market."""
    return lambda: asyncio.run(session(job))


def client_of(job: dict[str, Any]) -> Any:
    """Binance's client, with its addresses moved to this machine."""
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    client = ccxt.pro.binance({"apiKey": job["key"], "secret": job["secret"], "options": options})
    at = f"127.0.0.1:{job['port']}"
    client.urls["api"] |= dict.fromkeys(("public", "private", "v1"), f"http://{at}/api/v3")
    client.urls["api"]["ws"]["spot"] = f"ws://{at}/stream/ws"
    client.urls["api"]["ws"]["ws-api"]["spot"] = f"ws://{at}/ws-api/v3"
    return client


async def session(job: dict[str, Any]) -> dict[str, Any]:
    """Markets, candles, orders, a book and trades for a while, the account's own streams, and how things stand in the end."""
    client = client_of(job)
    try:
        await client.load_markets()
        told: dict[str, Any] = {"candles": await client.fetch_ohlcv(SYMBOL, "1m", limit=100)}
        watched = asyncio.create_task(orders_watched(client))
        books, trades = await asyncio.gather(book_kept(client, job["seconds"]), trades_heard(client, job["seconds"]))
        told |= {"books": books, "trades": trades, "refusals": await refusals(client)}
        told["orders"] = await watched
        mine = await client.fetch_my_trades(SYMBOL)
        told["fills"] = [(one["id"], one["price"], one["amount"], one["fee"]["cost"]) for one in mine]
        balance = await client.fetch_balance()
        told["balances"] = {asset: (balance[asset]["free"], balance[asset]["used"]) for asset in ("BTC", "USDT")}
        return told
    finally:
        await client.close()


async def book_kept(client: Any, seconds: float) -> list[Any]:
    """The best levels after each event, with the update that they are of."""
    kept, loop = [], asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        book = await asyncio.wait_for(client.watch_order_book(SYMBOL), WAIT_S)
        kept.append(("update", book["nonce"], *([list(level) for level in book[side][:10]] for side in ("bids", "asks"))))  # levels change in place
    return kept


async def trades_heard(client: Any, seconds: float) -> list[Any]:
    """Trades as they come."""
    heard, loop = [], asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        for one in await asyncio.wait_for(client.watch_trades(SYMBOL), WAIT_S):
            heard.append((one["id"], one["price"], one["amount"], one["side"] == "sell"))
    return heard


async def orders_watched(client: Any) -> list[Any]:
    """Place, fill and cancel orders, and wait until the user stream has told how each ended."""
    ended: dict[str, tuple[str, float]] = {}
    watching = asyncio.create_task(_watch(client, ended))
    await asyncio.sleep(1.0)
    bid = (await client.fetch_order_book(SYMBOL, 5))["bids"][0][0]
    bought = await client.create_order(SYMBOL, "market", "buy", 0.05)
    resting = await client.create_order(SYMBOL, "limit", "buy", 0.01, bid - 50)
    assert [one["id"] for one in await client.fetch_open_orders(SYMBOL)] == [resting["id"]]
    await client.cancel_order(resting["id"], SYMBOL)
    sold = await client.create_order_ws(SYMBOL, "limit", "sell", 0.02, bid - 20)
    wanted = [bought["id"], resting["id"], sold["id"]]
    async with asyncio.timeout(WAIT_S):
        while any(ended.get(number, ("open",))[0] == "open" for number in wanted):
            await asyncio.sleep(0.05)
    watching.cancel()
    return [(number, *ended[number]) for number in wanted]


async def _watch(client: Any, ended: dict[str, tuple[str, float]]) -> None:
    while True:
        for one in await client.watch_orders(SYMBOL):
            ended[one["id"]] = one["status"], one["filled"]


async def refusals(client: Any) -> dict[str, str]:
    """What a client makes of a refusal: its own class of error, by the one that it should be."""
    tried: dict[str, Callable[[], Awaitable[Any]]] = {
        "InsufficientFunds": lambda: client.create_order(SYMBOL, "limit", "buy", 1_000, 50_000),
        "OrderNotFound": lambda: client.cancel_order("999999", SYMBOL),
        "BadSymbol": lambda: client.public_get_depth({"symbol": "NONE"}),
    }
    found = {}
    for expected, attempt in tried.items():
        try:
            await attempt()
        except ccxt.BaseError as error:
            found[expected] = type(error).__name__
    return found


if __name__ == "__main__":
    serve({"spot": spot}, versions=("ccxt",))
