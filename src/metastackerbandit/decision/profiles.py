"""The predecessors' thresholds as named profiles: pure data, each value under the plans' own key and under the key that it sets here.

A profile is what the plans wrote down, not what they should have: the limit that decides is the stricter of a profile's value and
the derived one (decision/derived.py). Their confidence was the largest of three probabilities, FLAT included; from 1/2 up, where all
of these values lie, that is p_dir whenever a side is the largest class, and a confident neutral has no side to trade.
"""

from __future__ import annotations

from msgspec import Struct

DEFAULT = "default"

CONFIDENCE, ALPHA, SIGNAL, MOOD = "decision.min_confidence", "decision.min_alpha", "decision.min_model_signal", "decision.min_mood"
BAND, CONSENSUS = "decision.neutral_band", "decision.consensus"

Value = float | str


class PlanValue(Struct, frozen=True):
    """One threshold: the plans' key, what they wrote, our key, and what it is set to."""

    plan_key: str
    plan_value: str
    key: str
    value: Value


class Profile(Struct, frozen=True):
    """A named set of thresholds, for one frame (empty: any)."""

    name: str
    meaning: str
    frame: str
    thresholds: tuple[PlanValue, ...]

    def values(self) -> dict[str, Value]:
        """Value by dotted key."""
        return {one.key: one.value for one in self.thresholds}


def _thresholds(confidence: str, alpha: str, band: str, signal: str, mood: str) -> tuple[PlanValue, ...]:
    """The five numbers that every profile has."""
    return (
        PlanValue("CONF_MIN", confidence, CONFIDENCE, float(confidence)),
        PlanValue("ALPHA_MIN", alpha, ALPHA, float(alpha)),
        PlanValue("neutral_band", band, BAND, float(band)),
        PlanValue("S_MIN", signal, SIGNAL, float(signal)),
        PlanValue("M_MIN", mood, MOOD, float(mood)),
    )


_OFF = (PlanValue("require_consensus", "false", CONSENSUS, "off"),)
_HARD = (PlanValue("require_consensus", "true", CONSENSUS, "hard"),)
_RULES = (
    PlanValue("alignment_rules", "tried in order", "alignment.mode", "rules"),
    PlanValue("alignment_rules neutral_band", "0.05", "alignment.rules.neutral_alpha", 0.05),
)

_ALL = (
    Profile(DEFAULT, "the derived limits, and what the configuration says", "", ()),
    Profile("metastacker-5m", "the plans' 5m bot after its fix: no consensus", "5m", (*_thresholds("0.55", "0.02", "0.10", "0.05", "0.12"), *_OFF)),
    Profile("metastacker-15m", "the plans' 15m bot", "15m", (*_thresholds("0.55", "0.02", "0.10", "0.05", "0.12"), *_HARD)),
    Profile("metastacker-1h", "the plans' 1h bot", "1h", (*_thresholds("0.60", "0.10", "0.10", "0.12", "0.12"), *_HARD)),
    Profile("metastacker-12h", "the plans' 12h bot", "12h", (*_thresholds("0.65", "0.10", "0.10", "0.12", "0.12"), *_HARD)),
    Profile("metastacker-24h", "the plans' 24h bot", "24h", (*_thresholds("0.70", "0.10", "0.10", "0.12", "0.12"), *_HARD)),
    Profile("metastacker-overlay", "the plans' overlay of frames, by its rules", "", (*_thresholds("0.60", "0.10", "0.05", "0.12", "0.12"), *_RULES)),
    Profile("metastacker-5m-plan3", "the 5m bot as plan 3 wrote it", "5m", (*_thresholds("0.60", "0.02", "0.10", "0.05", "0.12"), *_OFF)),
    Profile("metastacker-5m-before-fix", "the 5m bot that never sold", "5m", (*_thresholds("0.55", "0.02", "0.10", "0.05", "0.12"), *_HARD)),
)

PROFILES: dict[str, Profile] = {profile.name: profile for profile in _ALL}
