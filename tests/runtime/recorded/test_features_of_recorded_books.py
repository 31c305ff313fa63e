"""Books of other recorders reach the features: orders one by one added up to levels, and pictures of the ten best."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.features.batch import features_over
from metastackerbandit.features.catalog import FEATURES
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.runtime.recorded.reading import read_recorded
from metastackerbandit.runtime.second_feed import seconds_of
from tests.covering import covers
from tests.shared import shared_data

FILES = {"orders": "ws_captures/bitstamp/btcusd_l3_20150501.log.bz2", "pictures": "book/binance_usdm_btcusdt_depth10_250ms_20230109.parquet"}
MINUTES = 40


def minutes_of(seconds: np.ndarray) -> np.ndarray:
    """Bars of a minute of the middle price: the pictures come without trades."""
    known = seconds[np.isfinite(seconds["mid"])]
    opened = np.unique(known["closed_ns"] // MINUTE_NS)[:-1] * MINUTE_NS
    bars = rows(Bar, len(opened))
    for bar, at in zip(bars, opened, strict=True):
        mids = np.rint(known["mid"][(known["closed_ns"] > at) & (known["closed_ns"] <= at + MINUTE_NS)]).astype(np.int64)
        bar["opened_ns"], bar["closed_ns"], bar["known_ns"] = at, at + MINUTE_NS, at + MINUTE_NS
        bar["open"], bar["high"], bar["low"], bar["close"] = mids[0], mids.max(), mids.min(), mids[-1]
        bar["parts"] = bar["parts_due"] = 1
    return bars


@covers("2.095")
@pytest.mark.parametrize("kind", FILES)
def test_a_book_of_another_recorder_gives_features_of_the_book(kind: str) -> None:
    capture = read_recorded([shared_data() / FILES[kind]])
    kept = capture.received_ns <= capture.received_ns[0] + MINUTES * MINUTE_NS
    capture = structs.replace(capture, **{name: getattr(capture, name)[kept] for name in ("starts", "ends", "received_ns", "asked")})
    seconds = seconds_of(capture, instruments_in(capture))
    trusted = seconds["is_trusted"] != 0
    assert trusted.sum() > 0.9 * MINUTES * 60 - 120 and (seconds["bid_ticks"][trusted] < seconds["ask_ticks"][trusted]).all()
    bars = minutes_of(seconds)
    table = features_over(bars, MINUTE_NS, None, has_volume=False, has_flow=False, seconds=seconds)
    valid = {spec.name: table.valid[-10:, place].mean() for place, spec in enumerate(FEATURES) if spec.needs == "book"}
    always = {"spread_bps", "microprice_gap", "queue_imbalance_1", "queue_imbalance_5", "queue_imbalance_10", "ofi_1_60", "ofi_5_300"}
    assert always <= set(valid) and all(valid[name] > 0.8 for name in always), valid
