"""The quantities that thresholds compare, each a type of its own, so that one cannot be passed for another (docs/glossary.md).

The predecessors compared a confidence threshold with |p_up - p_down|, which a model of weak signals never brings near it.
"""

from __future__ import annotations

from typing import NewType

Signal = NewType("Signal", float)  # p_up - p_down, -1 .. 1; its sign is the side
Strength = NewType("Strength", float)  # |p_up - p_down|, 0 .. 1
DirectionalConfidence = NewType("DirectionalConfidence", float)  # max(p_up, p_down), 0 .. 1: p_dir
ConditionalConfidence = NewType("ConditionalConfidence", float)  # p_dir / (p_up + p_down), 1/2 .. 1: p_dir_cond
LargestProbability = NewType("LargestProbability", float)  # max of all three, 1/3 .. 1: p_max3, for comparison with older systems only

# What each quantity that `min_confidence` may compare can be, by the name that the setting has for it; both ends included.
DOMAINS: dict[str, tuple[float, float]] = {"p_dir": (0.0, 1.0), "p_max3": (1.0 / 3.0, 1.0), "p_dir_cond": (0.5, 1.0), "strength": (0.0, 1.0)}


def signal_of(p_down: float, p_up: float) -> Signal:
    """The signed lead of UP over DOWN."""
    return Signal(p_up - p_down)


def strength_of(signal: Signal) -> Strength:
    """How far the two directions are apart."""
    return Strength(abs(signal))


def directional_confidence(p_down: float, p_up: float) -> DirectionalConfidence:
    """Probability of the likelier direction; a confident FLAT has none."""
    return DirectionalConfidence(max(p_down, p_up))


def conditional_confidence(p_down: float, p_up: float) -> ConditionalConfidence:
    """Probability of the likelier direction, given that there is one; 1/2 where neither has any."""
    total = p_down + p_up
    return ConditionalConfidence(max(max(p_down, p_up) / total, 0.5) if total > 0.0 else 0.5)


def largest_probability(p_down: float, p_flat: float, p_up: float) -> LargestProbability:
    """Probability of the likeliest class, FLAT included."""
    return LargestProbability(max(p_down, p_flat, p_up))
