"""The store's own candles: a venue's are kept beside each other with its rules, and those of a made market that is over are let go, all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.storage.instruments import RULES, rules_beside, rules_for
from metastackerbandit.storage.store import forget_candles, keep_candles, leaf_folder
from tests.markets import instrument

BASE_NS = 5 * MINUTE_NS
BEGAN_NS = 1_735_689_600 * 10**9
ONE = instrument("BTCUSDT", "perp", "LOOPBACK")


def candles(first: int, count: int, base_ns: int = BASE_NS) -> np.ndarray:
    """Whole candles (N,) whose prices follow from their place alone."""
    bars, place = rows(Bar, count), np.arange(first, first + count)
    bars["opened_ns"] = BEGAN_NS + place * base_ns
    bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + base_ns
    bars["open"], bars["close"] = 500_000 + place, 500_001 + place
    bars["high"], bars["low"], bars["volume"] = 500_009 + place, 499_990 + place, 1.0 + place
    bars["parts"] = bars["parts_due"] = 1
    return bars


def opened(file: Path) -> list[int]:
    """When the candles of a file opened, in candles since the first."""
    times = pl.read_parquet(file)["open_time"].dt.epoch("ms").to_numpy()
    return [int(one) for one in (times * 1_000_000 - BEGAN_NS) // BASE_NS]


@given(parts=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), min_size=1, max_size=4))
def test_what_is_kept_is_each_candle_once_in_the_order_of_time(parts: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    home, wanted = tmp_path_factory.mktemp("home"), set[int]()
    for first, count in parts:
        fresh = set(range(first, first + count)) - wanted
        report = keep_candles(home, ONE, BASE_NS, candles(first, count))
        wanted |= fresh
        assert (report.rows, report.added) == (len(wanted), len(fresh)) and report.file.parent == leaf_folder(home, "loopback", "perp", BASE_NS)
        assert opened(report.file) == sorted(wanted)


def test_prices_rules_and_volumes_are_those_that_were_given(tmp_path: Path) -> None:
    report = keep_candles(tmp_path, ONE, BASE_NS, candles(0, 3))
    table = pl.read_parquet(report.file)
    assert table["close"].to_list() == pytest.approx([50_000.1, 50_000.2, 50_000.3]) and table["volume"].to_list() == [1.0, 2.0, 3.0]
    kept, _ = rules_for("BTCUSDT", "perp", "LOOPBACK", [table["close"].to_numpy()], rules_beside(report.file.parent))
    assert structs.replace(kept, base=ONE.base) == ONE


def test_a_candle_that_says_otherwise_is_refused_and_the_store_keeps_what_it_had(tmp_path: Path) -> None:
    file = keep_candles(tmp_path, ONE, BASE_NS, candles(0, 5)).file
    before = file.read_bytes()
    other = candles(3, 5)
    other["close"][0] += 1
    with pytest.raises(DataRefused):
        keep_candles(tmp_path, ONE, BASE_NS, other)
    assert file.read_bytes() == before and sorted(path.name for path in file.parent.iterdir()) == ["BTCUSDT.parquet", RULES]


def test_the_same_market_keeps_its_candles_and_another_one_lets_all_of_them_go(tmp_path: Path) -> None:
    assert not forget_candles(tmp_path, "loopback", "perp", "seed 1"), "there was nothing"
    files = [keep_candles(tmp_path, ONE, base_ns, candles(0, 5, base_ns)).file for base_ns in (BASE_NS, MINUTE_NS)]
    spot = structs.replace(ONE, market="spot")
    others = [keep_candles(tmp_path, one, BASE_NS, candles(0, 5)).file for one in (spot, structs.replace(ONE, venue="BINANCE"))]
    assert not forget_candles(tmp_path, "loopback", "perp", "seed 1")
    assert all(file.exists() for file in (*files, *others))
    assert forget_candles(tmp_path, "loopback", "perp", "seed 2")
    assert not any(file.exists() or (file.parent / RULES).exists() for file in files), "every bar size, and its rules"
    assert all(file.exists() for file in others), "another market and another venue are not meant"
    report = keep_candles(tmp_path, ONE, BASE_NS, candles(2, 4))
    assert report.added == report.rows == 4 and not forget_candles(tmp_path, "loopback", "perp", "seed 2")


def test_candles_whose_source_is_not_known_are_let_go(tmp_path: Path) -> None:
    file = keep_candles(tmp_path, ONE, BASE_NS, candles(0, 5)).file
    assert forget_candles(tmp_path, "loopback", "perp", "seed 1") and not file.exists()
