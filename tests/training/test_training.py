"""Training end to end on generated markets: what is there is found, what is not there is not, and nothing looks ahead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.card import ModelCard, card_bytes
from metastackerbandit.domain.errors import ConfigRefused, TrainingRefused, UsageError
from metastackerbandit.domain.prediction import AWAKE
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.stacking.ladder import RUNGS
from metastackerbandit.storage.registry import Registry, Slot
from metastackerbandit.training import version
from metastackerbandit.training.dataset import completeness, dataset_of, sample_until
from metastackerbandit.training.fitting.settings import FittingSettings, ForestSettings
from metastackerbandit.training.jobs import Job, Outcome, errands_of, jobs_of, run_jobs
from metastackerbandit.training.scoring import AUC, CONTROL, GAIN, LONGS, TRADES, score_named
from metastackerbandit.training.series import Step, series_name, train_series
from metastackerbandit.training.serving import Version, predictions_over
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.stack import unpack
from metastackerbandit.training.version import Recipe, train_version
from metastackerbandit.training.versions import boundaries
from tests.covering import covers
from tests.training.worlds import QUICK, candles, market

SMALL = structs.replace(QUICK, most_versions=1)
SMALL_FORESTS = structs.replace(SMALL, fitting=FittingSettings(extra_trees=ForestSettings(trees=20)))  # chance is in the first tree already
BTC = Job(("BTCUSDT",), "5m")


def trained(recording: Recording, home: Path, settings: TrainingSettings = SMALL, job: Job = BTC, now_ns: int = 1) -> Outcome:
    """One job in this process."""
    return run_jobs(errands_of(recording, (job,), settings, CostSettings(), home, "test", now_ns), 1, lambda step: None)[0]


def card_of(outcome: Outcome) -> ModelCard:
    """The newest card of a job that was not refused."""
    assert outcome.card is not None, outcome.error
    return outcome.card


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_planted_trend_is_found_traded_on_both_sides_and_promoted(tmp_path: Path) -> None:
    outcome = trained(market(candles(3, 6_000, trend=0.3)), tmp_path)
    card = card_of(outcome)
    gain, auc = score_named(card.scores, GAIN), score_named(card.scores, AUC)
    assert gain.low > 0.0 and auc.low > 0.5
    assert outcome.verdict == "WEAK"  # the most that forecasts can earn
    assert score_named(card.scores, CONTROL).low <= 0.0
    assert score_named(card.scores, TRADES).value > 30 and 0.2 < score_named(card.scores, LONGS).value < 0.8
    assert outcome.promoted == ("BTCUSDT",) and Registry(tmp_path / "models").promoted(Slot("BTCUSDT", "5m")) == outcome.series
    assert card.parity < 1e-6 and card.mirror_error == 0.0
    assert 0.35 < card.share_up < 0.65


@covers("K1", "K3")
@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_walk_shows_no_edge_and_is_left_a_candidate(tmp_path: Path, seed: int) -> None:
    """Seeds fixed: an interval of 95 % misses chance once in twenty, and these do not."""
    outcome = trained(market(candles(seed, 5_000)), tmp_path)
    card = card_of(outcome)
    auc, control = score_named(card.scores, AUC), score_named(card.scores, CONTROL)
    assert outcome.verdict in ("NO_EVIDENCE", "UNDERPOWERED")
    assert auc.low <= 0.5 <= auc.high
    assert control.low <= 0.0
    assert outcome.promoted == () and any(reason.startswith("gain:") for reason in outcome.reasons)


@covers("K25")
@pytest.mark.parametrize("learner", ["lightgbm", "extra_trees"])
def test_the_same_inputs_give_the_same_bytes_whenever_they_are_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learner: str) -> None:
    """On the rungs that have learners with chance in them, which this short market would not reach by itself."""
    monkeypatch.setattr(version, "rung_of", lambda n_eff: next(rung for rung in RUNGS if learner in rung.families))
    recording = market(candles(4, 3_500, trend=0.3))
    one, later = tmp_path / "one", tmp_path / "later"
    trained(recording, one, SMALL_FORESTS)
    trained(recording, later, SMALL_FORESTS, now_ns=2)
    first, second = tree(one / "models"), tree(later / "models")
    assert first.keys() == second.keys()
    stamped = {name for name in first if first[name] != second[name]}
    assert stamped and all(name.endswith(("card.json", "SHA256SUMS", "BTCUSDT@5m.json")) for name in stamped)
    registries = [Registry(home / "models") for home in (one, later)]
    cards = [registry.versions(registry.series()[0]) for registry in registries]
    weights = dict(zip(cards[0][-1].learners, cards[0][-1].weights, strict=True))
    assert weights[learner] > 0.0 and weights["lightgbm"] > 0.0
    assert [card_bytes(structs.replace(card, created_ns=2)) for card in cards[0]] == [card_bytes(card) for card in cards[1]]


def test_a_series_is_another_for_other_data_settings_or_programs_and_the_same_however_it_is_run() -> None:
    bars = candles(4, 500)
    data = dataset_of(market(bars), ("BTCUSDT",), "5m", SMALL, CostSettings())
    recipe = Recipe(settings=SMALL, code="test", libraries={"numpy": "1"}, trials=1, created_ns=1)
    name = series_name(data, recipe)
    for other in (
        structs.replace(recipe, settings=structs.replace(SMALL, seed=8)),
        structs.replace(recipe, code="edited"),
        structs.replace(recipe, libraries={"numpy": "2"}),
    ):
        assert series_name(data, other) != name
    dearer = dataset_of(market(bars), ("BTCUSDT",), "5m", SMALL, CostSettings(taker_fee_bps=4.0))
    shorter = dataset_of(market(bars[:-1]), ("BTCUSDT",), "5m", SMALL, CostSettings())
    assert name not in (series_name(dearer, recipe), series_name(shorter, recipe))
    moved = structs.replace(recipe, settings=structs.replace(SMALL, processes=2, frames=("1h",)), trials=9, created_ns=9)
    assert series_name(data, moved) == name


def test_an_interrupted_training_goes_on_where_it_stopped_and_ends_the_same(tmp_path: Path) -> None:
    recording = market(candles(5, 3_500, trend=0.3))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    trained(recording, whole)

    def stop(step: Step) -> None:
        if step.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(errands_of(recording, (BTC,), SMALL, CostSettings(), broken, "test", 1), 1, stop)
    registry = Registry(broken / "models")
    (series,) = registry.series()
    assert registry.ids(series) == (f"{series}-0000",) and registry.promoted(Slot("BTCUSDT", "5m")) is None
    resumed = trained(recording, broken)
    assert (resumed.reused, resumed.versions) == (1, 2)
    assert tree(broken / "models") == tree(whole / "models")
    assert trained(recording, broken).reused == 2


@covers("A34", "C20", "K4")
def test_a_version_is_the_same_whatever_comes_after_its_boundary() -> None:
    settings = QUICK
    bars = candles(6, 3_500, trend=0.3)
    data = dataset_of(market(bars), ("BTCUSDT",), "5m", settings, CostSettings())
    until_ns = boundaries(data, settings)[0]
    poisoned = bars.copy()
    after = poisoned["closed_ns"] > until_ns
    for name in ("open", "high", "low", "close"):
        poisoned[name][after] = poisoned[name][after][::-1] * 3
    poisoned["high"] = np.maximum.reduce([poisoned[name] for name in ("open", "high", "low", "close")])
    poisoned["low"] = np.minimum.reduce([poisoned[name] for name in ("open", "high", "low", "close")])
    other = dataset_of(market(poisoned), ("BTCUSDT",), "5m", settings, CostSettings())
    assert boundaries(other, settings)[0] == until_ns and other.digest != data.digest
    recipe = Recipe(settings=settings, code="test", libraries={}, trials=1, created_ns=1)
    first, second = (train_version(each, recipe, "series", 0, until_ns, None, control_since_ns=None) for each in (data, other))
    assert first.files == second.files
    assert first.card == structs.replace(second.card, data_digest=first.card.data_digest)
    assert first.card.trained_until_ns == until_ns


@covers("A21")
def test_every_bar_is_a_row_or_counted_by_the_reason_that_left_it_out() -> None:
    data = dataset_of(market(candles(12, 3_000)), ("BTCUSDT",), "5m", QUICK, CostSettings())
    until_ns = data.span_ns[0] + (data.span_ns[1] - data.span_ns[0]) // 2
    changes: tuple[dict[str, float], ...] = ({}, {"min_valid": 0.95}, {"most_rows": 100}, {"event_threshold": 0.0})
    for settings in (structs.replace(QUICK, **change) for change in changes):
        sample, facts = sample_until(data, until_ns, settings)
        assert facts.bars == facts.rows + sum(facts.dropped.values()) and facts.rows == len(sample) > 0
        assert (sample.end_ns <= until_ns).all() and 0.0 < facts.n_eff <= facts.rows
        assert sum(facts.shares.values()) == pytest.approx(1.0)
        assert (completeness(~np.isnan(sample.rows), data.markets[0].expected) >= settings.min_valid).all()
        assert sample.weight.mean() == pytest.approx(1.0)


def test_candles_without_volume_are_learnt_from_what_prices_say_and_served_without_it(tmp_path: Path) -> None:
    bars = candles(4, 3_500, trend=0.3)
    bars["volume"] = np.nan
    bare = structs.replace(market(bars), has_volume=(False,))
    card = card_of(trained(bare, tmp_path))
    stack = unpack(Registry(tmp_path / "models").files(card.model_id))
    assert "log_return_12" in stack.facts.expected and not any("volume" in name for name in stack.facts.expected)
    served = Version(structs.replace(card, size=0.5, asleep="", trained_until_ns=int(bars["known_ns"][2_000])), stack, 0)
    assert (predictions_over(bare, 0, "5m", [served], SMALL)["silence"][2_000:] == AWAKE).all()


def test_versions_rise_in_time_and_each_is_trained_on_labels_known_by_then(tmp_path: Path) -> None:
    recording = market(candles(7, 3_500, trend=0.3))
    trained(recording, tmp_path, QUICK)
    registry = Registry(tmp_path / "models")
    cards = registry.versions(registry.series()[0])
    until = [card.trained_until_ns for card in cards]
    assert len(cards) == 3 and until == sorted(until)
    assert until[-1] == int(recording.bars[0]["known_ns"][-1])
    assert all(card.trained_from_ns < card.trained_until_ns for card in cards)
    assert [card.n_rows for card in cards] == sorted(card.n_rows for card in cards)


@covers("A17")
def test_218_rows_of_12h_make_a_version_that_is_asleep_and_says_why(tmp_path: Path) -> None:
    hours = candles(8, 295 * 12, base_ns=HOUR_NS, step=0.006)
    outcome = trained(market(hours, base_ns=HOUR_NS), tmp_path, job=Job(("BTCUSDT",), "12h"))
    card = card_of(outcome)
    assert 150 <= card.n_rows <= 250 and card.n_eff < 100
    assert (card.rung, card.size) == ("prior", 0.0)
    assert "independent outcomes" in card.asleep
    assert outcome.verdict == "UNDERPOWERED" and outcome.promoted == ()


def test_pooled_symbols_that_move_together_count_as_little_more_than_one(tmp_path: Path) -> None:
    hours = candles(9, 300 * 12, base_ns=HOUR_NS, step=0.006)
    job = Job(("BTCUSDT", "ETHUSDT"), "12h")
    alone = card_of(trained(market(hours, base_ns=HOUR_NS), tmp_path, job=Job(("BTCUSDT",), "12h")))
    twice = card_of(trained(market(hours, hours.copy(), base_ns=HOUR_NS), tmp_path, job=job))
    assert twice.symbols == job.symbols and twice.n_rows == 2 * alone.n_rows
    assert twice.n_eff == pytest.approx(alone.n_eff, rel=1e-9)


def test_a_job_a_symbol_and_frame_but_one_for_pooled_frames() -> None:
    recording = market(candles(1, 50), candles(2, 50))
    found = jobs_of(recording, ("12h", "5m"), TrainingSettings())
    assert found == (Job(("BTCUSDT",), "5m"), Job(("ETHUSDT",), "5m"), Job(("BTCUSDT", "ETHUSDT"), "12h"))
    assert jobs_of(recording, ("1d", "24h"), TrainingSettings()) == (Job(("BTCUSDT", "ETHUSDT"), "24h"),)


def test_frames_finer_than_the_candles_and_no_frames_are_refused() -> None:
    recording = market(candles(1, 50, base_ns=HOUR_NS), base_ns=HOUR_NS)
    with pytest.raises(UsageError, match="cannot be made from candles of 1h"):
        jobs_of(recording, ("5m",), TrainingSettings())
    with pytest.raises(UsageError, match="no frame"):
        jobs_of(recording, (), TrainingSettings())
    for wrong in (TrainingSettings(event_frames=("5min",)), TrainingSettings(pooled_frames=("daily",))):
        with pytest.raises(ConfigRefused, match="unknown timeframe"):
            jobs_of(recording, ("1h",), wrong)


def test_a_market_that_stands_still_and_one_that_is_too_short_are_refused_with_the_reason(tmp_path: Path) -> None:
    still = candles(1, 2_000)
    for name in ("open", "high", "low", "close"):
        still[name] = 500_000
    for bars in (still, candles(1, 120)):
        outcome = trained(market(bars), tmp_path)
        assert outcome.card is None and isinstance(outcome.error, TrainingRefused)
        assert outcome.error.mend


def test_a_boundary_at_which_nothing_can_be_learnt_has_no_version(tmp_path: Path) -> None:
    quiet = candles(2, 3_500, trend=0.3)
    for name in ("open", "high", "low", "close"):
        quiet[name][:2_600] = quiet["open"][0]
    data = dataset_of(market(quiet), ("BTCUSDT",), "5m", QUICK, CostSettings())
    recipe = Recipe(settings=QUICK, code="test", libraries={}, trials=1, created_ns=1)
    series = train_series(data, recipe, Registry(tmp_path / "models"), lambda step: None)
    assert [card.trained_until_ns for card in series.cards] == [boundaries(data, QUICK)[-1]]
