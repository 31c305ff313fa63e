"""python-binance on the loopback exchange's USD-M side: answers, routed sockets, orders, the user socket; for `python -m conformance.usdm`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from binance import AsyncClient, BinanceSocketManager, FuturesDepthCacheManager
from binance.exceptions import BinanceAPIException
from checking import Checks, Stopped, until
from serving import serve


def client(at: str, key: str, secret: str) -> Any:
    """The client, pointed at the venue."""
    AsyncClient.API_URL, AsyncClient.FUTURES_URL = f"http://{at}/api", f"http://{at}/fapi"
    BinanceSocketManager.STREAM_URL = BinanceSocketManager.FSTREAM_URL = f"ws://{at}/"
    made = AsyncClient(key, secret)
    made.ws_future._url = f"ws://{at}/ws-fapi/v1"  # it has no public way to another address
    return made


async def heard(socket: Any, count: int = 2) -> Any:
    """The last of so many messages of a socket."""
    async with socket as stream:
        for _ in range(count):
            told = await stream.recv()
        return told.get("data", told)


async def market(made: Any, sockets: Any, symbol: str, checks: Checks) -> None:
    """What needs no key."""
    await checks.that("ping", made.futures_ping(), lambda told: told == {})
    await checks.that("rules", made.futures_exchange_info(), lambda told: symbol in [one["symbol"] for one in told["symbols"]])
    await checks.that("book", made.futures_order_book(symbol=symbol, limit=5), lambda told: len(told["bids"]) == 5 and told["lastUpdateId"] > 0)
    await checks.that("aggregated trades", made.futures_aggregate_trades(symbol=symbol, limit=2), lambda told: "nq" in told[0])
    await checks.that("candles", made.futures_klines(symbol=symbol, interval="1m", limit=2), lambda told: len(told[0]) == 12)
    await checks.that("mark", made.futures_mark_price(symbol=symbol), lambda told: Decimal(told["markPrice"]) > 0)
    await checks.that("day", made.futures_ticker(symbol=symbol), lambda told: told["symbol"] == symbol)
    for name, socket, event in (
        ("depth", sockets.futures_depth_socket(symbol, depth="10"), "depthUpdate"),
        ("mark", sockets.symbol_mark_price_socket(symbol), "markPriceUpdate"),
        ("aggregated trades", sockets.aggtrade_futures_socket(symbol), "aggTrade"),
        ("best prices", sockets.symbol_ticker_futures_socket(symbol), "bookTicker"),
        ("day", sockets.individual_symbol_ticker_futures_socket(symbol), "24hrTicker"),
        ("candles", sockets.kline_futures_socket(symbol), "continuous_kline"),
        ("several", sockets.futures_multiplex_socket([f"{symbol.lower()}@aggTrade"]), "aggTrade"),
    ):
        await checks.that(f"socket of {name}", heard(socket), lambda told, event=event: told["e"] == event)
    await checks.that("socket of all marks", heard(sockets.all_mark_price_socket()), lambda told: symbol in [one["s"] for one in told])

    async def cached() -> Any:
        async with FuturesDepthCacheManager(made, symbol) as manager:
            return await manager.recv()

    await checks.that("depth cache", cached(), lambda told: told.get_bids()[0][0] < told.get_asks()[0][0])


async def orders(made: Any, symbol: str, news: list[Any], checks: Checks) -> None:
    """Settings, orders, fills, money."""

    def told_of(number: int) -> list[str]:
        return [one["o"]["X"] for one in news if one["e"] == "ORDER_TRADE_UPDATE" and one["o"]["i"] == number]

    rules = next(one for one in (await made.futures_exchange_info())["symbols"] if one["symbol"] == symbol)
    filters = {one["filterType"]: one for one in rules["filters"]}
    tick, step = Decimal(filters["PRICE_FILTER"]["tickSize"]), Decimal(filters["LOT_SIZE"]["stepSize"])
    last = Decimal((await made.futures_symbol_ticker(symbol=symbol))["price"])
    below, size = str(last * 9 // 10 // tick * tick), str(1_000 / last // step * step)
    await checks.that("leverage", made.futures_change_leverage(symbol=symbol, leverage=4), lambda told: told["leverage"] == 4)
    await checks.refused("margin is so already", made.futures_change_margin_type(symbol=symbol, marginType="CROSSED"), BinanceAPIException, -4046)
    await checks.that("one position a symbol", made.futures_get_position_mode(), lambda told: told["dualSidePosition"] is False)
    wish = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": size, "price": below}
    placed = await checks.must("limit order", made.futures_create_order(**wish), lambda told: told["status"] == "NEW" and "avgPrice" not in told)
    number = placed["orderId"]
    await checks.that("asked for", made.futures_get_order(symbol=symbol, orderId=number), lambda told: told["avgPrice"] and told["time"] > 0)
    changed = made.futures_modify_order(symbol=symbol, orderId=number, side="BUY", quantity=size, price=str(Decimal(below) + tick))
    await checks.that("modified", changed, lambda told: Decimal(told["price"]) == Decimal(below) + tick)
    await checks.that("cancelled", made.futures_cancel_order(symbol=symbol, orderId=number), lambda told: told["status"] == "CANCELED")
    await checks.that("its states were told", until(lambda: told_of(number) == ["NEW", "NEW", "CANCELED"]), bool)
    await checks.refused("cancelled again", made.futures_cancel_order(symbol=symbol, orderId=number), BinanceAPIException, -2011)

    bought = made.futures_create_order(symbol=symbol, side="BUY", type="MARKET", quantity=size, newOrderRespType="RESULT")
    filled = await checks.must("market order", bought, lambda told: told["status"] == "FILLED")
    await checks.that("its fill was told", until(lambda: told_of(filled["orderId"])[-1:] == ["FILLED"]), bool)
    await checks.that("short form of it", until(lambda: any(one["e"] == "TRADE_LITE" for one in news)), bool)
    await checks.that("account was told", until(lambda: any(one["e"] == "ACCOUNT_UPDATE" and one["a"]["P"] for one in news)), bool)
    held = made.futures_position_information(symbol=symbol)
    await checks.that("position", held, lambda told: Decimal(told[0]["positionAmt"]) == Decimal(size))
    await checks.that("fills", made.futures_account_trades(symbol=symbol), lambda told: told[-1]["orderId"] == filled["orderId"])
    await checks.that("income", made.futures_income_history(), lambda told: {"COMMISSION"} <= {one["incomeType"] for one in told})

    trigger = str(last * 95 // 100 // tick * tick)
    waits = made.futures_create_order(symbol=symbol, side="SELL", type="STOP_MARKET", triggerPrice=trigger, closePosition="true")
    stop = await checks.must("stop", waits, lambda told: told["algoStatus"] == "NEW")
    await checks.that("stop was told", until(lambda: any(one["e"] == "ALGO_UPDATE" and one["o"]["aid"] == stop["algoId"] for one in news)), bool)
    waiting = made.futures_get_open_orders(symbol=symbol, conditional=True)
    await checks.that("stop waits", waiting, lambda told: [one["algoId"] for one in told] == [stop["algoId"]])
    await checks.that("stop cancelled", made.futures_cancel_algo_order(algoId=stop["algoId"]), lambda told: told["code"] == "200")
    several = made.futures_place_batch_order(batchOrders=[wish, {**wish, "price": str(last * 3 // tick * tick)}])
    await checks.that("batch", several, lambda told: "orderId" in told[0] and told[1]["code"] == -4016)
    await checks.that("countdown", made.futures_countdown_cancel_all(symbol=symbol, countdownTime=1_000))
    await checks.that("which cancelled all", _none_open(made, symbol), bool)
    closing = made.ws_futures_create_order(symbol=symbol, side="SELL", type="MARKET", quantity=size, reduceOnly="true")
    await checks.that("closed by WebSocket", closing, lambda told: told["orderId"] > filled["orderId"])
    await checks.that("balance by WebSocket", made.ws_futures_v2_account_balance(), lambda told: Decimal(told[0]["balance"]) > 0)
    await checks.that("nothing is held", made.futures_position_information(symbol=symbol), lambda told: told == [])
    await checks.that("account", made.futures_account(), lambda told: Decimal(told["totalWalletBalance"]) > 0)


async def _none_open(made: Any, symbol: str) -> bool:
    for _ in range(50):
        if not await made.futures_get_open_orders(symbol=symbol):
            return True
        await asyncio.sleep(0.1)
    return False


async def session(job: dict[str, Any]) -> dict[str, Any]:
    """Everything."""
    checks, news, symbol = Checks(), list[Any](), "BTCUSDT"
    made = client(f"127.0.0.1:{job['port']}", job["key"], job["secret"])
    sockets = BinanceSocketManager(made)

    async def listen() -> None:
        async with sockets.futures_user_socket() as stream:
            while True:
                news.append(await stream.recv())

    listening = asyncio.create_task(listen())
    made.timestamp_offset = (await made.futures_time())["serverTime"] - int(time.time() * 1_000)
    try:
        await market(made, sockets, symbol, checks)
        await orders(made, symbol, news, checks)
    except Stopped:
        pass  # what failed is told
    finally:
        listening.cancel()
        await made.close_connection()
    return checks.told


def usdm(job: dict[str, Any]) -> Callable[[], Any]:
    """A session on the USD-M market."""
    return lambda: asyncio.run(session(job))


if __name__ == "__main__":
    serve({"usdm": usdm}, versions=("python-binance",))
