"""The made venue: what it tells adds up to the book that it has, and the same seed says the same."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.simulation.binance_frames import START_NS, STEP_NS, Told, Venue, written


def levels_of(pairs: list[list[str]]) -> dict[int, int]:
    """Levels as ticks of 0.1 -> lots of 0.001."""
    return {round(float(price) * 10): round(float(size) * 1_000) for price, size in pairs}


def body_of(one: Told) -> dict[str, Any]:
    """A stream's message."""
    body: dict[str, Any] = json.loads(one.text)["data"]
    return body


@given(seed=st.integers(0, 10**6), is_perp=st.booleans())
@settings(max_examples=20)
def test_a_snapshot_and_the_changes_after_it_are_the_book(seed: int, is_perp: bool) -> None:
    venue = Venue(seed, is_perp=is_perp)
    first, *told = venue.frames(30, 0)
    assert first.is_snapshot and [one.is_change for one in told] == [True, False] * 30
    whole = json.loads(first.text)
    book = {name: levels_of(whole[name]) for name in ("bids", "asks")}
    last = told_id = whole["lastUpdateId"]
    for change, best in zip(told[::2], told[1::2], strict=True):
        body = body_of(change)
        assert body.get("pu", told_id) == told_id if is_perp else body["U"] == last + 1
        last = told_id = body["u"]
        for name, key in (("bids", "b"), ("asks", "a")):
            book[name] |= levels_of(body[key])
            book[name] = {ticks: lots for ticks, lots in book[name].items() if lots}
        quote = body_of(best)
        bid, ask = max(book["bids"]), min(book["asks"])
        assert bid < ask and quote["u"] == last
        expected = {bid: book["bids"][bid]}, {ask: book["asks"][ask]}
        assert (levels_of([[quote["b"], quote["B"]]]), levels_of([[quote["a"], quote["A"]]])) == expected
    assert (book["bids"], book["asks"]) == venue.levels


def test_a_change_made_by_hand_is_told_as_it_is_so_long_after_the_one_before() -> None:
    venue = Venue(1, is_perp=False)
    venue.changed()
    change, best = venue.told({1_500: 7, 999: 0}, {}, after_ns=5 * STEP_NS)
    assert change.received_ns == best.received_ns == START_NS + 6 * STEP_NS + 3_000_000
    assert levels_of(body_of(change)["b"]) == {1_500: 7, 999: 0}
    assert body_of(best)["b"] == "150.00" and venue.levels[0][1_500] == 7 and 999 not in venue.levels[0]


def test_a_side_may_be_empty() -> None:
    venue = Venue(1, is_perp=True)
    _, best = venue.told({}, dict.fromkeys(venue.levels[1], 0))
    assert venue.levels[1] == {} and (body_of(best)["a"], body_of(best)["A"]) == ("0.00", "0.000")


def test_the_same_seed_says_the_same_and_a_recorder_writes_it_down() -> None:
    one, other = (Venue(7, is_perp=True).frames(9, 2) for _ in range(2))
    assert one == other != Venue(8, is_perp=True).frames(9, 2)
    lines = written(one).splitlines()
    assert len(lines) == 19 and lines[0].startswith(b"1700000000103000000 {")
    stamps = [one.received_ns for one in one]
    assert all(after >= before for before, after in pairwise(stamps))
