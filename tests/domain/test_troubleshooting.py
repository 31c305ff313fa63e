"""The page on what to do has every error, every fault of a frame and every issue of a feed, and none that is gone."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from metastackerbandit.domain import errors
from metastackerbandit.exchanges.decoded import FAULTS
from metastackerbandit.market.quality_rows import KINDS
from tests.covering import covers

PAGE = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md"
ERRORS = [name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.MsbError)]


def told(table: str) -> list[list[str]]:
    """The rows of a table of the page: name, meaning, what to do."""
    _, _, rest = PAGE.read_text().partition(f"<!-- {table} -->\n")
    rows = rest.partition(f"<!-- end of {table} -->")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


@covers("2.094")
@pytest.mark.parametrize(
    ("table", "names"),
    [("errors", ERRORS), ("faults", [name for name, _ in FAULTS]), ("issues", [kind[0] for kind in KINDS])],
    ids=lambda value: str(value)[:6],
)
def test_each_name_is_told_once_with_its_meaning_and_what_to_do(table: str, names: list[str]) -> None:
    rows = told(table)
    assert sorted(row[0] for row in rows) == sorted(names)
    assert all(len(row) == 3 and all(len(cell) > 5 for cell in row[1:]) for row in rows)


def test_faults_mean_what_the_scanners_say() -> None:
    assert {row[0]: row[1] for row in told("faults")} == dict(FAULTS)
