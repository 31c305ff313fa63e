"""Streams of a spot market: each tells what the exchange did, in the documented form, and a client can keep a book by them."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from metastackerbandit.practice.tape import book_side, trades_between
from tests.practice.binance.spot import V3, with_spot
from tests.practice.serving import Client, heard

FIELDS = {
    "btcusdt@trade": {"e", "E", "s", "t", "p", "q", "T", "m", "M"},
    "btcusdt@aggTrade": {"e", "E", "s", "a", "p", "q", "f", "l", "T", "m", "M"},
    "btcusdt@bookTicker": {"u", "s", "b", "B", "a", "A"},
    "btcusdt@depth": {"e", "E", "s", "U", "u", "b", "a"},
    "btcusdt@depth@100ms": {"e", "E", "s", "U", "u", "b", "a"},
    "btcusdt@depth5": {"lastUpdateId", "bids", "asks"},
    "btcusdt@depth20@100ms": {"lastUpdateId", "bids", "asks"},
    "btcusdt@kline_1m": {"e", "E", "s", "k"},
    "btcusdt@kline_1s": {"e", "E", "s", "k"},
    "btcusdt@kline_1M": {"e", "E", "s", "k"},
    "btcusdt@miniTicker": {"e", "E", "s", "c", "o", "h", "l", "v", "q"},
    "btcusdt@ticker": set("eEspPwxcQbBaAohlvqOCFLn"),
    "btcusdt@avgPrice": {"e", "E", "s", "i", "w", "T"},
}


async def collected(client: Client, path: str, steps: int, seconds: float = 0.1) -> list[Any]:
    """What a stream tells in so many steps."""
    async with client.listen(path) as ws:
        for _ in range(steps):
            client.step(seconds)
        await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": "end"})
        told = []
        while not (isinstance(one := (await heard(ws))[0], dict) and one.get("id") == "end"):
            told.append(one)
        return told


@pytest.mark.parametrize("name", FIELDS)
def test_every_stream_has_the_documented_fields(name: str) -> None:
    async def test(client: Client) -> None:
        told = await collected(client, f"/ws/{name}", 25)
        assert told and all(set(one) == FIELDS[name] for one in told)
        assert all(one.get("s", "BTCUSDT") == "BTCUSDT" for one in told)

    with_spot(test, warm_s=3.0)


@pytest.mark.parametrize(
    "name", ["BTCUSDT@trade", "xxx@trade", "btcusdt@depth7", "btcusdt@kline_7m", "btcusdt@markPrice", "!ticker@arr", "btcusdt", "@"]
)
def test_names_that_mean_nothing_stay_silent(name: str) -> None:
    async def test(client: Client) -> None:
        assert await collected(client, f"/ws/{name}", 25) == []

    with_spot(test, warm_s=1.0)


@pytest.mark.parametrize(("speed", "steps"), [("@100ms", 60), ("", 60)])
@pytest.mark.parametrize("late", [0, 17])
def test_a_book_kept_by_the_documented_rules_is_the_exchanges(speed: str, steps: int, late: int) -> None:
    async def test(client: Client) -> None:
        async with client.listen(f"/ws/btcusdt@depth{speed}") as ws:
            for _ in range(late):
                client.step(0.1)
            client.ground.clock.turn(0.05)
            snapshot = await client.get(f"{V3}/depth", symbol="BTCUSDT", limit=5_000)
            for _ in range(steps):
                client.step(0.1)
            await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            chunks = []
            while "U" in (one := (await heard(ws))[0]):
                chunks.append(one)
            assert all(after["U"] == before["u"] + 1 for before, after in pairwise(chunks))
            kept = [one for one in chunks if one["u"] > snapshot["lastUpdateId"]]
            assert kept[0]["U"] <= snapshot["lastUpdateId"] + 1 <= kept[0]["u"]
            book: list[dict[str, str]] = [dict(snapshot["bids"]), dict(snapshot["asks"])]
            for one in kept:
                for side, name in enumerate("ba"):
                    book[side] |= dict(one[name])
            queues = client.ground.exchange.queues
            if chunks[-1]["u"] == int(queues.row[0]["update"]):
                for side in (0, 1):
                    told = {Decimal(price): Decimal(size) for price, size in book[side].items() if size != "0.00000000"}
                    assert told == {Decimal(t) / 100: Decimal(q) / 100_000 for t, q in book_side(queues, 0, side, 5_000)}
            else:
                assert speed == "" and late, "a slow stream may be behind; a quick one ends with the last step"

    with_spot(test, warm_s=3.0)


def test_trades_come_once_each_and_in_order() -> None:
    async def test(client: Client) -> None:
        first = int(client.ground.exchange.queues.row[0]["trade"])
        told = await collected(client, "/stream?streams=btcusdt@trade", 40)
        numbers = [one["data"]["t"] for one in told]
        assert numbers == list(range(first + 1, int(client.ground.exchange.queues.row[0]["trade"]) + 1)) and len(numbers) > 10
        trades = trades_between(client.ground.exchange.queues, 0, first, 10**9)
        assert [Decimal(one["data"]["p"]) * 100 for one in told] == [one[2] for one in trades]

    with_spot(test, warm_s=1.0)


def test_candles_close_once_and_agree_with_those_that_are_asked_for() -> None:
    async def test(client: Client) -> None:
        told = await collected(client, "/ws/btcusdt@kline_1m", 26, 0.25)
        closed = [one["k"] for one in told if one["k"]["x"]]
        assert len(closed) >= 4 and all(after["t"] == before["T"] + 1 for before, after in pairwise(closed))
        rows = {row[0]: row for row in await client.get(f"{V3}/klines", symbol="BTCUSDT", interval="1m")}
        for one in closed:
            row = rows[one["t"]]
            assert [one[name] for name in "ohlcv"] == row[1:6] and [one["T"], one["q"], one["n"], one["V"], one["Q"]] == row[6:11]
            assert one["L"] - one["f"] + 1 == one["n"]

    with_spot(test, warm_s=1.0, speed=60.0)


def test_all_mini_tickers_come_as_a_list_of_those_that_changed() -> None:
    async def test(client: Client) -> None:
        for name in ("!miniTicker@arr", "!miniTicker@arr@1000ms"):
            told = await collected(client, f"/ws/{name}", 12)
            assert len(told) == 1 and {one["s"] for one in told[0]} == {"BTCUSDT", "ETHUSDT"}

    with_spot(test, warm_s=3.0)
