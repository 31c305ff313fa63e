"""Our own connector against the USD-M side: its questions are understood, its readers read every answer, its verdicts mean what happened."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from metastackerbandit.domain.market_rows import DEPTH, MARK, QUOTE, TRADES, VENUE_BARS
from metastackerbandit.domain.trading import (
    AmendAsked,
    BalancesAsked,
    CancelAsked,
    FillsAsked,
    LeverageAsked,
    MarginAsked,
    NewOrder,
    OneWayAsked,
    OpenOrdersAsked,
    OrderAsked,
    PositionsAsked,
    Question,
    RightsAsked,
    RulesAsked,
    StreamKeyAsked,
    StreamKeyKept,
    TimeAsked,
)
from metastackerbandit.exchanges.catalog import orders_of
from metastackerbandit.exchanges.credentials import Credentials, Secret
from metastackerbandit.exchanges.orders import Asking
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.transport.ports import Answer
from metastackerbandit.practice.rest import call_of
from tests.exchanges.binance.test_scan import Reader
from tests.practice.binance.perp_walking import BTC, Usdm
from tests.practice.walking import KEY, instruments

OURS, (ONE, OTHER) = orders_of("BINANCE", "perp"), instruments("perp")


def put(usdm: Usdm, question: Question) -> Answer:
    """A question of ours, answered by the desk."""
    asking = Asking(Credentials(KEY.api_key, Secret(KEY.secret)), EndpointSettings(), usdm.now_ms, 5_000)
    wanted = OURS.request(question, ONE, asking)
    parts, headers = urlsplit(wanted.url), dict(wanted.headers)
    method = wanted.method or ("POST" if wanted.body else "GET")
    call = call_of(method, parts.query, wanted.body.decode(), headers.get("X-MBX-APIKEY", ""), "here")
    answer = usdm.side.desk.answer(usdm.side.routes[method, parts.path], call)
    told_headers = {name.lower(): text for name, text in answer.headers.items()}
    return Answer(answer.http, msgspec.json.encode(answer.body), told_headers, usdm.now_ms)


def meaning(usdm: Usdm, question: Question) -> str:
    """What we take the answer for."""
    return OURS.verdict(question, put(usdm, question)).meaning


def order(client_id: str, **terms: Any) -> NewOrder:
    """A small purchase far below the market."""
    return NewOrder(**{"client_id": client_id, "side": "buy", "sort": "limit", "lots": 1_000, "ticks": 5_500_000, **terms})


def test_an_order_lives_as_we_read_it() -> None:
    usdm = Usdm()
    state = OURS.read_order(put(usdm, order("a")).body, order("a"), ONE)
    assert state is not None and (state.client_id, state.status, state.lots, state.filled_lots, state.ticks) == ("a", "new", 1_000, 0, 5_500_000)
    assert meaning(usdm, order("a")) == "duplicate"
    amended = put(usdm, AmendAsked("a", "buy", 2_000, 5_500_100))
    assert amended.status == 200 and meaning(usdm, AmendAsked("a", "buy", 2_000, 5_500_100)) == "nothing_to_change"
    (resting,) = OURS.read_orders(put(usdm, OpenOrdersAsked()).body, OpenOrdersAsked(), ONE)
    assert (resting.order_id, resting.lots, resting.ticks) == (state.order_id, 2_000, 5_500_100)
    ended = OURS.read_order(put(usdm, CancelAsked("a")).body, CancelAsked("a"), ONE)
    assert ended is not None and ended.status == "canceled"
    assert meaning(usdm, CancelAsked("a")) == "gone" and meaning(usdm, OrderAsked("nobody")) == "gone"


def test_a_market_order_its_fills_position_and_balance_agree() -> None:
    usdm = Usdm()
    wish = order("m", sort="market", lots=300_000, ticks=0)
    state = OURS.read_order(put(usdm, wish).body, wish, ONE)
    assert state is not None and (state.status, state.filled_lots) == ("filled", 300_000)
    fills = OURS.read_fills(put(usdm, FillsAsked(from_ns=1)).body, ONE)
    assert sum(one.fill.lots for one in fills) == 300_000 and {one.order_id for one in fills} == {state.order_id}
    assert OURS.read_position is not None
    position = OURS.read_position(put(usdm, PositionsAsked()).body, ONE)
    assert position == 300_000
    (balance,) = OURS.read_balances(put(usdm, BalancesAsked()).body)
    assert balance.whole == 1_000_000 - sum((one.fill.fee or Decimal(0) for one in fills), Decimal(0))


def test_an_order_that_waits_becomes_the_order_of_its_own_number() -> None:
    usdm = Usdm()
    put(usdm, order("m", sort="market", ticks=0))
    stop = order("s", side="sell", sort="stop", ticks=0, trigger_ticks=5_900_000, reduces_only=True)
    waits = OURS.read_order(put(usdm, stop).body, stop, ONE)
    assert waits is not None and (waits.status, waits.waits, waits.became) == ("new", True, "")
    assert [one.client_id for one in OURS.read_orders(put(usdm, OpenOrdersAsked(True)).body, OpenOrdersAsked(True), ONE)] == ["s"]
    usdm.exchange.mark(BTC, 5_800_000, usdm.floor.now_ns)
    question = OrderAsked("s", waits=True)
    done = OURS.read_order(put(usdm, question).body, question, ONE)
    assert done is not None and done.became == waits.order_id
    became = OURS.read_order(put(usdm, OrderAsked(order_id=done.became)).body, OrderAsked(order_id=done.became), ONE)
    assert became is not None and (became.status, became.filled_lots) == ("filled", 1_000)


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        (order("x", life="post_only", ticks=6_100_000), "rejected"),
        (order("x", life="fok", lots=20_000_000, ticks=6_000_010), "rejected"),
        (order("x", lots=1), "rejected"),
        (LeverageAsked(99), "rejected"),
        (LeverageAsked(7), "done"),
        (MarginAsked("cross"), "nothing_to_change"),
        (MarginAsked("isolated"), "done"),
        (OneWayAsked(), "nothing_to_change"),
        (StreamKeyKept("none"), "gone"),
    ],
)
def test_answers_mean_to_us_what_happened(question: Question, wanted: str) -> None:
    assert meaning(Usdm(), question) == wanted


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [("unknown", "unknown"), ("refused", "down"), ("too_many", "too_fast"), ("ban", "banned"), ("skew", "skew"), ("reject", "rejected")],
)
def test_faults_mean_to_us_what_they_are(fault: str, wanted: str) -> None:
    usdm = Usdm()
    usdm.fault(fault)
    if fault == "skew":
        usdm.ground.time.skew_ms = 60_000
        asking = Asking(Credentials(KEY.api_key, Secret(KEY.secret)), EndpointSettings(), usdm.now_ms, 5_000)
        assert asking.now_ms < usdm.ground.time.told_ms()
    assert meaning(usdm, order("f")) == wanted
    usdm.ground.time.skew_ms = 0
    usdm.fault(fault, is_on=False)
    if fault != "ban":
        assert meaning(usdm, OrderAsked("f")) == ("done" if fault == "unknown" else "gone")


def test_what_a_key_may_do_is_told_without_a_spot_market() -> None:
    rights = OURS.read_rights(put(Usdm(), RightsAsked()).body)
    assert rights.can_trade_futures and not rights.can_withdraw


def test_rules_time_and_stream_key_are_read() -> None:
    usdm = Usdm(speed=60.0)
    rules = OURS.read_rules(put(usdm, RulesAsked()).body)[0]
    assert (rules.symbol, rules.tick_size, rules.lot_size) == ("BTCUSDT", Decimal("0.01"), Decimal("0.00001"))
    assert rules.min_notional == 5 and rules.unread == () and rules.is_trading
    assert OURS.read_time(put(usdm, TimeAsked()).body).rate == 60.0
    assert OURS.read_stream_key is not None
    key = OURS.read_stream_key(put(usdm, StreamKeyAsked()).body)
    plan = OURS.private_plan(key, Asking(Credentials(KEY.api_key, Secret(KEY.secret)), EndpointSettings(), usdm.now_ms, 5_000))
    assert urlsplit(plan.url).path == f"/private/ws/{key}" and usdm.side.families["/private"].opened(key) is not None


@pytest.mark.parametrize(
    ("base", "name", "kind"),
    [
        ("/public", "btcusdt@depth@100ms", DEPTH),
        ("/public", "btcusdt@bookTicker", QUOTE),
        ("/market", "btcusdt@aggTrade", TRADES),
        ("/market", "btcusdt@trade", TRADES),
        ("/market", "btcusdt@markPrice@1s", MARK),
        ("/market", "!markPrice@arr", MARK),
        ("/market", "btcusdt@kline_1m", VENUE_BARS),
    ],
)
def test_our_scanner_reads_every_message_as_a_plain_reader_does(base: str, name: str, kind: int) -> None:
    usdm, reader = Usdm(), Reader(ONE, OTHER)
    stream = usdm.stream(base, name)
    count = 0
    for _ in range(5):
        usdm.turn(1.0)
        for event in usdm.told(stream):
            plain = msgspec.json.encode(event)
            for frame in (plain, b'{"stream":"%b","data":%b}' % (name.encode(), plain)):
                if isinstance(event, dict):
                    reader.agrees(frame)
                assert reader.read(frame) == kind
            count += 1
    assert count >= 1
