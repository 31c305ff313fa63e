"""Laws of all features: no look ahead, mirror, units, masks, bounds, holes, no drift."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.timeframe import DAY_NS, FRAMES, HOUR_NS, MINUTE_NS
from metastackerbandit.features.batch import features_over
from metastackerbandit.features.catalog import FEATURES, NAMES, settled, warm_up
from metastackerbandit.features.mirror import mirrored
from metastackerbandit.features.spans import LONGEST_HOLE
from tests.covering import covers
from tests.features.scenes import FRAME, full, funding_for, market, mirrored_funding, mirrored_market, recorded

# Columns made of windows and exact sums: their bits do not depend on where history began.
WINDOWED = (
    "log_return_1",
    "log_return_3",
    "log_return_12",
    "log_return_48",
    "rv_12",
    "donchian_20",
    "donchian_96",
    "bollinger_20",
    "price_efficiency",
    "efficiency_12",
    "efficiency_48",
    "jump_share",
    "jump_magnitude",
    "skew_48",
    "autocorrelation_48",
    "candle_body",
    "wick_upper",
    "wick_lower",
    "higher_position",
    "day_sin",
    "day_cos",
    "week_sin",
    "week_cos",
    "taker_imbalance",
    "funding_rate",
    "funding_momentum",
    "funding_24h",
)


@covers("K4", "B20")
@settings(max_examples=25)
@given(seed=st.integers(0, 500), at=st.integers(1, 598), frame=st.sampled_from(["1m", "5m", "1h", "24h"]))
def test_what_comes_later_cannot_be_seen(seed: int, at: int, frame: str) -> None:
    frame_ns = FRAMES[frame]
    bars = market(seed, 600, frame_ns=frame_ns)
    funding = funding_for(bars, seed, max(8 * HOUR_NS, frame_ns))
    honest = full(bars, frame_ns, funding)
    poisoned, owed = bars.copy(), funding.copy()
    other = market(seed + 1_000, 600, frame_ns=frame_ns, ticks=3e4)
    for name in ("open", "high", "low", "close", "volume", "quote_volume", "taker_volume", "trades"):
        poisoned[name][at + 1 :] = other[name][at + 1 :]
    poisoned["volume"][at + 1 :: 3] = np.nan
    owed["rate"][owed["at_ns"] >= bars["known_ns"][at]] = 77_777
    found = full(poisoned, frame_ns, owed)
    assert found.values[: at + 1].tobytes() == honest.values[: at + 1].tobytes()
    assert found.valid[: at + 1].tobytes() == honest.valid[: at + 1].tobytes()
    assert found.values[at + 1 :].tobytes() != honest.values[at + 1 :].tobytes()


def test_a_bar_known_late_waits_for_no_later_settlement_and_a_settlement_counts_after_its_instant() -> None:
    bars = market(1, 2_000)
    funding = funding_for(bars)
    place = int(np.searchsorted(bars["known_ns"], funding["at_ns"][-1]))
    assert bars["known_ns"][place] == funding["at_ns"][-1]
    rates = full(bars, funding=funding).values[:, NAMES.index("funding_rate")]
    assert rates[place] == pytest.approx(funding["rate"][-2] * 1e-4)  # known at the settlement's instant: not yet
    assert rates[place + 1] == pytest.approx(funding["rate"][-1] * 1e-4)


@covers("K6")
@pytest.mark.parametrize("frame", ["5m", "24h"])
def test_every_feature_keeps_its_parity_in_the_mirrored_market(frame: str) -> None:
    """Prices of 1e7 ticks mirrored to 1e12: rounding moves a log by 1e-12, a column in sigmas of 2e-3 by about 1e-9."""
    frame_ns = FRAMES[frame]
    bars = market(11, 40_000 if frame == "5m" else 2_000, frame_ns=frame_ns)
    funding = funding_for(bars, 11, max(8 * HOUR_NS, frame_ns))
    straight = full(bars, frame_ns, funding)
    other = full(mirrored_market(bars), frame_ns, mirrored_funding(funding))
    expected = mirrored(straight.values)
    assert np.array_equal(np.isnan(other.values), np.isnan(expected))
    for place, spec in enumerate(FEATURES):
        np.testing.assert_allclose(other.values[:, place], expected[:, place], rtol=1e-8, atol=2e-8, err_msg=spec.name)
        if spec.parity == "odd" and frame == "5m" and spec.needs != "book":
            assert np.nanstd(straight.values[:, place]) > 0.0, f"{spec.name} never moves: its parity is not tested"
    assert mirrored(expected).tobytes() == straight.values.tobytes()


def test_features_do_not_know_the_tick_or_the_lot() -> None:
    """Ten times the ticks, a thousandth of the lots: logs of 1e8 round at 4e-15, fixed logs at 6e-14; in sigmas of 2e-3 below 1e-9."""
    bars = market(12, 4_000)
    other = bars.copy()
    for name in ("open", "high", "low", "close"):
        other[name] *= 10
    for name in ("volume", "taker_volume"):
        other[name] *= 0.001
    np.testing.assert_allclose(full(other).values, full(bars).values, rtol=1e-8, atol=1e-8)


BOUNDS = {"-1..1": (-1.0, 1.0), "0..1": (0.0, 1.0), "-1, 0, 1": (-1.0, 1.0), "flag": (0.0, 1.0)}


@covers("A21")
@settings(max_examples=30)
@given(seed=st.integers(0, 500), kind=st.sampled_from(["flat", "coarse", "quiet", "torn", "wild"]), frame=st.sampled_from(["1m", "5m", "12h"]))
def test_a_value_is_finite_and_in_bounds_where_valid_and_nan_elsewhere(seed: int, kind: str, frame: str) -> None:
    frame_ns = FRAMES[frame]
    bars = market(seed, 500, frame_ns=frame_ns, holes=0.3 if kind == "torn" else 0.0)
    rng = np.random.default_rng(seed)
    if kind == "flat":
        for name in ("open", "high", "low", "close"):
            bars[name][100:400] = bars["close"][99]
        bars["volume"][100:400] = bars["taker_volume"][100:400] = bars["trades"][100:400] = 0.0
    if kind == "coarse":
        for name in ("open", "high", "low", "close"):
            bars[name] = np.maximum(bars[name] // 40_000, 1)
    if kind == "quiet":
        for name in ("volume", "taker_volume", "trades"):
            bars[name][rng.random(len(bars)) < 0.6] = 0.0 if seed % 2 else np.nan
    if kind == "wild":
        scale = 10.0 ** rng.integers(-2, 3, len(bars))
        for name in ("open", "high", "low", "close"):
            bars[name] = np.rint(bars[name] * scale)
    table = full(bars, frame_ns)
    assert np.array_equal(np.isfinite(table.values), table.valid)
    assert np.array_equal(np.isnan(table.values), ~table.valid)
    for place, spec in enumerate(FEATURES):
        if spec.unit in BOUNDS and table.valid[:, place].any():
            low, high = BOUNDS[spec.unit]
            column = table.values[table.valid[:, place], place]
            assert column.min() >= low - 1e-9 and column.max() <= high + 1e-9, spec.name
    if kind == "flat":
        for name in ("mom_1", "ema_gap_48", "atr_14", "pivot_high_1", "bollinger_20", "skew_48", "candle_body", "taker_imbalance"):
            assert not table.valid[200:400, NAMES.index(name)].any(), name


@covers("A21")
def test_what_is_absent_is_not_valid() -> None:
    bars = market(2, 300)
    needs = np.array([spec.needs for spec in FEATURES])
    bare = features_over(bars, FRAME, None, has_volume=False, has_flow=False)
    assert not bare.valid[:, needs != "price"].any()
    assert np.array_equal(bare.valid[:, needs == "price"], full(bars).valid[:, needs == "price"])
    with_volume = features_over(bars, FRAME, None, has_volume=True, has_flow=False)
    assert with_volume.valid[-1, needs == "volume"].all()
    assert not with_volume.valid[:, (needs == "flow") | (needs == "funding")].any()
    unknown = bars.copy()
    unknown["taker_volume"] = np.nan
    assert not full(unknown).valid[:, needs == "flow"].any()
    unknown["volume"][-1] = np.nan
    assert not full(unknown).valid[-1, needs == "volume"].any()


def test_the_half_days_of_12h_bars_are_exact_zeros_and_ones() -> None:
    values = full(market(1, 30, frame_ns=FRAMES["12h"]), FRAMES["12h"]).values
    assert set(values[:, NAMES.index("day_sin")].tolist()) == {0.0} and set(values[:, NAMES.index("day_cos")].tolist()) == {1.0, -1.0}


def test_funding_that_stopped_is_not_carried_on() -> None:
    bars = market(2, 900)
    funding = funding_for(bars)
    last = funding[funding["at_ns"] < bars["closed_ns"][100]][-1]
    table = full(bars, funding=funding[funding["at_ns"] <= last["at_ns"]])
    column = table.valid[:, NAMES.index("funding_rate")]
    assert np.array_equal(column, bars["known_ns"] < last["at_ns"] + DAY_NS)


@covers("A22")
def test_after_a_long_hole_everything_but_funding_starts_anew() -> None:
    bars = market(5, 1_200)
    cut = 600 + LONGEST_HOLE
    torn = np.concatenate((bars[:600], bars[cut + 1 :]))
    patched = np.concatenate((bars[:600], bars[cut:]))
    funding = funding_for(bars)
    places = [place for place, spec in enumerate(FEATURES) if spec.needs != "funding"]
    afresh = full(bars[cut + 1 :], funding=funding)
    assert full(torn, funding=funding).values[600:].tobytes() == afresh.values.tobytes()
    kept = full(patched, funding=funding)
    assert kept.valid[600, places].sum() > 60 and afresh.valid[0, places].sum() < 10
    recorded_bars = recorded("binance_usdm_1m_full", "NEARUSDT_2024", 0.0001, MINUTE_NS, 41_000, 1_200)
    later = np.flatnonzero(np.diff(recorded_bars["opened_ns"]) > DAY_NS) + 1
    assert len(later) == 1
    table = features_over(recorded_bars, MINUTE_NS, None, has_volume=True, has_flow=True)
    assert not table.valid[later[0], NAMES.index("log_return_1")] and table.valid[later[0] - 1, NAMES.index("log_return_48")]


@covers("A22")
def test_nothing_drifts_over_300_000_bars() -> None:
    """Windows to the bit from a warm-up of history; averages to 1e-9 once settled; swings from when two of each level are seen."""
    bars = market(6, 300_007)
    funding = funding_for(bars)
    whole = full(bars, funding=funding)
    short = full(bars[-warm_up(FRAME) :], funding=funding)
    for name in WINDOWED:
        place = NAMES.index(name)
        assert whole.valid[-1, place], name
        assert short.values[-1, place].tobytes() == whole.values[-1, place].tobytes(), name
    longer = full(bars[-settled(FRAME) :], funding=funding)
    longest = full(bars[-60_000:], funding=funding)
    for place, spec in enumerate(FEATURES):
        other = longest if spec.is_event else longer
        assert other.valid[-1, place] == whole.valid[-1, place], spec.name
        np.testing.assert_allclose(other.values[-1, place], whole.values[-1, place], rtol=1e-9, atol=1e-9, err_msg=spec.name)
