"""The page of the configuration: every key of the schema with what it takes, its default and its meaning."""

from __future__ import annotations

from pathlib import Path

from metastackerbandit.config.meaning import key_meaning
from metastackerbandit.config.outline import keys, tables
from metastackerbandit.config.page import config_tables
from tests.covering import covers

DOCS = Path(__file__).resolve().parents[2] / "docs"


@covers("2.094")
def test_the_page_has_every_key_and_is_current() -> None:
    """`python tools/config_doc.py` writes it again."""
    page = config_tables()
    assert page in (DOCS / "configuration.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(lines) == len(keys()) > 200
    assert sum(line.startswith("## [") for line in page.splitlines()) == len({key.table for key in keys().values()}) <= len(tables())


def test_a_line_is_what_the_loader_goes_by() -> None:
    lines = config_tables().splitlines()
    assert "| `stale_seconds` | a number above 0, at most 86400 | `30.0` |  | without a change of the book; longer is an issue |" in lines
    assert any(line.startswith('| `arms` | a list of texts | `["model","momentum","sma_cross"]` |') for line in lines)
    assert any(line.startswith("| `share` | a number above 0, at most 1 or no value | not given | yes |") for line in lines)


def test_every_key_has_a_meaning_beside_it_or_above_it() -> None:
    assert [key.name for key in keys().values() if not key_meaning(key)] == []
    assert key_meaning(keys()["training.fitting.heads.ridges"]).startswith("alpha to choose from: so many outcomes that say 0.")
    assert key_meaning(keys()["training.worth.lightgbm.bins"]) == key_meaning(keys()["training.fitting.lightgbm.bins"]) != ""
