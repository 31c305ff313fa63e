"""Resampling: bars on the UTC clock equal a plain group-by, holes close late, and recorded 1h candles come out of recorded 5m ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import kernel, layout, rows
from metastackerbandit.domain.timeframe import FRAMES, HOUR_NS, MINUTE_NS
from metastackerbandit.market.resample import Forming, absorb, overdue
from metastackerbandit.storage.candles import load_recording
from tests.covering import covers
from tests.markets import START_NS, walk
from tests.shared import shared_data

PRICES = ("open", "high", "low", "close")
LARGER = st.sampled_from(["5m", "15m", "30m", "1h", "4h", "12h", "24h"])


@kernel
def over(bars: Any, base_ns: int, frame_ns: int, forming: Any, done: Any) -> int:
    """Repeat the step over a series as the engine does: at each open what is overdue, at each close the candle."""
    n = 0
    for k in range(len(bars)):
        if overdue(forming[0], bars[k].opened_ns, base_ns, frame_ns, done[n]):
            n += 1
        if absorb(forming[0], bars[k], base_ns, frame_ns, done[n]):
            n += 1
    return n


def resampled(bars: np.ndarray, base_ns: int, frame_ns: int) -> tuple[np.ndarray, np.ndarray]:
    """Closed bars of a frame, and the one still forming (1,)."""
    forming, done = rows(Forming, 1), rows(Bar, len(bars) + 1)
    count = over(bars, base_ns, frame_ns, forming, done)
    return done[:count], forming


def grouped(bars: np.ndarray, frame_ns: int) -> pl.DataFrame:
    """The same by a group-by on UTC buckets, the last bucket included whether whole or not."""
    columns = pl.DataFrame({name: np.asarray(bars[name]) for name in ("opened_ns", *PRICES, "volume")})
    return (
        columns.with_columns(bucket=pl.col("opened_ns") // frame_ns * frame_ns)
        .group_by("bucket", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
            parts=pl.len(),
            last_open=pl.col("opened_ns").last(),
        )
    )


@covers("A26", "A34")
@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    base=st.sampled_from(["1m", "5m"]),
    frame=LARGER,
    holes=st.sampled_from([0.0, 0.2, 0.7]),
    skipped=st.integers(0, 400),
)
def test_resampled_bars_equal_a_group_by_on_the_utc_clock(seed: int, base: str, frame: str, holes: float, skipped: int) -> None:
    base_ns, frame_ns = FRAMES[base], FRAMES[frame]
    bars = walk(seed, 1_200, base_ns=base_ns, holes=holes)[skipped:]
    done, forming = resampled(bars, base_ns, frame_ns)
    plain = grouped(bars, frame_ns)
    assert len(plain) - len(done) in (0, 1)
    assert (int(forming[0].parts) > 0) == (len(plain) > len(done)) or base_ns == frame_ns
    plain = plain[: len(done)]
    assert np.array_equal(done["opened_ns"], plain["bucket"])
    for name in PRICES:
        assert np.array_equal(done[name], plain[name])
    np.testing.assert_allclose(done["volume"], plain["volume"], rtol=1e-12)
    assert np.all(done["closed_ns"] - done["opened_ns"] == frame_ns)
    assert np.all(done["opened_ns"] % frame_ns == 0)
    if base_ns != frame_ns:
        assert np.array_equal(done["parts"], plain["parts"])
        assert np.all(done["parts_due"] == frame_ns // base_ns)


@covers("A34")
@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), frame=LARGER, holes=st.sampled_from([0.0, 0.3]))
def test_a_bar_is_known_at_its_close_or_where_its_last_candle_is_missing_at_the_next_open(seed: int, frame: str, holes: float) -> None:
    frame_ns = FRAMES[frame]
    bars = walk(seed, 900, base_ns=MINUTE_NS, holes=holes)
    done, _ = resampled(bars, MINUTE_NS, frame_ns)
    whole = np.isin(done["closed_ns"], bars["closed_ns"])
    assert np.array_equal(done["known_ns"][whole], done["closed_ns"][whole])
    after = bars["opened_ns"][np.searchsorted(bars["opened_ns"], done["closed_ns"][~whole])]
    assert np.array_equal(done["known_ns"][~whole], after)
    assert np.all(done["known_ns"] >= done["closed_ns"])
    assert np.all(done["known_ns"][1:] >= done["known_ns"][:-1])
    if not holes:
        assert whole.all()


@given(seed=st.integers(0, 10_000), parts=st.integers(1, 20))
def test_a_frame_of_the_source_itself_passes_candles_through(seed: int, parts: int) -> None:
    bars = walk(seed, parts, holes=0.1)
    done, _ = resampled(bars, 5 * MINUTE_NS, 5 * MINUTE_NS)
    assert done.tobytes() == bars.tobytes()


def test_nothing_is_overdue_before_the_bar_ends_and_it_closes_only_once() -> None:
    bars, forming, done = walk(3, 2), rows(Forming, 1)[0], rows(Bar, 1)[0]
    assert not overdue(forming, START_NS + HOUR_NS, 5 * MINUTE_NS, HOUR_NS, done)
    assert not absorb(forming, bars[0], 5 * MINUTE_NS, HOUR_NS, done)
    assert not absorb(forming, bars[1], 5 * MINUTE_NS, HOUR_NS, done)
    assert not overdue(forming, START_NS + HOUR_NS - 1, 5 * MINUTE_NS, HOUR_NS, done)
    assert overdue(forming, START_NS + HOUR_NS + 7, 5 * MINUTE_NS, HOUR_NS, done)
    assert (done.opened_ns, done.closed_ns, done.known_ns) == (START_NS, START_NS + HOUR_NS, START_NS + HOUR_NS + 7)
    assert (done.parts, done.parts_due) == (2, 12)
    assert not overdue(forming, START_NS + HOUR_NS + 7, 5 * MINUTE_NS, HOUR_NS, done)


def test_a_hole_of_whole_bars_makes_no_bars_up() -> None:
    bars = walk(4, 48)
    bars = np.concatenate((bars[:18], bars[40:]))  # from 01:30 to 03:20 nothing
    done, _ = resampled(bars, 5 * MINUTE_NS, HOUR_NS)
    assert ((done["opened_ns"] - START_NS) // HOUR_NS).tolist() == [0, 1, 3]
    assert done["parts"].tolist() == [12, 6, 8]
    assert (int(done["known_ns"][1]) - START_NS) // MINUTE_NS == 200


def test_unknown_volume_stays_unknown() -> None:
    bars = walk(4, 12)
    bars["volume"][5] = np.nan
    done, _ = resampled(bars, 5 * MINUTE_NS, HOUR_NS)
    assert len(done) == 1 and np.isnan(done["volume"][0])


def loaded(folder: str, market: str, since: str | None = None, until: str | None = None) -> np.ndarray:
    """Recorded BTCUSDT candles."""
    stamps = [int(np.datetime64(text, "ns").astype(np.int64)) if text else None for text in (since, until)]
    place: Path = shared_data() / "klines" / folder
    recording = load_recording(place, ("BTCUSDT",), market=market, instruments_file=None, since_ns=stamps[0], until_ns=stamps[1])
    assert recording.bars[0].dtype == layout(Bar)
    return recording.bars[0]


@covers("A26")
@pytest.mark.parametrize(
    ("fine", "coarse", "market", "since", "until", "base_ns", "frame_ns", "least"),
    [
        ("binance_spot_5m", "binance_spot_1h", "spot", "2025-01-01", "2025-11-01", 5 * MINUTE_NS, HOUR_NS, 7_290),
        ("binance_usdm_1m_2025", "binance_usdm_5m", "perp", "2025-05-05", "2025-06-18", MINUTE_NS, 5 * MINUTE_NS, 12_000),
    ],
)
def test_recorded_candles_resample_to_the_separately_recorded_larger_ones(
    fine: str, coarse: str, market: str, since: str, until: str, base_ns: int, frame_ns: int, least: int
) -> None:
    done, _ = resampled(loaded(fine, market, since, until), base_ns, frame_ns)
    theirs = loaded(coarse, market, since, until)
    done = done[done["parts"] == done["parts_due"]]
    _, ours_at, theirs_at = np.intersect1d(done["opened_ns"], theirs["opened_ns"], return_indices=True)
    assert len(ours_at) >= least
    for name in PRICES:
        assert np.array_equal(done[name][ours_at], theirs[name][theirs_at]), name
    np.testing.assert_allclose(done["volume"][ours_at], theirs["volume"][theirs_at], rtol=1e-9)
