"""An arm has one place: rule arms first, then the arms that speak from predictions."""

from __future__ import annotations

import pytest

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.stacking.catalog import ARMS
from metastackerbandit.stacking.names import ALIGNED_ARM, ARM_NAMES, MODEL_ARM, RULE_ARMS, arm_place
from metastackerbandit.stacking.settings import POSTERIOR


def test_every_arm_has_the_place_of_its_name() -> None:
    assert [arm_place(name) for name in ARM_NAMES] == list(range(len(ARM_NAMES)))
    assert [ARMS[arm_place(arm.name)] for arm in ARMS] == list(ARMS)
    assert (arm_place("model"), arm_place("aligned")) == (MODEL_ARM, ALIGNED_ARM) == (RULE_ARMS, RULE_ARMS + 1)


def test_an_unknown_arm_is_refused_where_it_was_named_with_all_that_could_be_meant() -> None:
    for place in ("run.arm", "choice.arms"):
        with pytest.raises(ConfigRefused, match="unknown arm 'sma_corss'") as caught:
            arm_place("sma_corss", place)
        assert caught.value.where == place and caught.value.mend == f"use one of {', '.join(ARM_NAMES)}, {POSTERIOR}"
    with pytest.raises(ConfigRefused, match="unknown arm 'posterior'") as caught:  # the choice among arms is none
        arm_place(POSTERIOR)
    assert caught.value.where == "run.arm"
