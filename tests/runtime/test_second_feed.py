"""Captures by the second: recorded order flow is the venue's own, every trade counts once, and what was lost says nothing."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import DEPTH
from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.exchanges.continuity import APPLY
from metastackerbandit.features.batch import features_over
from metastackerbandit.features.catalog import FEATURES
from metastackerbandit.market.micro import empty_micro
from metastackerbandit.runtime.book_feed import feeds_of
from metastackerbandit.runtime.capture_check import check_capture
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.runtime.cob_feed import consolidated_of
from metastackerbandit.runtime.frame_walk import frames_of, walking
from metastackerbandit.runtime.second_feed import MOST_SILENT, follow, seconds_of, whole_seconds
from metastackerbandit.runtime.venue_captures import VenueBook
from metastackerbandit.storage.captures import read_capture
from tests.exchanges.binance.venue import START_NS, Told, Venue, written
from tests.features.scenes import market
from tests.markets import instrument
from tests.shared import shared_data

RECORDED = {
    "usdm 2024-08": ("usdm_btcusdt_20240808.gz",),
    "usdm 2024-07": ("usdm_btcusdt_20240718.gz", "usdm_btcusdt_20240719.gz"),
    "usdm 2023-04": ("usdm_btcusdt_20230404.gz", "usdm_btcusdt_20230405.gz"),
    "spot 2024-08": ("spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"),
    "cm 2024-08": ("cm_btcusd_perp_20240808.gz", "cm_btcusd_perp_20240809.gz"),
}


def captured(told: list[Told], folder: Path) -> Capture:
    path = folder / "capture.log"
    path.write_bytes(written(told))
    return read_capture([path])


def made(told: list[Told], folder: Path) -> np.ndarray:
    """The seconds of made frames."""
    return seconds_of(captured(told, folder), [instrument("BTCUSDT", "perp", "BINANCE")])


def traded(number: int, after_ns: int, lots: int, is_sold: bool, price: str = "100.0") -> Told:
    body = {"e": "trade", "E": 1, "s": "BTCUSDT", "t": number, "p": price, "q": f"0.{lots:03d}", "T": 1, "m": is_sold}
    return Told(START_NS + after_ns, json.dumps(body, separators=(",", ":")).encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("captures")


@cache
def recorded(name: str) -> tuple[Capture, tuple[Instrument, ...], np.ndarray]:
    """A recorded capture, its instrument, and its seconds."""
    capture = read_capture([shared_data() / "ws_captures" / "binance" / file for file in RECORDED[name]])
    instruments = instruments_in(capture)
    return capture, instruments, seconds_of(capture, instruments)


@given(seed=st.integers(0, 10**6), cut=st.integers(1, 9))
@settings(max_examples=15)
def test_seconds_add_up_whenever_frames_come(seed: int, cut: int, folder: Path) -> None:
    """The same changes in other seconds: order flow, what came and went, and trades are the same in all."""
    venue = Venue(seed, is_perp=True)
    told = [venue.snapshot(), *venue.frames(50, -1)]
    for n in range(20):
        told.append(traded(n + 1, 700_000_000 + 200_000_000 * n, n + 1, is_sold=n % 3 == 0))
    told.sort(key=lambda one: one.received_ns)
    apart = [Told(one.received_ns + cut * 100_000_000, one.text) for one in told]
    ends = [Told(one[-1].received_ns + 2 * SECOND_NS, b"{}") for one in (told, apart)]  # a frame that says nothing ends the last seconds
    first, second = made([*told, ends[0]], folder), made([*apart, ends[1]], folder)
    for name in ("trades", "bought_lots", "sold_lots"):
        assert first[name].sum() == second[name].sum() > 0, name
    assert first["bought_lots"].sum() + first["sold_lots"].sum() == sum(range(1, 21))
    assert first["is_trusted"].tolist()[1:] == [1] * (len(first) - 1) and first["is_trusted"][0] == 0  # it begins within the first
    assert (first["known_ns"] >= first["closed_ns"]).all() and (np.diff(first["second"]) == 1).all()


def test_a_lost_change_makes_seconds_untrusted_until_the_second_after_the_next_snapshot(folder: Path) -> None:
    venue = Venue(5, is_perp=True)
    told = [venue.snapshot(), *venue.frames(30, -1)]
    changes = [n for n, one in enumerate(told) if one.is_change]
    del told[changes[15]]
    more = [venue.snapshot(), *venue.frames(30, -1), Told(START_NS + 9 * SECOND_NS, b"{}")]
    seconds = made([*told, *more], folder)
    trusted = dict(zip((seconds["second"] - START_NS // SECOND_NS).tolist(), seconds["is_trusted"].tolist(), strict=True))
    assert trusted == {0: 0, 1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1}
    assert np.isnan(seconds["ofi_1"][seconds["is_trusted"] == 0]).all() and np.isfinite(seconds["ofi_1"][seconds["is_trusted"] == 1]).all()
    assert (seconds["score"] > 0.0).tolist() == [True, False, False, True, True, True, True, True, True]


def test_silence_is_written_as_long_as_somebody_could_have_heard_something(folder: Path) -> None:
    venue = Venue(6, is_perp=True)
    told = [venue.snapshot(), *venue.frames(15, -1), Told(START_NS + 1_000 * SECOND_NS, b"{}")]
    seconds = made(told, folder)
    assert len(seconds) == whole_seconds(np.array([one.received_ns for one in told])) == 2 + MOST_SILENT
    assert (seconds["second"][[0, 1, 2, -1]] - START_NS // SECOND_NS).tolist() == [0, 1, 700, 999]
    assert seconds["updates"][1] > 0 and seconds["updates"][2:].sum() == 0 and seconds["is_trusted"][1:].all()
    assert (seconds["known_ns"][1:] == START_NS + 1_000 * SECOND_NS).all()
    assert whole_seconds(np.zeros(0, np.int64)) == 0


@kernel
def note(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """Follow the frame, and note the flow of each change of the book.

    `mine` is a Micro, how many were noted (1,), and flows (F, 2) of the update id and the best level's order flow. A plain tuple: binaries of kernels
    that the program shares are cached, and must not name types of the tests.
    """
    micro, count, flows = mine
    micro.flows[0, 0] = 0.0
    follow(micro, market, received_ns, kind, is_again)
    if kind == DEPTH and market.feeds[0].verdict == APPLY:
        flows[count[0], 0] = market.feeds[0].last_id
        flows[count[0], 1] = micro.flows[0, 0]
        count[0] += 1


COMPARED = {"usdm 2024-07": 48, "spot 2024-08": 175}  # such changes there are


@pytest.mark.parametrize("name", COMPARED)
def test_order_flow_is_that_of_the_venues_own_best_prices(name: str) -> None:
    """Between two changes in a row whose update ids the venue's bookTicker shares, both give the same flow of the best level."""
    capture, instruments, _ = recorded(name)
    count, flows = np.zeros(1, np.int64), np.zeros((len(capture.starts), 2))
    walking("BINANCE", note)(frames_of(capture, instruments), feeds_of(instruments), (empty_micro(1), count, flows))
    told = flows[: count[0]]
    quotes = bests(capture, instruments[0].tick_size, instruments[0].lot_size)
    compared = []
    for (last, _), (now, flow) in zip(told[:-1].tolist(), told[1:].tolist(), strict=True):
        if last in quotes and now in quotes and not math.isnan(flow):
            compared.append((flow, flow_between(quotes[int(last)], quotes[int(now)])))
    assert len(compared) == COMPARED[name] and len({flow for flow, _ in compared}) > 20
    assert [ours for ours, _ in compared] == [theirs for _, theirs in compared]


