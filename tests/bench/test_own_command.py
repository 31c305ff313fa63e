"""Benchmarks of whole verbs need recorded candles and a command that ends well; otherwise they say what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metastackerbandit.bench.own_command import FOLDER, SYMBOL, recorded_candles, told
from metastackerbandit.domain.errors import DataRefused, Fault
from tests.shared import shared_data


def test_candles_that_are_not_at_hand_are_asked_for(tmp_path: Path) -> None:
    for data in (None, tmp_path):
        with pytest.raises(DataRefused, match=f"{FOLDER}/{SYMBOL}.parquet"):
            recorded_candles(data)
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / f"{SYMBOL}.parquet").touch()
    assert recorded_candles(tmp_path) == tmp_path / FOLDER


def test_a_verb_tells_json_and_one_that_fails_is_a_fault(tmp_path: Path) -> None:
    candles = recorded_candles(shared_data() / "klines")
    assert json.loads(told("backtest", candles, tmp_path, "4h", "--arm", "momentum"))["decisions"] > 0
    with pytest.raises(Fault, match="msb backtest ended with 4"):
        told("backtest", candles, tmp_path, "4h", "--arm", "nobody")
