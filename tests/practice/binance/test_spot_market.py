"""Public requests of a spot market: each answer is of the documented form, and says what the exchange has."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from metastackerbandit.practice.tape import book_side, newest_update
from tests.practice.binance.spot import V3, with_spot
from tests.practice.serving import Client, heard

FILTERS = {
    "PRICE_FILTER": {"minPrice", "maxPrice", "tickSize"},
    "LOT_SIZE": {"minQty", "maxQty", "stepSize"},
    "ICEBERG_PARTS": {"limit"},
    "MARKET_LOT_SIZE": {"minQty", "maxQty", "stepSize"},
    "PERCENT_PRICE_BY_SIDE": {"bidMultiplierUp", "bidMultiplierDown", "askMultiplierUp", "askMultiplierDown", "avgPriceMins"},
    "NOTIONAL": {"minNotional", "applyMinToMarket", "maxNotional", "applyMaxToMarket", "avgPriceMins"},
    "MAX_NUM_ORDERS": {"maxNumOrders"},
    "MAX_NUM_ALGO_ORDERS": {"maxNumAlgoOrders"},
    "MAX_POSITION": {"maxPosition"},
}


def is_8(text: Any) -> bool:
    return isinstance(text, str) and len(text.partition(".")[2]) == 8 and Decimal(text) >= 0


def test_symbols_have_their_filters_the_price_first() -> None:
    async def test(client: Client) -> None:
        info = await client.get(f"{V3}/exchangeInfo")
        assert [one["symbol"] for one in info["symbols"]] == ["BTCUSDT", "ETHUSDT"]
        assert {one["rateLimitType"] for one in info["rateLimits"]} == {"REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS"}
        for symbol in info["symbols"]:
            filters = symbol["filters"]
            assert {one["filterType"]: set(one) - {"filterType"} for one in filters} == FILTERS
            assert filters[0]["filterType"] == "PRICE_FILTER" and filters[0]["tickSize"] == "0.01000000"
        assert len((await client.get(f"{V3}/exchangeInfo", symbol="ETHUSDT"))["symbols"]) == 1
        assert len((await client.get(f"{V3}/exchangeInfo", symbols='["ETHUSDT","BTCUSDT"]'))["symbols"]) == 2
        for wrong, code in (({"symbol": "NONE"}, -1121), ({"symbol": "ä"}, -1100), ({"symbols": "BTCUSDT"}, -1100)):
            assert (await client.ask("GET", f"{V3}/exchangeInfo", **wrong))[1]["code"] == code

    with_spot(test, terms={"max_position_lots": 10**9})


def test_a_book_is_the_exchanges_at_an_update_of_its_sequence() -> None:
    async def test(client: Client) -> None:
        queues = client.ground.exchange.queues
        book = await client.get(f"{V3}/depth", symbol="BTCUSDT", limit=5)
        assert book["lastUpdateId"] == newest_update(queues, 0) and len(book["bids"]) == len(book["asks"]) == 5
        for side, name in enumerate(("bids", "asks")):
            told = [(Decimal(price), Decimal(size)) for price, size in book[name]]
            assert told == [(Decimal(t) / 100, Decimal(q) / 100_000) for t, q in book_side(queues, 0, side, 5)]
            assert told == sorted(told, reverse=side == 0) and all(is_8(text) for level in book[name] for text in level)
        _, _, headers = await client.ask("GET", f"{V3}/depth", symbol="BTCUSDT", limit=5_000)
        assert headers["X-MBX-USED-WEIGHT-1M"] == "255"

    with_spot(test)


def test_trades_and_aggregated_trades_agree_and_can_be_paged() -> None:
    async def test(client: Client) -> None:
        trades = await client.get(f"{V3}/trades", symbol="BTCUSDT", limit=1_000)
        assert len(trades) > 100 and [one["id"] for one in trades] == list(range(1, len(trades) + 1))
        assert all(Decimal(one["price"]) * Decimal(one["qty"]) == Decimal(one["quoteQty"]) and is_8(one["qty"]) for one in trades)
        assert await client.get(f"{V3}/historicalTrades", symbol="BTCUSDT", fromId=5, limit=3) == trades[4:7]
        joined = await client.get(f"{V3}/aggTrades", symbol="BTCUSDT", limit=1_000)
        assert sum(Decimal(one["q"]) for one in joined) == sum(Decimal(one["qty"]) for one in trades)
        assert joined[0]["f"] == 1 and all(after["f"] == before["l"] + 1 for before, after in pairwise(joined))
        assert await client.get(f"{V3}/aggTrades", symbol="BTCUSDT", fromId=7, limit=2) == joined[6:8]
        middle = joined[len(joined) // 2]["T"]
        assert await client.get(f"{V3}/aggTrades", symbol="BTCUSDT", startTime=middle) == [one for one in joined if one["T"] >= middle][:500]
        assert await client.get(f"{V3}/aggTrades", symbol="BTCUSDT", endTime=middle, limit=2) == [one for one in joined if one["T"] <= middle][-2:]

    with_spot(test)


def test_candles_are_made_of_the_trades() -> None:
    async def test(client: Client) -> None:
        trades = await client.get(f"{V3}/trades", symbol="BTCUSDT", limit=1_000)
        minutes = await client.get(f"{V3}/klines", symbol="BTCUSDT", interval="1m")
        assert len(minutes) == 2 and all(len(row) == 12 and row[6] == row[0] + 59_999 for row in minutes)
        for row in minutes:
            mine = [one for one in trades if row[0] <= one["time"] <= row[6]]
            prices = [Decimal(one["price"]) for one in mine]
            assert [Decimal(text) for text in row[1:5]] == [prices[0], max(prices), min(prices), prices[-1]]
            assert Decimal(row[5]) == sum(Decimal(one["qty"]) for one in mine) and row[8] == len(mine)
            assert Decimal(row[9]) == sum(Decimal(one["qty"]) for one in mine if not one["isBuyerMaker"])
        first = minutes[0][0]
        assert await client.get(f"{V3}/uiKlines", symbol="BTCUSDT", interval="1m", startTime=first + 1, limit=1) == minutes[1:2]
        assert await client.get(f"{V3}/klines", symbol="BTCUSDT", interval="1m", endTime=first + 60_000) == minutes
        for interval in ("1s", "3m", "1h", "1d", "3d", "1w", "1M"):
            rows = await client.get(f"{V3}/klines", symbol="BTCUSDT", interval=interval, limit=1_000)
            assert rows and sum(row[8] for row in rows) == len(trades), interval
        assert (await client.ask("GET", f"{V3}/klines", symbol="BTCUSDT", interval="7m"))[1]["code"] == -1120

    with_spot(test, warm_s=75.0)


def test_tickers_are_of_the_same_day() -> None:
    async def test(client: Client) -> None:
        trades = await client.get(f"{V3}/trades", symbol="BTCUSDT", limit=1_000)
        day = await client.get(f"{V3}/ticker/24hr", symbol="BTCUSDT")
        assert day["count"] == len(trades) and day["lastPrice"] == trades[-1]["price"] and day["openPrice"] == trades[0]["price"]
        assert Decimal(day["volume"]) == sum(Decimal(one["qty"]) for one in trades)
        assert abs(Decimal(day["weightedAvgPrice"]) * Decimal(day["volume"]) - Decimal(day["quoteVolume"])) < Decimal("1e-4")
        mini = await client.get(f"{V3}/ticker/24hr", symbol="BTCUSDT", type="MINI")
        assert set(mini) < set(day) and len(mini) == 12
        assert (await client.get(f"{V3}/ticker/price", symbol="BTCUSDT"))["price"] == trades[-1]["price"]
        best = await client.get(f"{V3}/ticker/bookTicker")
        assert [one["symbol"] for one in best] == ["BTCUSDT", "ETHUSDT"] and Decimal(best[0]["bidPrice"]) < Decimal(best[0]["askPrice"])
        assert [one["symbol"] for one in await client.get(f"{V3}/ticker/24hr", symbols='["ETHUSDT"]')] == ["ETHUSDT"]
        average = await client.get(f"{V3}/avgPrice", symbol="BTCUSDT")
        assert abs(Decimal(average["price"]) - Decimal(day["weightedAvgPrice"])) < Decimal("0.01") and average["mins"] == 5

    with_spot(test)


def test_the_clock_says_how_quick_it_is() -> None:
    async def test(client: Client) -> None:
        assert await client.get(f"{V3}/ping") == {}
        assert await client.get(f"{V3}/time") == {"serverTime": client.ground.time.now_ns() // 1_000_000, "rate": 60.0}

    with_spot(test, speed=60.0, warm_s=0.1)


@pytest.mark.parametrize(
    ("path", "given", "code"),
    [
        ("depth", {}, -1102),
        ("depth", {"symbol": "BTCUSDT", "limit": "many"}, -1100),
        ("depth", {"symbol": "BTCUSDT", "symbolStatus": "HALT"}, -1220),
        ("ticker/price", {"symbol": "BTCUSDT", "symbols": "[]"}, -1101),
        ("ticker/24hr", {"symbol": "BTCUSDT", "type": "SMALL"}, -1130),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "1001"}, -1102),
    ],
)
def test_wrong_parameters_have_the_venues_codes(path: str, given: dict[str, str], code: int) -> None:
    async def test(client: Client) -> None:
        assert (await client.ask("GET", f"{V3}/{path}", **given))[1]["code"] == code

    with_spot(test, warm_s=1.0)


def test_a_stale_snapshot_is_older_than_the_stream_and_a_gap_follows_where_it_is_asked_for() -> None:
    async def test(client: Client) -> None:
        async with client.listen("/ws/btcusdt@depth@100ms") as ws:
            await client.fault("stale_snapshot", count=1)
            old = newest_update(client.ground.exchange.queues, 0)
            for _ in range(3):
                client.step()
            chunks = await heard(ws, 3)
            stale = await client.get(f"{V3}/depth", symbol="BTCUSDT")
            assert stale["lastUpdateId"] == old < chunks[0]["u"]
            await client.fault("gap_at_snapshot", count=1)
            fresh = await client.get(f"{V3}/depth", symbol="BTCUSDT")
            assert fresh["lastUpdateId"] == chunks[-1]["u"]
            for _ in range(2):
                client.step()
            assert (await heard(ws))[0]["U"] > fresh["lastUpdateId"] + 1

    with_spot(test)


def test_a_slow_snapshot_is_of_when_it_was_asked_for() -> None:
    async def test(client: Client) -> None:
        await client.fault("slow_snapshot", count=1, value=0.05)
        asked_at = newest_update(client.ground.exchange.queues, 0)
        waiting = asyncio.create_task(client.get(f"{V3}/depth", symbol="BTCUSDT"))
        await asyncio.sleep(0.01)
        client.step()
        told = await waiting
        assert told["lastUpdateId"] == asked_at < newest_update(client.ground.exchange.queues, 0)

    with_spot(test, warm_s=1.0)
