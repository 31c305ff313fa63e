"""The last 24 hours: what the trades say, from the first one until they are too old."""

from __future__ import annotations

from metastackerbandit.practice.day import day_of, empty_days, follow_days
from metastackerbandit.practice.tape import trades_between
from metastackerbandit.simulation.queues import empty_queues, tell_trade
from tests.practice.walking import BEGUN_NS, Ground

HOUR_NS = 3_600 * 10**9


def test_a_day_is_the_sum_of_its_trades() -> None:
    ground = Ground("spot")
    ground.floor.advance(BEGUN_NS + 300 * 10**9)
    trades = trades_between(ground.exchange.queues, 0, 0, 10**9)
    day = day_of(ground.floor.days, 0, ground.floor.now_ns)
    prices = [one[2] for one in trades]
    assert (day.open, day.high, day.low, day.close) == (prices[0], max(prices), min(prices), prices[-1])
    assert (day.trades, day.first, day.last) == (len(trades), 1, len(trades))
    assert day.lots == sum(one[3] for one in trades) and day.turnover == sum(one[2] * one[3] for one in trades)
    assert day.last_lots == trades[-1][3]


def test_trades_older_than_a_day_are_not_in_it() -> None:
    queues, days = empty_queues(1), empty_days(1)
    for hour in range(50):
        tell_trade(queues, 0, 100 + hour, 1, 0, 0, 0, hour * HOUR_NS)
        follow_days(days, queues)
    day = day_of(days, 0, 49 * HOUR_NS)
    assert (day.open, day.close, day.trades, day.before) == (125, 149, 25, 124)
    later = day_of(days, 0, 200 * HOUR_NS)
    assert (later.trades, later.lots, later.first) == (0, 0, -1)
