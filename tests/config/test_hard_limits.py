"""The hard limits file: read whole, exact, or refused with what is wrong in it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.config.hard_limits import TEMPLATE, hard_limits, limits_file
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.hard_limits import HardLimits


def test_the_template_is_what_it_says(tmp_path: Path) -> None:
    limits_file(tmp_path, {}).write_text(TEMPLATE)
    one = 10**8
    assert hard_limits(tmp_path, {}) == HardLimits("USDT", 100 * one, 200 * one, 100 * one, 1, 50, 20 * one)


def test_without_a_file_no_real_money_is_traded(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused) as error:
        hard_limits(tmp_path, {})
    assert error.value.where == str(tmp_path / "hard_limits.toml") and "msb init --hard-limits" in error.value.mend


def test_the_file_can_be_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "limits.toml"
    elsewhere.write_text(TEMPLATE)
    assert hard_limits(tmp_path, {"MSB_HARD_LIMITS": str(elsewhere)}).leverage == 1


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("max_gross = 200", "", "max_gross is not limited"),
        ("max_gross = 200", "max_gros = 200", "unknown limit 'max_gros'"),
        ("max_gross = 200", "max_gross = 0", "no amount above 0"),
        ("max_gross = 200", "max_gross = -5", "no amount above 0"),
        ("max_gross = 200", 'max_gross = "200"', "no amount above 0"),
        ("max_gross = 200", "max_gross = true", "no amount above 0"),
        ("max_gross = 200", "max_gross = inf", "max_gross"),
        ("max_gross = 200", "max_gross = nan", "max_gross"),
        ("max_gross = 200", "max_gross = 0.000000001", "finer"),
        ("max_gross = 200", "max_gross = 1e30", "64-bit"),
        ("max_gross = 200", "max_gross =", "no TOML"),
        ("max_leverage = 1", "max_leverage = 0", "no whole number above 0"),
        ("max_leverage = 1", "max_leverage = 1.5", "no whole number above 0"),
        ("max_leverage = 1", "max_leverage = 126", "more than any venue grants"),
        ('currency = "USDT"', "currency = 5", "currency = 5 is none"),
    ],
)
def test_what_is_wrong_is_said(before: str, after: str, words: str, tmp_path: Path) -> None:
    assert before in TEMPLATE
    limits_file(tmp_path, {}).write_text(TEMPLATE.replace(before, after))
    with pytest.raises(ConfigRefused) as error:
        hard_limits(tmp_path, {})
    assert words in error.value.what


@given(amount=st.decimals("0.00000001", "1000000000", places=8))
def test_amounts_are_exact(amount: Decimal, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("limits")
    limits_file(home, {}).write_text(TEMPLATE.replace("max_gross = 200", f"max_gross = {amount:f}"))
    assert hard_limits(home, {}).gross == int(amount * 10**8)