def bests(capture: Capture, tick: str, lot: str) -> dict[int, tuple[int, int, int, int]]:
    """Update id -> best bid, its lots, best ask, its lots, by a plain JSON reader."""
    found = {}
    for place in range(len(capture.starts)):
        text = capture.frame(place)
        if b"bookTicker" in text[:60]:
            data = json.loads(text)["data"]
            prices, sizes = ((round(float(data[key]) / float(step)) for key in keys) for keys, step in (("ba", tick), ("BA", lot)))
            (bid, ask), (bid_lots, ask_lots) = prices, sizes
            found[data["u"]] = (bid, bid_lots, ask, ask_lots)
    return found


def flow_between(old: tuple[int, int, int, int], new: tuple[int, int, int, int]) -> float:
    """Cont, Kukanov and Stoikov's e, with its indicators."""
    (b0, q0, a0, r0), (b1, q1, a1, r1) = old, new
    return (b1 >= b0) * q1 - (b1 <= b0) * q0 - (a1 <= a0) * r1 + (a1 >= a0) * r0


@pytest.mark.parametrize("name", ["usdm 2024-07", "spot 2024-08"])
def test_every_recorded_trade_and_change_is_in_one_second(name: str) -> None:
    capture, instruments, seconds = recorded(name)
    (book,) = check_capture(capture, instruments).books
    last = capture.received_ns >= (seconds["second"][-1] + 1) * SECOND_NS
    trades = sum(b'"e":"trade"' in capture.frame(n)[:80] for n in np.flatnonzero(last).tolist())
    assert seconds["trades"].sum() == book["trades"] - trades
    assert (seconds["bought"] + seconds["sold"] == seconds["trades"]).all()
    trusted = seconds[seconds["is_trusted"] == 1]
    assert len(trusted) >= 0.85 * len(seconds)
    assert (trusted["bid_ticks"] < trusted["microprice"]).all() and (trusted["microprice"] < trusted["ask_ticks"]).all()
    assert (trusted["score"] > 0.7).all()


