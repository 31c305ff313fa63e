"""A prediction: what a model says about one closed bar, or why it is silent; it enters the engine as an input."""

from __future__ import annotations

import math

from msgspec import Struct

# Why a model is asleep; there is no default prediction.
AWAKE, NO_VERSION, WARMING_UP, INCOMPLETE, REFUSED, UNTRADED, FAILED, LATE, ONE_SIDED = 0, 1, 2, 3, 4, 5, 6, 7, 8
SILENCES = (
    "",
    "no version was trained before this bar",
    "its features are warming up",
    "its features are incomplete",
    "its card does not fit",
    "too few independent outcomes to trade on",
    "it failed",
    "it did not answer in time",
    "it is one-sided",
)
SILENCE_NAMES = ("AWAKE", "NO_VERSION", "WARMING_UP", "INCOMPLETE", "REFUSED", "UNTRADED", "FAILED", "LATE", "ONE_SIDED")  # the same, in reason codes

IN_DOWN, IN_FLAT, IN_UP = 1, 2, 4  # bits of `conformal_set`


class Prediction(Struct, frozen=True, array_like=True, tag="predicted"):
    """One model's word on the bar of `frame_ns` that closed at `closed_ns`, known at `at_ns`.

    `silence` is 0 when awake, else a place in SILENCES and every number NaN. Probabilities are calibrated, over the label's
    horizon, and sum to 1. `long_bps`, `short_bps` are the expected gross returns (basis points of price, before any cost) of a
    long and a short that leave by the label's barriers; `error_bps` is the standard error of the better one. `barrier_bps` is
    the distance of stop and target from the entry, `horizon` the bars after which a position is left. `conformal_set` holds
    the classes that cannot be excluded (bits IN_DOWN, IN_FLAT, IN_UP), `credibility` the largest conformal p-value.
    `size_scale` in [0, 1] is what the number of independent outcomes behind the model allows. `version` is the place of the
    model's version in the run's list, -1 for none. `p_value_*` are the conformal p-values a class: the set at any level holds the classes whose
    p-value is above it. `worth` is the calibrated chance that the trade it proposes (the side that probabilities and expected
    returns agree on, by the label's exits) ends with a positive return net of costs; NaN where they agree on none, or the version has no meta-label
    model.
    """

    instrument: int
    frame_ns: int
    closed_ns: int
    at_ns: int
    silence: int
    version: int
    p_down: float
    p_flat: float
    p_up: float
    long_bps: float
    short_bps: float
    error_bps: float
    barrier_bps: float
    horizon: int
    conformal_set: int
    credibility: float
    size_scale: float
    p_value_down: float = math.nan
    p_value_flat: float = math.nan
    p_value_up: float = math.nan
    worth: float = math.nan
