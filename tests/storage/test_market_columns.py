"""Rows come back from columns to the bit, by day and symbol; the same rows twice are there once; a stop leaves whole files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from pyarrow import parquet

from metastackerbandit.domain.errors import DataRefused, StorageFailed, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.storage import market_columns
from metastackerbandit.storage.market_columns import DAY_NS, Held, market_of_instrument, read_rows, write_rows
from metastackerbandit.storage.market_kinds import KINDS, Kind, kind_of
from tests.covering import covers

ONE = Instrument("BTCUSDT", "BTC", "USDT", "perp", "BINANCE", "0.1", "0.001", "0.001", "1", "0", "inferred")
NS = 20_000 * DAY_NS
TRADES, DEPTH, QUOTES = kind_of("trades"), kind_of("depth"), kind_of("quotes")


def made(kind: Kind, count: int, seed: int = 0, days: int = 3) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows by time over some days, each of its own number, and their levels."""
    random = np.random.default_rng(seed)
    rows = np.zeros(count, kind.dtype())
    for name in kind.columns():
        if kind.dtype()[name].kind == "f":
            rows[name] = np.where(random.random(count) < 0.2, np.nan, random.normal(size=count))
        else:
            rows[name] = random.integers(-5, 2**62, count) if name not in (*kind.ticks, *kind.lots) else random.integers(1, 2**40, count)
    for name in {*kind.days, *(name for name in kind.columns() if name in ("received_ns", "known_ns"))}:
        rows[name] = NS + np.sort(random.integers(0, days * DAY_NS, count))
    for place, name in enumerate(kind.key):
        if place == 0 and name not in kind.days:
            rows[name] = np.arange(count)
    if not kind.has_levels:
        return rows, None
    rows["bids"], rows["asks"] = random.integers(0, 4, count), random.integers(0, 4, count)
    return rows, random.integers(0, 2**62, (int((rows["bids"] + rows["asks"]).sum()), 2))


def back(home: Path, kind: Kind, frame: str = "") -> Held:
    return read_rows(home, market_of_instrument(kind.name, ONE, frame))


@covers("B13")
@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
@given(st.integers(1, 60), st.integers(0, 2**32))
@settings(max_examples=8, deadline=None)
def test_rows_come_back_to_the_bit_and_twice_is_once(tmp_path_factory: pytest.TempPathFactory, kind: Kind, count: int, seed: int) -> None:
    home = tmp_path_factory.mktemp("home")
    rows, levels = made(kind, count, seed)
    first = write_rows(home, kind, ONE, rows, levels, "1m" if kind.name == "bars" else "")
    assert (first.added, first.shared, first.differing) == (count, 0, 0)
    again = write_rows(home, kind, ONE, rows, levels, "1m" if kind.name == "bars" else "")
    assert (again.added, again.shared, again.differing) == (0, count, 0)
    held = back(home, kind, "1m" if kind.name == "bars" else "")
    assert held.rows.tobytes() == rows.tobytes()
    assert levels is None or held.levels.tobytes() == levels.tobytes()
    assert (held.tick_size, held.lot_size) == ("0.1", "0.001")


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_two_overlapping_imports_are_their_union(tmp_path_factory: pytest.TempPathFactory, in_first: list[bool], seed: int) -> None:
    home = tmp_path_factory.mktemp("home")
    rows, levels = made(DEPTH, len(in_first), seed)
    whole = Held(rows, levels if levels is not None else np.zeros((0, 2), np.int64), "0.1", "0.001")
    part = market_columns.taken(whole, np.array(in_first))
    if len(part.rows):
        write_rows(home, DEPTH, ONE, part.rows, part.levels)
    done = write_rows(home, DEPTH, ONE, rows, levels)
    assert (done.added, done.shared) == (len(rows) - len(part.rows), len(part.rows))
    held = back(home, DEPTH)
    assert held.rows.tobytes() == rows.tobytes() and held.levels.tobytes() == whole.levels.tobytes()


def test_rows_without_a_number_are_kept_as_often_as_they_came(tmp_path: Path) -> None:
    rows = np.repeat(made(QUOTES, 1)[0], 3)
    rows["update_id"] = -1
    assert write_rows(tmp_path, QUOTES, ONE, rows[:2]).added == 2
    assert write_rows(tmp_path, QUOTES, ONE, rows).added == 1
    assert len(back(tmp_path, QUOTES).rows) == 3


