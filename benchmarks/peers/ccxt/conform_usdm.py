"""ccxt.pro on the loopback exchange's USD-M side: markets, a book kept in step, streams, orders, positions; for `python -m conformance.usdm`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ccxt.pro
from ccxt.base.errors import BadRequest, ExchangeError, InvalidOrder, MarginModeAlreadySet, OrderNotFound
from checking import Checks, Stopped, until
from serving import serve

LEVELS = 20


def client(at: str, key: str, secret: str) -> Any:
    """The exchange, pointed at the venue and kept from endpoints that only the real one has."""
    options = {"fetchMarkets": {"types": ["linear"]}, "fetchCurrencies": False, "fetchMargins": False, "adjustForTimeDifference": True}
    made = ccxt.pro.binanceusdm({"apiKey": key, "secret": secret, "options": options})
    api = made.urls["api"]
    for name in ("fapiPublic", "fapiPrivate"):
        api[name] = f"http://{at}/fapi/v1"
        for version in ("V2", "V3"):
            api[name + version] = f"http://{at}/fapi/{version.lower()}"
    api["ws"]["linear"] = f"ws://{at}/ws"  # which ccxt makes /public/ws/0 and so on of
    api["ws"]["ws-api"]["linear"] = f"ws://{at}/ws-fapi/v1"
    return made


class Heard:
    """What the user stream told, by kind."""

    def __init__(self, made: Any) -> None:
        self._made = made
        self.orders: list[Any] = []
        self.trades: list[Any] = []
        self.balances: list[Any] = []
        self.positions: list[Any] = []

    def begin(self) -> list[asyncio.Task[None]]:
        """Watch everything."""
        made = self._made
        watched = (made.watch_orders, self.orders), (made.watch_my_trades, self.trades), (made.watch_positions, self.positions)
        return [asyncio.create_task(self._watch(*one)) for one in (*watched, (made.watch_balance, self.balances))]

    async def _watch(self, ask: Any, kept: list[Any]) -> None:
        while True:
            told = await ask()
            kept.extend(told if isinstance(told, list) else [told])

    def states(self, number: str) -> list[str]:
        """The states of an order as they were told."""
        return [one["status"] for one in self.orders if one["id"] == number]


async def market(made: Any, symbol: str, checks: Checks) -> None:
    """What needs no key."""
    await checks.must("markets", made.load_markets(), lambda told: told[symbol]["swap"] and told[symbol]["limits"]["cost"]["min"] > 0)
    await checks.that("trades", made.fetch_trades(symbol, limit=5), lambda told: len(told) == 5)
    await checks.that("candles", made.fetch_ohlcv(symbol, "1m", limit=3), lambda told: all(row[3] <= row[4] <= row[2] for row in told))
    await checks.that("ticker", made.fetch_ticker(symbol), lambda told: told["low"] <= told["last"] <= told["high"])
    await checks.that("best prices", made.fetch_bids_asks([symbol]), lambda told: told[symbol]["bid"] < told[symbol]["ask"])
    await checks.that("funding", made.fetch_funding_rate(symbol), lambda told: told["fundingTimestamp"] > told["timestamp"])
    await checks.that("mark", made.fetch_mark_price(symbol), lambda told: told["markPrice"] > 0)
    await checks.that("open interest", made.fetch_open_interest(symbol), lambda told: told["openInterestAmount"] >= 0)
    await checks.that("book in step", in_step(made, symbol), lambda told: told)
    watched: dict[str, Callable[[], Any]] = {
        "trades": lambda: made.watch_trades(symbol),
        "candles": lambda: made.watch_ohlcv(symbol, "1m"),
        "ticker": lambda: made.watch_ticker(symbol),
        "best prices": lambda: made.watch_bids_asks([symbol]),
        "mark": lambda: made.watch_mark_price(symbol),
    }
    for name, ask in watched.items():
        for n in range(2):
            await checks.that(f"stream of {name} {n + 1}", ask(), bool)


async def in_step(made: Any, symbol: str) -> bool:
    """Whether a followed book is the snapshot of the same update, price for price."""
    followed: dict[int, Any] = {}

    async def follow() -> None:
        while True:
            book = await made.watch_order_book(symbol)
            followed[book["nonce"]] = [[list(level[:2]) for level in book[side][:LEVELS]] for side in ("bids", "asks")]

    task = asyncio.create_task(follow())
    try:
        for _ in range(60):
            snapshot = await made.fetch_order_book(symbol, LEVELS)
            if await until(lambda told=snapshot: told["nonce"] in followed, 0.3):
                return followed[snapshot["nonce"]] == [[list(level[:2]) for level in snapshot[side]] for side in ("bids", "asks")]
        return False
    finally:
        task.cancel()


async def account(made: Any, symbol: str, checks: Checks, heard: Heard) -> None:
    """Settings, orders, positions."""
    await checks.that("leverage", made.set_leverage(5, symbol), lambda told: told["leverage"] == 5)
    await checks.that("leverage told", made.fetch_leverage(symbol), lambda told: told["longLeverage"] == 5)
    await checks.refused("margin mode is so already", made.set_margin_mode("cross", symbol), MarginModeAlreadySet, -4046)
    await checks.that("position mode", made.fetch_position_mode(symbol), lambda told: told["hedged"] is False)
    await checks.refused("hedge mode", made.set_position_mode(True, symbol), ExchangeError, -4531)
    before = await checks.must("balance", made.fetch_balance(), lambda told: told["USDT"]["free"] > 0)
    last = (await made.fetch_ticker(symbol))["last"]
    below, size = float(made.price_to_precision(symbol, last * 0.9)), float(made.amount_to_precision(symbol, 1_000 / last))

    far = await checks.must("limit order", made.create_order(symbol, "limit", "buy", size, below), lambda told: told["status"] == "open")
    await checks.that("open orders", made.fetch_open_orders(symbol), lambda told: [one["id"] for one in told] == [far["id"]])
    edited = made.edit_order(far["id"], symbol, "limit", "buy", 2 * size, below)
    await checks.that("edited", edited, lambda told: told["amount"] == float(made.amount_to_precision(symbol, 2 * size)))
    await checks.that("cancelled", made.cancel_order(far["id"], symbol), lambda told: told["status"] == "canceled")
    await checks.refused("cancelled again", made.cancel_order(far["id"], symbol), OrderNotFound, -2011)
    await checks.that("its states were told", until(lambda: heard.states(far["id"])[-1:] == ["canceled"]), bool)

    bought = await checks.must("market order", made.create_order(symbol, "market", "buy", size))
    await checks.that("is filled", made.fetch_order(bought["id"], symbol), lambda told: told["status"] == "closed" and told["average"] > 0)
    await checks.that("its fill was told", until(lambda: heard.states(bought["id"])[-1:] == ["closed"] and bool(heard.trades)), bool)
    await checks.that("position", made.fetch_positions([symbol]), lambda told: told[0]["contracts"] == size and told[0]["side"] == "long")
    await checks.that("position was told", until(lambda: any(one["contracts"] == size for one in heard.positions)), bool)
    trigger = float(made.price_to_precision(symbol, last * 0.95))
    stop = await checks.must("stop", made.create_order(symbol, "market", "sell", size, None, {"stopLossPrice": trigger, "reduceOnly": True}))
    await checks.that(
        "stop waits", made.fetch_open_orders(symbol, params={"trigger": True}), lambda told: [one["id"] for one in told] == [stop["id"]]
    )
    await checks.that("stop cancelled", made.cancel_order(stop["id"], symbol, {"trigger": True}))
    await checks.that("closed", made.create_order(symbol, "market", "sell", size, None, {"reduceOnly": True}))
    await checks.that("nothing is held", made.fetch_positions([symbol]), lambda told: all(not one["contracts"] for one in told))
    fees = await checks.must("fills", made.fetch_my_trades(symbol), lambda told: len(told) >= 2)
    after = await checks.must("balance told", made.fetch_balance())
    gained = sum(float(one["info"]["realizedPnl"]) - one["fee"]["cost"] for one in fees[-20:])
    is_kept = abs(after["USDT"]["total"] - before["USDT"]["total"] - gained) < 1e-6 or len(fees) > 20
    await checks.that("the balance is what fills made of it", asyncio.sleep(0, is_kept), bool)
    await checks.that("by WebSocket", made.create_order_ws(symbol, "limit", "buy", size, below), lambda told: told["status"] == "open")
    await checks.that("all cancelled", made.cancel_all_orders(symbol))
    await checks.that("none is open", made.fetch_open_orders(symbol), lambda told: told == [])

    await checks.refused("post-only", made.create_order(symbol, "limit", "buy", size, last * 1.05, {"postOnly": True}), InvalidOrder, -5022)
    limits = made.markets[symbol]["limits"]
    if limits["amount"]["min"] * below < limits["cost"]["min"]:  # else no order can be worth too little
        await checks.refused("too small", made.create_order(symbol, "limit", "buy", limits["amount"]["min"], below), ExchangeError, -4164)
    await checks.refused("too far", made.create_order(symbol, "limit", "buy", size, last * 1.9), BadRequest, -4016)
    await checks.refused("no money", made.create_order(symbol, "limit", "buy", limits["amount"]["max"], below), ExchangeError, -2019)


async def session(job: dict[str, Any]) -> dict[str, Any]:
    """Everything."""
    checks, symbol = Checks(), "BTC/USDT:USDT"
    made = client(f"127.0.0.1:{job['port']}", job["key"], job["secret"])
    heard = Heard(made)
    try:
        await market(made, symbol, checks)
        tasks = heard.begin()
        await asyncio.sleep(1.0)  # until all of them are subscribed
        await account(made, symbol, checks, heard)
        for task in tasks:
            task.cancel()
    except Stopped:
        pass  # what failed is told
    finally:
        await made.close()
    return checks.told


def usdm(job: dict[str, Any]) -> Callable[[], Any]:
    """A session on the USD-M market."""
    return lambda: asyncio.run(session(job))


if __name__ == "__main__":
    serve({"usdm": usdm}, versions=("ccxt",))
