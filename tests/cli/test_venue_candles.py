"""`msb venue --source candles`: which candles are traded, from when on, and what is refused before anything is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metastackerbandit.cli.venue_candles import candle_markets
from metastackerbandit.cli.venue_process import venue_of
from metastackerbandit.domain.errors import DataRefused, NotFound, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.quality import time_text
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS
from metastackerbandit.storage.candles import load_recording
from metastackerbandit.storage.store import keep_candles, leaf_folder
from tests.cli.asked_venue import asked
from tests.practice.test_candle_source import BEGUN_NS, walked
from tests.practice.walking import instruments
from tests.shared import shared_data


def kept(home: Path, own: np.ndarray, market: str = "spot", place: int = 0, venue: str = "BINANCE") -> Path:
    """Candles in a store, as an import leaves them; their folder."""
    one: Instrument = instruments(market)[place]
    frame_ns = int(own["closed_ns"][0] - own["opened_ns"][0])
    keep_candles(home, Instrument(**{name: getattr(one, name) for name in Instrument.__struct_fields__} | {"venue": venue}), frame_ns, own)
    return leaf_folder(home, venue, one.market, frame_ns)


def minutes(count: int, begin_ns: int = BEGUN_NS, seed: int = 1) -> np.ndarray:
    """So many minutes of a walk."""
    return walked(seed, count, 6_000_000, begin_ns)


def without(own: np.ndarray, first: int, last: int) -> np.ndarray:
    """Candles with a gap."""
    return np.concatenate([own[:first], own[last:]])


def test_both_markets_of_the_store_begin_together_where_less_than_two_days_are_half_over(tmp_path: Path) -> None:
    kept(tmp_path, minutes(200))
    kept(tmp_path, minutes(300, BEGUN_NS - 20 * MINUTE_NS, 2), "perp")
    markets = candle_markets(asked("candles"), tmp_path)
    assert list(markets.sides) == ["spot", "perp"] and markets.lineage == "replayed candles" and markets.speed == 60.0
    assert markets.begun_ns == markets.clock_ns == BEGUN_NS + 100 * MINUTE_NS
    assert markets.heading.startswith("REPLAYED CANDLES, not live: BTCUSDT, spot and perp") and markets.told["ends"] == time_text(
        BEGUN_NS + 280 * MINUTE_NS
    )
    venue, _ = venue_of(markets)
    for side, own in zip(venue.sides, (minutes(200), minutes(300, BEGUN_NS - 20 * MINUTE_NS, 2)), strict=True):
        floor = side.desk.floor
        floor.advance(markets.begun_ns + 5 * MINUTE_NS)
        told = floor.board.candles(0, MINUTE_NS, 0, markets.begun_ns + 5 * MINUTE_NS, 500, newest=True)
        cut = own[np.isin(own["opened_ns"], told["opened_ns"])]
        assert len(told) > 100 and (told["close"] == cut["close"]).all() and (np.rint(told["volume"] * 1e5) == np.rint(cut["volume"] * 1e5)).all()


def test_it_begins_a_day_before_the_end_or_where_it_is_told(tmp_path: Path) -> None:
    own = walked(1, 3 * 288 + 1, 6_000_000, BEGUN_NS, 5 * MINUTE_NS)
    folder = kept(tmp_path, own)
    assert candle_markets(asked("candles", data=(folder,)), tmp_path).begun_ns == BEGUN_NS + 2 * DAY_NS + 5 * MINUTE_NS
    late = candle_markets(asked("candles", since_ns=BEGUN_NS + DAY_NS + 299 * 10**9), tmp_path)
    assert late.begun_ns == BEGUN_NS + DAY_NS, "a whole five minutes"
    assert late.name != candle_markets(asked("candles"), tmp_path).name


def test_a_gap_in_what_would_be_traded_is_refused_and_one_before_only_shortens_the_past(tmp_path: Path) -> None:
    kept(tmp_path, without(minutes(400), 100, 130))
    begun = BEGUN_NS + 140 * MINUTE_NS
    markets = candle_markets(asked("candles", since_ns=begun), tmp_path)
    assert any("its past begins at" in line for line in markets.told["said"])
    venue, _ = venue_of(markets)
    assert venue.sides[0].desk.floor.board.candles(0, MINUTE_NS, 0, begun, 500, newest=True)["opened_ns"].tolist() == [
        BEGUN_NS + n * MINUTE_NS for n in range(130, 140)
    ]
    for since_ns in (BEGUN_NS + 90 * MINUTE_NS, BEGUN_NS + 100 * MINUTE_NS, BEGUN_NS + 125 * MINUTE_NS):
        with pytest.raises(DataRefused) as refused:
            candle_markets(asked("candles", since_ns=since_ns), tmp_path)
        from_ns, to_ns = BEGUN_NS + 100 * MINUTE_NS, BEGUN_NS + 130 * MINUTE_NS
        assert refused.value.what == f"BTCUSDT has no candles from {time_text(from_ns)} to {time_text(to_ns)}"
        assert f"--since {time_text(to_ns)}" in refused.value.mend


def test_what_cannot_show_all_its_prices_is_counted(tmp_path: Path) -> None:
    own = minutes(20)
    own["volume"][15], own["volume"][16], own["taker_volume"][15:17] = 0.0, 3e-5, 0.0
    own["high"][16] += 5
    kept(tmp_path, own)
    said = candle_markets(asked("candles", since_ns=BEGUN_NS + 10 * MINUTE_NS), tmp_path).told["said"]
    assert "BTCUSDT: of 10 candles to come 1 have no volume and are not traded, 1 too few lots to be traded at all four prices" in said


def test_days_bound_the_past(tmp_path: Path) -> None:
    kept(tmp_path, walked(1, 5 * 288, 6_000_000, BEGUN_NS, 5 * MINUTE_NS))
    venue, _ = venue_of(candle_markets(asked("candles", days=2), tmp_path))
    past = venue.sides[0].desk.floor.board.candles(0, HOUR_NS, 0, 2**62, 500, newest=True)
    assert int(past["closed_ns"][-1] - past["opened_ns"][0]) // HOUR_NS in (48, 49)


def broken(tmp_path: Path, what: str) -> dict[str, Any]:
    """A home with something wrong, and what is asked of it."""
    if what == "no folder":
        return {}
    if what == "no such data":
        return {"data": (tmp_path / "nowhere",)}
    if what == "two folders":
        return {"data": (tmp_path, tmp_path)}
    if what == "hours":
        return {"data": (kept(tmp_path, walked(1, 50, 6_000_000, BEGUN_NS // HOUR_NS * HOUR_NS, HOUR_NS)),)}
    if what == "ours":
        return {"data": (kept(tmp_path, minutes(50), venue="LOOPBACK"),)}
    if what == "ours in the store":
        kept(tmp_path, minutes(50), venue="LOOPBACK")
        return {}
    own = minutes(50)
    if what == "no volume":
        own["volume"][7] = np.nan
    folder = kept(tmp_path, own)
    if what == "two venues":
        kept(tmp_path, minutes(50), venue="MEXC")
    words: dict[str, dict[str, Any]] = {
        "no symbol": {"symbols": ("XYZUSDT",)},
        "no symbol in the folder": {"symbols": ("XYZUSDT",), "data": (folder,)},
        "no market": {"markets": ("perp",)},
        "another market": {"markets": ("perp",), "data": (folder,)},
        "too early": {"since_ns": BEGUN_NS - DAY_NS},
        "too late": {"since_ns": BEGUN_NS + DAY_NS},
        "no flow": {"preset": "wild"},
    }
    return words.get(what, {})


@pytest.mark.parametrize(
    ("what", "error", "said"),
    [
        ("no folder", NotFound, "no such folder of candles"),
        ("no such data", NotFound, "no such folder of candles"),
        ("two folders", UsageError, "from one folder"),
        ("hours", DataRefused, "its candles are of 1h"),
        ("ours", DataRefused, "made by this exchange"),
        ("ours in the store", NotFound, "no spot or perp candles of 1m or 5m"),
        ("no volume", DataRefused, "do not all say their volume"),
        ("two venues", UsageError, "2 folders have spot candles"),
        ("no symbol", NotFound, "of XYZUSDT"),
        ("no symbol in the folder", NotFound, "no candles of XYZUSDT"),
        ("no market", NotFound, "no perp candles"),
        ("another market", NotFound, "candles of the spot market"),
        ("too early", DataRefused, "not all symbols have candles"),
        ("too late", DataRefused, "not all symbols have candles"),
        ("no flow", UsageError, "no flow 'wild'"),
    ],
)
def test_what_cannot_be_traded_is_refused_with_the_mend(tmp_path: Path, what: str, error: Any, said: str) -> None:
    with pytest.raises(error) as refused:
        candle_markets(asked("candles", **broken(tmp_path, what)), tmp_path)
    assert said in str(refused.value) and refused.value.mend


def test_recorded_minutes_of_a_real_market_are_answered_by_the_exchange_as_they_were() -> None:
    folder = shared_data() / "klines" / "binance_spot_1m"
    markets = candle_markets(asked("candles", data=(folder,), symbols=("BTCUSDT",), days=2), Path("unused"))
    venue, _ = venue_of(markets)
    floor = venue.sides[0].desk.floor
    floor.advance(markets.begun_ns + HOUR_NS)
    own = load_recording(folder, ("BTCUSDT",), market="spot", instruments_file=None).bars[0]
    told = floor.board.candles(0, MINUTE_NS, markets.begun_ns - HOUR_NS, markets.begun_ns + HOUR_NS, 500, newest=True)
    cut = own[np.isin(own["opened_ns"], told["opened_ns"])]
    assert len(told) == 120
    for name in ("open", "high", "low", "close"):
        assert (told[name] == cut[name]).all(), name
    assert (np.rint(told["volume"] * 1e5) == np.rint(cut["volume"] * 1e5)).all()
