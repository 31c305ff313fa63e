"""The meta-label model finds which proposed trades pay where some do, finds nothing where none do, and never sees a direction."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.domain.label import DOWN, UP
from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.evaluation.splits import purged_folds
from metastackerbandit.features.catalog import FEATURES, NAMES
from metastackerbandit.features.mirror import mirrored
from metastackerbandit.stacking.worth import TRAITS
from metastackerbandit.training import meta_label
from metastackerbandit.training.fit import FittedStack, fit_stack
from metastackerbandit.training.fitting.settings import FittingSettings, HeadSettings, LogisticSettings
from metastackerbandit.training.meta_fit import FittedMetaLabel, Taught, fit_meta_label, raw_out_of_fold, taught_by
from metastackerbandit.training.meta_label import BASE_RATE, Said
from metastackerbandit.training.sample import Sample
from metastackerbandit.training.settings import TrainingSettings, WorthSettings
from metastackerbandit.training.stack import unpack
from tests.covering import covers
from tests.markets import START_NS

REGIME = NAMES.index("volatility_ratio")
SIGNAL = NAMES.index("log_return_12")
VARIED = [SIGNAL, REGIME, *range(3, 8), *range(26, 31)]  # features that change; more would drown the signal in so few rows
COUNT = 2_400
FITTING = FittingSettings(logistic=LogisticSettings(inverse_penalties=(1e-3, 1e-2)), heads=HeadSettings(ridges=(1_000.0,)))
LOGISTIC = TrainingSettings(fitting=FITTING, worth=WorthSettings(booster_from=1e9))
TREES = TrainingSettings(fitting=FITTING, worth=WorthSettings(booster_from=1.0))


def world(seed: int, *, calm: float = 0.42, wild: float = 0.62, skill: float = 0.58, count: int = COUNT) -> tuple[Sample, Said]:
    """Hourly outcomes beside a stack that names the right side with chance `skill`; its trades pay with chance `wild` while volatility rises, else
    `calm`. One row in six has no side, one learner of two has no weight."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0.0, 1.0, (count, len(NAMES)))
    lead = rng.normal(0.0, 0.08, count).clip(-0.4, 0.4)
    said = np.where(lead > 0.0, 1, -1)
    right = np.where(rng.random(count) < skill, said, -said)
    paid = rng.random(count) < np.where(rows[:, REGIME] > 0.5, wild, calm)
    won = np.where(paid, 0.01, -0.01)
    start = START_NS + np.arange(count) * HOUR_NS
    p = np.column_stack((0.35 - lead / 2.0, np.full(count, 0.3), 0.35 + lead / 2.0))
    edge = lead * np.where(rng.random(count) < 1.0 / 6.0, -1.0, 1.0)
    sample = Sample(
        rows=rows,
        side=np.where(right > 0, UP, DOWN).astype(np.int8),
        weight=rng.uniform(0.5, 1.5, count),
        long=won * said / 0.01,
        short=-won * said / 0.01,
        net_long=np.where(said > 0, won, -won - 0.002),
        net_short=np.where(said < 0, won, -won - 0.002),
        volatility=np.full(count, 0.01),
        start_ns=start,
        end_ns=start + HOUR_NS,
        symbol=np.zeros(count, np.int64),
        names=NAMES,
    )
    return sample, Said(np.stack((p, np.full_like(p, 1.0 / 3.0))), np.array([1.0, 0.0]), p, edge, -edge)


def fitted(seed: int, settings: TrainingSettings = LOGISTIC, **how: float) -> FittedMetaLabel:
    sample, said = world(seed, **how)  # type: ignore[arg-type]
    return fit_meta_label(sample, said, float(COUNT), 2 * HOUR_NS, settings, 7)


@pytest.mark.parametrize(("settings", "family"), [(LOGISTIC, "logistic"), (TREES, "lightgbm")])
def test_trades_that_pay_more_while_volatility_rises_are_found_out_of_sample(settings: TrainingSettings, family: str) -> None:
    found = fitted(1, settings, wild=0.7)
    assert found.model is not None and (found.model.facts.family, found.forced) == (family, "")
    assert found.gain.low > 0.0 and found.auc.low > 0.5
    later, said = world(2, count=8_000, wild=0.7)
    worth, wild, sides = found.model.worth(later.rows, NAMES, said), later.rows[:, REGIME] > 0.5, said.sides()
    assert np.array_equal(np.isnan(worth), sides == 0) and 0.1 < np.mean(sides == 0) < 0.25
    asked = sides != 0
    paid = np.where(sides > 0, later.net_long, later.net_short) > 0.0
    assert worth[asked & wild].mean() - worth[asked & ~wild].mean() > 0.06  # of .28: a line through 31 columns that say nothing keeps a third
    for part in (asked & wild, asked & ~wild):
        assert worth[part].mean() == pytest.approx(paid[part].mean(), abs=0.16)
    assert worth[asked].mean() == pytest.approx(paid[asked].mean(), abs=0.03)  # base rates of 2,000 and 6,600 trades: 1.2 %


