"""Laws of the features of the book: no look ahead, mirror, units, masks, losses, one step at two speeds."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import DataRefused, ModelMismatch
from metastackerbandit.domain.kernel import signatures_of
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.domain.timeframe import FRAMES, MINUTE_NS, SECOND_NS
from metastackerbandit.features.advance import hear
from metastackerbandit.features.batch import FeatureTable, columns_of, features_over
from metastackerbandit.features.catalog import FAMILIES, FEATURES, NAMES
from metastackerbandit.features.mirror import mirrored
from metastackerbandit.features.spans import LONGEST_LOSS, LONGEST_SILENCE
from metastackerbandit.features.stream import FeatureStream
from tests.covering import covers
from tests.features.book_scenes import mirrored_seconds, seconds_for, seconds_from
from tests.features.scenes import START_NS, market, mirrored_market

BOOK = np.array([spec.needs == "book" for spec in FEATURES])
FAMILY_NAMES = tuple(family.name for family in FAMILIES if family.hears is not None)
START = START_NS // SECOND_NS


def minutes(count: int) -> np.ndarray:
    """Bars of a minute, each known two seconds after its end, as bars made of trades are."""
    bars = market(1, count, frame_ns=MINUTE_NS)
    bars["known_ns"] += 2 * SECOND_NS
    return bars


def over(bars: np.ndarray, seconds: np.ndarray | None, frame_ns: int = MINUTE_NS) -> FeatureTable:
    return features_over(bars, frame_ns, None, has_volume=True, has_flow=True, seconds=seconds)


@covers("K4", "B20")
@settings(max_examples=15)
@given(seed=st.integers(0, 500), at=st.integers(1, 38), frame=st.sampled_from(["1m", "5m", "1h"]))
def test_a_second_that_comes_later_cannot_be_seen(seed: int, at: int, frame: str) -> None:
    bars = market(seed, 40, frame_ns=FRAMES[frame])
    seconds = seconds_for(bars, seed)
    honest = over(bars, seconds, FRAMES[frame])
    poisoned, other = seconds.copy(), seconds_for(bars, seed + 1_000, ticks=3e4)
    later = seconds["known_ns"] > bars["known_ns"][at]
    poisoned[later] = other[later]
    poisoned["known_ns"] = seconds["known_ns"]
    found = over(bars, poisoned, FRAMES[frame])
    assert found.values[: at + 1].tobytes() == honest.values[: at + 1].tobytes()
    assert found.values[at + 1 :].tobytes() != honest.values[at + 1 :].tobytes()


@covers("K6")
def test_every_feature_of_the_book_keeps_its_parity_in_the_mirrored_market() -> None:
    """Prices of 1e12 ticks: rounding moves a log by 5e-13, a bp by 5e-9; the root in Roll's spread of 1 bp keeps that."""
    bars = minutes(30)
    seconds = seconds_for(bars, 5)
    straight, other = over(bars, seconds), over(mirrored_market(bars), mirrored_seconds(seconds))
    expected = mirrored(straight.values)
    assert straight.valid[-1, BOOK].all()
    assert np.array_equal(np.isnan(other.values[:, BOOK]), np.isnan(expected[:, BOOK]))
    for place in np.flatnonzero(BOOK):
        np.testing.assert_allclose(other.values[:, place], expected[:, place], rtol=1e-6, atol=1e-6, err_msg=NAMES[place])
        assert np.nanstd(straight.values[:, place]) > 0.0, f"{NAMES[place]} never moves: its parity is not tested"


def test_features_of_the_book_do_not_know_the_tick_or_the_lot() -> None:
    bars = minutes(12)
    seconds = seconds_for(bars, 6)
    other = seconds.copy()
    for name in ("bid_ticks", "ask_ticks", "last_ticks", "mid", "microprice", "bid_reach_5", "bid_reach_20", "ask_reach_5", "ask_reach_20"):
        other[name] *= 10
    lots = [
        name for name in SecondRow.__struct_fields__ if name.endswith(("_lots", "_added", "_removed")) or "_depth_" in name or name.startswith("ofi_")
    ]
    assert len(lots) == 22
    for name in lots:
        other[name] *= 1_000
    np.testing.assert_allclose(over(bars, other).values[:, BOOK], over(bars, seconds).values[:, BOOK], rtol=1e-9, atol=1e-9)


