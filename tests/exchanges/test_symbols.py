"""A symbol is found among many, in capitals or not, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import UsageError
from metastackerbandit.exchanges.symbols import LONGEST, place_of, symbols_of

NAMES = st.text("ABCXYZ0123456789_", min_size=1, max_size=12)


def placed(table: object, name: str) -> int:
    """Where the table says that a name stands, the name being inside of another text."""
    raw = np.frombuffer(f"..{name}@".encode(), np.uint8)
    return int(place_of(table, raw, 2, len(raw) - 1))


@given(names=st.lists(NAMES, unique=True, max_size=60), other=NAMES)
def test_every_symbol_is_at_its_place_and_no_other_is_found(names: list[str], other: str) -> None:
    table = symbols_of(names)
    assert [placed(table, name) for name in names] == list(range(len(names)))
    assert [placed(table, name.lower()) for name in names] == list(range(len(names)))
    assert placed(table, other) == (names.index(other) if other in names else -1)
    assert placed(table, "") == -1


def test_names_of_other_alphabets_are_their_bytes() -> None:
    table = symbols_of(["币安人生USDT", "BTCUSDT"])
    assert (placed(table, "币安人生USDT"), placed(table, "btcusdt")) == (0, 1)


@pytest.mark.parametrize("names", [["BTCUSDT", "btcusdt"], [""], ["X" * (LONGEST + 1)]])
def test_what_cannot_be_told_apart_is_refused(names: list[str]) -> None:
    with pytest.raises(UsageError, match="named twice"):
        symbols_of(names)


def test_longer_names_fit_where_the_table_is_made_for_them() -> None:
    names = ["0x" + "a" * 40, "0x" + "a" * 39 + "b"]
    assert [placed(symbols_of(names, 42), name) for name in names] == [0, 1]
    with pytest.raises(UsageError, match="longer than 41 bytes"):
        symbols_of(names, 41)
