"""How far one command may move a threshold: the one table of bounds, each narrower than what the key's type would take."""

from __future__ import annotations

from typing import NamedTuple


class Bound(NamedTuple):
    """What `msb set` takes for a key, ends included, and the largest change at once, in the key's own unit.

    A step is about a quarter of the range in which the plans and the derived limits lie, so that no single command can stop trading,
    or let it loose, unnoticed.
    """

    low: float
    high: float
    step: float


_CONFIDENCE = Bound(0.0, 0.95, 0.15)  # probability; from the derived .40 of a 5m bar to the plans' .55 is one step
_ALPHA = Bound(0.0, 0.5, 0.10)  # share; the plans lie between .02 and .18
_SIGNAL = Bound(0.0, 0.5, 0.10)  # strength; the plans lie between .05 and .12, the break-even of 5m bars at .20

BOUNDS: dict[str, Bound] = {
    **{f"decision.min_confidence{side}": _CONFIDENCE for side in ("", "_buy", "_sell")},
    **{f"decision.min_alpha{side}": _ALPHA for side in ("", "_buy", "_sell")},
    **{f"decision.min_model_signal{side}": _SIGNAL for side in ("", "_buy", "_sell")},
    "decision.neutral_band": _SIGNAL,
    "decision.min_mood": Bound(0.0, 3.0, 0.5),  # z; beyond 3 is one bar in 700
    "decision.min_net_edge_bps": Bound(0.0, 100.0, 5.0),  # bps; a quarter of the round trip is 3.25
    "decision.min_worth": Bound(0.0, 0.95, 0.10),  # probability; the break-even of 5m bars is .54
    "decision.min_credibility": Bound(0.0, 0.5, 0.05),  # p-value
    "decision.min_alignment": Bound(0.0, 1.0, 0.25),  # share of the size
    "decision.consensus_penalty": Bound(0.0, 1.0, 0.25),  # share of the size
    "decision.min_volatility": Bound(0.0, 1.0, 0.1),  # fraction a year
    "decision.max_volatility": Bound(0.1, 10.0, 1.0),  # fraction a year
    "decision.max_funding_bps": Bound(0.0, 20.0, 2.0),  # bps a settlement
    "execution.max_impact_bps": Bound(0.0, 50.0, 5.0),  # bps
    "execution.min_change_bps": Bound(0.0, 500.0, 50.0),  # bps of equity
    "posterior.enter": Bound(0.5, 0.99, 0.05),  # probability
    "posterior.stay": Bound(0.0, 0.95, 0.10),  # probability
}
