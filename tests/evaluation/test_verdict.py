"""The verdict follows its rules, names its figures, and promises nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.evaluation.bootstrap import Interval
from metastackerbandit.evaluation.evidence import CostCurve, Evidence
from metastackerbandit.evaluation.power import detectable_sharpe
from metastackerbandit.evaluation.random_entries import EqualTurnover
from metastackerbandit.evaluation.verdict import Word, headline, judge
from tests.covering import covers
from tests.evaluation.books import autoregressive, scored

_BASE = scored([0.01, -0.01, 0.02])
_NAN = math.nan
_GOOD = structs.replace(_BASE, n_trips=400, years=4.0, sharpe=Interval(2.9, 1.9, 3.9))
_BY_CHANCE = EqualTurnover(own=0.9, flipped=-0.9, mean=0.0, low=-0.4, high=0.4, p=0.001, shifts=1_000)
_FULL = Evidence(
    n_trials=12,
    effective_trials=7.5,
    n_eff=390.0,
    deflated_sharpe=0.99,
    superiority_p=0.004,
    hardest="buy_and_hold",
    equal_turnover=_BY_CHANCE,
    overfitting=Interval(0.01, 0.0, 0.1),
    costs=CostCurve(free=1.0, own=0.9, double=0.8),
    bars=1_461,
    least_bars=112.3,
    canaries_green=True,
)


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


def but(**changes) -> Evidence:
    """Full evidence with a part changed."""
    return structs.replace(_FULL, **changes)


def test_full_evidence_supports_and_says_every_figure():
    verdict = judge(_GOOD, "2021 to 2024", _FULL)
    assert verdict.word == Word.SUPPORTED
    assert verdict.sentence == (
        "Over 2021 to 2024, 400 trades (390 effective), net SR 2.90 [1.90, 3.90]; DSR 0.990 after 12 trials; SPA p 0.004; random-entry p 0.001. "
        "We find an edge net of costs. The design had 80 % power to detect an annual SR of 2.08; smaller edges cannot be excluded. "
        "Recommended allocation: no more than the risk limits that it was tested under."
    )
    assert verdict.detectable_sharpe == detectable_sharpe(4.0, 12) > detectable_sharpe(4.0)


_LIMITS = [
    ("deflated_sharpe", 0.95, 0.9499, "deflated"),
    ("superiority_p", 0.0499, 0.05, "SPA p against buy_and_hold"),
    ("equal_turnover", structs.replace(_BY_CHANCE, p=0.0099), structs.replace(_BY_CHANCE, p=0.01), "random-entry"),
    ("overfitting", Interval(0.1999, 0.0, 0.9), Interval(0.2, 0.0, 0.9), "overfitting"),
    ("costs", CostCurve(1.0, 0.9, 1e-9), CostCurve(1.0, 0.9, 0.0), "2x cost"),
    ("least_bars", 1_461.0, 1_461.5, "track record"),
    ("canaries_green", True, False, "canary"),
]


@pytest.mark.parametrize(("name", "enough", "short", "said"), _LIMITS, ids=[row[0] for row in _LIMITS])
def test_each_limit_holds_on_its_own(name, enough, short, said):
    assert judge(_GOOD, evidence=but(**{name: enough})).word == Word.SUPPORTED
    verdict = judge(_GOOD, evidence=but(**{name: short}))
    assert verdict.word == Word.WEAK and len(verdict.reasons) == 2 and said in verdict.reasons[1]
    assert verdict.sentence.endswith("Recommended allocation: 0.")


_MISSING = [
    ("deflated_sharpe", _NAN),
    ("superiority_p", _NAN),
    ("equal_turnover", structs.replace(_BY_CHANCE, p=_NAN)),
    ("overfitting", Interval(_NAN, _NAN, _NAN)),
    ("costs", CostCurve(1.0, 0.9, _NAN)),
    ("least_bars", _NAN),
    ("canaries_green", None),
]


@covers("K1")
@pytest.mark.parametrize(("name", "unknown"), _MISSING, ids=[row[0] for row in _MISSING])
def test_missing_evidence_is_never_a_pass(name, unknown):
    verdict = judge(_GOOD, evidence=but(**{name: unknown}))
    assert verdict.word == Word.WEAK
    assert len(verdict.reasons) == 2 and ("not known" in verdict.reasons[1] or "not run" in verdict.reasons[1])


def test_no_evidence_at_all_is_weak_and_says_that_nothing_is_known():
    assert judge(_GOOD, evidence=Evidence()).word == Word.WEAK
    assert "DSR unknown after 1 trial; SPA p unknown; random-entry p unknown" in judge(_GOOD, evidence=Evidence()).sentence


@given(st.integers(0, 200), st.floats(0.01, 50.0), st.floats(-5, 5), st.floats(0, 5))
def test_evidence_changes_no_other_word(trips, years, low, width):
    run = structs.replace(_BASE, n_trips=trips, years=years, sharpe=Interval(low + width / 2, low, low + width))
    alone, weighed = judge(run), judge(run, evidence=_FULL)
    assert weighed.word == (Word.SUPPORTED if alone.word == Word.WEAK else alone.word)
    assert weighed.sentence.endswith("Recommended allocation: 0.") == (weighed.word != Word.SUPPORTED)


def test_a_gain_that_is_gone_at_twice_the_costs_is_said_first():
    turns = but(costs=CostCurve(0.3, 0.1, -0.05))
    assert judge(_GOOD, evidence=turns).sentence.startswith("At twice the costs the net return of +10.0% becomes -5.0%. Over ")
    small = headline(but(costs=CostCurve(0.002, 0.0002, -0.0016)))
    assert small == "At twice the costs the net return of +0.020% becomes -0.160%."
    for costs in (CostCurve(0.3, 0.1, 0.01), CostCurve(0.3, -0.1, -0.3), CostCurve(_NAN, _NAN, _NAN)):
        assert headline(but(costs=costs)) == "" and judge(_GOOD, evidence=but(costs=costs)).sentence.startswith("Over ")
    assert headline(None) == ""