def test_the_consolidated_imbalance_is_that_of_the_rings() -> None:
    capture, instruments, seconds = recorded("usdm 2024-08")
    cob = consolidated_of([VenueBook(capture, instruments)]).cob
    window = seconds[-200:]
    expected = cob.imbalances[0, window["second"] % 300]
    trusted = window["is_trusted"] == 1
    assert trusted.sum() > 150 and window["cob_imbalance"][trusted].tobytes() == expected[trusted].tobytes()


# Contemporaneous R2 of the change of the log middle price: on the order flow of the best level, and on that of five levels (least squares).
EXPLAINED = {
    "usdm 2024-08": ((0.35, 0.39), (0.41, 0.45)),
    "usdm 2024-07": ((0.57, 0.66), (0.82, 0.89)),
    "usdm 2023-04": ((0.35, 0.44), (0.47, 0.56)),
    "spot 2024-08": ((0.43, 0.48), (0.48, 0.57)),
    "cm 2024-08": ((0.53, 0.58), (0.69, 0.73)),
}


@pytest.mark.parametrize("name", RECORDED)
def test_order_flow_explains_recorded_price_changes(name: str) -> None:
    *_, seconds = recorded(name)
    for length, expected in zip((1, 10), EXPLAINED[name], strict=True):
        assert explained(seconds, length) == pytest.approx(expected, abs=0.006)


def explained(seconds: np.ndarray, length: int) -> tuple[float, float]:
    """R2 over stretches of so many seconds, by the best level's flow and by five levels'."""
    count = len(seconds) // length * length
    changes = np.diff(np.log(seconds["mid"][length - 1 : count : length]))
    flows = np.stack([seconds[f"ofi_{m}"][:count].reshape(-1, length).sum(axis=1)[1:] for m in range(1, 6)], axis=1)
    known = np.isfinite(changes) & np.isfinite(flows).all(axis=1)
    found = []
    for levels in (1, 5):
        terms = np.column_stack([np.ones(known.sum()), flows[known, :levels]])
        left = changes[known] - terms @ np.linalg.lstsq(terms, changes[known], rcond=None)[0]
        found.append(1.0 - float(left @ left) / float(((changes[known] - changes[known].mean()) ** 2).sum()))
    return found[0], found[1]


def test_recorded_seconds_make_every_feature_of_the_book() -> None:
    """Eight minutes of 2024-07-19: bars of a minute, known two seconds after their end."""
    *_, seconds = recorded("usdm 2024-07")
    start = int(seconds["closed_ns"][0]) // MINUTE_NS * MINUTE_NS
    bars = market(3, 8, frame_ns=MINUTE_NS, start_ns=start)
    bars["known_ns"] += 2 * SECOND_NS
    table = features_over(bars, MINUTE_NS, None, has_volume=True, has_flow=True, seconds=seconds)
    valid = table.valid[:, [spec.needs == "book" for spec in FEATURES]]
    assert valid.any(axis=0).all() and valid[-1].sum() >= 48
