"""Our own connector against the spot side: its questions are understood, its readers read every answer, its verdicts mean what happened."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from metastackerbandit.domain.market_rows import DEPTH, QUOTE, TRADES, VENUE_BARS
from metastackerbandit.domain.trading import (
    BalancesAsked,
    CancelAsked,
    FillsAsked,
    NewOrder,
    OpenOrdersAsked,
    OrderAsked,
    Question,
    RightsAsked,
    RulesAsked,
    TimeAsked,
)
from metastackerbandit.domain.user_events import BalanceUpdate, OrderUpdate
from metastackerbandit.exchanges.account import grids_of
from metastackerbandit.exchanges.binance.user import read_user
from metastackerbandit.exchanges.catalog import orders_of
from metastackerbandit.exchanges.credentials import Credentials, Secret
from metastackerbandit.exchanges.orders import Asking
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.transport.ports import Answer
from metastackerbandit.practice.faults import Fault
from metastackerbandit.practice.rest import call_of
from tests.exchanges.binance.test_scan import Reader
from tests.practice.binance.spot import side_of
from tests.practice.walking import KEY, Ground, instruments

OURS, (ONE, OTHER) = orders_of("BINANCE", "spot"), instruments("spot")


class Spot:
    """A spot market whose desk is asked without a server."""

    def __init__(self, speed: float = 1.0) -> None:
        self.ground = Ground("spot", speed)
        self.side = side_of(self.ground)
        self.ground.clock.turn(2.0)
        self.ground.floor.advance(self.ground.time.now_ns())

    @property
    def asking(self) -> Asking:
        """Who asks, and when."""
        return Asking(Credentials(KEY.api_key, Secret(KEY.secret)), EndpointSettings(), self.ground.time.now_ns() // 1_000_000, 5_000)

    def put(self, question: Question) -> Answer:
        """A question of ours, answered by the desk."""
        wanted = OURS.request(question, ONE, self.asking)
        parts, headers = urlsplit(wanted.url), dict(wanted.headers)
        method = wanted.method or ("POST" if wanted.body else "GET")
        call = call_of(method, parts.query, wanted.body.decode(), headers.get("X-MBX-APIKEY", ""), "here")
        answer = self.side.desk.answer(self.side.routes[method, parts.path], call)
        told = {name.lower(): text for name, text in answer.headers.items()}
        return Answer(answer.http, msgspec.json.encode(answer.body), told, self.asking.now_ms)

    def meaning(self, question: Question) -> str:
        """What we take the answer for."""
        return OURS.verdict(question, self.put(question)).meaning


def order(client_id: str, **terms: Any) -> NewOrder:
    """A small purchase far below the market."""
    return NewOrder(**{"client_id": client_id, "side": "buy", "sort": "limit", "lots": 1_000, "ticks": 5_500_000, **terms})


def test_an_order_lives_as_we_read_it() -> None:
    spot = Spot()
    state = OURS.read_order(spot.put(order("a")).body, order("a"), ONE)
    assert state is not None and (state.client_id, state.status, state.lots, state.filled_lots, state.ticks) == ("a", "new", 1_000, 0, 5_500_000)
    assert spot.meaning(order("a")) == "duplicate"
    (resting,) = OURS.read_orders(spot.put(OpenOrdersAsked()).body, OpenOrdersAsked(), ONE)
    assert (resting.order_id, resting.lots) == (state.order_id, 1_000)
    ended = OURS.read_order(spot.put(CancelAsked("a")).body, CancelAsked("a"), ONE)
    assert ended is not None and ended.status == "canceled"
    assert spot.meaning(CancelAsked("a")) == "gone" and spot.meaning(OrderAsked("nobody")) == "gone"


def test_a_market_order_its_fills_and_balances_agree() -> None:
    spot = Spot()
    wish = order("m", sort="market", lots=300_000, ticks=0)
    state = OURS.read_order(spot.put(wish).body, wish, ONE)
    assert state is not None and (state.status, state.filled_lots) == ("filled", 300_000)
    fills = OURS.read_fills(spot.put(FillsAsked(from_ns=1)).body, ONE)
    assert sum(one.fill.lots for one in fills) == 300_000 and {one.order_id for one in fills} == {state.order_id}
    balances = {one.asset: one for one in OURS.read_balances(spot.put(BalancesAsked()).body)}
    cost = sum((one.fill.price * one.fill.lots for one in fills), Decimal(0)) / 100_000
    assert balances["USDT"].whole == 1_000_000 - cost
    assert balances["BTC"].whole == 53 - sum((one.fill.fee or Decimal(0) for one in fills), Decimal(0))


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        (order("x", life="post_only", ticks=6_100_000), "rejected"),
        (order("x", life="fok", lots=2_000_000, ticks=6_000_000), "rejected"),
        (order("x", lots=1), "rejected"),
        (order("x", ticks=9_900_000), "rejected"),
    ],
)
def test_answers_mean_to_us_what_happened(question: Question, wanted: str) -> None:
    assert Spot().meaning(question) == wanted


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [("unknown", "unknown"), ("refused", "down"), ("too_many", "too_fast"), ("ban", "banned"), ("skew", "skew"), ("reject", "rejected")],
)
def test_faults_mean_to_us_what_they_are(fault: str, wanted: str) -> None:
    spot = Spot()
    spot.ground.faults.switch_on(Fault(fault, count=1))
    spot.ground.time.skew_ms = 60_000 if fault == "skew" else 0
    assert spot.meaning(order("f")) == wanted
    spot.ground.time.skew_ms = 0
    if fault != "ban":
        assert spot.meaning(OrderAsked("f")) == ("done" if fault == "unknown" else "gone")


class Line:
    """Stands where a client's connection does, and keeps what is sent."""

    address, number, begun_ms, is_open = "here", 1, 0, True

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        """Keep it."""
        self.sent.append(data)


