"""What a cache lacks is found one bar at a time too, and asked for in as few requests as the venue's limit allows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.market.settings import UpkeepSettings
from metastackerbandit.market.upkeep import DIFFERS, GAP, LACKS, PARTIAL, STALE_HEAD, KlineRequest, Stretch, agreeing, plan_upkeep
from tests.market.caches import CACHES, LAST_NS, NOW_NS, SETTLE, harmed, venue


def plainly(cache: np.ndarray, klines: np.ndarray | None, settings: UpkeepSettings) -> dict[int, str]:
    """What each due bar lacks, one at a time."""
    held = {int(bar["opened_ns"]): bar for bar in cache}
    theirs = {} if klines is None else {int(bar["opened_ns"]): bar for bar in klines}
    due = range(LAST_NS - settings.bars * MINUTE_NS, LAST_NS, MINUTE_NS)
    newest = max((at for at in due if at in held), default=0)
    found = {}
    for at in due:
        if at not in held:
            found[at] = LACKS[STALE_HEAD if at > newest else GAP]
        elif held[at]["parts"] < 1:
            found[at] = LACKS[PARTIAL]
        elif at in theirs and held[at]["close"] != theirs[at]["close"]:
            found[at] = LACKS[DIFFERS]
    return found


@given(cache=CACHES, knows=st.booleans(), bars=st.sampled_from([1, 7, 60]), most=st.integers(1, 70))
@settings(max_examples=80)
def test_what_each_bar_lacks_is_found_and_asked_for_in_the_fewest_requests(cache: np.ndarray, knows: bool, bars: int, most: int) -> None:
    rule, klines = UpkeepSettings(bars=bars, most_bars=most), venue() if knows else None
    plan = plan_upkeep(cache, "BTCUSDT", "1m", NOW_NS, rule, klines=klines)
    lacks = plainly(cache, klines, rule)
    told = {at: one.lack for one in plan.stretches for at in range(one.from_ns, one.to_ns, MINUTE_NS)}
    assert told == lacks and sum(one.bars for one in plan.stretches) == len(lacks)
    for before, after in zip(plan.stretches, plan.stretches[1:], strict=False):
        assert before.to_ns < after.from_ns or (before.to_ns == after.from_ns and before.lack != after.lack)
    covered = [at for one in plan.requests for at in range(one.from_ns, one.to_ns, MINUTE_NS)]
    assert covered == sorted(set(covered)) and lacks.keys() <= set(covered)
    assert all(one.from_ns in lacks and one.to_ns - MINUTE_NS in lacks for one in plan.requests)
    assert all(1 <= one.limit == (one.to_ns - one.from_ns) // MINUTE_NS <= most for one in plan.requests)
    # the fewest: the bars that requests begin with are too far apart for one request to hold two of them
    assert all(after.from_ns - before.from_ns >= most * MINUTE_NS for before, after in zip(plan.requests, plan.requests[1:], strict=False))
    assert {(one.symbol, one.frame) for one in plan.requests} <= {("BTCUSDT", "1m")}


def test_a_whole_cache_asks_for_nothing() -> None:
    plan = plan_upkeep(harmed(1, lost=0.0, partial=0.0, wrong=0.0), "BTCUSDT", "1m", NOW_NS, SETTLE, klines=venue())
    assert plan.stretches == plan.requests == ()


def test_a_bar_is_due_once_it_has_settled() -> None:
    whole = harmed(1, lost=0.0, partial=0.0, wrong=0.0)
    at = LAST_NS + MINUTE_NS + 5 * SECOND_NS
    assert plan_upkeep(whole, "X", "1m", at - 1, SETTLE).requests == ()
    plan = plan_upkeep(whole, "X", "1m", at, SETTLE)
    assert plan.stretches == (Stretch("stale_head", LAST_NS, LAST_NS + MINUTE_NS, 1),)
    assert plan.requests == (KlineRequest("X", "1m", LAST_NS, LAST_NS + MINUTE_NS, 1),)
    assert plan_upkeep(whole, "X", "1m", at, structs.replace(SETTLE, settle_s=6.0)).requests == ()


def test_an_empty_cache_is_stale_from_the_listing_on() -> None:
    plan = plan_upkeep(venue()[:0], "X", "1m", NOW_NS, SETTLE, listed_ns=LAST_NS - 20 * MINUTE_NS - 1)
    assert plan.stretches == (Stretch("stale_head", LAST_NS - 20 * MINUTE_NS, LAST_NS, 20),)
    assert [one.limit for one in plan.requests] == [12, 8]


def test_where_the_venue_has_no_candle_it_is_not_asked_again() -> None:
    cache = venue()
    silent = cache["opened_ns"][[50, 51, 70, 89]]
    cache = cache[~np.isin(cache["opened_ns"], silent)]
    assert [one.lack for one in plan_upkeep(cache, "X", "1m", NOW_NS, SETTLE).stretches] == ["gap", "gap", "stale_head"]
    assert plan_upkeep(cache, "X", "1m", NOW_NS, SETTLE, silent=silent).requests == ()
    cache["parts"][60] = 0
    assert [one.lack for one in plan_upkeep(cache, "X", "1m", NOW_NS, SETTLE, silent=np.append(silent, cache["opened_ns"][60])).stretches] == [
        "partial"
    ]


def test_what_one_side_does_not_know_is_no_difference() -> None:
    ours, theirs = venue(6), venue(6)
    assert agreeing(ours, theirs, 0.0).all()
    ours["volume"][0] = math.nan
    ours["trades"][1], theirs["trades"][1] = math.nan, 5.0
    ours["volume"][2] *= 1 + 1e-6
    ours["high"][3] += 1
    ours["quote_volume"][4], theirs["quote_volume"][4] = 0.0, 1e-9
    assert agreeing(ours, theirs, 1e-9).tolist() == [True, True, False, False, False, True]
    assert agreeing(ours, theirs, 1e-5).tolist() == [True, True, True, False, False, True]


@pytest.mark.parametrize(
    ("field", "place", "value", "what"),
    [
        ("opened_ns", 5, LAST_NS + 1, "none of 60 s on the UTC clock"),
        ("closed_ns", 5, LAST_NS, "none of 60 s on the UTC clock"),
        ("known_ns", 5, 1, "before it closed"),
    ],
)
def test_what_are_no_candles_of_the_frame_is_refused(field: str, place: int, value: int, what: str) -> None:
    klines = venue()
    klines[field][place] = value
    with pytest.raises(DataRefused, match=what):
        plan_upkeep(venue(), "X", "1m", NOW_NS, SETTLE, klines=klines)


@pytest.mark.parametrize("order", [[1, 0], [0, 0]])
def test_a_cache_out_of_order_is_refused(order: list[int]) -> None:
    with pytest.raises(DataRefused, match="follows that of"):
        plan_upkeep(venue()[order], "X", "1m", NOW_NS, SETTLE)
