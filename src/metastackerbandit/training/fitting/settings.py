"""How base learners are fitted, one table a family. Counts of outcomes are independent ones (n_eff), not rows."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=1, le=100_000)]
Positive = Annotated[float, Meta(gt=0, le=1e6)]
Share = Annotated[float, Meta(gt=0, le=1)]


class LogisticSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Multinomial logistic regression with a ridge penalty."""

    # scikit-learn's C, to choose from; 1 / C is what the prior is worth in outcomes. Method 3.1 has .001 to .1, but 120 features of information
    # coefficient .1 want 1e-4 even at 20,000 outcomes, and a fixed .01 costs 50 mnats at 2,000 (simulated, 4 seeds)
    inverse_penalties: tuple[Positive, ...] = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
    most_steps: Count = 500  # of the solver; a fit that has not converged by then is refused


class BoosterSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """LightGBM (method 3.1); no early stopping, since every row is also stacked on."""

    leaves: Annotated[int, Meta(ge=2, le=255)] = 15  # from `small_below` outcomes on
    small_leaves: Annotated[int, Meta(ge=2, le=255)] = 8  # below it (method 2.6)
    small_below: Positive = 10_000.0  # outcomes
    learning_rate: Share = 0.03  # of a round
    most_rounds: Count = 400  # however many outcomes there are
    outcomes_a_round: Positive = 400.0  # one round for so many: near the best for an information coefficient of .1 from 2,000 to 40,000 (simulated)
    least_leaf: Positive = 50.0  # outcomes
    leaves_at_most: Positive = 40.0  # a leaf also holds at least this fraction of all outcomes: 1 / 40
    feature_share: Share = 0.5  # tried in a round
    row_share: Share = 0.7  # drawn for a round
    ridge: Annotated[float, Meta(ge=0, le=1e6)] = 10.0  # lambda_l2
    bins: Annotated[int, Meta(ge=2, le=255)] = 63  # of a feature


class ForestSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Extremely random trees (Geurts, Ernst and Wehenkel 2006; method 3.1)."""

    trees: Count = 200  # whose probabilities are averaged
    leaf: Positive = 200.0  # outcomes
    feature_share: Share = 0.3  # tried at a split


class NetworkSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A network of two hidden layers with GELU (method 3.1)."""

    widths: tuple[Count, Count] = (64, 32)  # units of the hidden layers
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.2  # share of units left out in training
    weight_decay: Annotated[float, Meta(ge=0, le=10)] = 0.01  # AdamW's
    learning_rate: Share = 1e-3  # AdamW's
    batch: Count = 256  # rows
    passes: Count = 2  # over its independent outcomes; 10 cost 8 to 20 mnats at an information coefficient of .1 (simulated)
    seeds: Annotated[int, Meta(ge=1, le=100)] = 5  # networks whose probabilities are averaged


class HeadSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Ridge regressions on the returns of a long and a short."""

    # alpha to choose from: so many outcomes that say 0. Method 3.1 has 100; the others for the reason given for the logistic's
    ridges: tuple[Positive, ...] = (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0)
    most_return: Positive = 4.0  # horizon volatilities; larger returns count as this


class FittingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is common to the families, and each one's own table."""

    least_rows: Annotated[int, Meta(ge=4, le=100_000)] = 60  # fewer show nothing to any family
    newest: Annotated[float, Meta(gt=0, lt=1)] = 0.25  # share of rows, the newest, that a penalty is chosen on
    most_scaled: Positive = 8.0  # spreads from the median beyond which a feature counts as this far: one wild value cannot decide
    most_parity: Positive = 1e-4  # largest difference between what training computed and what serving computes (method 7.5)
    persistence_feature: str = "log_return_12"  # whose sign persistence follows
    logistic: LogisticSettings = LogisticSettings()
    lightgbm: BoosterSettings = BoosterSettings()
    extra_trees: ForestSettings = ForestSettings()
    mlp: NetworkSettings = NetworkSettings()
    heads: HeadSettings = HeadSettings()
