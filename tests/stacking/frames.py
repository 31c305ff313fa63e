"""Words of three frames, for tests of what they come to together."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.stacking.frame_words import FrameWord
from metastackerbandit.stacking.settings import AlignmentRuleSettings, AlignmentSettings

NOW = 1_000 * MINUTE_NS
HORIZON = 60 * MINUTE_NS
LENGTHS, WEIGHTS = (5 * MINUTE_NS, 15 * MINUTE_NS, 60 * MINUTE_NS), (0.5, 0.3, 0.2)
FORECASTS = AlignmentSettings()
RULES = AlignmentSettings(mode="rules")
OFF = dict.fromkeys(("conflict_skip", "agreement", "override", "average", "majority", "threshold", "halving", "veto"), "off")


def only(**modes: Any) -> AlignmentSettings:
    """Rules mode with these rules, all others off."""
    return AlignmentSettings(mode="rules", rules=AlignmentRuleSettings(**(OFF | modes)))


def word(place: int, side: int, alpha: float = 0.4, **changes: Any) -> FrameWord:
    """A frame's word of just now over the next hour, its return in its side's direction."""
    given_ = {
        "frame_ns": LENGTHS[place],
        "closed_ns": NOW,
        "at_ns": NOW,
        "horizon_ns": HORIZON,
        "is_available": 1,
        "side": side,
        "alpha": alpha,
        "mu_bps": side * 10.0,
        "error_bps": 5.0,
        "band_bps": 8.0,
        "skill": 0.5,
        "weight": WEIGHTS[place],
    }
    return FrameWord(**(given_ | changes))


def votes(five: float, fifteen: float, hour: float, **changes: Any) -> list[FrameWord]:
    """Signed alphas of the three frames."""
    return [word(place, int(np.sign(a)), abs(a), **changes) for place, a in enumerate((five, fifteen, hour))]


def mirrored(words: list[FrameWord]) -> list[FrameWord]:
    return [msgspec.structs.replace(one, side=-one.side, mu_bps=-one.mu_bps) for one in words]
