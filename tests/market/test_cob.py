"""The consolidated book by the second: buckets against a plain sum, seconds that are missing, rings that turn, and what a heatmap shows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.config.loading import load
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.kernel import rows
from metastackerbandit.market.book import BookRow, put
from metastackerbandit.market.cob import (
    AVERAGED,
    COLUMNS,
    LENGTH,
    NEAR,
    RADIUS,
    Cob,
    CobTerms,
    average_back,
    bucket_width,
    close_second,
    empty_cob,
    fill_side,
    heatmap,
    leaning,
    newest,
    width_of,
)
from metastackerbandit.market.settings import CobSettings
from tests.covering import covers

UNIT = 0.001
FIRST = 1_700_000_123

Side = dict[int, int]
Books = list[tuple[Side, Side] | None]


def cob_of(width: int, venues: int = 1) -> Cob:
    """Rings of one instrument."""
    terms = rows(CobTerms, 1)
    terms[0]["width"], terms[0]["unit"] = width, UNIT
    return empty_cob(terms, venues)


def closed(cob: Cob, second: int, books: Books, known: tuple[int, int] = (0, 0)) -> None:
    """End a second with these books, `known` so far on each side; None is one that cannot be trusted."""
    row, bids, asks = rows(BookRow, len(books)), np.zeros((len(books), 64, 2), np.int64), np.zeros((len(books), 64, 2), np.int64)
    live = np.array([book is not None for book in books])
    for v, book in enumerate(books):
        for name, side, sign, levels in zip(("bids", "asks"), (bids, asks), (1, -1), book or ({}, {}), strict=True):
            count = 0
            for ticks, lots in levels.items():
                count = put(side[v], count, sign, ticks, lots)
            row[v][name] = count
        row[v]["known_bid"], row[v]["known_ask"] = known
    close_second(cob, 0, second, live, row, bids, asks)


def shown(cob: Cob, name: str, second: int, venue: int = 0) -> np.ndarray:
    """One side's columns of one second; both copies agree."""
    ring = getattr(cob, name)[0, venue]
    assert np.array_equal(ring[second % LENGTH], ring[second % LENGTH + LENGTH], equal_nan=True)
    columns: np.ndarray = ring[second % LENGTH]
    return columns