def test_a_row_of_the_same_number_with_other_values_is_told_and_the_old_one_stays(tmp_path: Path) -> None:
    rows, _ = made(TRADES, 5, days=1)
    write_rows(tmp_path, TRADES, ONE, rows)
    other = rows.copy()
    other["ticks"][2] += 1
    other["received_ns"][3] += 1  # another recorder heard the same trade later
    done = write_rows(tmp_path, TRADES, ONE, other)
    assert (done.added, done.shared, done.differing) == (0, 4, 1)
    assert back(tmp_path, TRADES).rows.tobytes() == rows.tobytes()


def test_a_finer_recording_brings_the_older_one_into_its_steps(tmp_path: Path) -> None:
    rows, _ = made(TRADES, 6, days=1)
    finer = structs.replace(ONE, tick_size="0.05", lot_size="0.0001")
    write_rows(tmp_path, TRADES, ONE, rows[:3])
    write_rows(tmp_path, TRADES, finer, rows[3:])
    held = back(tmp_path, TRADES)
    assert (held.tick_size, held.lot_size) == ("0.05", "0.0001")
    assert held.rows["ticks"].tolist() == [*(rows["ticks"][:3] * 2).tolist(), *rows["ticks"][3:].tolist()]
    assert held.rows["lots"].tolist() == [*(rows["lots"][:3] * 10).tolist(), *rows["lots"][3:].tolist()]
    seconds, _ = made(kind_of("seconds"), 2, days=1)
    write_rows(tmp_path, kind_of("seconds"), ONE, seconds)
    with pytest.raises(DataRefused, match="in steps of"):
        write_rows(tmp_path, kind_of("seconds"), finer, seconds)


def test_a_file_says_what_it_is_of_and_what_each_column_counts(tmp_path: Path) -> None:
    done = write_rows(tmp_path, TRADES, ONE, made(TRADES, 5, days=2)[0])
    assert done.days == ("2024-10-04", "2024-10-05")
    path = tmp_path / "market" / "trades" / "binance_perp" / "BTCUSDT" / "2024-10-04.parquet"
    schema = parquet.read_schema(path)
    told = {key.decode(): value.decode() for key, value in schema.metadata.items() if not key.startswith(b"ARROW")}
    assert told == {
        "kind": "trades", "venue": "binance", "market": "perp", "symbol": "BTCUSDT", "version": "1", "tick_size": "0.1", "lot_size": "0.001",
    }  # fmt: skip
    units = {field.name: field.metadata[b"unit"].decode() for field in schema}
    assert (units["ticks"], units["lots"], units["traded_ns"]) == ("ticks", "lots", "ns UTC")


def test_a_write_that_stops_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, _ = made(TRADES, 6, days=1)
    write_rows(tmp_path, TRADES, ONE, rows[:3])

    def full(path: Path, content: bytes) -> None:
        raise StorageFailed("no space", where=str(path))

    monkeypatch.setattr(market_columns, "write_whole", full)
    with pytest.raises(StorageFailed, match="no space"):
        write_rows(tmp_path, TRADES, ONE, rows)
    monkeypatch.undo()
    assert back(tmp_path, TRADES).rows.tobytes() == rows[:3].tobytes()
    assert write_rows(tmp_path, TRADES, ONE, rows).added == 3


def test_days_can_be_put_anew(tmp_path: Path) -> None:
    kind = kind_of("bars")
    bars, _ = made(kind, 8, days=1)
    write_rows(tmp_path, kind, ONE, bars, frame="1m")
    other = bars[2:].copy()
    other["close"] += 1
    write_rows(tmp_path, kind, ONE, other, frame="1m", anew=True)
    assert back(tmp_path, kind, "1m").rows.tobytes() == other.tobytes()


def test_what_is_not_there_or_damaged_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="there are no trades of BTCUSDT"):
        back(tmp_path, TRADES)
    with pytest.raises(UsageError, match="no kind 'news'"):
        kind_of("news")
    write_rows(tmp_path, TRADES, ONE, made(TRADES, 2, days=1)[0])
    (path,) = (tmp_path / "market").rglob("*.parquet")
    for content in (b"", b"PAR1 nothing", path.read_bytes()[:-20]):
        path.write_bytes(content)
        with pytest.raises(StorageFailed, match="cannot be read as trades"):
            back(tmp_path, TRADES)
