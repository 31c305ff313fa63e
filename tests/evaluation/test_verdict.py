"""The verdict follows its rules, names its figures, and promises nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.evaluation.bootstrap import Interval
from metastackerbandit.evaluation.verdict import Word, detectable_sharpe, judge, years_needed
from tests.evaluation.books import autoregressive, scored

_BASE = scored([0.01, -0.01, 0.02])
_NAN = math.nan


@pytest.mark.parametrize(
    ("trips", "years", "low", "high", "word"),
    [
        (0, 10.0, -1.0, 1.0, Word.UNDERPOWERED),
        (29, 10.0, 1.0, 2.0, Word.UNDERPOWERED),
        (29, 10.0, -2.0, -1.0, Word.UNDERPOWERED),
        (30, 10.0, -2.0, -1.0, Word.HARMFUL),
        (30, 0.1, -2.0, -1.0, Word.HARMFUL),
        (30, 6.1, -1.0, 1.0, Word.UNDERPOWERED),
        (30, 6.2, -1.0, 1.0, Word.NO_EVIDENCE),
        (30, 6.2, 0.0, 1.0, Word.NO_EVIDENCE),
        (30, 6.2, -1.0, 0.0, Word.NO_EVIDENCE),
        (30, 6.2, 0.1, 1.0, Word.WEAK),
        (30, 0.5, 0.1, 1.0, Word.WEAK),
        (30, 10.0, _NAN, _NAN, Word.UNDERPOWERED),
    ],
)
def test_rules_are_taken_in_order(trips, years, low, high, word):
    verdict = judge(structs.replace(_BASE, n_trips=trips, years=years, sharpe=Interval(0.5 * (low + high), low, high)))
    assert verdict.word == word
    assert verdict.reasons and all(verdict.reasons)


def test_the_sentence_of_a_null_result_is_the_template_with_its_figures():
    verdict = judge(structs.replace(_BASE, n_trips=431, years=10.0, sharpe=Interval(0.31, -0.92, 1.55)), "2015 to 2024")
    assert verdict.sentence == (
        "Over 2015 to 2024, 431 trades, net SR 0.31 [-0.92, 1.55]. We find no evidence of an edge net of costs. "
        "The design had 80 % power to detect an annual SR of 0.79; smaller edges cannot be excluded. Recommended allocation: 0."
    )
    assert verdict.detectable_sharpe == pytest.approx(0.786, abs=1e-3)


def test_weak_says_what_supported_would_still_need():
    verdict = judge(structs.replace(_BASE, n_trips=100, years=7.0, sharpe=Interval(1.5, 0.5, 2.5)))
    assert verdict.word == "WEAK" and "SPA" in verdict.reasons[1] and "not tested" in verdict.reasons[1]


def test_an_empty_run_still_reads_as_a_sentence():
    verdict = judge(scored([]))
    assert verdict.word == Word.UNDERPOWERED
    assert verdict.sentence == (
        "Over 0.0 days, 0 trades, net SR unknown. The sample is too small to tell an edge from luck. "
        "The design had no power to detect any edge. Recommended allocation: 0."
    )


def test_the_years_that_power_asks_for_are_the_published_ones():
    assert [years_needed(sharpe) for sharpe in (0.5, 1.0, 1.5, 2.0, 3.0)] == pytest.approx([24.7, 6.2, 2.7, 1.5, 0.7], abs=0.05)


@given(st.floats(0.05, 20.0))
def test_detectable_sharpe_undoes_years_needed(sharpe):
    assert detectable_sharpe(years_needed(sharpe)) == pytest.approx(sharpe)


@given(st.integers(0, 200), st.floats(0.01, 50.0), st.floats(-5, 5), st.floats(0, 5))
def test_no_run_alone_is_ever_supported_or_given_money(trips, years, low, width):
    verdict = judge(structs.replace(_BASE, n_trips=trips, years=years, sharpe=Interval(low + width / 2, low, low + width)))
    assert verdict.word != Word.SUPPORTED and verdict.sentence.endswith("Recommended allocation: 0.")


def test_noise_seldom_earns_a_word_of_praise():
    words = [judge(scored(autoregressive(seed, 2_557, 0.0, 0.0, 0.01), nets=np.ones(40, np.int64), seed=seed)).word for seed in range(40)]
    assert words.count(Word.WEAK) + words.count(Word.HARMFUL) <= 6 and words.count(Word.NO_EVIDENCE) >= 34


def test_a_planted_edge_is_seen():
    daily = 3.0 / math.sqrt(365.25) * 0.01  # annual Sharpe 3
    words = [judge(scored(autoregressive(seed, 1_100, 0.0, daily, 0.01), nets=np.ones(40, np.int64), seed=seed)).word for seed in range(20)]
    assert words.count(Word.WEAK) >= 18
