"""How hard the leakage checks look."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class LeakageSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers of trials, and what counts as a finding."""

    cuts: Annotated[int, Meta(ge=4, le=10_000)] = 32  # times spread over the whole span after which everything is replaced
    hole_cuts: Annotated[int, Meta(ge=0, le=1_000)] = 6  # further times, inside gaps of the candles
    bar_cuts: Annotated[int, Meta(ge=0, le=1_000)] = 6  # further times, inside bars of the frame
    change_cuts: Annotated[int, Meta(ge=0, le=1_000)] = 2  # further times for each feature that seldom changes, when it does
    seldom: Annotated[float, Meta(ge=0, le=1)] = 0.5  # share of bars at which a feature changes, below which it seldom does
    told: Annotated[int, Meta(ge=1, le=100)] = 3  # leaks of one check that are told in full
    folds: Annotated[int, Meta(ge=1, le=20)] = 2  # folds that are fitted on to judge the fitting
    versions: Annotated[int, Meta(ge=1, le=20)] = 2  # moments at which a version is fitted, with one future after it and with another
    prediction_cuts: Annotated[int, Meta(ge=1, le=1_000)] = 3  # moments at which the future of predictions is replaced, versions being fitted anew
    flips: Annotated[int, Meta(ge=1, le=100)] = 2  # rows whose own label is turned to judge the stack
    most_auc: Annotated[float, Meta(gt=0.5, lt=1)] = 0.95  # a feature or an oracle beyond it knows the label
    shuffled_errors: Annotated[float, Meta(gt=0, le=20)] = 5.0  # standard errors from chance at which shuffled labels show skill
    shuffled_excess: Annotated[float, Meta(ge=0, lt=0.5)] = 0.08  # and at least so much AUC: smaller skill of a short sample is luck
