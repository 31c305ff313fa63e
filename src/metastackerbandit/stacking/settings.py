"""Parameters of the rule arms (lengths are bars of the decision's frame), and of what makes one opinion of many predictions."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

OPINION_ARMS = ("model", "aligned")  # arms that speak from predictions: the frame's own model; several frames' models, aligned
POSTERIOR = "posterior"  # no arm of its own: the best of several by their posterior
AUTO = "auto"  # the model where every symbol has one, else the first rule arm

Length = Annotated[int, Meta(ge=1, le=100_000)]


class SmaCross(Struct, frozen=True, forbid_unknown_fields=True):
    """Long while the fast simple average of closes is above the slow one, short while below."""

    fast: Length = 10  # bars
    slow: Length = 50  # bars, more than fast


class EmaCross(Struct, frozen=True, forbid_unknown_fields=True):
    """Long while the fast exponential average is above the slow one, short while below; decay 2 / (length + 1)."""

    fast: Length = 12  # bars
    slow: Length = 26  # bars, more than fast


class Breakout(Struct, frozen=True, forbid_unknown_fields=True):
    """Long at a close above the highest high of the `length` bars before, short below the lowest low; else as before."""

    length: Length = 48  # bars before the one that breaks out
    stop_bps: Annotated[float, Meta(ge=0, le=9_999)] = 200.0  # the arm's own stop, unless exits.stop_bps says otherwise
    target_bps: Annotated[float, Meta(ge=0, le=9_999)] = 400.0  # the arm's own target, unless exits.target_bps says otherwise


class Momentum(Struct, frozen=True, forbid_unknown_fields=True):
    """The sign of the return over `length` bars."""

    length: Length = 30  # bars


class Reversal(Struct, frozen=True, forbid_unknown_fields=True):
    """Against the last bar's return, when it is at least `min_return_bps`."""

    min_return_bps: Annotated[float, Meta(ge=0, le=10_000)] = 20.0  # smaller returns mean flat


class BuyAndHold(Struct, frozen=True, forbid_unknown_fields=True):
    """Long, always."""


class RandomEntries(Struct, frozen=True, forbid_unknown_fields=True):
    """Seeded coin flips: each bar keeps its side with chance 1 - 1 / `mean_bars`, else draws long or short anew."""

    seed: Annotated[int, Meta(ge=0, le=2**31)] = 7  # same seed, same entries
    mean_bars: Annotated[float, Meta(ge=1, le=100_000)] = 24.0  # mean bars between draws of a side


class BookPressure(Struct, frozen=True, forbid_unknown_fields=True):
    """With the side of the order book on which more rests on the ten best levels, averaged over seconds; flat without a book."""

    half_life_s: Annotated[float, Meta(gt=0, le=3_600)] = 5.0  # seconds after which a second counts half
    min_imbalance: Annotated[float, Meta(gt=0, le=1)] = 0.2  # (bids - asks) / (bids + asks); smaller means flat


class ArmSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Every rule arm's table."""

    sma_cross: SmaCross = SmaCross()
    ema_cross: EmaCross = EmaCross()
    breakout: Breakout = Breakout()
    momentum: Momentum = Momentum()
    reversal: Reversal = Reversal()
    buy_and_hold: BuyAndHold = BuyAndHold()
    random_entries: RandomEntries = RandomEntries()
    book_pressure: BookPressure = BookPressure()


# -- one opinion of many predictions; weights on rows are in effective rows: independent outcomes after overlap and design effect ------------

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
RuleMode = Literal["off", "shadow", "on"]


class MetaSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How learners are weighed (method 3.2)."""

    rows_a_learner: Positive = 200.0  # effective rows that each learner asks for, else weights are equal
    penalty_a_row: Positive = 0.001  # least pull to equal weights, nats for each effective row: lambda >= n_eff / 1000
    penalty_steps: tuple[Positive, ...] = (1.0, 10.0, 100.0, 1_000.0)  # multiples of it tried where inner rows are given
    least_margin: Annotated[float, Meta(ge=0)] = 2.0  # standard errors by which leaving equal weights must pay; learners of noise do by luck 1 in 40
    least_probability: Annotated[float, Meta(gt=0, lt=0.01)] = 1e-6  # smaller ones are raised to it: a logarithm must be finite


class CalibrationSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which calibrator so many effective rows can pay for (method 3.3: measured gains by rows)."""

    vector_rows: Positive = 300.0  # fewer: temperature only
    curve_rows: Positive = 5_000.0  # more: beta or isotonic where they prove better
    isotonic_rows: Annotated[float, Meta(ge=3_000)] = 3_000.0  # never isotonic on fewer (Niculescu-Mizil and Caruana 2005 ask for 1,000-2,000)
    identity_weight: Annotated[float, Meta(ge=0)] = 20.0  # pull of slope and biases to "leave it as it is", in units of curvature
    temperature_weight: Annotated[float, Meta(gt=0)] = 1e-3  # only so that constant predictions have a slope: one
    inner_share: Annotated[float, Meta(gt=0.1, lt=0.9)] = 0.7  # first part of the rows, on which candidates are fitted to be compared on the rest
    least_margin: Annotated[float, Meta(ge=0)] = 2.0  # standard errors by which a curve must beat vector scaling
    least_probability: Annotated[float, Meta(gt=0, lt=0.01)] = 1e-6  # smaller ones are raised to it: a logarithm must be finite


class ConformalSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How often the true class may be missing from a set, and how fast that is corrected (method 3.4)."""

    alpha: Annotated[float, Meta(gt=0, lt=1)] = 0.2  # share of sets that may miss the true class
    gamma: Annotated[float, Meta(ge=0, le=0.5)] = 0.01  # step of the correction; larger reacts sooner and jumps more
    window: Annotated[int, Meta(ge=20, le=10_000)] = 500  # newest scores that p-values are counted over


class MixingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How a mixture of predictions follows their log scores (method 3.5)."""

    forget: Annotated[float, Meta(gt=0, le=1)] = 0.995  # kept of a weight's logarithm per independent outcome
    temper: Annotated[float, Meta(gt=0, le=1)] = 0.5  # of the log score: outcomes are noisier than the score believes
    floor: Annotated[float, Meta(ge=0, lt=0.5)] = 0.01  # least weight, so that a model can come back
    same: Annotated[float, Meta(ge=0, lt=0.1)] = 1e-9  # streams nowhere further apart than this are one


class PosteriorSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is believed of an arm before and after its outcomes, in units of volatility over the horizon (method 4.2)."""

    prior_count: Positive = 50.0  # outcomes of zero mean that the prior is worth
    prior_shape: Annotated[float, Meta(gt=1)] = 3.0  # of the inverse gamma; 2 (shape - 1) outcomes' worth of knowledge of the variance
    prior_variance: Positive = 1.0  # expected variance of an outcome: a net return in units of its own volatility
    strength: Annotated[float, Meta(ge=0)] = 100.0  # outcomes of other contexts that count at most in this one
    target_edge: Annotated[float, Meta(gt=0, le=2)] = 0.1  # mean outcome that must be detectable within a half-life
    false_alarm: Annotated[float, Meta(gt=0, lt=0.5)] = 0.05  # one-sided, of that detection
    power: Annotated[float, Meta(gt=0.5, lt=1)] = 0.8  # of that detection
    half_life_days: Positive = 60.0  # of an outcome's weight, unless the target edge asks for longer
    enter: Annotated[float, Meta(ge=0.5, lt=1)] = 0.85  # least chance of a positive mean to act on an arm
    stay: Annotated[float, Meta(ge=0, lt=1)] = 0.60  # least chance to stay with it
    bound: Positive = 6.0  # outcomes are cut here: one crash is one outcome


class ContextSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How the volatility terciles are followed."""

    memory: Annotated[int, Meta(ge=10, le=1_000_000)] = 2_000  # bars after which the terciles move at a steady pace
    trend_bars: Annotated[int, Meta(ge=2, le=100_000)] = 50  # length of the average of closes whose side is the trend
    step: Positive = 2.0  # natural-log units that the first corrections are worth: a tercile may start a factor e^2 off


class AlignmentTable(Struct, frozen=True, forbid_unknown_fields=True):
    """Position multipliers by what a higher frame says of the lower one's side (method 6.3)."""

    agrees: Share = 1.0  # where the higher frame names the same side
    neutral: Share = 0.6  # where it names none
    opposes: Share = 0.4  # below its band, or without proven skill: it may not veto
    vetoes: Share = 0.0  # beyond its band, with proven skill
    unavailable: Share = 0.6  # where it is silent, or its word is stale
    stop_scale: Share = 0.75  # of the stop's distance where a higher frame opposes
    proven: Annotated[float, Meta(ge=0.5, le=1)] = 0.9  # chance of skill above which a frame may veto


class AlignmentRuleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The plans' rules, tried in this order; `shadow` computes a rule and does not act on it."""

    conflict_skip: RuleMode = "on"  # the agreeing frames contradict each other and none is sure: neutral
    agreement: RuleMode = "on"  # the agreeing frames name one side
    override: RuleMode = "on"  # the slow frame dictates, or is neutral and leaves it to the others
    average: RuleMode = "on"  # weighted mean of signed alphas
    majority: RuleMode = "on"  # more than half of the frames name one side
    threshold: RuleMode = "on"  # the surest frame, when sure enough
    halving: RuleMode = "on"  # the slow frame opposes what came out and is not neutral: half the alpha
    veto: RuleMode = "off"  # a frame with proven skill opposes what came out, and is sure: neutral
    conflict_alpha: Share = 0.3  # an alpha below it is not sure
    neutral_alpha: Share = 0.1  # a signed alpha within it is neutral
    threshold_alpha: Share = 0.5  # sure enough to decide alone
    veto_alpha: Share = 0.3  # sure enough to veto
    halved: Annotated[float, Meta(gt=0, le=1)] = 0.5  # what halving leaves


class AlignmentSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which frames are aligned and how; the first frame is the one decided on, the others are slower, in order."""

    mode: Literal["forecast", "rules"] = "forecast"  # forecasts combined by their errors, or words by the rules below
    frames: tuple[str, ...] = ("5m", "15m", "1h")  # the one decided on, then slower ones in order
    weights: tuple[Positive, ...] = (0.5, 0.3, 0.2)  # of the frames in the rules' average, and in the share that agrees
    agreement: tuple[str, ...] = ("5m", "15m")  # frames of the agreement and conflict rules
    slow: str = "1h"  # frame of the override and halving rules
    fresh_bars: Positive = 1.5  # bars of its own frame after which a frame's word is stale
    correlation: Annotated[float, Meta(ge=0, lt=1)] = 0.5  # of forecast errors between frames, until enough outcomes are known
    table: AlignmentTable = AlignmentTable()
    rules: AlignmentRuleSettings = AlignmentRuleSettings()