def test_the_accounts_stream_is_opened_by_our_plan_and_read_by_our_reader() -> None:
    spot, line = Spot(), Line()
    plan = OURS.private_plan("", spot.asking)
    connection: Any = line
    talk = spot.side.talks[urlsplit(plan.url).path](connection, {})
    talk.heard(plan.opening[0].decode())
    assert msgspec.json.decode(line.sent.pop())["result"] == {"subscriptionId": 0}
    spot.put(order("a"))
    spot.put(CancelAsked("a"))
    spot.put(order("m", sort="market", lots=5_000, ticks=0))
    spot.ground.hub.emit_urgent(spot.ground.floor.now_ns)
    events = [event for frame in line.sent for event in read_user(frame, grids_of([ONE, OTHER]))]
    orders = [(one.client_id, one.status, one.cause, one.filled_lots) for one in events if isinstance(one, OrderUpdate)]
    assert orders == [("a", "new", "new", 0), ("a", "canceled", "canceled", 0), ("m", "new", "new", 0), ("m", "filled", "trade", 5_000)]
    (fill,) = [one.fill for one in events if isinstance(one, OrderUpdate) and one.fill is not None]
    balances = {one.asset: one for one in events if isinstance(one, BalanceUpdate)}
    assert fill.fee is not None and balances["BTC"].free == 50 + Decimal("0.05") - fill.fee
    assert balances["USDT"].free == 1_000_000 - fill.price * 5_000 / 100_000 and balances["USDT"].locked == 0


def test_rules_rights_and_the_venues_clock_are_read() -> None:
    spot = Spot(speed=60.0)
    rights = OURS.read_rights(spot.put(RightsAsked()).body)
    assert rights.can_trade_spot and not rights.can_withdraw
    rules = OURS.read_rules(spot.put(RulesAsked()).body)[0]
    assert (rules.symbol, rules.tick_size, rules.lot_size, rules.min_notional) == ("BTCUSDT", Decimal("0.01"), Decimal("0.00001"), 5)
    assert rules.is_trading and not rules.unread
    assert OURS.read_time(spot.put(TimeAsked()).body).rate == 60.0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("btcusdt@depth@100ms", DEPTH),
        ("btcusdt@bookTicker", QUOTE),
        ("btcusdt@aggTrade", TRADES),
        ("btcusdt@trade", TRADES),
        ("btcusdt@kline_1m", VENUE_BARS),
    ],
)
def test_our_scanner_reads_every_message_as_a_plain_reader_does(name: str, kind: int) -> None:
    spot, reader = Spot(), Reader(ONE, OTHER)
    stream = spot.side.families[""].opened(name)
    assert stream is not None
    count = 0
    for _ in range(5):
        spot.ground.clock.turn(1.0)
        spot.ground.floor.advance(spot.ground.time.now_ns())
        for event in stream.told(spot.ground.floor.now_ns):
            plain = msgspec.json.encode(event)
            for frame in (plain, b'{"stream":"%b","data":%b}' % (name.encode(), plain)):
                reader.agrees(frame)
                assert reader.read(frame) == kind
            count += 1
    assert count >= 1
