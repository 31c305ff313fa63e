"""Leaks that freqtrade's look-ahead analysis is asked about, before our checks: what either finds, on the same candles."""

from __future__ import annotations

import pytest

from metastackerbandit.training.leakage.canaries import CANARIES
from metastackerbandit.training.leakage.pipeline import Market
from metastackerbandit.training.leakage.settings import LeakageSettings
from tests.covering import covers
from tests.reference.lookahead import ELSEWHERE, LEAKS, Leak, judged, kept, market


@pytest.fixture(scope="module")
def candles() -> Market:
    return market()


@covers("C20", "A34")
@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.strategy)
def test_our_checks_find_each_leak_and_nothing_in_the_honest_ones(candles: Market, leak: Leak) -> None:
    found = judged(leak, candles, LeakageSettings())
    assert (not found.by) if leak.is_honest else {"features", "serving"} <= set(found.by)


def test_the_other_tool_was_asked_about_the_same_leaks() -> None:
    answers = kept()["answers"]
    assert list(answers) == [leak.strategy for leak in LEAKS]
    for leak in LEAKS:
        assert not (leak.is_honest and answers[leak.strategy]["has_bias"])
        assert answers[leak.strategy]["total_signals"] >= 5
    missed = [leak.strategy for leak in LEAKS if not leak.is_honest and not answers[leak.strategy]["has_bias"]]
    assert list(kept()["thorough"]) == missed


def test_every_canary_of_ours_was_planted_in_a_strategy_or_has_no_place_there() -> None:
    assert {canary.name for canary in CANARIES} == {leak.canary for leak in LEAKS if leak.canary and " " not in leak.canary} | set(ELSEWHERE)