@covers("1.12")
def test_a_model_that_tells_nothing_apart_has_no_say_and_says_why() -> None:
    """Three of four or more: an interval of 95 % may lie above nothing by luck. The stack foresees sides, so nothing is forced on its trades."""
    found = [fitted(seed, settings, calm=0.47, wild=0.47) for seed in (3, 4) for settings in (LOGISTIC, TREES)]
    silent = [one for one in found if one.model is None]
    assert len(silent) >= 3
    for one in found:
        assert (one.model is None) == (not one.gain.low > 0.0) == ("does not tell trades apart" in one.forced)
    assert all(one.rows > 1_900 and 0.4 < one.base < 0.55 and math.isfinite(one.auc.value) for one in silent)


def test_a_stack_without_skill_has_the_base_rate_for_every_trade_and_says_why() -> None:
    found = fitted(5, skill=0.5)
    assert found.model is not None and found.model.facts.family == BASE_RATE and found.model.learner is None
    assert "AUC out of fold" in found.forced and "does not exceed chance" in found.forced
    later, said = world(6)
    worth = found.model.worth(later.rows, NAMES, said)
    assert np.array_equal(np.isnan(worth), said.sides() == 0)
    assert set(worth[~np.isnan(worth)]) == {found.base} and 0.4 < found.base < 0.55
    assert not math.isfinite(found.gain.value)  # nothing was fitted, so nothing was measured


def test_the_base_rate_is_the_weighted_share_that_paid_with_one_outcome_of_each_kind() -> None:
    sample, said = world(7)
    sides = said.sides()
    paid = np.where(sides > 0, sample.net_long, sample.net_short)[sides != 0] > 0.0
    share = float(np.average(paid, weights=sample.weight[sides != 0]))
    n_eff = 500.0 * np.mean(sides != 0)
    found = fit_meta_label(sample, said, 500.0, HOUR_NS, LOGISTIC, 7)
    assert found.rows == np.count_nonzero(sides) and found.n_eff == pytest.approx(n_eff)
    assert found.base == pytest.approx((n_eff * share + 1.0) / (n_eff + 2.0))


@pytest.mark.parametrize(
    ("n_eff", "how", "why"),
    [(60.0, {}, "independent proposed trades, 100 needed"), (2_400.0, {"calm": 1.0, "wild": 1.0}, "all of the proposed trades paid")],
)
def test_too_few_trades_and_trades_that_all_paid_teach_nothing(n_eff: float, how: dict[str, float], why: str) -> None:
    sample, said = world(8, **how)  # type: ignore[arg-type]
    found = fit_meta_label(sample, said, n_eff, HOUR_NS, LOGISTIC, 7)
    assert why in found.forced and found.model is not None and found.model.learner is None and 0.0 < found.base < 1.0


def test_a_stack_that_proposes_nothing_has_no_model() -> None:
    sample, said = world(8)
    flat = structs.replace(said, long=np.zeros(COUNT), short=np.zeros(COUNT))
    found = fit_meta_label(sample, flat, float(COUNT), HOUR_NS, LOGISTIC, 7)
    assert found.model is None and found.rows == 0 and "no side" in found.forced


@covers("K6")
@pytest.mark.parametrize("settings", [LOGISTIC, TREES])
def test_it_reads_nothing_that_has_a_direction(settings: TrainingSettings) -> None:
    model = fitted(1, settings, wild=0.7).model
    assert model is not None
    parity = {spec.name: spec.parity for spec in FEATURES}
    assert {parity[name] for name in model.facts.features} == {"even"} and "volatility_ratio" in model.facts.features
    later, said = world(2)
    signed = [place for place, spec in enumerate(FEATURES) if spec.parity != "even"]
    wild = later.rows.copy()
    wild[:, signed] = np.random.default_rng(0).normal(0.0, 9.0, (COUNT, len(signed)))
    turned = Said(said.parts[:, :, ::-1], said.weights, said.p[:, ::-1], said.short, said.long)
    straight = model.worth(later.rows, NAMES, said)
    assert model.worth(wild, NAMES, said).tobytes() == straight.tobytes()
    assert model.worth(mirrored(later.rows), NAMES, turned).tobytes() == straight.tobytes()


def test_rows_without_a_side_and_returns_of_the_other_side_are_not_looked_at() -> None:
    sample, said = world(1)
    sides = said.sides()
    idle = np.flatnonzero(sides == 0)
    rows, long, short = sample.rows.copy(), sample.net_long.copy(), sample.net_short.copy()
    rows[idle] += 3.0
    long[idle], short[idle] = -short[idle], -long[idle]
    long[sides < 0], short[sides > 0] = 0.5, 0.5
    changed = structs.replace(sample, rows=rows, net_long=long, net_short=short)
    one, other = (fit_meta_label(each, said, float(COUNT), HOUR_NS, TREES, 7).model for each in (sample, changed))
    assert one is not None and other is not None and one.pack() == other.pack()


