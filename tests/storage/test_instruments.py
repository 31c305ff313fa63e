"""Instrument rules: shipped, filed or inferred, and every recorded price obeys them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import InstrumentRefused, NotFound
from metastackerbandit.storage.candle_names import base_and_quote, symbol_of
from metastackerbandit.storage.instruments import instruments_of, rules_for
from metastackerbandit.storage.price_grid import Floats, grid_of, ticks_of

SHIPPED = Path(rules_for.__code__.co_filename).with_name("instruments.toml")
FILED = (
    'instruments = [{ symbol = "BTCUSDT", base = "BTC", quote = "USDT", market = "perp", venue = "BINANCE", '
    'tick_size = "0.1", lot_size = "0.001", min_quantity = "0.001", max_quantity = "1000", min_notional = "100" }]\n'
)


def prices(*values: float) -> tuple[Floats, Floats, Floats, Floats]:
    column = np.array(values)
    return column, column, column, column


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=30), st.integers(0, 8), st.sampled_from(["USDT", "USD", "BTC", "ETH"]))
def test_inferred_rules_are_legal_and_hold_every_price(ticks: list[int], decimals: int, quote: str) -> None:
    values = prices(*(float(Decimal(one).scaleb(-decimals)) for one in ticks))
    try:
        rules, notices = rules_for(f"ABC{quote}", "perp", "ELSEWHERE", values, None)
    except InstrumentRefused as error:
        # wide spans may not fit; the money of dear coins is finer
        assert "more ticks than" in error.what and max(ticks) > (10**5 if quote in ("BTC", "ETH") else 10**8)
        return
    whole, off = ticks_of(values[0], Decimal(rules.tick_size))
    assert off == -1 and [float(int(one) * Decimal(rules.tick_size)) for one in whole] == list(values[0])
    assert rules.rules().max_ticks >= 4 * int(whole.max()) and rules.source == "inferred" and "inferred" in notices[0]


@given(st.integers(1, 10**7), st.sampled_from(["0.01", "0.5", "0.125", "2", "1", "0.00000001", "0.05"]))
def test_a_price_off_the_grid_is_seen(whole: int, tick: str) -> None:
    on = float(whole * Decimal(tick))
    off = float((whole + Decimal("0.37")) * Decimal(tick))
    assert ticks_of(np.array([on]), Decimal(tick)) == (np.array([whole]), -1)
    assert ticks_of(np.array([on, off]), Decimal(tick))[1] == 1


def test_a_few_round_prices_do_not_make_a_coarse_grid() -> None:
    assert grid_of(prices(100.0, 100.0)) == Decimal("0.1")
    assert grid_of(prices(100.25, 100.5)) == Decimal("0.05")


def test_inferred_rules_say_what_was_inferred() -> None:
    rules, notices = rules_for("ABCUSDT", "spot", "BINANCE", prices(30_000.1, 31_000.7, 29_000.3), None)
    assert notices == ("ABCUSDT: rules inferred from the candles (tick 0.1, lot 0.00001)",)
    assert Decimal(10**6) < Decimal(rules.max_quantity) * 30_000 <= Decimal(10**8) and rules.min_notional == "5"


def test_shipped_rules_come_before_inferred_ones() -> None:
    rules, notices = rules_for("BTCUSDT", "perp", "BINANCE", prices(30_000.1, 31_000.7), None)
    assert (rules.tick_size, rules.lot_size, rules.source, notices) == ("0.1", "0.001", "shipped", ())


def test_every_shipped_instrument_is_legal_and_named_by_its_parts() -> None:
    shipped = instruments_of(SHIPPED, "shipped")
    assert len(shipped) >= 60
    for one in shipped:
        assert one.rules().max_lots > one.rules().min_lots and base_and_quote(one.symbol) == (one.base, one.quote)


def test_older_candles_on_a_finer_grid_are_told_with_both_ticks() -> None:
    rules, notices = rules_for("BTCUSDT", "perp", "BINANCE", prices(30_000.11, 31_000.7), None)
    assert (rules.tick_size, rules.lot_size, rules.source) == ("0.01", "0.001", "inferred")
    assert "shipped tick 0.1" in notices[0] and "tick 0.01" in notices[0]


def test_a_price_that_would_overflow_lowers_max_quantity_with_a_notice() -> None:
    rules, notices = rules_for("BTCUSDT", "perp", "BINANCE", prices(30_000_000.1, 31_000_000.7), None)
    assert Decimal(rules.max_quantity) < 1000 and "lowered" in notices[0]
    assert rules.rules().max_ticks * Decimal(rules.tick_size) >= 20 * 31_000_000


def test_a_file_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FILED.replace('"0.1"', '"0.01"'))
    rules, notices = rules_for("BTCUSDT", "perp", "BINANCE", prices(30_000.11), path)
    assert (rules.tick_size, rules.source, notices) == ("0.01", "file", ())
    rules, _ = rules_for("ETHUSDT", "perp", "BINANCE", prices(3_000.11), path)
    assert rules.source == "shipped"


def test_candles_off_a_files_grid_are_refused_with_the_tick_that_fits(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FILED)
    with pytest.raises(InstrumentRefused, match=r'30000.11 in row 1 .*tick_size 0.1.*set tick_size = "0.01"'):
        rules_for("BTCUSDT", "perp", "BINANCE", prices(30_000.11, 30_000.2), path)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (FILED.replace("tick_size", "tick_sise"), "unknown key 'tick_sise'.*did you mean tick_size"),
        (FILED.replace(', min_notional = "100"', ""), "lacks min_notional"),
        (FILED.replace('"0.1"', "0.1"), "Expected `str`"),
        (FILED.replace('"perp"', '"future"'), "Invalid enum"),
        (FILED.replace('"1000"', '"0.0001"'), "not a multiple of lot_size"),
        (FILED.replace('lot_size = "0.001"', 'lot_size = "0.00000001"'), "whole number of money units"),
        (FILED.replace("]", ""), "is no TOML"),
        (FILED.replace("instruments", "instrument"), "did you mean instruments"),
        ("instruments = 3", "not a list"),
        ("instruments = [3]", "is not a table"),
        (FILED.replace("}]", "}," + FILED.partition("[")[2]), "there twice"),
    ],
)
def test_a_wrong_file_is_refused_with_its_mend(wrong: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(wrong)
    with pytest.raises(InstrumentRefused, match=said):
        instruments_of(path)


def test_an_absent_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        instruments_of(tmp_path / "none.toml")


def test_symbols_are_split_by_known_quotes() -> None:
    assert base_and_quote("BTCUSDT") == ("BTC", "USDT")
    assert base_and_quote("ETHBTC") == ("ETH", "BTC")
    assert base_and_quote("BTCUSD") == ("BTC", "USD")
    assert base_and_quote("BTC-PERP") == ("BTC", "USD")
    assert base_and_quote("USDCUSDT") == ("USDC", "USDT")
    assert base_and_quote("LTC-EUR") == ("LTC", "EUR")
    with pytest.raises(InstrumentRefused):
        base_and_quote("USDT")


def test_file_names_say_their_symbol() -> None:
    names = {
        "BTCUSDT.parquet": "BTCUSDT",
        "BTCUSDT_2020-2024.parquet": "BTCUSDT",
        "BTCUSDT_2026-06.csv.gz": "BTCUSDT",
        "BTC-PERP_2022-01.parquet": "BTC-PERP",
        "btcusdt-1m-2024-01.csv": "BTCUSDT",
        "1000PEPEUSDT.csv": "1000PEPEUSDT",
    }
    assert {name: symbol_of(Path(name)) for name in names} == names
