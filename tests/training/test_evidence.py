"""What stands behind a verdict: figures of the walk-forward record alone, kept with the version and read back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.domain.label import UP
from metastackerbandit.features.catalog import NAMES
from metastackerbandit.storage.registry import Registry
from metastackerbandit.training.dataset import DataSet, dataset_of
from metastackerbandit.training.edge_rule import traded
from metastackerbandit.training.evidence import COST_MULTIPLES, FILE, evidence_in, evidence_of, packed
from metastackerbandit.training.record import Record, empty_record
from metastackerbandit.training.scoring import GAIN, score_named
from metastackerbandit.training.series import Series, train_series
from metastackerbandit.training.version import Recipe
from tests.training.worlds import FIVE, QUICK, candles, market

RECIPE = Recipe(settings=QUICK, code="test", libraries={}, trials=1, created_ns=1)


@pytest.fixture(scope="module")
def data() -> DataSet:
    return dataset_of(market(candles(21, 3_500, trend=0.5)), ("BTCUSDT",), "5m", QUICK, CostSettings())


@pytest.fixture(scope="module")
def trained(data: DataSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Series, Registry]:
    registry = Registry(tmp_path_factory.mktemp("home") / "models")
    return train_series(data, RECIPE, registry, lambda step: None), registry


def test_the_newest_version_keeps_the_evidence_of_its_record_and_no_other_does(data: DataSet, trained: tuple[Series, Registry]) -> None:
    series, registry = trained
    kept = [FILE in registry.files(card.model_id) for card in series.cards]
    assert kept == [False] * (len(kept) - 1) + [True]
    newest = series.cards[-1]
    found = evidence_in(registry.files(newest.model_id), newest.model_id)
    assert found is not None and found.rows == len(series.record.until(newest.trained_until_ns))
    assert evidence_in({FILE: packed(found)}, "") == found
    assert [one.version for one in found.versions] == [card.version for card in series.cards[:-1]]
    gains = [(one.gain.value or 0.0, one.rows) for one in found.versions]
    whole = score_named(newest.scores, GAIN).value
    assert min(gain for gain, _ in gains) - 1e-9 <= whole <= max(gain for gain, _ in gains) + 1e-9


def test_bins_costs_and_features_are_those_of_the_record(data: DataSet, trained: tuple[Series, Registry]) -> None:
    record = trained[0].record.until(trained[0].cards[-1].trained_until_ns)
    found = evidence_of(data, record, FIVE, 1)
    assert sum(one.rows for one in found.bins) == len(record) and len(found.bins) == 10
    weight, _ = record.weights(FIVE)
    share = sum(one.observed * float(weight[_places(record, n)].sum()) for n, one in enumerate(found.bins)) / weight.sum()
    assert share == pytest.approx(np.average(record.side == UP, weights=weight))
    assert [one.multiple for one in found.costs] == list(COST_MULTIPLES)
    own = next(one for one in found.costs if one.multiple == 1.0)
    places, returns, _ = traded(record, data.cost_bps)
    assert (own.trades, own.total) == (len(places), pytest.approx(returns.sum()))
    assert [one.trades for one in found.costs] == sorted((one.trades for one in found.costs), reverse=True)
    assert tuple(one.name for one in found.features) == NAMES
    leading = max((one for one in found.features if one.ic.value is not None), key=lambda one: abs(one.ic.value or 0.0))
    assert leading.q is not None and leading.q < 0.1 and leading.parity != "even"  # this market follows its own past


def test_what_a_feature_says_is_of_the_bars_of_the_record_only(data: DataSet, trained: tuple[Series, Registry]) -> None:
    record = trained[0].record
    asked = np.searchsorted(data.markets[0].closed_ns, record.closed_ns)
    other = np.setdiff1d(np.arange(len(data.markets[0].closed_ns)), asked)
    table = data.markets[0].table
    values = table.values.copy()
    values[other] = 1e6
    poisoned = structs.replace(data, markets=(structs.replace(data.markets[0], table=structs.replace(table, values=values)),))
    assert evidence_of(poisoned, record, FIVE, 1) == evidence_of(data, record, FIVE, 1)


def test_a_feature_that_is_the_outcome_is_found_and_one_that_is_never_known_says_nothing(data: DataSet, trained: tuple[Series, Registry]) -> None:
    record = trained[0].record
    at = np.searchsorted(data.markets[0].closed_ns, record.closed_ns)
    table = data.markets[0].table
    values, valid = table.values.copy(), table.valid.copy()
    values[at, 0], valid[:, 1] = record.gross, False
    told = structs.replace(data, markets=(structs.replace(data.markets[0], table=structs.replace(table, values=values, valid=valid)),))
    found = evidence_of(told, record, FIVE, 1).features
    assert found[0].ic.value == pytest.approx(1.0) and found[1].ic.value is None and (found[1].rows, found[1].q) == (0, None)


def test_versions_without_a_record_have_none_and_damage_is_refused() -> None:
    assert evidence_in({}, "x") is None
    with pytest.raises(ModelRefused, match=FILE):
        evidence_in({FILE: b'{"rows": 1}'}, "x")


def _places(record: Record, n: int) -> np.ndarray:
    """Rows of the n-th bin, as equal mass makes them."""
    inner = np.unique(np.quantile(record.p[:, UP], np.arange(1, 10) / 10))
    return np.flatnonzero(np.searchsorted(inner, record.p[:, UP], side="right") == n)


def test_a_series_of_one_version_has_no_evidence(tmp_path: Path) -> None:
    quiet = candles(2, 3_500, trend=0.3)
    for name in ("open", "high", "low", "close"):
        quiet[name][:2_600] = quiet["open"][0]
    data = dataset_of(market(quiet), ("BTCUSDT",), "5m", QUICK, CostSettings())
    registry = Registry(tmp_path / "models")
    series = train_series(data, RECIPE, registry, lambda step: None)
    assert len(series.cards) == 1 and len(series.record) == len(empty_record()) == 0
    assert FILE not in registry.files(series.cards[0].model_id)
