"""The places of arms: rule arms first, then the arms that speak from predictions; and the choice among several."""

from __future__ import annotations

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.stacking.catalog import ARMS
from metastackerbandit.stacking.settings import OPINION_ARMS, POSTERIOR

RULE_ARMS = len(ARMS)
MODEL_ARM, ALIGNED_ARM = RULE_ARMS, RULE_ARMS + 1
ARM_NAMES: tuple[str, ...] = (*(arm.name for arm in ARMS), *OPINION_ARMS)


def arm_place(name: str, where: str = "run.arm") -> int:
    """Place of any arm."""
    if name in ARM_NAMES:
        return ARM_NAMES.index(name)
    raise ConfigRefused(f"unknown arm {name!r}", where=where, mend=f"use one of {', '.join((*ARM_NAMES, POSTERIOR))}")
