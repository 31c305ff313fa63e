"""`msb venue --source captures`: which recordings are played, from when on, and what is refused before anything is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metastackerbandit.cli.venue_process import venue_of
from metastackerbandit.cli.venue_recorded import recorded_markets
from metastackerbandit.config.schema import Config
from metastackerbandit.domain.errors import DataRefused, NotFound, UsageError
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.practice.tape import book_side
from tests.cli.asked_venue import asked
from tests.exchanges.binance.venue import START_NS, STEP_NS, Venue, written
from tests.shared import shared_data

REPLIED = b"https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000 -> %.6f: %s\n"


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Twelve seconds of two markets, and what cannot be played."""
    folder = tmp_path_factory.mktemp("captures")
    spot, perp, other = Venue(1, is_perp=False), Venue(2, is_perp=True), Venue(3, is_perp=True, symbol="ETHUSDT")
    told = {
        "spot": spot.frames(120, 3),
        "perp": perp.frames(120, 20),
        "bookless": Venue(4, is_perp=True).frames(30, 99),
    }
    paths = {name: folder / f"{name}.log" for name in told}
    for name, frames in told.items():
        paths[name].write_bytes(written(frames))
    paths["two"] = folder / "two.log"  # of which one has a snapshot
    frames = sorted([*Venue(5, is_perp=True).frames(120, 2), *other.frames(120, 999)], key=lambda one: one.received_ns)
    paths["two"].write_bytes(b"".join(REPLIED % (one.received_ns / 1e9, one.text) if one.is_snapshot else written([one]) for one in frames))
    (folder / "empty").mkdir()
    return {**paths, "folder": folder / "empty", "nowhere": folder / "nowhere.log"}


def test_a_recording_is_played_from_its_first_whole_book_at_the_clocks_own_speed(captures: dict[str, Path]) -> None:
    markets = recorded_markets(asked("captures", data=(captures["perp"],)), Config())
    assert list(markets.sides) == ["perp"] and markets.symbols == ["BTCUSDT"] and (markets.lineage, markets.speed) == ("replayed recording", 1.0)
    assert markets.begun_ns == markets.clock_ns and START_NS + 20 * STEP_NS <= markets.begun_ns <= START_NS + 22 * STEP_NS
    assert markets.heading.startswith("REPLAYED RECORDING, not live: BTCUSDT, perp")
    venue, _ = venue_of(markets)
    floor = venue.sides[0].desk.floor
    floor.advance(START_NS + 121 * STEP_NS)
    known = Venue(2, is_perp=True)
    known.frames(120, 20)
    for side, levels in enumerate(known.levels):
        assert dict(book_side(floor.exchange.queues, 0, side, 10_000)) == levels
    assert not floor.exchange.listings[0].is_trading, "it is over"


def test_two_markets_of_one_session_begin_together(captures: dict[str, Path]) -> None:
    both = recorded_markets(asked("captures", data=(captures["spot"], captures["perp"])), Config())
    alone = recorded_markets(asked("captures", data=(captures["perp"],)), Config())
    assert sorted(both.sides) == ["perp", "spot"] and both.begun_ns == alone.begun_ns and both.name != alone.name
    assert [side.name for side in venue_of(both)[0].sides]
    late = recorded_markets(asked("captures", data=(captures["spot"],), since_ns=START_NS + 8 * SECOND_NS), Config())
    assert late.begun_ns == START_NS + 8 * SECOND_NS


def test_a_symbol_without_a_book_is_left_out_and_said(captures: dict[str, Path]) -> None:
    markets = recorded_markets(asked("captures", data=(captures["two"],)), Config())
    assert markets.symbols == ["BTCUSDT"] and "ETHUSDT has no book and is left out" in markets.told["said"]
    assert "BTCUSDT: no trades were recorded, its book alone moves" in markets.told["said"]
    with pytest.raises(DataRefused, match="no book of ETHUSDT"):
        recorded_markets(asked("captures", data=(captures["two"],), symbols=("ETHUSDT",)), Config())


@pytest.mark.parametrize(
    ("given", "changed", "error", "said"),
    [
        ((), {}, UsageError, "no capture is named"),
        (("nowhere",), {}, NotFound, "no such file"),
        (("folder",), {}, NotFound, "no raw log"),
        (("bookless",), {}, DataRefused, "no book in the recording"),
        (("perp",), {"markets": ("spot",)}, NotFound, "of the perp market"),
        (("perp",), {"symbols": ("XYZUSDT",)}, NotFound, "no XYZUSDT in the recording"),
        (("perp",), {"since_ns": START_NS + 1_000 * SECOND_NS}, UsageError, "would begin at"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_mend(
    captures: dict[str, Path], given: tuple[str, ...], changed: dict[str, Any], error: Any, said: str
) -> None:
    with pytest.raises(error) as refused:
        recorded_markets(asked("captures", data=tuple(captures[name] for name in given), **changed), Config())
    assert said in str(refused.value) and refused.value.mend


@pytest.mark.parametrize("name", ["hyperliquid/btcusd_20250126.gz", "binance/cm_btcusd_perp_20240808.gz"])
def test_a_recording_of_another_venue_is_refused(name: str) -> None:
    with pytest.raises(DataRefused, match="speaks as Binance's spot and USD-M markets"):
        recorded_markets(asked("captures", data=(shared_data() / "ws_captures" / name,)), Config())
