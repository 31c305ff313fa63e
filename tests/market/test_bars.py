"""Bars from trades: a plain group-by of every frame, whatever the order of arrival; when they close, what is late, what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.market.bar_ring import closed_bars
from metastackerbandit.market.bar_terms import MOST, bar_terms
from metastackerbandit.market.bars import (
    AHEAD,
    BAR_FRAMES,
    BROKEN,
    FOREIGN,
    LATE,
    NEVER,
    TAKEN,
    TOO_LARGE,
    VERDICTS,
    empty_bars,
    listen,
    take,
    take_all,
    tick,
)
from metastackerbandit.market.settings import BarSettings
from metastackerbandit.market.tick_ring import newest_ticks
from tests.market.tapes import DAY, SHORT, START_NS, bars_from, delayed, grouped, late, one_symbol, same, state, tape, trade_at
from tests.markets import instrument

FRAMES = tuple(BAR_FRAMES.values())
SEEDS = st.integers(0, 10**6)


@given(seed=SEEDS, count=st.integers(1, 600), grace_s=st.sampled_from([0.0, 0.5, 2.0, 7.5]), delay_s=st.sampled_from([0.0, 2.0, 20.0]))
@settings(max_examples=25)
def test_the_bars_of_every_frame_are_a_group_by_of_the_trades_that_were_not_late(seed: int, count: int, grace_s: float, delay_s: float) -> None:
    trades = delayed(tape(seed, count), seed, delay_s)
    bars = bars_from(trades, FRAMES, BarSettings(grace_s=grace_s))
    is_late = late(trades, grace_s)
    for f, frame_ns in enumerate(FRAMES):
        same(closed_bars(bars, 0, f), grouped(trades[~is_late], frame_ns))
    counted = bars.tape[0]
    assert (counted["taken"], counted["late"], counted["refused"]) == ((~is_late).sum(), is_late.sum(), 0)


@given(seed=SEEDS, other=SEEDS, count=st.integers(2, 400), grace_s=st.sampled_from([0.5, 2.0]))
@settings(max_examples=30)
def test_the_order_of_arrival_within_the_grace_does_not_matter(seed: int, other: int, count: int, grace_s: float) -> None:
    trades = tape(seed, count)
    arrivals, rule = (trades, delayed(trades, other, grace_s)), BarSettings(grace_s=grace_s)
    in_order, shuffled = (bars_from(one, SHORT, rule, heard_ns=START_NS) for one in arrivals)
    assert shuffled.tape[0]["late"] == 0
    for f in range(len(SHORT)):
        ours, theirs = (closed_bars(one, 0, f).copy() for one in (in_order, shuffled))
        ours["known_ns"] = theirs["known_ns"]
        assert ours.tobytes() == theirs.tobytes()


@given(seed=SEEDS, count=st.integers(1, 500), delay_s=st.sampled_from([0.0, 9.0]))
@settings(max_examples=20)
def test_a_minute_is_its_sixty_seconds_even_where_trades_are_late(seed: int, count: int, delay_s: float) -> None:
    bars = bars_from(delayed(tape(seed, count), seed, delay_s), SHORT)
    seconds, minutes = (closed_bars(bars, 0, f) for f in range(2))
    for minute in minutes:
        inside = seconds[(seconds["opened_ns"] >= minute["opened_ns"]) & (seconds["closed_ns"] <= minute["closed_ns"])]
        assert (minute["open"], minute["high"], minute["low"], minute["close"]) == (
            inside[0]["open"],
            inside["high"].max(),
            inside["low"].min(),
            inside[-1]["close"],
        )
        for name in ("volume", "quote_volume", "taker_volume", "trades"):
            assert minute[name] == pytest.approx(inside[name].sum(), rel=1e-12, abs=1e-12)
    assert minutes["trades"].sum() == seconds["trades"].sum() > 0


@given(seed=SEEDS, count=st.integers(1, 300), cut=st.integers(0, 300), fills=st.booleans())
@settings(max_examples=25)
def test_one_by_one_is_one_block(seed: int, count: int, cut: int, fills: bool) -> None:
    trades, rule = delayed(tape(seed, count), seed, 4.0), BarSettings(fills_gaps=fills)
    block, single = bars_from(trades, FRAMES, rule, ends=False), one_symbol(rule, FRAMES)
    verdicts = np.zeros(count, np.int64)
    take_all(single, trades[:cut], verdicts)
    for n in range(min(cut, count), count):
        verdicts[n] = take(single, trades[n])
    assert state(single) == state(block)
    assert np.array_equal(verdicts, np.where(late(trades, rule.grace_s), LATE, TAKEN))


@given(seed=SEEDS, count=st.integers(1, 200), delay_s=st.sampled_from([0.0, 5.0]))
@settings(max_examples=20)
def test_mirrored_prices_make_mirrored_bars(seed: int, count: int, delay_s: float) -> None:
    trades = delayed(tape(seed, count), seed, delay_s)
    turned = trades.copy()
    turned["ticks"], turned["side"] = 1_000_000 - trades["ticks"], -trades["side"]
    both = [bars_from(one, SHORT) for one in (trades, turned)]
    for f in range(len(SHORT)):
        ours, theirs = (closed_bars(one, 0, f) for one in both)
        for name, other in (("open", "open"), ("high", "low"), ("low", "high"), ("close", "close")):
            assert np.array_equal(1_000_000 - ours[name], theirs[other])
        for name in ("opened_ns", "known_ns", "volume", "trades", "parts"):
            assert np.array_equal(ours[name], theirs[name])
        assert ours["volume"] - ours["taker_volume"] == pytest.approx(theirs["taker_volume"], abs=1e-9)
        assert 100_000 * ours["volume"] - ours["quote_volume"] == pytest.approx(theirs["quote_volume"], abs=1e-3)


@given(seed=SEEDS, count=st.integers(1, 200), grace_s=st.sampled_from([0.0, 2.0]), fills=st.booleans())
@settings(max_examples=20)
def test_a_bar_closes_with_the_first_that_comes_at_its_end_and_grace_and_never_changes(seed: int, count: int, grace_s: float, fills: bool) -> None:
    trades, grace_ns = delayed(tape(seed, count), seed, grace_s), round(grace_s * SECOND_NS)
    bars, seen, newest, known = one_symbol(BarSettings(grace_s=grace_s, fills_gaps=fills)), [b"", b""], 0, 0
    rng = np.random.default_rng(seed)
    for trade in trades:
        events = [(int(trade["traded_ns"]), int(trade["received_ns"]), trade)]
        if newest and rng.random() < 0.3:
            now_ns = max(newest, int(trade["traded_ns"]))
            events.insert(0, (now_ns, now_ns, None))
        for told_ns, came_ns, came in events:
            before, newest = newest, max(newest, told_ns)
            known = max(known, came_ns, newest)
            if came is None:
                tick(bars, told_ns)
            else:
                take(bars, came)
            for f, frame_ns in enumerate(SHORT):
                ring = closed_bars(bars, 0, f)
                assert ring.tobytes().startswith(seen[f])  # closed ones stay as they are
                new = ring[len(seen[f]) // ring.dtype.itemsize :]
                assert ((new["closed_ns"] + grace_ns > before) & (new["closed_ns"] + grace_ns <= newest)).all()
                assert (new["known_ns"] == known).all() and (new["known_ns"] >= new["closed_ns"]).all()
                open_ones = bars.open[0, f][bars.open[0, f]["rows"] > 0]
                assert (open_ones["opened_ns"] + frame_ns + grace_ns > newest).all()
                seen[f] = ring.tobytes()


@given(seed=SEEDS, count=st.integers(60, 200), delay_s=st.sampled_from([0.0, 4.0]))
@settings(max_examples=10)
def test_filled_gaps_are_flat_bars_without_volume_and_nothing_else_changes(seed: int, count: int, delay_s: float) -> None:
    trades = delayed(tape(seed, count, mean_s=2.0), seed, delay_s)
    filled, plain = (bars_from(trades, SHORT, BarSettings(fills_gaps=fills)) for fills in (True, False))
    for f, frame_ns in enumerate(SHORT):
        whole, told = closed_bars(filled, 0, f), closed_bars(plain, 0, f)
        assert (np.diff(whole["opened_ns"]) == frame_ns).all()
        told = told[told["opened_ns"] >= whole[0]["opened_ns"]]
        traded = np.isin(whole["opened_ns"], told["opened_ns"])
        assert whole[traded].tobytes() == told.tobytes()
        before = np.concatenate(([0], whole["close"][:-1]))
        for name in ("open", "high", "low", "close"):
            assert np.array_equal(whole[~traded][name][1:], before[~traded][1:])
        for name in ("volume", "quote_volume", "taker_volume", "trades"):
            assert (whole[~traded][name] == 0.0).all()
        assert (~traded).any() or frame_ns > SECOND_NS


@given(seeds=st.lists(SEEDS, min_size=2, max_size=3, unique=True), count=st.integers(1, 150))
@settings(max_examples=15)
def test_instruments_do_not_touch_each_other(seeds: list[int], count: int) -> None:
    tapes = [tape(seed, count) for seed in seeds]
    for s, one in enumerate(tapes):
        one["instrument"] = s
    mixed = np.concatenate(tapes)
    mixed = mixed[np.argsort(mixed["received_ns"], kind="stable")]
    together = empty_bars([bar_terms(instrument())] * len(seeds), SHORT, BarSettings())
    take_all(together, mixed, np.zeros(len(mixed), np.int64))
    for s, one in enumerate(tapes):
        one["instrument"] = 0
        alone = bars_from(one, SHORT, ends=False)
        assert together.open[s].tobytes() == alone.open[0].tobytes() and together.closed[s].tobytes() == alone.closed[0].tobytes()
        assert together.tape[s].tobytes() == alone.tape[0].tobytes()


def test_the_grace_counts_to_the_nanosecond() -> None:
    bars, grace_ns = one_symbol(), 2 * SECOND_NS
    newest = DAY + 10 * SECOND_NS
    assert take(bars, trade_at(newest)[0]) == TAKEN
    assert take(bars, trade_at(newest - grace_ns, 90)[0]) == TAKEN  # second 8 closes at 11
    assert take(bars, trade_at(newest - grace_ns - 1, 80)[0]) == LATE
    assert (bars.tape[0]["taken"], bars.tape[0]["late"]) == (2, 1)
    tick(bars, DAY + 11 * SECOND_NS - 1)
    assert len(closed_bars(bars, 0, 0)) == 0
    tick(bars, DAY + 11 * SECOND_NS)
    assert closed_bars(bars, 0, 0)[["opened_ns", "open", "known_ns"]].tolist() == [(DAY + 8 * SECOND_NS, 90, DAY + 11 * SECOND_NS)]
    tick(bars, DAY)  # a clock that goes back closes nothing and opens nothing
    assert bars.tape[0]["newest_ns"] == DAY + 11 * SECOND_NS


def test_a_bar_by_hand() -> None:
    bars = one_symbol()
    told = [(0.2, 105, 2, 1, 11), (0.9, 103, 1, -1, 14), (0.2, 101, 4, -1, 10), (0.5, 110, 3, 1, 12), (0.9, 104, 5, 1, 13)]
    for second, ticks, lots, side, number in told:
        take(bars, trade_at(DAY + round(second * SECOND_NS), ticks, lots, side, number)[0])
    take(bars, trade_at(DAY + 3 * SECOND_NS, received_ns=DAY + 3 * SECOND_NS + 7)[0])
    (second,) = closed_bars(bars, 0, 0)
    prices = (105 * 2 + 103 + 101 * 4 + 110 * 3 + 104 * 5) / 10_000
    assert second.item()[3:] == (101, 110, 101, 103, 0.015, 0, 1, prices, 0.010, 5.0)
    assert second.item()[:3] == (DAY, DAY + SECOND_NS, DAY + 3 * SECOND_NS + 7)


def test_of_trades_of_one_time_without_ids_the_order_of_arrival_counts() -> None:
    bars = one_symbol()
    for ticks in (105, 103, 104):
        take(bars, trade_at(DAY, ticks, first_id=-1)[0])
    tick(bars, DAY + 3 * SECOND_NS)
    assert closed_bars(bars, 0, 0)[["open", "close", "trades"]].tolist() == [(105, 104, 3.0)]


def test_a_clock_behind_the_venue_does_not_make_a_bar_known_before_its_end() -> None:
    bars = one_symbol()
    for second in (0, 5):
        take(bars, trade_at(DAY + second * SECOND_NS, received_ns=DAY - 40 * SECOND_NS)[0])
    assert closed_bars(bars, 0, 0)["known_ns"].tolist() == [DAY + 5 * SECOND_NS]


def test_the_taker_s_volume_is_not_known_where_one_trade_s_side_is_not() -> None:
    bars = one_symbol()
    for second, side in ((0, 1), (0, 0), (1, 1), (4, 1)):
        take(bars, trade_at(DAY + second * SECOND_NS, side=side)[0])
    volumes = closed_bars(bars, 0, 0)["taker_volume"].tolist()
    assert math.isnan(volumes[0]) and volumes[1:] == [0.001]


REFUSED: dict[str, tuple[dict[str, int], int]] = {
    "no price": ({"ticks": 0}, BROKEN),
    "a price below zero": ({"ticks": -10}, BROKEN),
    "no size": ({"lots": 0}, BROKEN),
    "a size below zero": ({"lots": -1}, BROKEN),
    "no time": ({"traded_ns": 0}, BROKEN),
    "ids that go back": ({"first_id": 9, "last_id": 8}, BROKEN),
    "a time far ahead": ({"traded_ns": DAY + 60 * SECOND_NS + 1, "received_ns": DAY}, AHEAD),
    "a turnover beyond 64 bits": ({"ticks": 2**31, "lots": 2**31}, TOO_LARGE),
    "a sum beyond 64 bits": ({"ticks": 100, "lots": MOST // 100 - 150}, TOO_LARGE),
    "lots beyond 64 bits": ({"ticks": 1, "lots": MOST - 1}, TOO_LARGE),
}


@pytest.mark.parametrize(("changes", "verdict"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_refused_changes_nothing_but_its_count(changes: dict[str, int], verdict: int) -> None:
    bars = one_symbol()
    take(bars, trade_at(DAY - 90 * SECOND_NS, 1)[0])
    take(bars, trade_at(DAY, 100, 200)[0])
    before = state(bars)
    assert take(bars, trade_at(DAY + 1, **changes)[0] if "traded_ns" not in changes else trade_at(DAY, **changes)[0]) == verdict
    assert bars.tape[0]["refused"] == 1
    bars.tape[0]["refused"] = 0
    assert state(bars) == before
    assert take(bars, trade_at(DAY + 60 * SECOND_NS, received_ns=DAY)[0]) == TAKEN  # so far ahead is allowed


@pytest.mark.parametrize("place", [-1, 1, 10**9])
def test_a_trade_of_nobody_is_foreign(place: int) -> None:
    bars = one_symbol()
    before = state(bars)
    assert take(bars, trade_at(DAY, instrument=place)[0]) == FOREIGN and state(bars) == before
    assert [name for name, _ in VERDICTS] == ["taken", "late", "broken", "ahead", "too_large", "foreign"]


def test_ticks_are_those_of_the_last_seconds() -> None:
    trades = tape(6, 2_000)
    bars = bars_from(trades, SHORT, BarSettings(ticks_s=60.0, most_ticks=400), ends=False)
    young = trades[trades["traded_ns"] >= trades[-1]["traded_ns"] - 60 * SECOND_NS]
    assert newest_ticks(bars.ticks, 0).tobytes() == young.tobytes() and bars.ticks.cursor[0]["dropped"] == 0
    tick(bars, int(trades[-1]["traded_ns"]) + 60 * SECOND_NS + 1)
    assert len(newest_ticks(bars.ticks, 0)) == 0
    assert bars_from(trades, SHORT, BarSettings(most_ticks=100), ends=False).ticks.cursor[0]["dropped"] > 1_000


def test_bars_that_were_not_heard_from_their_beginning_are_not_whole() -> None:
    bars = one_symbol()
    for second in (10, 11, 60, 75, 76):
        take(bars, trade_at(DAY + second * SECOND_NS)[0])
    listen(bars, 0, NEVER)  # the feed breaks
    tick(bars, DAY + 125 * SECOND_NS)
    listen(bars, 0, DAY + 125 * SECOND_NS)
    for second in (126, 130, 181, 250):
        take(bars, trade_at(DAY + second * SECOND_NS)[0])
    tick(bars, DAY + 400 * SECOND_NS)
    assert [(int((bar["opened_ns"] - DAY) // MINUTE_NS), int(bar["parts"])) for bar in closed_bars(bars, 0, 1)] == [
        (0, 0),
        (1, 0),
        (2, 0),
        (3, 1),
        (4, 1),
    ]
    assert closed_bars(bars, 0, 0)["parts"].tolist() == [1, 1, 1, 0, 0, 1, 1, 1, 1]


def test_who_listens_from_the_start_has_a_whole_first_bar() -> None:
    bars = one_symbol()
    tick(bars, DAY + SECOND_NS)  # nobody is heard yet
    listen(bars, 0, DAY)
    tick(bars, DAY + SECOND_NS)
    take(bars, trade_at(DAY + 30 * SECOND_NS)[0])
    tick(bars, DAY + 62 * SECOND_NS)
    assert closed_bars(bars, 0, 1)["parts"].tolist() == [1]


def test_more_bars_are_open_at_a_time_than_one_where_the_grace_is_longer_than_a_bar() -> None:
    bars: Any = one_symbol(BarSettings(grace_s=3.0))
    for second in (3, 2, 1, 0, 4):
        take(bars, trade_at(DAY + second * SECOND_NS, 100 + second)[0])
    assert bars.open.shape[2] == 5 and closed_bars(bars, 0, 0)["close"].tolist() == [100]
    assert sorted(bars.open[0, 0]["close"][bars.open[0, 0]["rows"] > 0].tolist()) == [101, 102, 103, 104]
