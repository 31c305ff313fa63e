"""Published indicator tables agree with our kernels to their last printed digit, wherever both mean the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.features.batch import features_over
from metastackerbandit.features.catalog import FAMILIES, NAMES
from tests.features.scenes import FRAME, market
from tests.reference.relations import read, tolerance
from tests.reference.steps import Market, market_of, taken
from tests.reference.tables import TABLES, Table
from tests.shared import shared_data


def folder() -> Path:
    return shared_data() / "reference" / "ta_tables"


@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(1e-3, 1e3), shift=st.floats(0.0, 1e4))
@settings(max_examples=25)
def test_steps_see_neither_the_unit_of_a_table_nor_where_it_begins(seed: int, factor: float, shift: float) -> None:
    """So a table's prices may stand for logs: ratios stay, distances come back in the table's own unit.

    A table begins at most 10,000 of its units above nothing: further up its own last digits would be what differs.
    """
    close = 100.0 + np.cumsum(np.random.default_rng(seed).normal(size=40))
    one, other = market_of(close), market_of((close + shift) * factor)
    for family, columns in (("reversion", (1, 2)), ("channel", (0,)), ("efficiency", (0, 1))):
        left, right = taken(family, one).columns, taken(family, other).columns
        assert np.allclose(left[:, columns], right[:, columns], rtol=0.0, atol=1e-9, equal_nan=True)
    assert np.allclose(taken("volatility", one).true_range * factor, taken("volatility", other).true_range, rtol=1e-7, atol=1e-10 * factor)


@pytest.mark.parametrize("table", [table for table in TABLES if table.compared], ids=lambda table: table.file)
def test_a_table_agrees_with_our_kernels(table: Table) -> None:
    published = read(folder() / table.file)
    assert table.compared is not None
    for pair in table.compared(published):
        printed = published[pair.column]
        known = np.isfinite(printed) & (np.arange(len(printed)) >= pair.first)
        assert known.sum() >= 1
        assert np.isfinite(pair.ours[known]).all(), f"{pair.column}: ours is missing where the table is not"
        over = (np.abs(pair.ours - printed) - tolerance(published, pair))[known]
        worst = np.flatnonzero(known)[over.argmax()]
        assert over.max() <= 0.0, f"{pair.column}: {pair.ours[worst]} for {printed[worst]} at row {worst}"


def test_every_table_of_the_folder_is_compared_or_explained() -> None:
    assert {path.name for path in folder().glob("*.csv")} == {table.file for table in TABLES}
    assert len(TABLES) == 31
    for table in TABLES:
        assert table.rest if table.compared is None else table.relation and table.ours, table.file


def test_features_named_beside_a_table_are_in_the_catalog() -> None:
    for table in TABLES:
        assert set(table.ours.replace(" (a score)", "").split(", ")) <= {*NAMES, "max_drawdown", ""}, table.file


def test_a_step_taken_alone_gives_what_the_catalog_gives() -> None:
    """With the volatility that was seen, the steps that tables are held against are the shipped columns to the bit."""
    bars = market(3, 160)
    shipped = features_over(bars, FRAME, None, has_volume=True, has_flow=False).values
    column = 0
    for family in FAMILIES:
        if family.name in ("returns", "direction", "channel", "efficiency", "reversion"):
            columns = taken(family.name, Market(bars, 1.0, 0.0)).columns
            for n, spec in enumerate(family.specs):
                if "sigma" not in spec.unit:
                    assert np.array_equal(columns[:, n], shipped[:, column + n], equal_nan=True), spec.name
        column += len(family.specs)
