"""How models are trained, as a user states it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from metastackerbandit.stacking.settings import CalibrationSettings, ConformalSettings, MetaSettings
from metastackerbandit.training.fitting.settings import BoosterSettings, FittingSettings

Share = Annotated[float, Meta(gt=0, lt=1)]
Days = Annotated[float, Meta(gt=0, le=36_500)]


class StackCalibration(CalibrationSettings, frozen=True, forbid_unknown_fields=True):
    """A calibrator's settings, with a doubt about its slope that forecasts of markets need."""

    temperature_weight: Annotated[float, Meta(gt=0)] = 4.0  # slopes of weak forecasts are off by 2 or more


class WorthTrees(BoosterSettings, frozen=True, forbid_unknown_fields=True):
    """Trees that tell trades apart: smaller ones (method 1.6), and more of them, since few inputs speak of a trade's worth."""

    leaves: Annotated[int, Meta(ge=2, le=255)] = 7
    small_leaves: Annotated[int, Meta(ge=2, le=255)] = 7
    # one round for so many trades: near the best at 3,000 and 10,000 where one in five pays more often (simulated, 3 seeds)
    outcomes_a_round: Annotated[float, Meta(gt=0, le=1e6)] = 100.0


class WorthSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The meta-label model: which of the stack's trades pay. Counts are of independent proposed trades."""

    least: Annotated[float, Meta(ge=0)] = 100.0  # fewer get the base rate, as on the ladder
    booster_from: Annotated[float, Meta(gt=0)] = 2_000.0  # logistic below, trees from here on (method 1.6)
    lightgbm: WorthTrees = WorthTrees()


class TrainingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Data sets, walk-forward, stack and promotion; lengths that a frame has of its own (cadence.py) are null here."""

    frames: tuple[str, ...] = ("5m", "15m", "1h")  # frames trained when the command line does not say
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 7  # same seed and inputs, same bytes
    processes: Annotated[int, Meta(ge=1, le=2)] = 2  # jobs at a time, each on one thread
    # -- rows
    event_threshold: Annotated[float, Meta(ge=0, le=20)] = 1.84  # bar volatilities that a move must sum to before it is a row: 0.75 sqrt(6)
    event_frames: tuple[str, ...] = ("1m", "5m", "15m")  # frames whose bars are sampled by such events; slower ones have too few to leave any out
    min_valid: Annotated[float, Meta(gt=0, le=1)] = 0.8  # share of a row's features that must be known, in training as in serving
    pooled_frames: tuple[str, ...] = ("12h", "24h")  # frames whose symbols share one model: alone they have a few dozen outcomes
    residual_from: Annotated[int, Meta(ge=2, le=10_000)] = 8  # pooled symbols at a moment, from which learners are taught what their mean leaves
    most_rows: Annotated[int, Meta(ge=100, le=1_000_000)] = 40_000  # newest rows kept for one version
    half_life_days: Days | None = None  # after which a label counts half
    window_half_lives: Annotated[float, Meta(gt=0, le=100)] = 4.0  # how far back a version looks; older labels would weigh 6 % or less
    mirror: bool = True  # rows also enter mirrored, so that a rising sample teaches no side (method 1.7)
    # -- versions
    first_share: Share = 0.4  # of the span, before the first version
    refit_days: Days | None = None  # between versions, as they would be refitted live
    most_versions: Annotated[int, Meta(ge=1, le=100)] = 6  # scored versions; a longer span is refitted less often
    # -- stack
    folds: Annotated[int, Meta(ge=2, le=10)] = 3  # purged inner folds that make out-of-fold predictions
    embargo_share: Annotated[float, Meta(ge=0, lt=0.5)] = 0.01  # of the training span, beside each inner test block; never less than the horizon
    meta_share: Share = 0.6  # of the out-of-fold rows, oldest first, for the stack's weights; with 0.8 too few were left to calibrate on
    calibration_share: Share = 0.75  # of the others, for the calibrator; the newest make the conformal sets
    # -- what a series must show to be promoted
    least_gain_mnats: Annotated[float, Meta(ge=-1_000, le=1_000)] = 0.0  # walk-forward gain over the base rate, its lower 95 % bound
    most_one_sided: Annotated[float, Meta(gt=0.5, le=1)] = 0.8  # share of one side among directional predictions that counts as one-sided
    # -- the parts' own tables
    fitting: FittingSettings = FittingSettings()
    meta: MetaSettings = MetaSettings()
    calibration: StackCalibration = StackCalibration()
    conformal: ConformalSettings = ConformalSettings()
    worth: WorthSettings = WorthSettings()
