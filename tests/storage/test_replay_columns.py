"""What a replay hears comes back from columns to the bit, in its order; what does not go together is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.errors import DataRefused, NotFound, StorageFailed, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.timeframe import DAY_NS, SECOND_NS
from metastackerbandit.storage.replay_columns import BARS, SECONDS, Recorded, Series, chosen, is_replay_columns, read_replay, series_in, write_replay
from tests.covering import covers

ONE = Instrument("BTCUSDT", "BTC", "USDT", "perp", "BINANCE", "0.1", "0.001", "0.001", "1", "5", "shipped")
OTHER = structs.replace(ONE, symbol="ETHUSDT", base="ETH")
FIRST = 20_000 * DAY_NS - 3 * SECOND_NS  # three seconds before a midnight


def heard(count: int, seed: int = 0, first_ns: int = FIRST, late_ns: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Bars and seconds, one of each a second, known a quarter of a second after their end and `late_ns` more."""
    random = np.random.default_rng(seed)
    made = []
    for kind in (BARS, SECONDS):
        rows = np.zeros(count, kind.dtype())
        for name in kind.columns():
            is_float = kind.dtype()[name].kind == "f"
            rows[name] = np.where(random.random(count) < 0.2, np.nan, random.normal(size=count)) if is_float else random.integers(1, 2**40, count)
        rows["closed_ns"] = first_ns + SECOND_NS * np.arange(1, count + 1)
        rows["known_ns"] = rows["closed_ns"] + SECOND_NS // 4 + late_ns
        made.append(rows)
    made[0]["opened_ns"] = made[0]["closed_ns"] - SECOND_NS
    made[1]["second"] = made[1]["closed_ns"] // SECOND_NS - 1
    return made[0], made[1]


def told(first_ns: int = FIRST, place: int = 0) -> Recorded:
    return Recorded(first_ns, first_ns + 10 * SECOND_NS, 0, 0, 0, place)


@covers("B13")
@given(st.integers(1, 9), st.integers(0, 2**32))
@settings(max_examples=8, deadline=None)
def test_what_was_written_is_read_whatever_the_day_and_twice_is_once(tmp_path_factory: pytest.TempPathFactory, count: int, seed: int) -> None:
    home = tmp_path_factory.mktemp("home")
    bars, seconds = heard(count, seed)
    seconds["instrument"] = 7  # its place in a capture
    for _ in range(2):
        write_replay(home, ONE, bars, seconds, told())
    found_home, (series,) = series_in(home / "market")
    assert (found_home, series) == (home, Series(ONE, (told(),)))
    own, own_seconds = read_replay(home, series)
    seconds["instrument"] = 0
    assert own.tobytes() == bars.tobytes() and own_seconds.tobytes() == seconds.tobytes()


@given(st.lists(st.integers(0, 8), min_size=2, max_size=2, unique=True))
@settings(max_examples=6, deadline=None)
def test_recordings_in_any_order_are_one_series(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    home = tmp_path_factory.mktemp("home")
    bars, seconds = heard(9)
    for part in (slice(max(cuts), None), slice(0, min(cuts) + 1), slice(min(cuts), max(cuts) + 1)):  # the last first; neighbours share a second
        write_replay(home, ONE, bars[part], seconds[part], told(int(bars["opened_ns"][part][0])))
    _, (series,) = series_in(home / "market")
    own, own_seconds = read_replay(home, series)
    assert own.tobytes() == bars.tobytes() and own_seconds.tobytes() == seconds.tobytes()
    assert [one.first_ns for one in series.recorded] == sorted(one.first_ns for one in series.recorded)


def test_instruments_stand_as_in_their_recording_and_venues_apart(tmp_path: Path) -> None:
    write_replay(tmp_path, ONE, *heard(3), told(place=1))
    write_replay(tmp_path, OTHER, *heard(3), told(place=0))
    _, series = series_in(tmp_path / "market")
    assert [one.instrument for one in series] == [OTHER, ONE]
    assert chosen(series, ()) == series and chosen(series, ("BTCUSDT",)) == (series[1],)
    with pytest.raises(NotFound, match="no columns of SOLUSDT"):
        chosen(series, ("BTCUSDT", "SOLUSDT"))
    write_replay(tmp_path, structs.replace(ONE, market="spot"), *heard(3), told())
    with pytest.raises(UsageError, match="columns of 2 venues or markets") as refused:
        series_in(tmp_path / "market")
    spot = tmp_path / "market" / "replay_bars" / "binance_spot"
    assert str(spot) in refused.value.mend and [one.instrument.market for one in series_in(spot)[1]] == ["spot"]


def test_only_folders_of_columns_are_taken_for_such(tmp_path: Path) -> None:
    write_replay(tmp_path, ONE, *heard(2), told())
    market = tmp_path / "market"
    assert is_replay_columns(market) and is_replay_columns(market / "replay_bars" / "binance_perp")
    for path in (tmp_path, market / "replay_seconds", market / "replay_bars", market / "none", Path(), Path("/")):
        assert not is_replay_columns(path), path


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    finer = structs.replace(ONE, tick_size="0.01")
    write_replay(tmp_path, ONE, *heard(3), told())
    with pytest.raises(DataRefused, match=r"in steps of 0\.1 and 0\.001"):
        write_replay(tmp_path, finer, *heard(3, first_ns=FIRST + SECOND_NS), told())
    assert series_in(tmp_path / "market")[1][0].instrument == ONE  # what was there is whole
    with pytest.raises(DataRefused, match="its rules are of others"):
        read_replay(tmp_path, Series(finer, (told(),)))
    write_replay(tmp_path, OTHER, *heard(3, late_ns=5 * SECOND_NS), told())
    write_replay(tmp_path, OTHER, *heard(3, first_ns=FIRST + 3 * SECOND_NS), told())
    with pytest.raises(DataRefused, match="clocks that differ"):
        read_replay(tmp_path, Series(OTHER, (told(),)))
    (tmp_path / "market" / "replay_bars" / "binance_perp" / "ETHUSDT" / "replay.json").write_bytes(b"{")
    with pytest.raises(StorageFailed, match="cannot be read"):
        series_in(tmp_path / "market")
