"""Serving: one prediction a closed bar by the newest version trained before it, the same in a batch and alone, or the reason for silence."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.card import ModelCard
from metastackerbandit.domain.errors import ModelMismatch
from metastackerbandit.domain.kernel import row
from metastackerbandit.domain.label import label_spec
from metastackerbandit.domain.prediction import (
    AWAKE,
    FAILED,
    INCOMPLETE,
    NO_VERSION,
    ONE_SIDED,
    REFUSED,
    UNTRADED,
    WARMING_UP,
)
from metastackerbandit.domain.timeframe import MINUTE_NS, frame_ns
from metastackerbandit.evaluation.volatility import VolatilityStream, horizon_volatility
from metastackerbandit.features.catalog import FEATURES
from metastackerbandit.features.stream import FeatureStream
from metastackerbandit.market.frames import frame_bars
from metastackerbandit.storage.registry import Registry
from metastackerbandit.training.dataset import dataset_of
from metastackerbandit.training.jobs import Job, errands_of, run_jobs
from metastackerbandit.training.serving import Served, Version, predictions_over
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.stack import unpack
from tests.covering import covers
from tests.markets import generated
from tests.training.worlds import QUICK, candles, market

RECORDING = market(candles(11, 3_500, trend=0.3))
BARS = frame_bars(RECORDING.bars[0], 5 * MINUTE_NS, 5 * MINUTE_NS)
P_VALUES = ("p_value_down", "p_value_flat", "p_value_up")
NUMBERS = ("p_down", "p_flat", "p_up", "long_bps", "short_bps", "error_bps", "barrier_bps", "credibility", "size_scale", *P_VALUES, "worth")


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[Version]:
    """Three versions, all made awake, so that what is served can be looked at."""
    home: Path = tmp_path_factory.mktemp("home")
    run_jobs(errands_of(RECORDING, (Job(("BTCUSDT",), "5m"),), QUICK, CostSettings(), home, "test", 1), 1, lambda step: None)
    registry = Registry(home / "models")
    cards = registry.versions(registry.series()[0])
    return [Version(awake(card), unpack(registry.files(card.model_id)), place + 10) for place, card in enumerate(cards)]


def awake(card: ModelCard) -> ModelCard:
    """The card of a version that may trade."""
    return structs.replace(card, size=0.5, asleep="", share_up=0.5)


def test_every_closed_bar_has_a_prediction_by_the_newest_version_trained_before_it(versions: list[Version]) -> None:
    found = predictions_over(RECORDING, 0, "5m", versions, QUICK, latency_ns=7)
    assert np.array_equal(found["closed_ns"], BARS["closed_ns"]) and np.array_equal(found["at_ns"], BARS["known_ns"] + 7)
    until = np.array([version.card.trained_until_ns for version in versions])
    expected = np.searchsorted(until, BARS["known_ns"], side="right") + 9
    assert np.array_equal(found["version"], np.where(expected == 9, -1, expected))
    assert (found["silence"][expected == 9] == NO_VERSION).all() and (found["silence"][expected > 9] == AWAKE).all()
    assert set(np.unique(found["version"])) == {-1, 10, 11, 12}
    spoken = found[found["silence"] == AWAKE]
    assert np.allclose(spoken["p_down"] + spoken["p_flat"] + spoken["p_up"], 1.0)
    volatility = horizon_volatility(BARS, label_spec("5m"))[found["silence"] == AWAKE]
    assert np.array_equal(spoken["barrier_bps"], versions[0].card.width * (volatility * 1e4))
    assert (spoken["horizon"] == label_spec("5m").horizon).all() and (spoken["size_scale"] == 0.5).all()


@covers("A22")
def test_the_stream_says_what_the_batch_says_to_the_bit(versions: list[Version]) -> None:
    batch = predictions_over(RECORDING, 0, "5m", versions, QUICK)
    served = Served("5m", versions, QUICK)
    features = FeatureStream(frame_ns("5m"), has_volume=True, has_flow=False, has_funding=False)
    volatility = VolatilityStream(label_spec("5m"))
    for place in range(1_700):
        features.on_bar(BARS, place)
        sigma = volatility.on_bar(BARS, place)
        if place < 60 or place >= 1_350:
            known_ns, closed_ns = int(BARS["known_ns"][place]), int(BARS["closed_ns"][place])
            said = served.answer(features.values, features.valid, sigma, known_ns, closed_ns, 0)
            assert row(said)[0].tobytes() == batch[place].tobytes(), place


def test_silence_has_its_reason_and_no_numbers(versions: list[Version]) -> None:
    version = versions[0]
    known_ns = version.card.trained_until_ns
    values, valid = np.zeros(len(version.card.features)), np.ones(len(version.card.features), np.bool_)
    few = valid.copy()
    few[: len(few) // 2] = False
    broken = np.where(valid, np.nan, np.nan)

    def asked(
        card: ModelCard, mask: np.ndarray = valid, sigma: float = 0.01, at_ns: int = known_ns, features: np.ndarray = values
    ) -> tuple[int, int]:
        said = Served("5m", [Version(card, version.stack, 3)], QUICK).answer(features, mask, sigma, at_ns, at_ns, 0)
        numbers = [getattr(said, name) for name in NUMBERS]
        assert all(math.isnan(number) for number in numbers) == (said.silence != AWAKE)
        return said.silence, said.version

    card = version.card
    assert asked(card) == (AWAKE, 3)
    assert asked(card, at_ns=known_ns - 1) == (NO_VERSION, -1)
    assert asked(card, sigma=math.nan) == (WARMING_UP, 3)
    assert asked(card, mask=few) == (INCOMPLETE, 3)
    with np.errstate(invalid="ignore"):
        assert asked(card, sigma=math.inf) == (FAILED, 3)
    assert asked(structs.replace(card, size=0.0, asleep="too few")) == (UNTRADED, 3)
    assert asked(structs.replace(card, share_up=0.99, asleep="one-sided")) == (ONE_SIDED, 3)
    assert asked(structs.replace(card, asleep="its leads point the wrong way")) == (REFUSED, 3)
    assert asked(structs.replace(card, feature_hash="0" * 16)) == (REFUSED, 3)
    assert asked(card, mask=~np.isnan(broken), features=broken)[0] == INCOMPLETE


def test_an_older_version_answers_while_newer_ones_sleep(versions: list[Version]) -> None:
    asleep = structs.replace(versions[1].card, asleep="its leads point the wrong way")
    served = Served("5m", [versions[0], Version(asleep, versions[1].stack, 11)], QUICK)
    count = len(asleep.features)
    said = served.answer(np.zeros(count), np.ones(count, np.bool_), 0.01, asleep.trained_until_ns, asleep.trained_until_ns, 0)
    assert (said.silence, said.version) == (AWAKE, 10)


@covers("K24", "A17")
def test_a_version_of_another_frame_is_refused(versions: list[Version]) -> None:
    with pytest.raises(ModelMismatch, match="5m bars, asked to serve 1h"):
        Served("1h", versions, QUICK)


def test_a_book_that_was_recorded_is_seen_in_training_and_in_serving() -> None:
    booked, bare = generated(5, 400, symbols=1, booked=True), generated(5, 400, symbols=1)
    book = np.array([spec.needs == "book" for spec in FEATURES])
    told, without = (dataset_of(one, ("BTCUSDT",), "5m", TrainingSettings(), CostSettings()) for one in (booked, bare))
    assert told.markets[0].expected[book].all() and not without.markets[0].expected[book].any()
    assert told.markets[0].table.valid[:, book].any() and not without.markets[0].table.valid[:, book].any()
    assert told.markets[0].table.values[:, ~book].tobytes() == without.markets[0].table.values[:, ~book].tobytes()
    assert told.digest != without.digest
