"""Published trades of another bot come to the published profits in our ledger, and to what its summary says of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.covering import covers
from tests.reference.freqtrade import (
    DETAILS,
    FIGURES,
    ROUNDING,
    SETTINGS,
    START,
    Booked,
    Figure,
    booked,
    candles_change,
    folder,
    levels_of,
    published,
    seconds,
)


@pytest.fixture(scope="module")
def run() -> Booked:
    folder()
    return booked()


@covers("B09")
def test_every_trade_earns_what_was_published(run: Booked) -> None:
    """Absolute profit before fees, ratio after both, to the published eight decimals."""
    assert len(run.trips) == 179
    assert np.abs(run.gross - [trade["profit_abs"] for trade in run.trades]).max() < ROUNDING
    assert np.abs(run.ratio - [trade["profit_ratio"] for trade in run.trades]).max() < 0.5e-8 + ROUNDING / 0.001


def test_fees_are_a_quarter_of_a_percent_of_either_side_and_in_no_published_profit(run: Booked) -> None:
    volume = (run.trips["entry_value"] + run.trips["exit_value"]).astype(float)
    assert np.abs(run.trips["fees"] - 0.0025 * volume).max() <= 2.0 + 1e-15 * volume.max()  # rounded up, twice
    assert run.net.sum() == pytest.approx(run.told["profit_total_abs"] - 0.0025 * volume.sum() * 1e-20, abs=179 * ROUNDING)
    assert run.net.sum() == pytest.approx(0.00014430, abs=5e-9)  # of 0.00104190


@pytest.mark.parametrize("figure", [one for one in FIGURES if one.ours], ids=lambda one: one.name)
def test_a_figure_is_the_published_one(run: Booked, figure: Figure) -> None:
    assert figure.ours is not None
    assert float(figure.ours(run)) == pytest.approx(run.told[figure.name], rel=0.0, abs=figure.within)


def test_every_published_figure_is_compared_or_explained(run: Booked) -> None:
    named = [one.name for one in FIGURES]
    assert len(set(named)) == len(named)
    assert set(named) | SETTINGS | DETAILS == set(run.told) and not set(named) & (SETTINGS | DETAILS)
    assert all(one.how for one in FIGURES)


@pytest.mark.parametrize(("table", "column"), [("results_per_pair", "pair"), ("exit_reason_summary", "exit_reason")])
def test_the_tables_of_pairs_and_of_exits_add_up(run: Booked, table: str, column: str) -> None:
    keys = np.array([trade[column] for trade in run.trades])
    for line in run.told[table]:
        key = line.get("key", line.get("exit_reason"))
        own = np.ones(len(keys), bool) if key == "TOTAL" else keys == key
        assert line["trades"] == own.sum()
        assert line["profit_total_abs"] == pytest.approx(run.gross[own].sum(), abs=179 * ROUNDING)
        assert line["profit_sum"] == pytest.approx(run.ratio[own].sum(), abs=179 * 1e-8)
        assert (line["wins"], line["losses"]) == ((run.gross[own] > 0).sum(), (run.gross[own] < 0).sum())  # here a win is counted before fees


def test_every_day_earns_what_was_published(run: Booked) -> None:
    days = (run.trips["closed_ns"] // (86_400 * 10**9)).astype("datetime64[D]").astype(str)
    for day, earned in run.told["daily_profit"]:
        assert run.gross[days == day].sum() == pytest.approx(earned, abs=1e-10)


def test_times_are_told_twice_alike(run: Booked) -> None:
    for name in ("backtest_start", "backtest_end", "drawdown_start", "drawdown_end"):
        assert seconds(run.told[name]) * 1e3 == run.told[f"{name}_ts"]
    assert levels_of(run)[1][-1] == pytest.approx(START + run.told["profit_total_abs"], abs=179 * ROUNDING)


def test_the_published_change_of_the_market_is_not_that_of_the_candles(run: Booked) -> None:
    assert candles_change() == pytest.approx(-0.0153, abs=5e-5)
    assert run.told["market_change"] == 1.22


def test_entries_are_opens_of_the_published_candles(run: Booked) -> None:
    for pair in set(run.told["pairlist"]):
        frame = pl.read_parquet(folder() / f"{pair.replace('/', '_')}-5m.parquet")
        opens = dict(zip(frame["open_time"].dt.epoch("ms").to_list(), frame["open"].to_list(), strict=True))
        for trade in run.trades:
            if trade["pair"] == pair:
                assert opens[int(trade["open_timestamp"])] == pytest.approx(trade["open_rate"], rel=1e-9)


@pytest.mark.parametrize("name", ["StrategyTestV2", "TestStrategy"])
def test_the_older_file_has_the_same_trades_with_profits_of_one_coin(run: Booked, name: str) -> None:
    """Its absolute profits are differences of prices: amounts are not in them, so they are no money."""
    told = published("backtest-result_multistrat")[name]["trades"]
    assert [trade["profit_ratio"] for trade in told] == [trade["profit_ratio"] for trade in run.trades]
    for trade in told:
        assert trade["profit_abs"] == pytest.approx(trade["close_rate"] - trade["open_rate"], abs=1e-15)
