"""A venue's past: every candle once whatever the windows, failures asked again, and the venue's own rules."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import AnswerRefused, ConnectFailed, DataRefused, NotFound, RequestFailed, VenueError
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.exchanges.binance.streams import read_funding
from metastackerbandit.exchanges.catalog import orders_of, streams_of
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.runtime.history import Asked, Progress, past_candles, past_funding, venue_instruments, venue_time
from metastackerbandit.runtime.rest_desk import RestDesk
from metastackerbandit.runtime.settings import BackoffSettings
from metastackerbandit.runtime.weight_budget import WeightBudget
from metastackerbandit.storage.candles import load_recording
from metastackerbandit.storage.funding_files import beside, funding_of
from metastackerbandit.storage.store import keep_candles, keep_funding
from tests.markets import instrument
from tests.runtime.pretended import Desk, Half
from tests.runtime.virtual_time import VirtualClock, in_virtual_time

FIRST_NS = 1_700_000_400 * 10**9
BEGINS = FIRST_NS + 7 * MINUTE_NS  # when the venue's candles begin
ONE = instrument("BTCUSDT", "perp", "BINANCE")
RULES: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "contractType": "PERPETUAL",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "orderTypes": ["LIMIT", "MARKET"],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.10", "maxPrice": "1000000", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.001"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
    ],
}


def candle(opened_ns: int) -> list[Any]:
    """A minute as Binance tells it; prices say which."""
    n = (opened_ns - FIRST_NS) // MINUTE_NS
    price = Decimal(1_000 + n) / 10
    return [opened_ns // 10**6, f"{price}", f"{price + 1}", f"{price - 1}", f"{price}", "1.5", opened_ns // 10**6 + 59_999, "15", 3, "0.5", "5", "0"]


def answered(url: str, n: int) -> bytes | int | VenueError | None:
    """A venue that has candles from BEGINS on, and fails every third request."""
    asked, query = urlparse(url).path, {name: value[0] for name, value in parse_qs(urlparse(url).query).items()}
    if n % 3 == 2:
        return (RequestFailed("cut off", where=url), 503, 500)[n // 3 % 3]
    if asked.endswith("/klines"):
        first, last, limit = (int(query[name]) for name in ("startTime", "endTime", "limit"))
        times = list(range(max(first * 10**6, BEGINS), last * 10**6, MINUTE_NS))[:limit]
        return json.dumps([candle(at) for at in times]).encode()
    if asked.endswith("/exchangeInfo"):
        return json.dumps({"symbols": [RULES, {**RULES, "symbol": "OLDUSDT", "status": "SETTLING"}], "rateLimits": []}).encode()
    if asked.endswith("/bookTicker"):
        return json.dumps({"symbol": query["symbol"], "bidPrice": "99.9", "askPrice": "100.0"}).encode()
    return json.dumps({"serverTime": 1_700_000_123_456, "rate": 60.0}).encode()


def asked_of(reply: Any = answered, tries: int = 4) -> Asked:
    """The scripted venue."""
    streams, clock = streams_of("BINANCE", "perp"), VirtualClock()
    rest = RestDesk(Desk(reply), WeightBudget(streams.limits, 1.0), clock)
    few = structs.replace(streams, most_klines=5)
    return Asked(few, orders_of("BINANCE", "perp"), EndpointSettings(), rest, clock, Half(), BackoffSettings(), tries)


def test_every_candle_comes_once_and_failures_are_asked_again(tmp_path: Path) -> None:
    shown: list[Progress] = []
    found: list[np.ndarray] = []

    async def work() -> None:
        found.append(await past_candles(asked_of(), ONE, "1m", FIRST_NS, FIRST_NS + 33 * MINUTE_NS, shown.append))

    in_virtual_time(work())
    (bars,) = found
    assert bars["opened_ns"].tolist() == [BEGINS + n * MINUTE_NS for n in range(26)]
    assert bars["close"].tolist() == [1_000 + 7 + n for n in range(26)]
    assert shown[-1] == Progress("BTCUSDT", 26, 33) and len(shown) == 7

    report = keep_candles(tmp_path, structs.replace(ONE, venue="LOOPBACK"), MINUTE_NS, bars[:20])
    again = keep_candles(tmp_path, structs.replace(ONE, venue="LOOPBACK"), MINUTE_NS, bars[10:])
    assert (report.rows, report.added, again.rows, again.added, again.shared) == (20, 20, 26, 6, 10)
    recording = load_recording(report.file.parent, None, market=None, instruments_file=None)
    assert recording.instruments == (structs.replace(ONE, venue="LOOPBACK", source="file"),), "the venue's own rules, not guessed ones"
    assert recording.bars[0]["close"].tolist() == bars["close"].tolist() and recording.has_flow == (True,)
    assert recording.bars[0]["taker_volume"].tolist() == bars["taker_volume"].tolist()
    other = bars[:1].copy()
    other["close"] += 1
    with pytest.raises(DataRefused):
        keep_candles(tmp_path, structs.replace(ONE, venue="LOOPBACK"), MINUTE_NS, other)


def test_what_was_settled_comes_once_page_by_page_and_lies_beside_the_candles(tmp_path: Path) -> None:
    every_ns = 8 * 3_600 * 10**9
    begun_ns = FIRST_NS // every_ns * every_ns
    whole: list[dict[str, Any]] = [
        {"symbol": "BTCUSDT", "fundingTime": (begun_ns + n * every_ns) // 10**6, "fundingRate": f"0.000{n % 10:05d}", "markPrice": "100.04"}
        for n in range(2_345)
    ]

    def reply(url: str, n: int) -> bytes:
        query = {name: int(value[0]) for name, value in parse_qs(urlparse(url).query).items() if name != "symbol"}
        return json.dumps([one for one in whole if query["startTime"] <= one["fundingTime"] <= query["endTime"]][: query["limit"]]).encode()

    found: list[np.ndarray] = []

    async def work() -> None:
        found.append(await past_funding(asked_of(reply), ONE, begun_ns, begun_ns + 10_000 * every_ns))

    in_virtual_time(work())
    (settled,) = found
    assert settled["at_ns"].tolist() == [begun_ns + n * every_ns for n in range(2_345)]
    assert settled["rate"].tolist() == [n % 10 for n in range(2_345)] and set(settled["mark"].tolist()) == {1_000}
    one = structs.replace(ONE, venue="LOOPBACK")
    assert keep_funding(tmp_path, one, settled[:0]) is None
    path = keep_funding(tmp_path, one, settled[:2_000])
    assert path == keep_funding(tmp_path, one, settled[1_000:]) and path is not None
    bars = np.zeros(3, layout(Bar))
    bars["opened_ns"] = begun_ns + np.arange(3) * MINUTE_NS
    for name in ("open", "high", "low", "close", "parts", "parts_due"):
        bars[name] = 1_000
    report = keep_candles(tmp_path, one, MINUTE_NS, bars)
    assert beside(report.file.parent) == path.parent
    kept, _ = funding_of((path,), "BTCUSDT", "0.1", begun_ns, begun_ns + 3_000 * every_ns)
    assert kept is not None and kept["rate"].tolist() == settled["rate"].tolist() and kept["mark"].tolist() == settled["mark"].tolist()


@pytest.mark.parametrize(
    "told",
    [
        b"[{}]",
        b"nothing",
        b'[{"symbol":"BTCUSDT","fundingTime":5,"fundingRate":"0.5","markPrice":"1"}]',
        b'[{"symbol":"BTCUSDT","fundingTime":0,"fundingRate":"0.1","markPrice":"1"}]',
        b'[{"symbol":"BTCUSDT","fundingTime":5,"fundingRate":"x","markPrice":"1"}]',
        b'[{"symbol":"BTCUSDT","fundingTime":5,"fundingRate":"0.1","markPrice":"-1"}]',
        b'[{"symbol":"BTCUSDT","fundingTime":5,"fundingRate":"0.1"},{"symbol":"BTCUSDT","fundingTime":5,"fundingRate":"0.1"}]',
    ],
)
def test_settlements_that_cannot_be_are_refused(told: bytes) -> None:
    with pytest.raises(AnswerRefused):
        read_funding(told, ONE)


def test_instruments_are_under_the_venues_own_rules_and_what_does_not_trade_is_refused() -> None:
    async def work() -> None:
        (one,) = await venue_instruments(asked_of(), ["BTCUSDT"])
        assert (one.tick_size, one.lot_size, one.max_quantity, one.min_notional, one.source) == ("0.1", "0.001", "120", "100", "venue")
        with pytest.raises(NotFound, match="SETTLING"):
            await venue_instruments(asked_of(), ["OLDUSDT"])
        with pytest.raises(NotFound, match="no NONE"):
            await venue_instruments(asked_of(), ["NONE"])
        assert (await venue_time(asked_of())).rate == 60.0

    in_virtual_time(work())


def test_a_venue_that_is_not_there_is_given_up_after_so_many_tries() -> None:
    asked = asked_of(lambda url, n: ConnectFailed("nobody", where=url), tries=3)

    async def work() -> None:
        with pytest.raises(ConnectFailed):
            await venue_time(asked)
        refusing = asked_of(lambda url, n: 404, tries=9)
        with pytest.raises(VenueError, match="404"):
            await venue_time(refusing)

    in_virtual_time(work())
