"""Several venues as one book: each venue's part is what its own messages say, in common buckets, and nothing of another time."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.market.cob import COLUMNS, RADIUS, heatmap, newest, resting
from metastackerbandit.runtime.book_feed import feeds_of
from metastackerbandit.runtime.capture_rules import codec_in, instruments_in
from metastackerbandit.runtime.cob_feed import Consolidated, consolidated_of
from metastackerbandit.runtime.frame_walk import frames_of, walking
from metastackerbandit.runtime.second_feed import close_seconds, hear, second_feed
from metastackerbandit.runtime.venue_captures import VenueBook
from metastackerbandit.storage.captures import read_capture
from tests.covering import covers
from tests.exchanges.binance.venue import START_NS, Told, Venue, written
from tests.shared import shared_data

FIRST = START_NS // SECOND_NS
NAMES = ("bids", "asks")
Side = dict[Decimal, Decimal]


def pictures(seed: int, count: int) -> list[Told]:
    """Hyperliquid's pictures of a book in whole steps of 1 around 100, three a second."""
    rng = np.random.default_rng(seed)
    told = []
    for n in range(count):
        at_ns = START_NS + n * 333_000_000
        sides = ((99, 98, 95, 92), (101, 102, 106, 109)) if rng.random() < 0.5 else ((100, 97, 94), (102, 103, 105))
        levels = [[{"px": f"{price}.0", "sz": f"{int(rng.integers(1, 900)) / 100}", "n": 1} for price in side] for side in sides]
        book = {"channel": "l2Book", "data": {"coin": "BTC", "time": at_ns // 1_000_000, "levels": levels}}
        told.append(Told(at_ns + 40_000_000, json.dumps(book, separators=(",", ":")).encode(), True))
    return told


def book_of(told: list[Told], folder: Path) -> VenueBook:
    path = folder / "capture.log"
    path.write_bytes(written(told))
    capture = read_capture([path])
    return VenueBook(capture, instruments_in(capture))


def plain(told: list[Told], second: int) -> tuple[Side, Side, Decimal, Decimal] | None:
    """A venue's book at the end of a second as its own messages say, and the farthest prices that they told of; None: none was told."""
    sides: tuple[Side, Side] = ({}, {})
    reach: tuple[Decimal, Decimal] | None = None
    for one in told:
        if one.received_ns >= (second + 1) * SECOND_NS or not (one.is_change or one.is_snapshot):
            continue
        body = json.loads(one.text)
        body = body.get("data", body)
        if "levels" in body or one.is_snapshot:
            levels = [[(level["px"], level["sz"]) for level in side] for side in body["levels"]] if "levels" in body else [body["bids"], body["asks"]]
            sides = tuple({Decimal(price): Decimal(size) for price, size in side} for side in levels)  # type: ignore[assignment]
            reach = min(sides[0]), max(sides[1])
        elif reach is not None:
            for side, changed in zip(sides, (body["b"], body["a"]), strict=True):
                side.update({Decimal(price): Decimal(size) for price, size in changed})
    return None if reach is None else (*({price: size for price, size in side.items() if size} for side in sides), *reach)  # type: ignore[return-value]


def expected(
    book: tuple[Side, Side, Decimal, Decimal] | None, own_tick: Decimal, tick: Decimal, width: int, centre: int
) -> tuple[np.ndarray, np.ndarray]:
    """A venue's columns of both sides, level by level; NaN where a bucket holds a price of the venue beyond what was told of."""
    columns = np.zeros((2, COLUMNS))
    if book is None:
        columns[:] = np.nan
        return columns[0], columns[1]
    for n, side in enumerate(book[:2]):
        for price, size in side.items():
            column = int(price / tick // width) - centre + RADIUS
            if 0 <= column < COLUMNS:
                columns[n, column] += float(price * size)
    for column in range(COLUMNS):
        first = (centre + column - RADIUS) * width * tick
        if first <= book[2] - own_tick:
            columns[0, column] = np.nan
        if first + (width - 1) * tick >= book[3] + own_tick:
            columns[1, column] = np.nan
    return columns[0], columns[1]


@covers("2.059")
@given(seed=st.integers(0, 10**6), width=st.sampled_from([0, 3, 7, 20]), late=st.integers(1, 40))
@settings(max_examples=40)
def test_each_venue_s_part_is_what_its_own_messages_say_and_the_whole_is_their_sum(
    seed: int, width: int, late: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Spot and a perpetual in steps of 0.1, pictures of another venue in steps of 1; the perpetual's snapshot comes late."""
    folder = tmp_path_factory.getbasetemp()
    told = [Venue(seed, is_perp=False).frames(45, 2), Venue(seed + 1, is_perp=True).frames(60, late), pictures(seed, 14)]
    books = [book_of(one, folder) for one in told]
    made = consolidated_of(books, width)
    cob, tick = made.cob, made.steps.tick
    wide, end = int(cob.terms[0]["width"]), min(one[-1].received_ns for one in told) // SECOND_NS
    assert cob.row[0]["second"] == end and (wide == width or (width == 0 and wide == made.steps.step))
    for second in range(FIRST, end + 1):
        place = second % 300
        stand = [plain(one, second) for one in told]
        known = [one for one in stand if one is not None]
        if not known:
            assert np.isnan(cob.mids[0, place])
            continue
        bid, ask = (int(best / tick) for best in (max(max(one[0]) for one in known), min(min(one[1]) for one in known)))
        centre = (bid + ask) // (2 * wide)
        assert (cob.mids[0, place], cob.centres[0, place]) == ((bid + ask) / 2, centre)
        for v, one in enumerate(stand):
            bids, asks = expected(one, Decimal(books[v].instrument.tick_size), tick, wide, centre)
            assert cob.bids[0, v, place] == pytest.approx(bids, nan_ok=True) and cob.asks[0, v, place] == pytest.approx(asks, nan_ok=True)
        for side in (cob.bids, cob.asks):
            parts = side[0, :, place]
            whole = np.array([resting(parts, column) for column in range(COLUMNS)])
            assert whole == pytest.approx(np.where(np.isnan(parts).all(axis=0), np.nan, np.nansum(parts, axis=0)), nan_ok=True)


def test_what_comes_after_the_first_capture_s_end_is_not_looked_at(tmp_path: Path) -> None:
    told = Venue(1, is_perp=False).frames(30, 2), Venue(2, is_perp=True).frames(90, 2)
    short, whole = (book_of(one, tmp_path) for one in told)
    end_ns = (int(short.capture.received_ns[-1]) // SECOND_NS + 1) * SECOND_NS
    cut = book_of([one for one in told[1] if one.received_ns < end_ns], tmp_path)
    for one, other in zip(consolidated_of([short, whole]).cob, consolidated_of([short, cut]).cob, strict=True):
        assert one.tobytes() == other.tobytes()


@cache
def recorded(name: str) -> VenueBook:
    capture = read_capture([shared_data() / "ws_captures" / "binance" / f"{name}_btcusdt_20240808.gz"])
    return VenueBook(capture, instruments_in(capture))


@cache
def merged() -> Consolidated:
    """Spot and the perpetual of the last six minutes of 2024-08-08."""
    return consolidated_of([recorded("spot"), recorded("usdm")])


@covers("2.059", "2.070")
def test_recorded_spot_and_perpetual_make_one_book_of_which_each_is_its_own() -> None:
    """2024-08-08: in each of 300 seconds each venue's amounts are those that it has alone, by absolute bucket; the filter gives them back."""
    made = merged()
    cob, width = made.cob, int(made.cob.terms[0]["width"])
    assert (made.steps.ticks.tolist(), width % made.steps.step) == ([1, 10], 0)
    window = newest(cob, 0)
    for v, name in enumerate(("spot", "usdm")):
        alone = consolidated_of([recorded(name)], width // int(made.steps.ticks[v])).cob
        own = newest(alone, 0)
        assert np.array_equal(cob.seconds[0, window], alone.seconds[0, own])
        shift = cob.centres[0, window] - alone.centres[0, own]
        compared = 0
        for side in NAMES:
            part, whole = getattr(cob, side)[0, v, window], getattr(alone, side)[0, 0, own]
            for t in np.flatnonzero(abs(shift) <= COLUMNS // 2):
                by = int(shift[t])
                one, other = part[t, max(-by, 0) : COLUMNS - max(by, 0)], whole[t, max(by, 0) : COLUMNS + min(by, 0)]
                assert np.allclose(one, other, rtol=1e-12, atol=0.0, equal_nan=True)
                compared += int((~np.isnan(one)).sum())
        assert compared > 10_000
        shown = heatmap(cob, 0, radius=RADIUS, metric="volume", venues=(v,)).values
        assert np.array_equal(shown, cob.bids[0, v, window] + cob.asks[0, v, window], equal_nan=True)
    assert (cob.spreads[0, window] < 0).sum() == 300 and np.median(cob.spreads[0, window]) == pytest.approx(
        -3.73, abs=0.005
    )  # the basis of that hour


def test_recorded_a_venue_alone_is_the_book_that_models_are_given() -> None:
    """The rings of the one venue are those that the seconds of the same capture are made with, to the byte."""
    book = recorded("usdm")
    capture, instruments = book.capture, book.instruments
    end = int(capture.received_ns[-1]) // SECOND_NS * SECOND_NS  # the feed of seconds leaves the open one out
    kept = capture.received_ns < end
    cut = structs.replace(capture, **{name: getattr(capture, name)[kept] for name in ("starts", "ends", "received_ns", "asked")})
    alone = consolidated_of([VenueBook(cut, instruments)]).cob
    codec, mine = codec_in(capture, instruments), second_feed(capture.received_ns, instruments)
    walking(codec.venue, hear, close_seconds)(frames_of(capture, instruments), feeds_of(instruments, codec=codec), mine)
    for name, one, other in zip(alone._fields, alone, mine.cob, strict=True):
        assert name == "terms" or one.tobytes() == other.tobytes(), name
    assert alone.terms[0]["width"] == mine.cob.terms[0]["width"]


def moved(book: VenueBook, by_ns: int) -> VenueBook:
    """The same, received so much later."""
    capture: Capture = structs.replace(book.capture, received_ns=book.capture.received_ns + by_ns)
    return structs.replace(book, capture=capture)


def test_captures_of_different_times_are_refused(tmp_path: Path) -> None:
    one, other = (book_of(Venue(seed, is_perp=seed == 2).frames(30, 2), tmp_path) for seed in (1, 2))
    consolidated_of([one, moved(other, 2 * SECOND_NS)])
    with pytest.raises(DataRefused, match=r"binance-spot ends at 2023-11-14T22:13:23 UTC, binance-perp begins at 2023-11-14T22:14:20 UTC") as refused:
        consolidated_of([one, moved(other, 60 * SECOND_NS)])
    assert "capture.log" in refused.value.where and "same time" in refused.value.mend


def test_after_a_long_silence_of_all_the_last_seconds_that_are_kept_are_written(tmp_path: Path) -> None:
    """Hours between two frames cost no more than what the rings hold."""
    told = Venue(3, is_perp=True).frames(30, 2)
    late = [structs.replace(one, received_ns=one.received_ns + 400_000 * SECOND_NS) for one in told[-1:]]
    made = consolidated_of([book_of(told[:-1] + late, tmp_path)]).cob
    window = newest(made, 0)
    assert made.row[0]["second"] == late[0].received_ns // SECOND_NS
    assert np.array_equal(made.seconds[0, window], np.arange(made.row[0]["second"] - 299, made.row[0]["second"] + 1))
    assert not np.isnan(made.mids[0, window]).any()
