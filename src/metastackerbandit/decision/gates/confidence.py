"""Confidence: the side is sure enough, in the quantity that the setting names (the plans' CONF_MIN)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from metastackerbandit.decision.derived import BY_P_MAX3, confidence_towards, effective, least_confidence
from metastackerbandit.domain.gate import GateSpec, at_least, not_asked, of_wanted
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """p_dir, p_max3, p_dir_cond or strength of the side. N/A for rule arms, silent models, and where no side is wanted.

    The limit is the stricter of what is written and of break-even said in that quantity. By p_max3 it is above p_flat whatever is
    written: the quantity counts once there is a side, and a confident neutral is none.
    """
    given = of_wanted(seen.side, limits.min_confidence_buy, limits.min_confidence_sell)
    if seen.has_model == 0 or seen.silence != 0 or seen.side == 0:
        return not_asked(given)
    limit = effective(given, least_confidence(limits.confidence, limits.cost_bps, seen.barrier_bps, seen.p_flat), limits.alone)
    if limits.confidence == BY_P_MAX3 and not math.isnan(limit):
        limit = max(limit, float(np.nextafter(seen.p_flat, 2.0)))
    return at_least(confidence_towards(limits.confidence, seen.p_with, seen.p_flat, seen.p_against), limit)


GATE = GateSpec(
    "confidence",
    "probability",
    "at least",
    "opinion",
    "how sure the model is of the side",
    ask,
    setting="decision.min_confidence",
    by_side=True,
    domain=(0.0, 1.0),
)
