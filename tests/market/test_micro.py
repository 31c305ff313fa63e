"""A second says what happened in it: as a plain recomputation does, mirrored, from changes as from pictures, and nothing of what was lost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.market.micro import begin_book, lose_book
from tests.market.micro_worlds import SECOND, SECOND_NS, Change, Deal, Driven, driven, plain_second, reflected, world

BOOK = [
    name for name in SecondRow.__struct_fields__ if name not in ("instrument", "second", "closed_ns", "known_ns", "is_trusted", "score", "updates")
]
BOOK = BOOK[: BOOK.index("trades")]


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_a_second_is_what_a_plain_recomputation_of_the_whole_history_says(seed: int) -> None:
    first, events = world(seed, 60)
    seconds = driven(first, events, 3)
    assert seconds["is_trusted"].tolist() == [1, 1, 1] and seconds["second"].tolist() == [SECOND, SECOND + 1, SECOND + 2]
    for row in seconds:
        for name, value in plain_second(first, events, int(row["second"])).items():
            assert row[name] == pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True), name


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_the_mirrored_market_is_the_same_second_with_its_sides_exchanged(seed: int) -> None:
    about = 20_000
    first, events = world(seed, 60)
    seconds = driven(first, events, 3)
    other = driven(reflected(first, about), [reflected(event, about) for event in events], 3)
    for name in SecondRow.__struct_fields__:
        partner = name
        for one, two in (("bid_", "ask_"), ("bought", "sold"), ("buy_", "sell_")):
            partner = name.replace(one, two) if name.startswith(one) else name.replace(two, one) if name.startswith(two) else partner
        expected = seconds[partner]
        if name.startswith("ofi_"):
            expected = -expected
        elif name in ("bid_ticks", "ask_ticks", "mid", "last_ticks"):
            expected = np.where(expected > 0, about - expected, 0)
        elif name == "microprice":
            expected = about - expected
        elif name.endswith("_bps"):  # of another middle: the same in ticks
            np.testing.assert_allclose(other[name] * other["mid"], expected * seconds["mid"], rtol=1e-3)
            continue
        elif name.endswith("_value"):
            continue  # ticks of the other market
        elif name == "cob_imbalance":
            continue  # was given
        np.testing.assert_allclose(other[name], expected, rtol=1e-12, err_msg=name)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_pictures_of_as_many_levels_say_what_changes_say(seed: int) -> None:
    first, events = world(seed, 60)
    assert driven(first, events, 3).tobytes() == driven(first, events, 3, depth=20).tobytes()


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_of_ten_levels_nothing_is_said_beyond_and_what_leaves_them_is_not_cancelled(seed: int) -> None:
    first, events = world(seed, 60)
    seconds, ten = driven(first, events, 3), driven(first, events, 3, depth=10)
    for name in ("ofi_1", "ofi_5", "bid_depth_1", "ask_depth_10", "bid_reach_5", "microprice", "spread_mean_bps", "bought_lots", "sell_rate_10"):
        assert ten[name].tobytes() == seconds[name].tobytes(), name
    for name in ("bid_depth_20", "ask_depth_20", "bid_reach_20", "ask_reach_20"):
        assert np.isnan(ten[name]).all(), name
    for name in ("bid_added", "bid_removed", "ask_added", "ask_removed"):
        assert (ten[name] <= seconds[name]).all(), name


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_of_a_book_that_is_known_whole_what_came_less_what_went_is_what_is_there(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market = Driven(Change(SECOND * SECOND_NS, {100: 10, 90: 5}, {110: 7, 120: 9}))
    before = market.close(SECOND)
    assert before["bid_depth_20"] == 15.0 and math.isnan(before["bid_reach_5"][0]) and math.isnan(before["ofi_3"][0])
    for second in range(SECOND + 1, SECOND + 6):
        at_ns = second * SECOND_NS
        for _ in range(6):
            market.take(
                Change(at_ns, {int(rng.integers(90, 105)): int(rng.integers(0, 40))}, {int(rng.integers(106, 120)): int(rng.integers(0, 40))})
            )
        after = market.close(second)
        if after["is_trusted"][0] == 0:
            return  # a side was emptied
        for side in ("bid", "ask"):
            if len(market.levels[side == "ask"]) <= 20:
                came = after[f"{side}_added"] - after[f"{side}_removed"]
                assert came == after[f"{side}_depth_20"] - before[f"{side}_depth_20"]
        before = after.copy()


def test_order_flow_of_six_events_by_hand() -> None:
    """Cont, Kukanov and Stoikov 2014, eq. 4: each change of the best bid and ask, added up."""
    market = Driven(Change(SECOND * SECOND_NS, {100: 10, 99: 4}, {102: 20, 103: 6}))
    at = SECOND * SECOND_NS
    market.take(Change(at + 1, {100: 15}, {}))  # 5 lots more are bid: +5
    market.take(Change(at + 2, {101: 3}, {}))  # a better bid of 3 lots: +3
    market.take(Change(at + 3, {}, {102: 12}))  # 8 lots fewer are asked: +8
    market.take(Change(at + 4, {101: 0}, {}))  # the bid falls back, its 3 lots are gone: -3
    market.take(Change(at + 5, {}, {101: 2}))  # a better ask of 2 lots: -2
    market.take(Change(at + 6, {}, {101: 0, 102: 0}))  # the ask rises to 103, the 2 lots of the best are gone: +2
    second = market.close(SECOND)
    assert second["ofi_1"] == 5 + 3 + 8 - 3 - 2 + 2
    assert (second["bid_ticks"], second["bid_lots"], second["ask_ticks"], second["ask_lots"]) == (100, 15, 103, 6)
    assert second["microprice"] == pytest.approx((100 * 6 + 103 * 15) / 21) and second["mid"] == 101.5
    assert (second["bid_added"], second["bid_removed"], second["ask_added"], second["ask_removed"]) == (8.0, 3.0, 2.0, 22.0)
    assert second["updates"] == 6 and second["cob_imbalance"] == 0.25 and second["score"] == 0.9


def test_a_spread_counts_as_long_as_it_stands() -> None:
    market = Driven(Change(SECOND * SECOND_NS, {9_999: 1}, {10_001: 1}))
    market.take(Change(SECOND * SECOND_NS + 250_000_000, {}, {10_001: 0, 10_003: 1}))
    second = market.close(SECOND)
    narrow, wide = 2 / 10_000 * 1e4, 4 / 10_001 * 1e4
    assert second["spread_bps"] == pytest.approx(wide)
    assert second["spread_mean_bps"] == pytest.approx(0.25 * narrow + 0.75 * wide)
    assert market.close(SECOND + 1)["spread_mean_bps"] == pytest.approx(wide)  # nothing came: it stood throughout


def test_a_second_says_when_its_book_last_changed_and_is_known_when_something_came_after_it() -> None:
    market = Driven(Change(SECOND * SECOND_NS, {100: 1}, {102: 1}))
    market.take(Change(SECOND * SECOND_NS + 7, {100: 2}, {}))
    second = market.close(SECOND)
    assert second["changed_ns"] == market.close(SECOND + 1)["changed_ns"] == SECOND * SECOND_NS + 7
    assert second["closed_ns"] == (SECOND + 1) * SECOND_NS and second["known_ns"] == second["closed_ns"] + 5


def test_a_second_in_which_the_book_was_lost_or_found_says_nothing_of_it_and_all_of_its_trades() -> None:
    first, _ = world(3, 40)
    market = Driven(first)
    assert market.close(SECOND)["is_trusted"] == 1
    lose_book(market.micro, 0)
    market.take(Deal((SECOND + 1) * SECOND_NS, 9_999, 5, -1))
    lost = market.close(SECOND + 1)
    begin_book(market.micro, 0, market.book.row[0], market.book.bids[0], market.book.asks[0], (SECOND + 2) * SECOND_NS + 1)
    found = market.close(SECOND + 2)
    whole = market.close(SECOND + 3)
    unsound = market.close(SECOND + 4, is_sound=False)
    assert [int(one["is_trusted"][0]) for one in (lost, found, whole, unsound)] == [0, 0, 1, 0]
    for one in (lost, found, unsound):
        for name in BOOK:
            assert one[name][0] == 0 or math.isnan(one[name][0]), name
    assert lost["sold_lots"] == 5 and lost["last_ticks"] == 9_999 and lost["sell_rate_60"] > 0.0
    assert whole["ofi_1"] == 0.0 and whole["bid_pulled"] == 0.0


@pytest.mark.parametrize("asks", [{}, {100: 5}, {99: 1}])
def test_a_book_with_an_empty_side_or_crossed_is_not_trusted(asks: dict[int, int]) -> None:
    market = Driven(Change(SECOND * SECOND_NS, {100: 1}, {102: 1}))
    market.take(Change(SECOND * SECOND_NS + 1, {}, {102: 0, **asks}))
    assert market.close(SECOND)["is_trusted"] == 0
