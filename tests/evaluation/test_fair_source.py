"""A source is fair to both sides until its answers in the mirror say otherwise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.evaluation.fair_source import ERROR, SLACK, STRANGER, Fairness, heard

ANSWERS = st.lists(st.tuples(st.sampled_from((-2.0, -0.5, 0.0, 1e-9, 3.0, math.nan)), st.sampled_from((-1.0, 0.0, 0.25, math.nan))), max_size=40)


@given(ANSWERS)
def test_evidence_is_the_ratio_of_a_coin_to_a_fair_source_over_answers_with_a_side(answers: list[tuple[float, float]]) -> None:
    fairness, mirrored = Fairness(), Fairness()
    for said, mirror in answers:
        fairness, mirrored = heard(fairness, said, mirror), heard(mirrored, -mirror, -said)
    sided = [(said, mirror) for said, mirror in answers if said * mirror != 0.0 and not math.isnan(said * mirror)]
    same = sum(said * mirror > 0.0 for said, mirror in sided)
    assert (fairness.answers, fairness.unmirrored) == (len(sided), same)
    coin, fair = len(sided) * math.log(STRANGER), same * math.log(SLACK) + (len(sided) - same) * math.log(1.0 - SLACK)
    assert fairness.log_evidence == pytest.approx(coin - fair, abs=1e-9)
    assert mirrored == fairness


@given(st.floats(0.0, SLACK))
def test_a_fair_sources_next_answer_brings_no_evidence_on_average(share: float) -> None:
    unmirrored, mirrored = (math.exp(heard(Fairness(), 1.0, mirror).log_evidence) for mirror in (1.0, -1.0))
    assert share * unmirrored + (1.0 - share) * mirrored <= 1.0 + 1e-12


def test_an_alarm_is_evidence_of_one_over_the_error() -> None:
    assert Fairness(9, 9, math.log(20.0)).is_alarm(1 / 20) and not Fairness(9, 9, math.log(19.9)).is_alarm(1 / 20)
    assert Fairness(9, 9, -math.log(ERROR)).is_alarm() and not Fairness(9, 9, -math.log(ERROR) - 1e-9).is_alarm()


def test_a_source_that_is_fair_but_for_noise_alarms_as_rarely_as_said() -> None:
    """600 answers, 5 % of them not mirrored, 300 times over: at most a share ERROR ever alarms (0.3 expected; 3 has p 0.004)."""
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(300):
        fairness = Fairness()
        for same in rng.random(600) < 0.05:
            fairness = heard(fairness, 1.0, 1.0 if same else -1.0)
            if fairness.is_alarm():
                alarms += 1
                break
    assert alarms <= 2 and ERROR == 0.001


def test_a_source_that_does_not_look_at_the_side_alarms_soon_and_silence_tells_nothing() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        fairness, count = Fairness(), 0
        while count < 60 and not fairness.is_alarm():
            fairness, count = heard(fairness, rng.normal(), rng.normal()), count + 1
        assert fairness.is_alarm()
    nothing = heard(heard(Fairness(), np.nan, 1.0), 0.0, -1.0)
    assert nothing == Fairness()
