"""Leaks that freqtrade's look-ahead analysis is asked about, before our checks: what either finds, on the same candles."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from metastackerbandit.training.leakage.canaries import CANARIES
from metastackerbandit.training.leakage.pipeline import Market
from metastackerbandit.training.leakage.settings import LeakageSettings
from tests.covering import covers
from tests.reference.lookahead import ELSEWHERE, LEAKS, ROWS, SPANS, SPARSE_LEAK, WEEK_NS, Leak, candles_path, judged, kept, market


@pytest.fixture(scope="module")
def candles() -> Market:
    return market()


def test_both_judge_the_same_candles(candles: Market) -> None:
    frame = pl.read_parquet(candles_path())[:ROWS]
    assert np.array_equal(candles.candles["opened_ns"], frame["open_time"].dt.epoch("ns").to_numpy())
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(candles.candles[name], np.rint(frame[name].to_numpy() * 100))
    assert candles.candles["opened_ns"][0] < WEEK_NS < candles.candles["opened_ns"][-200]


@covers("C20", "A34")
@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.strategy)
def test_our_checks_find_each_leak_and_nothing_in_the_honest_ones(candles: Market, leak: Leak) -> None:
    found = judged(leak, candles, LeakageSettings())
    if leak.is_honest:
        assert found.by == ()
    else:
        assert set(found.by) >= {"serving"} | (set() if leak is SPARSE_LEAK else {"features"})


def test_the_other_tool_was_asked_about_the_same_leaks() -> None:
    answers = kept()["answers"]
    assert list(answers) == [leak.strategy for leak in LEAKS]
    for leak in LEAKS:
        assert not (leak.is_honest and answers[leak.strategy]["has_bias"])
        assert answers[leak.strategy]["total_signals"] >= 5


@pytest.mark.parametrize("span", range(SPANS))
def test_a_leak_at_few_bars_is_found_wherever_trades_happen_to_be(span: int) -> None:
    """Each bar is served by itself, so it does not depend on where moments or trades fall."""
    assert judged(SPARSE_LEAK, market(span), LeakageSettings()).by
    assert len(kept()["spans"]) == SPANS


def test_every_canary_of_ours_was_planted_in_a_strategy_or_has_no_place_there() -> None:
    assert {canary.name for canary in CANARIES} == {leak.canary for leak in LEAKS if leak.canary and " " not in leak.canary} | set(ELSEWHERE)