@covers("A21")
@settings(max_examples=15)
@given(seed=st.integers(0, 500), spoiled=st.sampled_from(["none", "torn", "shallow", "quiet", "untrusted"]))
def test_a_value_is_finite_and_in_bounds_where_valid_and_nan_elsewhere(seed: int, spoiled: str) -> None:
    rng = np.random.default_rng(seed)
    bars = minutes(9)
    seconds = seconds_for(bars, seed)
    some = rng.random(len(seconds)) < 0.3
    if spoiled == "torn":
        seconds = seconds[~some]
    elif spoiled == "untrusted":
        seconds["is_trusted"][some] = 0
    elif spoiled == "shallow":
        for name in ("bid_depth_20", "ask_depth_10", "bid_reach_20", "ofi_4", "cob_imbalance", "bid_wall", "ask_pulled"):
            seconds[name][some] = np.nan
    elif spoiled == "quiet":
        for name in SecondRow.__struct_fields__:
            if name.startswith(("bought", "sold", "buy_", "sell_", "trades", "last_")):
                seconds[name] = 0
    table = over(bars, seconds)
    assert np.array_equal(np.isfinite(table.values), table.valid)
    bounds = {"-1..1": (-1.0, 1.0), "0..1": (0.0, 1.0)}
    for place in np.flatnonzero(BOOK):
        known = table.values[table.valid[:, place], place]
        if FEATURES[place].unit in bounds and len(known):
            low, high = bounds[FEATURES[place].unit]
            assert known.min() >= low - 1e-9 and known.max() <= high + 1e-9, NAMES[place]
    if spoiled == "quiet":
        silent = [NAMES.index(name) for name in ("signed_flow_1", "signed_flow_60", "vpin_50", "kyle_lambda", "roll_spread", "trade_side_1")]
        assert not table.valid[:, silent].any() and table.valid[-1, NAMES.index("ofi_5_300")]


@covers("A21")
def test_without_a_book_its_columns_are_not_valid_and_all_others_are_as_they_were() -> None:
    bars = minutes(120)
    bare, told = over(bars, None), over(bars, seconds_for(bars))
    assert not bare.valid[:, BOOK].any() and told.valid[-1, BOOK].all()
    assert bare.values[:, ~BOOK].tobytes() == told.values[:, ~BOOK].tobytes()
    assert not over(bars, seconds_for(bars)[:0]).valid[:, BOOK].any()


