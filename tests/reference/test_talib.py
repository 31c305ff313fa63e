"""Our features are what TA-Lib gives on the same recorded candles, wherever both mean the same."""

from __future__ import annotations

import numpy as np
import pytest

from metastackerbandit.features.catalog import FEATURES, NAMES
from tests.reference.talib_chains import CHAINS, WITHOUT, steps
from tests.reference.talib_golden import BARS, EVERY, RECORDED, Candles, compared, kept, ours, thinned
from tests.shared import shared_data


@pytest.mark.parametrize("candles", RECORDED, ids=lambda candles: candles.name)
def test_features_are_what_talib_says(candles: Candles) -> None:
    """To 1e-10 of a column's largest value; the kept answers have 13 digits."""
    shared_data()
    within = {chain.feature: chain.within for chain in candles.chains()}
    for one in compared(candles, thinned(candles), EVERY):
        assert one.bars >= 8, one
        assert one.apart <= within[one.feature], one


def test_a_difference_would_be_seen() -> None:
    """A feature told a bar late is far outside of what passes."""
    shared_data()
    candles = RECORDED[0]
    late = {chain.feature: np.roll(chain.ours(ours(candles)), 1)[::EVERY] for chain in candles.chains()}
    for one in compared(candles, late, EVERY):
        assert one.apart > 1e-4, one


def test_the_kept_answers_are_of_every_chain_and_of_all_bars() -> None:
    answers = kept()["answers"]
    assert list(answers) == [candles.name for candles in RECORDED]
    for candles in RECORDED:
        assert set(answers[candles.name]) == {chain.feature for chain in candles.chains()}
        assert {len(values) for values in answers[candles.name].values()} == {len(range(0, BARS, EVERY))}


def test_every_feature_is_compared_or_explained() -> None:
    held = [chain.feature for chain in CHAINS]
    without = [name for names in WITHOUT for name in names.split(", ")]
    without += [spec.name for spec in FEATURES if spec.needs == "book" or (spec.is_event and "pivot" in spec.name)]
    assert len(set(held)) == len(held)
    assert set(held) | set(without) == set(NAMES) and not set(held) & set(without)


def test_a_chain_names_what_was_made_before_it() -> None:
    columns = {"open", "high", "low", "close", "volume", "taker_buy_volume", "count"}
    for step in steps(CHAINS):
        assert set(step["of"]) <= columns, step
        columns.add(step["as"])
