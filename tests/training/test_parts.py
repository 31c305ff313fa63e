"""The small parts of training: boundaries, pooling, the simplest way to trade, verdicts and promotion by numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.card import Score
from metastackerbandit.evaluation.verdict import Word
from metastackerbandit.training.cadence import cadence_of
from metastackerbandit.training.edge_rule import LEAST_EDGE, traded
from metastackerbandit.training.pooling import pooled_effect
from metastackerbandit.training.record import Record, empty_record, joined
from metastackerbandit.training.scoring import AUC, CONTROL, GAIN, OUTCOMES, scores_of
from metastackerbandit.training.seeds import seed_of
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.verdict import judge_skill, needed_outcomes

MINUTE = 60 * 10**9
COST = 13.0


def record(seed: int, count: int = 400, *, edge: float = 0.0, hold: int = 6) -> Record:
    """Bars a minute apart of two symbols; expected returns that outcomes follow by `edge`."""
    rng = np.random.default_rng(seed)
    lead = rng.uniform(-0.3, 0.3, count)
    outcome = 0.004 * (edge * lead / 0.17 + rng.normal(0.0, 1.0, count))
    side = np.where(outcome > 0.002, 2, np.where(outcome < -0.002, 0, 1)).astype(np.int8)
    shares = np.bincount(side, minlength=3) / count
    start = (1 + np.arange(count) // 2) * MINUTE
    p = np.column_stack((0.35 - lead / 2, np.full(count, 0.3), 0.35 + lead / 2))
    return Record(
        version=np.zeros(count, np.int64),
        symbol=np.arange(count) % 2,
        closed_ns=start - MINUTE,
        start_ns=start,
        end_ns=start + rng.integers(1, hold + 1, count) * MINUTE,
        p=p,
        base=np.tile(shares, (count, 1)),
        parts={"logistic": p},
        long=0.02 * lead,
        short=-0.02 * lead,
        worth=np.full(count, 0.45),
        worth_base=np.full(count, 0.45),
        side=side,
        gross=outcome,
        net_long=outcome - COST / 1e4,
        net_short=-outcome - COST / 1e4,
    )


@given(st.integers(0, 2**31))
def test_the_edge_rule_holds_one_position_a_symbol_and_asks_for_the_cost_and_a_quarter(seed: int) -> None:
    given_record = record(seed, 120)
    places, returns, sides = traded(given_record, COST)
    chosen = given_record.taken(places)
    expected = np.where(sides > 0, chosen.long, chosen.short)
    assert (expected >= COST * (1.0 + LEAST_EDGE) / 1e4).all()
    assert np.array_equal(returns, np.where(sides > 0, chosen.net_long, chosen.net_short))
    for symbol in (0, 1):
        own = np.flatnonzero(chosen.symbol == symbol)
        assert (chosen.start_ns[own][1:] >= chosen.end_ns[own][:-1]).all()


def test_the_mirrored_record_is_traded_on_the_other_side() -> None:
    one = record(1)
    other = structs.replace(one, p=one.p[:, ::-1].copy(), long=one.short, short=one.long, net_long=one.net_short, net_short=one.net_long)
    for left, right in zip(traded(one, COST)[:2], traded(other, COST)[:2], strict=True):
        assert np.array_equal(left, right)
    assert np.array_equal(traded(one, COST)[2], -traded(other, COST)[2])


def test_a_record_until_a_moment_knows_no_outcome_after_it() -> None:
    whole = record(2)
    moment = int(np.median(whole.end_ns))
    early = whole.until(moment)
    assert 0 < len(early) < len(whole) and early.end_ns.max() <= moment
    assert len(joined([early, empty_record()])) == len(early)


def test_scores_show_a_planted_edge_with_intervals_and_none_for_an_empty_record() -> None:
    found = {score.name: score for score in scores_of(record(3, 4_000, edge=0.5), MINUTE, COST)}
    assert found[AUC].low > 0.5 and found["ic"].low > 0.0
    assert found["gain_logistic"].value == found[GAIN].value
    assert 0 < found[OUTCOMES].value < found["rows"].value == 4_000
    assert scores_of(empty_record(), MINUTE, COST) == ()


def test_symbols_that_are_one_count_as_one_and_strangers_as_themselves() -> None:
    rng = np.random.default_rng(0)
    times, returns = np.arange(3_000), rng.normal(0.0, 1.0, 3_000)
    assert pooled_effect([times], [returns]) == 1.0
    assert pooled_effect([times, times, times], [returns] * 3) == pytest.approx(3.0)
    assert pooled_effect([times, times], [returns, rng.normal(0.0, 1.0, 3_000)]) == pytest.approx(1.0, abs=0.06)  # 3 / sqrt(3000)
    assert pooled_effect([times, times + 10_000], [returns, returns]) == 2.0  # never seen together: not proven to be two


def test_a_frame_without_a_cadence_of_its_own_does_not_exist() -> None:
    settings = TrainingSettings(half_life_days=10.0, refit_days=2.0, window_half_lives=3.0)
    found = cadence_of("1d", settings)
    assert (found.half_life_ns, found.refit_ns, found.window_ns) == tuple(days * 86_400 * 10**9 for days in (10, 2, 30))
    assert cadence_of("24h", TrainingSettings()).half_life_ns > cadence_of("5m", TrainingSettings()).half_life_ns


def test_seeds_differ_by_part_and_stay_the_same() -> None:
    assert seed_of(7, "lightgbm") == seed_of(7, "lightgbm")
    assert len({seed_of(7, "a"), seed_of(7, "b"), seed_of(8, "a"), seed_of(7, "a", 1)}) == 4
    assert all(0 <= seed_of(seed, "x") < 2**31 for seed in range(100))


def test_five_hundredths_of_correlation_ask_for_three_thousand_outcomes() -> None:
    assert needed_outcomes() == pytest.approx(3_140, abs=10)  # method 2.4 says 3,136


@pytest.mark.parametrize(
    ("outcomes", "gain", "auc", "control", "word"),
    [
        (math.nan, None, None, None, Word.UNDERPOWERED),
        (50.0, (5.0, 1.0, 9.0), (0.6, 0.55, 0.65), None, Word.UNDERPOWERED),
        (900.0, (1.0, -1.0, 3.0), (0.51, 0.48, 0.54), None, Word.UNDERPOWERED),
        (9_000.0, (1.0, -1.0, 3.0), (0.51, 0.48, 0.54), None, Word.NO_EVIDENCE),
        (9_000.0, (9.0, 5.0, 13.0), (0.51, 0.49, 0.53), (-1.0, -3.0, 1.0), Word.NO_EVIDENCE),
        (9_000.0, (9.0, 5.0, 13.0), (0.53, 0.51, 0.55), (-1.0, -3.0, 1.0), Word.WEAK),
        (9_000.0, (9.0, 5.0, 13.0), (0.53, 0.51, 0.55), (4.0, 3.0, 5.0), Word.NO_EVIDENCE),
        (9_000.0, (-9.0, -13.0, -5.0), (0.50, 0.48, 0.52), None, Word.HARMFUL),
        (9_000.0, (1.0, -1.0, 3.0), (0.46, 0.44, 0.48), None, Word.HARMFUL),
    ],
)
def test_the_verdict_follows_from_the_intervals(
    outcomes: float, gain: tuple[float, ...] | None, auc: tuple[float, ...] | None, control: tuple[float, ...] | None, word: Word
) -> None:
    scores = [Score(OUTCOMES, "count", outcomes, math.nan, math.nan)]
    for name, figure in ((GAIN, gain), (AUC, auc), (CONTROL, control)):
        if figure is not None:
            scores.append(Score(name, "", *figure))
    found = judge_skill(tuple(scores))
    assert found.word is word and found.reasons
