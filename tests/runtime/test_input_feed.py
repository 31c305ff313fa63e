"""A capture as inputs: one compiled loop gives the bytes that a live reader gets frame by frame, and nothing of what comes later."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.market_rows import TRADES
from metastackerbandit.domain.model_input import ModelInput, refuse_unusable
from metastackerbandit.exchanges.continuity import ANEW, GAP, WAIT
from metastackerbandit.features.catalog import FEATURES, NAMES
from metastackerbandit.features.input_schema import SCHEMA
from metastackerbandit.features.model_input import InputStream, Watched
from metastackerbandit.market.bars import take
from metastackerbandit.runtime.book_feed import take_of
from metastackerbandit.runtime.book_quality import judge
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.runtime.input_feed import inputs_of, market_of
from metastackerbandit.runtime.second_feed import close_seconds, follow
from metastackerbandit.storage.captures import read_capture
from tests.covering import covers
from tests.exchanges.binance.venue import START_NS, Told, Venue, written
from tests.markets import instrument
from tests.shared import shared_data

ONE = instrument("BTCUSDT", "perp", "BINANCE")
ALL = SCHEMA.names
SECOND = 10**9


def traded(seed: int, told: list[Told]) -> list[Told]:
    """The same frames with trades between them, some of which come late."""
    rng, found = np.random.default_rng(seed), []
    for number, one in enumerate(told, 1):
        found.append(one)
        if rng.random() < 0.7:
            stamp = one.received_ns // 1_000_000 - int(rng.integers(0, 40))
            price, size = f"{99.0 + rng.integers(0, 30) / 10:.2f}", f"{rng.integers(1, 900) / 1000:.3f}"
            body = {
                "e": "trade",
                "E": stamp,
                "T": stamp,
                "s": "BTCUSDT",
                "t": number,
                "p": price,
                "q": size,
                "X": "MARKET",
                "m": bool(rng.random() < 0.5),
            }
            text = json.dumps({"stream": "btcusdt@trade", "data": body}, separators=(",", ":")).encode()
            found.append(Told(one.received_ns + 1_000_000, text))
    return found


def captured(told: list[Told], folder: Path) -> Capture:
    path = folder / "inputs.log"
    path.write_bytes(written(told))
    return read_capture([path])


def live(capture: Capture, at_ns: list[int]) -> list[ModelInput]:
    """The inputs as a live reader gets them: a Python call a frame, the second closed and the stream advanced when its time has come."""
    kept, market = market_of(np.sort(np.concatenate((capture.received_ns, at_ns))), [ONE])
    stream = InputStream(ONE, 0, kept.bars, kept.cob, watched=Watched(kept.quality, kept.limits), lineage="recorded")
    step, waiting, found, due = take_of("BINANCE"), [], [], list(at_ns)

    def one(place: int, is_again: bool) -> None:
        frame, received_ns, alone = capture.frame(place), int(capture.received_ns[place]), int(capture.asked[place] >= 0) - 1
        kind = step(np.frombuffer(frame, np.uint8).copy(), len(frame), received_ns, alone, market)
        follow(kept.micro, market, received_ns, kind, is_again)
        judge(market, kept.quality, kept.limits[0], kind, received_ns, alone >= 0, is_again)
        if kind == TRADES and not is_again:
            for trade in market.decoded.trades[: market.decoded.found[0]["rows"]]:
                take(kept.bars, trade)
        elif kind == 1:
            verdict = market.feeds[0]["verdict"]
            if verdict in (WAIT, GAP):
                waiting.append(place)
            elif verdict == ANEW:
                again, waiting[:] = list(waiting), []
                for older in again:
                    one(older, True)

    def close(now_ns: int) -> None:
        first = int(kept.course[0]["written"])
        close_seconds(kept, market, 0, now_ns)
        stream.advance(now_ns)
        for n in range(first, int(kept.course[0]["written"])):
            stream.on_second(kept.out, n)

    def until(now_ns: int) -> None:
        while due and due[0] <= now_ns:
            close(due[0])
            found.append(stream.at(due.pop(0)))
        close(now_ns)

    for place in range(len(capture.starts)):
        until(int(capture.received_ns[place]))
        one(place, False)
    if due:
        until(due[-1])
    return found


def same(one: ModelInput, other: ModelInput) -> bool:
    """Whether two inputs are the same to the bit."""
    fields = ("at_ns", "known_ns", "notes")
    numbers = ("bucket", "price", "freshness", "consistency")
    return (
        all(getattr(one, name) == getattr(other, name) for name in fields)
        and np.array_equal([getattr(one, name) for name in numbers], [getattr(other, name) for name in numbers], equal_nan=True)
        and all(one.values[name].tobytes() == other.values[name].tobytes() and np.array_equal(one.valid[name], other.valid[name]) for name in ALL)
    )


def times(seed: int, count: int, span_s: float) -> list[int]:
    """Times at which somebody asks."""
    return sorted((START_NS + np.random.default_rng(seed).integers(0, round(span_s * SECOND), count)).tolist())


@settings(max_examples=3)
@given(seed=st.integers(0, 999), snapshot_at=st.integers(0, 60))
def test_history_in_one_loop_gives_the_bytes_that_a_live_reader_gets(seed: int, snapshot_at: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    capture = captured(traded(seed, Venue(seed, is_perp=True).frames(400, snapshot_at)), tmp_path_factory.getbasetemp())
    at_ns = times(seed, 9, 50.0)
    ours, each = inputs_of(capture, [ONE], "BTCUSDT", at_ns), live(capture, at_ns)
    assert len(ours) == len(each) == 9
    assert all(same(one, other) for one, other in zip(ours, each, strict=True))
    assert all(one.problems(ALL) == () for one in ours)
    assert ours[-1].valid["micro"].any() and ours[-1].valid["bars_1s"].any()


@settings(max_examples=3)
@given(seed=st.integers(0, 999), at=st.integers(5, 39))
def test_frames_that_come_at_or_after_its_time_cannot_change_an_input(seed: int, at: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    told = traded(seed, Venue(seed, is_perp=True).frames(400, 3))
    at_ns = START_NS + at * SECOND
    other = traded(seed + 1, Venue(seed + 1, is_perp=True).frames(400, 3))
    poisoned = [one for one in told if one.received_ns < at_ns] + [one for one in other if one.received_ns >= at_ns]
    honest, (changed,) = (inputs_of(captured(each, tmp_path_factory.getbasetemp()), [ONE], "BTCUSDT", [at_ns]) for each in (told, poisoned))
    assert same(honest[0], changed)


@covers("2.040")
def test_a_symbol_of_the_capture_may_be_the_reference_of_another_but_not_its_own(tmp_path: Path) -> None:
    both = traded(1, Venue(1, is_perp=True).frames(400, 3))
    second = [structs.replace(one, text=one.text.replace(b"BTCUSDT", b"ETHUSDT").replace(b"btcusdt", b"ethusdt")) for one in both]
    capture = captured(sorted([*both, *(one for one in second if not one.is_snapshot)], key=lambda one: one.received_ns), tmp_path)
    pair = [ONE, instrument("ETHUSDT", "perp", "BINANCE")]
    at_ns = [START_NS + 39 * SECOND]
    (eth,) = inputs_of(capture, pair, "ETHUSDT", at_ns, reference="BTCUSDT")
    (btc,) = inputs_of(capture, pair, "BTCUSDT", at_ns, reference="BTCUSDT")
    assert eth.valid["reference_1s"].any() and not btc.valid["reference_1s"].any()
    assert np.array_equal(eth.values["reference_1s"][:, 0], btc.values["bars_1s"][:, 0], equal_nan=True)
    assert not eth.valid["cob"].any() and not btc.valid["cob"].any()  # whose a reply without an address is, nobody can say
    untrusted = "no second of the consolidated book could be trusted yet: cob, cob_averages, heatmap and mids are masked"
    assert eth.notes == (untrusted,) and btc.notes == (untrusted, "there is no reference instrument, or this is it: reference_1s is masked")


def two_books(seeds: tuple[int, int], folder: Path, changed_from_ns: int = 2**62, other: int = 0) -> Capture:
    """Ether and bitcoin, each with its own snapshot by its address; from a time on bitcoin's frames are another market's."""

    def one(seed: int, symbol: str) -> list[Told]:
        told = traded(seed, Venue(seed, is_perp=True).frames(400, 3))
        spelled = ((b"BTCUSDT", symbol.encode()), (b"btcusdt", symbol.lower().encode()))
        return [structs.replace(each, text=each.text.replace(*spelled[0]).replace(*spelled[1])) for each in told]

    lines = []
    for symbol, seed in zip(("ETHUSDT", "BTCUSDT"), seeds, strict=True):
        told = one(seed, symbol)
        if symbol == "BTCUSDT":
            early = [each for each in told if each.received_ns < changed_from_ns]
            told = early + [each for each in one(other, symbol) if each.received_ns >= changed_from_ns]
        for each in told:
            url = f"https://fapi.binance.com/fapi/v1/depth?symbol={symbol} -> " if each.is_snapshot else ""
            stamp = f"{each.received_ns // SECOND}.{each.received_ns % SECOND:09d}: "
            lines.append((each.received_ns, f"{url}{stamp}".encode() + each.text + b"\n"))
    path = folder / "two.log"
    path.write_bytes(b"".join(line for _, line in sorted(lines, key=lambda pair: pair[0])))
    return read_capture([path])


@settings(max_examples=3)
@given(seed=st.integers(0, 999), at=st.integers(8, 39))
def test_the_reference_s_book_is_told_by_the_second_and_its_later_frames_change_nothing(
    seed: int, at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, pair = tmp_path_factory.getbasetemp(), [ONE, instrument("ETHUSDT", "perp", "BINANCE")]
    at_ns = START_NS + at * SECOND
    honest = two_books((seed, seed + 1), folder)
    (eth,) = inputs_of(honest, pair, "ETHUSDT", [at_ns], reference="BTCUSDT")
    (btc,) = inputs_of(honest, pair, "BTCUSDT", [at_ns])
    for channel, source in ((3, 2), (4, 6)):
        ours, theirs = eth.values["reference_1s"][2:, channel], btc.values["micro"][:-2, source]
        assert np.array_equal(ours, theirs, equal_nan=True) and (~np.isnan(ours)).sum() >= at - 4
    (poisoned,) = inputs_of(two_books((seed, seed + 1), folder, at_ns, seed + 2), pair, "ETHUSDT", [at_ns], reference="BTCUSDT")
    assert same(eth, poisoned)


@covers("2.095")
def test_a_recorded_session_fills_every_block_that_it_has_and_is_usable_when_there_is_enough() -> None:
    capture = read_capture([shared_data() / "ws_captures" / "binance" / "usdm_btcusdt_20240808.gz"])
    (one,) = instruments_in(capture)
    began = int(capture.received_ns[0])
    early, late = inputs_of(capture, [one], one.symbol, [began + 60 * SECOND, began + 340 * SECOND])
    for each in (early, late):
        assert each.problems(ALL) == () and each.consistency == 1.0 and each.freshness > 0.9
    declared = ("bars_1s", "cob", "heatmap", "micro", "mids")
    assert not early.usable(declared) and late.usable(declared) and late.score(declared).score > 0.95
    refuse_unusable(late, declared)
    assert late.frames("cob") == late.frames("heatmap") == late.frames("mids") == 300
    there = late.valid["micro"].sum(axis=0)
    assert (there[[0, 1, 3, 4, 5]] == 300).all() and (there[6:] > 240).all()  # for some seconds the price stood beyond the snapshot's last level
    book = [NAMES.index(spec.name) for spec in FEATURES if spec.needs == "book"]
    assert late.valid["indicators"][book].sum() > 20
    assert late.frames("bars_1s") >= 290  # quiet seconds have no bar
    assert late.values["calendar"] == pytest.approx(early.values["calendar"], abs=0.03)
    assert late.price == pytest.approx(61_700, rel=0.01) and late.bucket == pytest.approx(12.4)
