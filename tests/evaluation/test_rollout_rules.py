"""A change goes on where its stage is earned: stages in order, each criterion on its own, and every number said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.evaluation.paired_test import PairedEvidence, paired_evidence
from metastackerbandit.evaluation.rollout_rules import ADOPTED, PAPER, ROLLED_BACK, SHADOW, Check, checks, share_of, stages
from metastackerbandit.evaluation.settings import RolloutSettings

SETTINGS = RolloutSettings()
GAIN = PairedEvidence(outcomes=100, mean=0.5, deviation=1.0, z=5.0, e_value=20.0, chance_better=0.8)


@given(st.lists(st.integers(1, 99).map(lambda percent: percent / 100), max_size=5))
def test_stages_say_the_share_that_they_trade(shares: list[float]) -> None:
    named = stages(shares)
    assert named[:2] == (SHADOW, PAPER) and named[-1] == ADOPTED
    assert [share_of(stage) for stage in named] == [0.0, 0.0, *shares, 1.0]
    assert share_of(ROLLED_BACK) == 0.0


def test_every_stage_asks_for_outcomes_and_a_clean_preflight_and_the_last_for_a_gain() -> None:
    assert stages((0.1, 0.5)) == ("shadow", "paper", "share 0.1", "share 0.5", ADOPTED)
    assert [share_of(stage) for stage in stages((0.1, 0.5))] == [0.0, 0.0, 0.1, 0.5, 1.0]
    rng = np.random.default_rng(3)
    nothing, better, worse = (paired_evidence(rng.normal(mean, 1.0, 800), SETTINGS.spread) for mean in (0.0, 0.3, -0.3))

    def met(evidence: PairedEvidence, outcomes: int, errors: tuple[str, ...] | None, is_last: bool = False) -> bool:
        return all(check.is_met for check in checks(evidence, outcomes, errors, SETTINGS, is_last=is_last))

    assert met(nothing, 100, ()) and not met(nothing, 99, ()) and not met(nothing, 100, None) and not met(nothing, 100, ("vacuous",))
    assert not met(worse, 500, ())
    assert met(better, 100, (), is_last=True) and not met(nothing, 100, (), is_last=True)
    for_safety = RolloutSettings(adopt="not_worse")
    assert all(check.is_met for check in checks(nothing, 100, (), for_safety, is_last=True))


def test_what_is_met_at_its_limit_is_met_and_said_in_numbers() -> None:
    test = "e-value 20, mean +0.5 bps an outcome"
    assert checks(GAIN, 100, (), SETTINGS, is_last=True) == (
        Check("outcomes of this stage", True, "100", "100 on which the two did not do the same"),
        Check("not worse", True, test, "not 20 against it"),
        Check("preflight", True, "0 errors", "no error of the changed configuration"),
        Check("better", True, f"{test}, chance of better 0.80", "20 for it, with a chance of 0.8"),
    )
    loss = structs.replace(GAIN, mean=-0.25, e_value=1_234.5, chance_better=0.01)
    found = checks(loss, 99, ("vacuous", "far"), SETTINGS, is_last=True)
    assert [check.is_met for check in found] == [False] * 4
    assert [check.measured for check in found[:3]] == ["99", "e-value 1.23e+03, mean -0.25 bps an outcome", "2 errors"]


def test_what_was_not_looked_at_is_not_met_and_what_is_not_known_is_said_so() -> None:
    outcomes, worse, preflight = checks(structs.replace(GAIN, e_value=math.nan), 100, None, SETTINGS, is_last=False)
    assert outcomes.is_met and worse.is_met and not preflight.is_met
    assert (worse.measured, preflight.measured) == ("e-value -, mean +0.5 bps an outcome", "not looked at")
    (_, worse, _, better) = checks(paired_evidence(np.zeros(0), SETTINGS.spread), 0, (), SETTINGS, is_last=True)
    assert worse.measured == "no outcome yet" and worse.is_met and not better.is_met


@pytest.mark.parametrize("short", [{"outcomes": 99}, {"mean": 0.0}, {"mean": -0.5}, {"e_value": 19.9}, {"chance_better": 0.79}])
def test_only_the_last_step_asks_for_a_gain_and_not_of_a_change_for_safety(short: dict[str, float]) -> None:
    lesser = structs.replace(GAIN, **short)
    assert not checks(lesser, 100, (), SETTINGS, is_last=True)[-1].is_met
    assert [check.criterion for check in checks(lesser, 100, (), SETTINGS, is_last=False)] == ["outcomes of this stage", "not worse", "preflight"]
    assert len(checks(lesser, 100, (), RolloutSettings(adopt="not_worse"), is_last=True)) == 3
