"""When what was recorded is over, its instrument is closed once, and is heard of."""

from __future__ import annotations

from metastackerbandit.practice.closing import Closing
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.listing import Listing
from tests.practice.walking import instruments


def test_each_instrument_is_closed_at_its_own_time_and_told_once() -> None:
    exchange, heard = Exchange([Listing(one) for one in instruments("spot")], prices=8, orders=8), list[tuple[str, int]]()
    closing = Closing([50, 30])
    closing.hear = lambda symbol, at_ns: heard.append((symbol, at_ns))
    for now_ns, trading in ((29, [True, True]), (30, [True, False]), (49, [True, False]), (51, [False, False]), (60, [False, False])):
        closing.close_due(exchange, now_ns)
        assert [one.is_trading for one in exchange.listings] == trading
    assert heard == [("ETHUSDT", 30), ("BTCUSDT", 50)] and closing.closed == {"ETHUSDT": 30, "BTCUSDT": 50}