@covers("A21")
def test_a_book_that_fell_silent_says_nothing_of_now() -> None:
    bars = minutes(8)
    seconds = seconds_for(bars)
    ends = bars["known_ns"][6] // SECOND_NS
    for silence, is_heard in ((LONGEST_SILENCE, True), (LONGEST_SILENCE + 1, False)):
        table = over(bars, seconds[seconds["closed_ns"] // SECOND_NS <= ends - silence])
        assert bool(table.valid[6, BOOK].any()) is is_heard and table.valid[5, BOOK].any() and not table.valid[7, BOOK].any()


def test_a_second_counts_for_bars_known_with_it_or_after_it() -> None:
    bars, spread = minutes(2), NAMES.index("spread_bps")
    for late_ns in (0, 1):  # all of the first minute's at the very instant of its bar, as inputs are taken; or behind it
        seconds = seconds_from(3, START, 120)
        seconds["known_ns"] = np.maximum(seconds["known_ns"], bars["known_ns"][0] + late_ns)
        table = over(bars, seconds)
        assert bool(table.valid[0, BOOK].any()) is (late_ns == 0) is bool(table.valid[0, spread]) and table.valid[1, spread]


@covers("A22")
def test_after_a_loss_what_was_heard_starts_anew_and_after_a_short_one_it_goes_on() -> None:
    bars = minutes(20)
    seconds = seconds_for(bars)
    cut = START + 600
    for lost, is_anew in ((LONGEST_LOSS, True), (LONGEST_LOSS - 1, False)):
        kept = seconds[(seconds["second"] < cut) | (seconds["second"] >= cut + lost)]
        found = over(bars, kept).values[12:, BOOK]
        afresh = over(bars, kept[kept["second"] >= cut]).values[12:, BOOK]
        assert (found.tobytes() == afresh.tobytes()) is is_anew
    untrusted = seconds.copy()
    untrusted["is_trusted"][(seconds["second"] >= cut) & (seconds["second"] < cut + LONGEST_LOSS)] = 0
    kept = seconds[(seconds["second"] < cut) | (seconds["second"] >= cut + LONGEST_LOSS)]
    assert over(bars, untrusted).values.tobytes() == over(bars, kept).values.tobytes()


def test_bars_that_are_missing_take_nothing_from_what_was_heard() -> None:
    bars = minutes(120)
    seconds = seconds_for(bars)
    few = bars[[0, 1, 118, 119]]
    assert over(few, seconds).values[2:, BOOK].tobytes() == over(bars, seconds).values[118:, BOOK].tobytes()


@pytest.mark.parametrize("families", [("order_flow",), ("vpin", "cob", "returns"), ("pulled", "impact")])
def test_columns_of_some_families_are_those_of_all(families: tuple[str, ...]) -> None:
    bars = minutes(10)
    seconds = seconds_for(bars)
    some = features_over(bars, MINUTE_NS, None, has_volume=True, has_flow=True, families=families, seconds=seconds)
    places = [NAMES.index(name) for name in columns_of(families)]
    assert some.values.tobytes() == over(bars, seconds).values[:, places].tobytes()


def streamed(bars: np.ndarray, seconds: np.ndarray, broken_at: int) -> bytes:
    """Values and masks of a stream that hears every second when it is known; restored into a new one at a bar."""
    stream = FeatureStream(MINUTE_NS, has_volume=True, has_flow=True, has_funding=False, has_book=True)
    found, told = [], 0
    for place in range(len(bars)):
        while told < len(seconds) and seconds["known_ns"][told] <= bars["known_ns"][place]:
            if place == broken_at and told % 60 == 30:
                other = FeatureStream(MINUTE_NS, has_volume=True, has_flow=True, has_funding=False, has_book=True)
                other.restore(stream.state())
                stream = other
            stream.on_second(seconds, told)
            told += 1
        stream.on_bar(bars, place)
        found.append(stream.values.tobytes() + stream.valid.tobytes())
    return b"".join(found)


@covers("A22")
@settings(max_examples=12)
@given(seed=st.integers(0, 1_000), torn=st.booleans(), broken_at=st.integers(-1, 14))
def test_a_stream_equals_the_batch_to_the_bit(seed: int, torn: bool, broken_at: int) -> None:
    bars = minutes(15)
    seconds = seconds_for(bars, seed)
    if torn:
        rng = np.random.default_rng(seed)
        seconds["is_trusted"][rng.random(len(seconds)) < 0.1] = 0
        seconds = seconds[rng.random(len(seconds)) < 0.9]
        seconds = seconds[(seconds["second"] < START + 200) | (seconds["second"] > START + 200 + 70 * (seed % 2))]
    table = over(bars, seconds)
    parts = [table.values[n].tobytes() + table.valid[n].tobytes() for n in range(len(bars))]
    assert streamed(bars, seconds, broken_at) == b"".join(parts)


def test_a_second_told_twice_or_late_is_left_out() -> None:
    bars = minutes(3)
    seconds = seconds_for(bars)
    once, twice = (FeatureStream(MINUTE_NS, has_volume=True, has_flow=True, has_funding=False, has_book=True) for _ in range(2))
    for place in range(120):
        once.on_second(seconds, place)
        twice.on_second(seconds, place)
        twice.on_second(seconds, place)
        twice.on_second(seconds, place // 2)
    assert once.state() == twice.state()
    assert signatures_of(hear) <= 1  # none where kernels are plain functions


def test_seconds_out_of_order_are_refused_and_so_is_a_state_without_a_book() -> None:
    bars = minutes(3)
    seconds = seconds_for(bars)
    for broken in (seconds[::-1], np.concatenate((seconds, seconds[-1:]))):
        with pytest.raises(DataRefused, match="seconds of the book are out of order"):
            over(bars, broken)
    with_book, without = (FeatureStream(MINUTE_NS, has_volume=True, has_flow=True, has_funding=False, has_book=has) for has in (True, False))
    with pytest.raises(ModelMismatch):
        without.restore(with_book.state())


def digest_of_book_features() -> str:
    """A hash over the features of a short market with a book, for comparison between processes."""
    bars = minutes(7)
    table = over(bars, seconds_for(bars, 9))
    assert table.valid[-1, BOOK].sum() >= 48
    return hashlib.sha256(table.values.tobytes() + table.valid.tobytes()).hexdigest()


@pytest.mark.parametrize("flags", [{"NUMBA_DISABLE_JIT": "1"}, {"NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "0"}])
def test_plain_python_and_bounds_checked_kernels_give_the_same_bits(flags: dict[str, str]) -> None:
    code = "from tests.features.test_book_laws import digest_of_book_features; print(digest_of_book_features())"
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | flags,
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2_000:]
    assert answer.stdout.strip() == digest_of_book_features()