def plain(book: tuple[Side, Side], width: int, centre: int) -> list[np.ndarray]:
    """Both sides by bucket, summed one level at a time."""
    sides = []
    for levels in book:
        columns = np.zeros(COLUMNS)
        for ticks, lots in levels.items():
            if abs(ticks // width - centre) <= RADIUS:
                columns[ticks // width - centre + RADIUS] += ticks * lots * UNIT
        sides.append(columns)
    return sides


BOOK = st.integers(300, 900).flatmap(
    lambda middle: st.tuples(
        st.dictionaries(st.integers(middle - 250, middle - 1), st.integers(1, 999), min_size=1, max_size=30),
        st.dictionaries(st.integers(middle, middle + 250), st.integers(1, 999), min_size=1, max_size=30),
    )
)


@given(
    book=BOOK, width=st.integers(1, 30), sign=st.sampled_from([1, -1]), known=st.integers(0, 900), off=st.integers(-45, 45), unit=st.floats(1e-9, 1e3)
)
def test_a_side_s_amounts_are_each_level_s_added_from_the_best_to_the_bit(
    book: tuple[Side, Side], width: int, sign: int, known: int, off: int, unit: float
) -> None:
    levels = sorted(book[0 if sign > 0 else 1].items(), key=lambda level: sign * level[0])  # the best last
    side, out = np.array(levels, np.int64), np.full(COLUMNS, 7.0)
    centre = levels[-1][0] // width + off
    fill_side(side, len(side), sign, known, width, centre, unit, out)
    expected = np.zeros(COLUMNS)
    for ticks, lots in reversed(levels):
        if abs(ticks // width - centre) <= RADIUS:
            expected[ticks // width - centre + RADIUS] += ticks * lots * unit
    for column in range(COLUMNS):
        first = (centre - RADIUS + column) * width
        if known > 0 and (first < known if sign > 0 else first + width - 1 > known):
            expected[column] = math.nan
    assert np.array_equal(out, expected, equal_nan=True)


@given(book=BOOK, width=st.integers(1, 30))
def test_amounts_are_by_absolute_bucket_around_the_middle_s(book: tuple[Side, Side], width: int) -> None:
    cob = cob_of(width)
    closed(cob, FIRST, [book])
    middle = (max(book[0]) + min(book[1])) / 2
    place = FIRST % LENGTH
    assert (cob.mids[0, place], cob.centres[0, place], cob.seconds[0, place]) == (middle, middle // width, FIRST)
    assert cob.spreads[0, place] == pytest.approx((min(book[1]) - max(book[0])) / middle * 1e4)
    bids, asks = plain(book, width, int(middle // width))
    assert shown(cob, "bids", FIRST) == pytest.approx(bids) and shown(cob, "asks", FIRST) == pytest.approx(asks)
    shift = math.ceil(middle) // width - int(middle // width)
    near, above = (slice(RADIUS - NEAR + by, RADIUS + NEAR + 1 + by) for by in (0, shift))
    bid, ask = bids[near].sum(), asks[above].sum()
    assert cob.row[0].imbalance == (pytest.approx((bid - ask) / (bid + ask)) if bid + ask else pytest.approx(math.nan, nan_ok=True))


@given(books=st.lists(BOOK, min_size=2, max_size=3), trusted=st.lists(st.booleans(), min_size=3, max_size=3))
def test_venues_are_summed_where_they_can_be_trusted(books: list[tuple[Side, Side]], trusted: list[bool]) -> None:
    cob = cob_of(10, len(books))
    told: Books = [book if is_live else None for book, is_live in zip(books, trusted, strict=False)]
    closed(cob, FIRST, told)
    live = [book for book in told if book is not None]
    volume = heatmap(cob, 0, seconds=1, radius=RADIUS, metric="volume").values[0]
    if not live:
        assert np.isnan(volume).all() and math.isnan(heatmap(cob, 0, seconds=1).mids[0])
        return
    centre = int((max(max(bids) for bids, _ in live) + min(min(asks) for _, asks in live)) / 2 // 10)
    assert volume == pytest.approx(sum(sum(plain(book, 10, centre)) for book in live))
    for v, book in enumerate(told):
        alone = heatmap(cob, 0, seconds=1, radius=RADIUS, metric="volume", venues=(v,)).values[0]
        assert np.isnan(alone).all() if book is None else alone == pytest.approx(sum(plain(book, 10, centre)))


FLAT: tuple[Side, Side] = ({500: 3}, {501: 1})
TILTED: tuple[Side, Side] = ({500: 1}, {501: 9})


@given(known=st.lists(st.booleans(), min_size=1, max_size=700))
def test_seconds_that_nothing_is_known_of_are_rows_of_nan_and_averages_leave_them_out(known: list[bool]) -> None:
    cob = cob_of(10)
    values = {}
    for n, is_known in enumerate(known):
        book = FLAT if n % 3 else TILTED
        closed(cob, FIRST + n, [book if is_known else None])
        amounts = [sum(ticks * lots for ticks, lots in side.items()) for side in book]
        values[FIRST + n] = (amounts[0] - amounts[1]) / sum(amounts) if is_known else math.nan
    last = FIRST + len(known) - 1
    for seconds in AVERAGED:
        past = [values.get(last - n, math.nan) for n in range(seconds)]
        told = [value for value in past if not math.isnan(value)]
        expected = sum(told) / len(told) if told else math.nan
        assert cob.row[0][f"average_{seconds}"] == pytest.approx(expected, nan_ok=True)
    assert cob.row[0].average_1 == pytest.approx(cob.row[0].imbalance, nan_ok=True)
    picture = heatmap(cob, 0)
    assert picture.times.tolist() == list(range(last - LENGTH + 1, last + 1))
    assert [not math.isnan(mid) for mid in picture.mids] == [not math.isnan(values.get(int(at), math.nan)) for at in picture.times]


@given(gap=st.integers(1, 900))
def test_seconds_that_were_skipped_are_missing_and_old_ones_do_not_come_back(gap: int) -> None:
    cob = cob_of(10)
    closed(cob, FIRST, [FLAT])
    closed(cob, FIRST + gap, [FLAT])
    mids = heatmap(cob, 0).mids
    expected = {LENGTH - 1} | ({LENGTH - 1 - gap} if gap < LENGTH else set())
    assert set(np.flatnonzero(~np.isnan(mids))) == expected
    before = [array.copy() for array in cob]
    closed(cob, FIRST + gap, [TILTED])  # a second that was written stays
    assert all(np.array_equal(one, other, equal_nan=one.dtype.kind == "f") for one, other in zip(before[2:], cob[2:], strict=True))


def test_a_heatmap_shows_the_book_that_stood() -> None:
    cob = cob_of(10)
    closed(cob, FIRST, [({500: 3, 495: 2, 400: 7}, {501: 1, 511: 4})])
    picture = heatmap(cob, 0, seconds=1, radius=1)
    assert picture.prices.tolist() == [-1, 0, 1]
    assert picture.values[0] == pytest.approx([1.0, (1_500 - 501) / 2_001, -1.0])
    assert heatmap(cob, 0, seconds=1, radius=0, metric="volume").values[0] == pytest.approx([2.001])
    assert heatmap(cob, 0, seconds=2, radius=1, metric="spread").values == pytest.approx(
        np.array([[math.nan] * 3, [1 / 500.5 * 1e4] * 3]), nan_ok=True
    )
    assert np.isnan(heatmap(cob, 0, seconds=1, radius=5).values[0]).tolist() == [True] * 4 + [False] * 3 + [True] * 4


def test_buckets_beyond_what_the_snapshot_told_are_not_known() -> None:
    cob = cob_of(10)
    closed(cob, FIRST, [({500: 3, 440: 2}, {501: 1, 560: 4})], (455, 549))
    bids, asks = shown(cob, "bids", FIRST), shown(cob, "asks", FIRST)
    assert np.flatnonzero(~np.isnan(bids)).tolist() == list(range(RADIUS - 4, COLUMNS))  # 460 is the first bucket that is known from end to end
    assert np.flatnonzero(~np.isnan(asks)).tolist() == list(range(RADIUS + 5))
    volume = heatmap(cob, 0, seconds=1, radius=6, metric="volume").values[0]
    assert np.isnan(volume).tolist() == [True] * 2 + [False] * 9 + [True] * 2
    assert math.isnan(cob.row[0].imbalance)  # the fifth bucket away is not known
    closed(cob, FIRST + 1, [({500: 3}, {501: 1})], (450, 559))
    assert cob.row[0].imbalance == pytest.approx((1_500 - 501) / 2_001)


def test_the_newest_rows_are_a_view() -> None:
    cob = cob_of(10)
    for n in range(450):
        closed(cob, FIRST + n, [FLAT])
    mids = heatmap(cob, 0).mids
    assert np.shares_memory(mids, cob.mids) and not np.isnan(mids).any()


@pytest.mark.parametrize("asked", [{"metric": "depth"}, {"seconds": 0}, {"seconds": LENGTH + 1}, {"radius": RADIUS + 1}, {"radius": -1}])
def test_what_is_not_kept_cannot_be_asked_for(asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="one of imbalance, volume, spread, 1 to 300, 0 to 20"):
        heatmap(cob_of(10), 0, **asked)


def test_a_bucket_is_as_wide_as_prices_move_within_bounds_or_as_the_user_says() -> None:
    assert bucket_width(64_000.0, 0.1) == 128  # 2 bp
    assert bucket_width(64_000.0, 0.1, 0.004) == 192  # 1.5 * 0.4 % / 20 is 3 bp
    assert bucket_width(64_000.0, 0.1, 0.0001) == 32  # at least half a basis point
    assert bucket_width(64_000.0, 0.1, 0.5) == 640  # at most ten
    assert bucket_width(64_000.0, 0.1, 0.004, 10.0) == 100
    assert bucket_width(3_000.0, 0.01, fixed=1.0) == 100
    assert bucket_width(0.5, 0.1) == 1
    assert bucket_width(100.0, 0.03, fixed=1.0) == 34  # rounded up to whole ticks


def test_an_average_of_what_is_not_known_is_not_known() -> None:
    values = np.array([math.nan, 1.0, 3.0, math.nan])
    assert average_back(values, 3, 3) == 2.0 and math.isnan(average_back(values, 3, 1)) and average_back(values, 2, 2) == 2.0


@given(book=BOOK)
def test_a_width_that_nobody_chose_is_two_basis_points_of_the_first_price(book: tuple[Side, Side]) -> None:
    cob = cob_of(0)
    bids, asks = ({ticks * 1_000: lots for ticks, lots in side.items()} for side in book)
    closed(cob, FIRST, [(bids, asks)])
    middle = (max(bids) + min(asks)) / 2
    width = int(cob.terms[0].width)
    assert width == bucket_width(middle, 1.0) == max(math.ceil(middle * 2e-4 - 1e-9), 1)
    closed(cob, FIRST + 1, [({900_000: 1}, {900_001: 1})])
    assert cob.terms[0].width == width  # and stays


@covers("2.011", "2.012", "2.013", "2.014", "B14")
def test_a_symbol_s_bucket_is_as_configured_else_by_the_rule() -> None:
    configured = load(sets=["cob.bucket={ BTCUSDT = 10.0, ETHUSDT = 1.0 }"]).config.cob
    assert width_of("BTCUSDT", configured, 64_000.0, 0.1) == 100 and width_of("ETHUSDT", configured, 3_000.0, 0.01) == 100
    assert width_of("SOLUSDT", configured, 64_000.0, 0.1) == bucket_width(64_000.0, 0.1) == 128
    assert width_of("BTCUSDT", CobSettings(), 64_000.0, 0.1, 0.004) == bucket_width(64_000.0, 0.1, 0.004) == 192
    for wrong in ("{ BTCUSDT = 0 }", "{ BTCUSDT = -1.0 }", "{ BTCUSDT = nan }", "{ BTCUSDT = inf }", "10", '{ BTCUSDT = "ten" }'):
        with pytest.raises(ConfigRefused, match=r"cob\.bucket"):
            load(sets=[f"cob.bucket={wrong}"])


@covers("B09")
@given(bid=st.integers(100_000, 200_000), width=st.integers(1, 4), gap=st.integers(1, 4))
def test_equal_sides_are_no_imbalance_wherever_the_middle_lies(bid: int, width: int, gap: int) -> None:
    """The same on both sides, level by level: what is left is what prices differ by, and where buckets begin."""
    cob = cob_of(width)
    closed(cob, FIRST, [({bid - n: 10 for n in range(60)}, {bid + gap + n: 10 for n in range(60)})])
    levels = 5.5 * width  # about as many of each side count
    assert abs(cob.row[0].imbalance) <= (width - 1) / levels + 1e-3


@given(book=BOOK, step=st.integers(1, 40))
def test_a_width_by_the_rule_is_of_whole_steps(book: tuple[Side, Side], step: int) -> None:
    """Venues whose ticks are coarser have the same number of them in every bucket."""
    cob = cob_of(0)
    cob.terms[0]["step"] = step
    bids, asks = ({ticks * 1_000: lots for ticks, lots in side.items()} for side in book)
    closed(cob, FIRST, [(bids, asks)])
    middle, width = (max(bids) + min(asks)) / 2, int(cob.terms[0].width)
    assert width % step == 0 and width - step < max(middle * 2e-4, 1e-9) <= width + 1e-6


def lived(moves: np.ndarray, start: int, scale: float = 1.0, width: int = 0) -> list[int]:
    """The width of buckets after each second, from `start` on, of a book whose middle goes by these moves of its log (NaN: not trusted)."""
    cob, seen = cob_of(width), []
    row, sides = rows(BookRow, 1), np.ones((2, 1, 1, 2), np.int64)
    row[0]["bids"] = row[0]["asks"] = 1
    mids = scale * np.exp(np.cumsum(np.nan_to_num(moves)))
    for n, mid in enumerate(np.rint(mids).astype(np.int64).tolist()):
        sides[0, 0, 0, 0], sides[1, 0, 0, 0] = mid - 1, mid + 1
        close_second(cob, 0, start + n, ~np.isnan(moves[n : n + 1]), row, sides[0], sides[1])
        seen.append(int(cob.terms[0].width))
    return seen


DAY = 86_400
MIDNIGHT = 19_676 * DAY
BEFORE = 4_500  # seconds told of the day before


@settings(max_examples=5)
@given(seed=st.integers(0, 10**6), sigma=st.floats(1e-5, 3e-4))
def test_a_day_s_width_is_as_the_day_before_moved_and_is_not_changed_by_the_day_itself(seed: int, sigma: float) -> None:
    """No look-ahead: until midnight it is 2 bp of the first price; from then on 1.5 / 20 of the root mean square of moves over five minutes."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0.0, sigma, BEFORE + 60)
    moves[rng.random(len(moves)) < 0.02] = math.nan
    moves[0] = moves[BEFORE] = 0.0
    widths = lived(moves, MIDNIGHT - BEFORE, 1e9)
    path = np.where(np.isnan(moves), math.nan, np.log(np.rint(1e9 * np.exp(np.cumsum(np.nan_to_num(moves))))))
    told = path[300:BEFORE] - path[: BEFORE - 300]
    volatility = math.sqrt(np.nanmean(told * told))
    assert set(widths[:BEFORE]) == {bucket_width(round(math.exp(path[0])), 1.0)}
    (wide,) = set(widths[BEFORE:])
    assert wide == pytest.approx(bucket_width(math.exp(path[BEFORE]), 1.0, volatility), rel=1e-6)
    moves[BEFORE + 1 :] = rng.normal(0.0, 30 * sigma, 59)
    assert lived(moves, MIDNIGHT - BEFORE, 1e9) == widths
    doubled = lived(moves, MIDNIGHT - BEFORE, 2e9)  # scale-free: prices twice as high have buckets twice as wide, each rounded up to a whole tick
    assert abs(doubled[0] - 2 * widths[0]) <= 2 and abs(doubled[-1] - 2 * wide) <= 2


def test_a_width_changes_at_midnight_alone_and_only_once_an_hour_was_seen() -> None:
    moves = np.random.default_rng(1).normal(0.0, 1e-4, 2 * DAY // 10)
    short = lived(moves[:4_200], MIDNIGHT - 3_899, 1e9)  # 3,599 moves over five minutes ended before midnight
    assert len(set(short)) == 1
    enough = lived(moves[:4_200], MIDNIGHT - 3_900, 1e9)
    assert len(set(enough[:3_900])) == len(set(enough[3_900:])) == 1 and enough[0] != enough[-1]
    chosen = lived(moves[:4_200], MIDNIGHT - 3_900, 1e9, width=77_000)
    assert set(chosen) == {77_000}  # what somebody chose stays


def test_seconds_in_buckets_of_another_width_are_not_shown_beside_the_newest() -> None:
    cob = cob_of(0)
    for second in (MIDNIGHT - 2, MIDNIGHT - 1):
        closed(cob, second, [({1_000_000: 3}, {1_000_001: 1})])
    cob.row[0]["moves"], cob.row[0]["squares"] = 3_600, 3_600 * 0.004**2  # a day that moved by 0.4 % in five minutes
    closed(cob, MIDNIGHT, [({1_000_000: 3}, {1_000_001: 1})])
    assert cob.widths[0, newest(cob, 0, 3)].tolist() == [201, 201, 301]
    for metric, known in (("volume", [False, False, True]), ("spread", [True, True, True])):
        shown = heatmap(cob, 0, seconds=3, metric=metric)
        assert (~np.isnan(shown.values[:, 10])).tolist() == known and not np.isnan(shown.mids).any()


@covers("2.070")
@given(books=st.lists(st.tuples(BOOK, BOOK, st.booleans(), st.booleans()), min_size=1, max_size=5), width=st.integers(1, 30))
def test_the_imbalance_of_some_venues_is_that_of_their_amounts_around_the_common_middle(
    books: list[tuple[tuple[Side, Side], tuple[Side, Side], bool, bool]], width: int
) -> None:
    cob = cob_of(width, 2)
    for n, (one, other, has_one, has_other) in enumerate(books):
        closed(cob, FIRST + n, [one if has_one else None, other if has_other else None])
    assert np.shares_memory(leaning(cob, 0), cob.imbalances)
    assert leaning(cob, 0, venues=(0, 1)).tobytes() == leaning(cob, 0).tobytes()
    for v, has in ((0, 2), (1, 3)):
        told = leaning(cob, 0, len(books), (v,))
        for n, given_books in enumerate(books):
            place = (FIRST + n) % LENGTH
            if not given_books[has]:
                assert math.isnan(told[n])
                continue
            shift = math.ceil(cob.mids[0, place]) // width - int(cob.centres[0, place])
            bids, asks = cob.bids[0, v, place], cob.asks[0, v, place]
            bid, ask = bids[RADIUS - NEAR : RADIUS + NEAR + 1].sum(), asks[RADIUS - NEAR + shift : RADIUS + NEAR + 1 + shift].sum()
            assert told[n] == pytest.approx((bid - ask) / (bid + ask) if bid + ask > 0 else math.nan, nan_ok=True)
