"""A recording's parts belong to the same instruments."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.recording import spread
from tests.markets import generated


@pytest.mark.parametrize(
    "change",
    [
        {"bars": ()},
        {"instruments": generated(1, 5, symbols=1).instruments},
        {"funding": (None,)},
        {"has_volume": (True, True, True)},
        {"has_flow": (True,)},
        {"mood": (None,)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_parts_of_other_instruments_are_refused(change: dict[str, Any]) -> None:
    """Compiled steps look a book up by its place, without bounds: a column too few would be somebody else's memory."""
    with pytest.raises(DataRefused, match=r"for [12] instruments") as caught:
        structs.replace(generated(1, 5, symbols=2), **change)
    assert caught.value.mend and "generated" in str(caught.value.where)


def test_what_is_known_of_nobody_may_be_left_out() -> None:
    whole = generated(1, 5, symbols=3)
    assert whole.has_flow == () and spread(whole, (2, 0, 0)).mood == ()
    assert [one.symbol for one in spread(whole, (2, 0, 0)).instruments] == ["SOLUSDT", "BTCUSDT", "BTCUSDT"]
