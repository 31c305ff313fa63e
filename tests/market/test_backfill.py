"""Laying fetched candles into a cache: nothing is missing afterwards, nothing that agreed was touched, and once more changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.market.backfill import lay_in
from metastackerbandit.market.bar_ring import closed_bars, refill
from metastackerbandit.market.settings import UpkeepSettings
from metastackerbandit.market.upkeep import KlineRequest, agreeing, plan_upkeep
from tests.market.caches import CACHES, LAST_NS, NOW_NS, SETTLE, answer, harmed, venue
from tests.market.tapes import bars_from, tape


@given(cache=CACHES, knows=st.booleans(), most=st.integers(1, 70))
@settings(max_examples=60)
def test_after_laying_in_what_was_asked_for_nothing_is_missing(cache: np.ndarray, knows: bool, most: int) -> None:
    rule, klines = UpkeepSettings(bars=60, most_bars=most), venue() if knows else None
    plan = plan_upkeep(cache, "X", "1m", NOW_NS, rule, klines=klines)
    laid = cache
    for request in plan.requests:
        laid = lay_in(laid, answer(request), request, rule).bars
    again = plan_upkeep(laid, "X", "1m", NOW_NS, rule, klines=klines)
    assert again.stretches == again.requests == ()
    if knows:
        due = laid[laid["opened_ns"] >= LAST_NS - 60 * MINUTE_NS]
        assert len(due) == 60 and agreeing(due, venue()[-60:], rule.volume_tolerance).all()


@given(cache=CACHES, first=st.integers(0, 89), count=st.integers(1, 30))
@settings(max_examples=60)
def test_what_agrees_is_never_changed_and_all_else_is_told(cache: np.ndarray, first: int, count: int) -> None:
    rule = UpkeepSettings(bars=90, most_bars=30)
    from_ns = LAST_NS - (90 - first) * MINUTE_NS
    request = KlineRequest("X", "1m", from_ns, min(from_ns + count * MINUTE_NS, LAST_NS), count)
    theirs, before = answer(request), cache.copy()
    laid = lay_in(cache, theirs, request, rule)
    assert cache.tobytes() == before.tobytes()
    old = {int(bar["opened_ns"]): bar for bar in cache}
    new = {int(bar["opened_ns"]): bar for bar in laid.bars}
    given_by = {int(bar["opened_ns"]): bar for bar in theirs}
    assert new.keys() == old.keys() | given_by.keys() and list(new) == sorted(new)
    expected: dict[str, list[int]] = {"added": [], "completed": [], "disagreed": []}
    for at, bar in new.items():
        if at not in given_by:
            assert bar.tobytes() == old[at].tobytes()
            continue
        if at not in old:
            expected["added"].append(at)
        elif old[at]["parts"] < 1:
            expected["completed"].append(at)
        elif old[at]["close"] != given_by[at]["close"]:
            expected["disagreed"].append(at)
        else:
            assert bar.tobytes() == old[at].tobytes()
            continue
        assert bar.tobytes() == given_by[at].tobytes()
    assert {name: getattr(laid, name).tolist() for name in expected} == expected
    assert laid.before.tobytes() == b"".join(old[at].tobytes() for at in expected["disagreed"])
    assert laid.after.tobytes() == b"".join(given_by[at].tobytes() for at in expected["disagreed"])
    again = lay_in(laid.bars, theirs, request, rule)
    assert again.bars.tobytes() == laid.bars.tobytes()
    assert not (len(again.added) or len(again.completed) or len(again.disagreed))


def test_where_the_venue_has_no_candle_is_told_and_not_asked_for_again() -> None:
    cache = venue()
    missing = cache["opened_ns"][[50, 51, 70]]
    cache = cache[~np.isin(cache["opened_ns"], missing)]
    (request,) = plan_upkeep(cache, "X", "1m", NOW_NS, structs.replace(SETTLE, most_bars=60)).requests
    laid = lay_in(cache, answer(request, frozenset(int(at) for at in missing[:2])), request, SETTLE)
    assert laid.silent.tolist() == missing[:2].tolist() and laid.added.tolist() == missing[2:].tolist()
    assert plan_upkeep(laid.bars, "X", "1m", NOW_NS, SETTLE, silent=laid.silent).requests == ()


def test_a_cache_holds_the_newest_so_many() -> None:
    request = KlineRequest("X", "1m", LAST_NS - 90 * MINUTE_NS, LAST_NS, 90)
    laid = lay_in(venue()[:0], answer(request), request, structs.replace(SETTLE, bars=7))
    assert laid.bars.tobytes() == answer(request)[-7:].tobytes() and len(laid.added) == 90


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [("known_ns", 1, "before it closed"), ("parts", 0, "were asked for"), ("opened_ns", 7, "UTC clock")],
)
def test_what_is_no_answer_is_refused(field: str, value: int, what: str) -> None:
    request = KlineRequest("X", "1m", LAST_NS - 10 * MINUTE_NS, LAST_NS, 10)
    theirs = answer(request)
    theirs[field][4] = value
    with pytest.raises(DataRefused, match=what):
        lay_in(harmed(2), theirs, request, SETTLE)


@pytest.mark.parametrize("shift", [-1, 1])
def test_candles_that_were_not_asked_for_are_refused(shift: int) -> None:
    request = KlineRequest("X", "1m", LAST_NS - 10 * MINUTE_NS, LAST_NS - 5 * MINUTE_NS, 5)
    other = KlineRequest("X", "1m", request.from_ns + shift * MINUTE_NS, request.to_ns + shift * MINUTE_NS, 5)
    with pytest.raises(DataRefused, match="were asked for"):
        lay_in(harmed(2), answer(other), request, SETTLE)


def test_the_bars_of_a_broken_feed_are_mended_with_those_of_a_whole_one() -> None:
    """Trades are lost for a while; candles made from all of them mend the minutes, and the bars go on from there."""
    trades = tape(9, 4_000)
    begins, ends = (int(trades["traded_ns"][n]) for n in (1_200, 2_400))
    whole, broken = (bars_from(one, (MINUTE_NS,)) for one in (trades, trades[(trades["traded_ns"] < begins) | (trades["traded_ns"] >= ends)]))
    now_ns = int(whole.tape[0]["newest_ns"]) + 10 * MINUTE_NS
    rule, candles = UpkeepSettings(), closed_bars(whole, 0, 0)
    settled = candles[candles["opened_ns"] >= candles[0]["opened_ns"]].copy()
    settled["parts"] = 1
    mended, silent = closed_bars(broken, 0, 0).copy(), np.zeros(0, np.int64)
    plan = plan_upkeep(mended, "X", "1m", now_ns, rule, klines=settled, listed_ns=int(settled[0]["opened_ns"]))
    assert {one.lack for one in plan.stretches} == {"partial", "differs", "gap", "stale_head"}
    for request in plan.requests:
        asked = settled[(settled["opened_ns"] >= request.from_ns) & (settled["closed_ns"] <= request.to_ns)]
        laid = lay_in(mended, asked, request, rule)
        mended, silent = laid.bars, np.append(silent, laid.silent)
    refill(broken, 0, 0, mended)
    assert agreeing(closed_bars(broken, 0, 0), settled, 0.0).all()
    kept = plan_upkeep(closed_bars(broken, 0, 0), "X", "1m", now_ns, rule, klines=settled, listed_ns=int(settled[0]["opened_ns"]), silent=silent)
    assert kept.requests == ()
