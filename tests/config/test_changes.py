"""Changes of a configuration file: keys laid over what is written, sizes at a share, and text that loads back."""

from __future__ import annotations

import tomllib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.config.changes import at_share, laid_over, scaled, tables_of, tables_of_sets, text_of
from metastackerbandit.config.loading import examine_text
from metastackerbandit.domain.errors import ConfigRefused

WRITTEN = b"""
[run]
symbols = ["BTCUSDT"]
[sizing]
volatility_target = 0.3
[frames.5m.sizing]
volatility_target = 0.2
[symbols.BTCUSDT.frames.1h.decision]
min_alpha = 0.1
[[waivers]]
key = "decision.min_alpha"
until = 2030-01-31
why = "a test"
"""


def test_a_file_written_back_says_what_it_said() -> None:
    tables = tables_of(WRITTEN, "here")
    again = text_of(tables, "a heading\nof two lines")
    assert tomllib.loads(again.decode()) == tables and again.startswith(b"# a heading\n# of two lines\n")
    before, after = examine_text(WRITTEN, "a"), examine_text(again, "b")
    assert (after.config, after.problems) == (before.config, [])


def test_a_change_is_laid_over_what_is_written_and_nothing_else_moves() -> None:
    change = tables_of_sets(("decision.min_alpha=0.05", "frames.5m.sizing.volatility_target=0.25"))
    found = laid_over(tables_of(WRITTEN, "here"), change)
    assert found["decision"] == {"min_alpha": 0.05} and found["frames"]["5m"]["sizing"] == {"volatility_target": 0.25}
    assert found["symbols"] == tables_of(WRITTEN, "here")["symbols"] and found["sizing"] == {"volatility_target": 0.3}


def test_a_share_scales_every_size_and_cap_wherever_it_is_written() -> None:
    config = examine_text(WRITTEN, "here").config
    found = examine_text(text_of(at_share(tables_of(WRITTEN, "here"), config, 0.1), ""), "share")
    assert found.problems == []
    assert (found.config.sizing.volatility_target, found.config.sizing.kelly_share, found.config.sizing.notional) == (0.03, 0.025, "100")
    assert (found.config.risk.max_gross_exposure, found.config.risk.max_symbol_exposure) == (0.3, 0.1)
    assert found.config.overrides["frames.5m.sizing.volatility_target"] == 0.02
    assert found.config.risk.max_daily_loss == config.risk.max_daily_loss


@given(st.decimals("0.000001", "1000000", places=6), st.sampled_from((0.1, 0.25, 0.5)))
def test_a_share_of_an_amount_is_exact(amount: Decimal, share: float) -> None:
    assert Decimal(str(scaled(str(amount), share))) == amount * Decimal(repr(share))


@pytest.mark.parametrize("text", ["decision.min_alfa=1", "decision.min_alpha=7", "decision.min_alpha", "decision=1"])
def test_a_change_that_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        tables_of_sets((text,))
    assert refused.value.mend