def test_no_trades_own_outcome_is_seen_by_the_learner_that_judges_it() -> None:
    sample, said = world(1)
    taught = taught_by(sample, said, float(COUNT))
    folds = purged_folds(taught.sample.start_ns, taught.sample.end_ns, TREES.folds, 5 * HOUR_NS)
    base = raw_out_of_fold(taught, folds, TREES, 7)
    for place in (3, 1_000, len(base) - 1):
        side = taught.sample.side.copy()
        side[place] = DOWN + UP - side[place]
        turned = Taught(structs.replace(taught.sample, side=side), side == UP, taught.n_eff)
        found = raw_out_of_fold(turned, folds, TREES, 7)
        assert found[place] == base[place] and not np.array_equal(found, base)


def test_the_same_trades_settings_and_seed_give_the_same_bytes() -> None:
    for settings in (LOGISTIC, TREES):
        one, other = fitted(1, settings, wild=0.7).model, fitted(1, settings, wild=0.7).model
        assert one is not None and other is not None and one.pack() == other.pack()


# -- inside a stack ------------------------------------------------------------------------------------------------------


def side_world(seed: int, count: int = 1_600) -> Sample:
    """Outcomes that follow the sign of one feature while volatility rises, and nothing else: a linear stack cannot know when."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((count, len(NAMES)))
    rows[:, VARIED] = rng.normal(0.0, 1.0, (count, len(VARIED)))
    sure = np.where(rows[:, REGIME] > 0.3, 0.9, 0.5)
    up = rng.random(count) < np.where(rows[:, SIGNAL] > 0.0, sure, 1.0 - sure)
    gross = np.where(up, 0.012, -0.012)
    start = START_NS + np.arange(count) * HOUR_NS
    return Sample(
        rows=rows,
        side=np.where(up, UP, np.where(rng.random(count) < 0.1, 1, DOWN)).astype(np.int8),
        weight=np.ones(count),
        long=gross / 0.01,
        short=-gross / 0.01,
        net_long=gross - 0.0013,
        net_short=-gross - 0.0013,
        volatility=np.full(count, 0.01),
        start_ns=start,
        end_ns=start + HOUR_NS,
        symbol=np.zeros(count, np.int64),
        names=NAMES,
    )


@pytest.fixture(scope="module", params=["logistic", "lightgbm"])
def stack(request: pytest.FixtureRequest) -> FittedStack:
    settings = LOGISTIC if request.param == "logistic" else TREES
    return fit_stack(side_world(1), ("prior", "logistic"), 1_600.0, 2 * HOUR_NS, settings, 7)


def test_a_stack_knows_when_its_own_call_is_worth_acting_on(stack: FittedStack) -> None:
    assert stack.meta_label.forced == "" and stack.meta_label.gain.low > 0.0
    later = side_world(2)
    said = stack.stack.predict(later.rows)
    wild = later.rows[:, REGIME] > 0.3
    assert np.nanmean(said.worth[wild]) > np.nanmean(said.worth[~wild]) + 0.1


@covers("K6", "A22")
def test_worth_mirrors_and_is_the_same_alone_and_together_to_the_bit(stack: FittedStack) -> None:
    rows = side_world(3, 200).rows
    rows[::7, ::5] = np.nan
    files = stack.stack.pack()
    again = unpack(files)
    assert again.pack() == files
    together = stack.stack.predict(rows)
    alone = np.concatenate([again.predict(rows[place : place + 1]).worth for place in range(len(rows))])
    assert alone.tobytes() == together.worth.tobytes() and np.isfinite(together.worth).sum() > 100
    assert again.predict(mirrored(rows)).worth.tobytes() == together.worth.tobytes()


def test_damaged_and_missing_files_are_refused_and_a_version_from_before_has_no_worth(stack: FittedStack) -> None:
    files = stack.stack.pack()
    own = [name for name in files if name.startswith("worth")]
    assert "worth.json" in own and len(own) >= 2
    for name in own:
        with pytest.raises(ModelRefused):
            unpack(files | {name: b"{}"})
        with pytest.raises(ModelRefused):
            unpack({other: content for other, content in files.items() if other != name})
    torn = msgspec.json.decode(files["worth.json"]) | {"line": None}
    with pytest.raises(ModelRefused, match="contradicts"):
        unpack(files | {"worth.json": msgspec.json.encode(torn)})
    before = unpack({name: content for name, content in files.items() if name not in own})
    assert before.meta_label is None and meta_label.unpack({}) is None
    assert np.isnan(before.predict(side_world(4, 5).rows).worth).all()


def test_what_it_reads_is_named_in_its_file(stack: FittedStack) -> None:
    model = stack.stack.meta_label
    assert model is not None and model.learner is not None
    assert model.learner.n_features == len(TRAITS) + len(model.facts.features)
