"""`msb data import` of captures and tables into columns, and `msb data sql` over what came of it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from metastackerbandit.runtime.bar_feed import bars_of
from metastackerbandit.runtime.capture_check import check_capture
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.runtime.recorded.reading import read_recorded
from metastackerbandit.runtime.second_feed import seconds_of
from metastackerbandit.storage.captures import read_capture
from metastackerbandit.storage.market_columns import Market, read_rows
from metastackerbandit.storage.sqlite import opened
from tests.cli.test_data_verbs import msb
from tests.covering import covers
from tests.exchanges.binance.venue import Venue, written
from tests.shared import shared_data
from tests.storage.candle_making import candle_table, write


@covers("B13", "B16")
def test_a_capture_becomes_columns_and_its_trades_bars(tmp_path: Path) -> None:
    """2024-07-18, BTCUSDT perpetual: counts are those of its check, days of the venue's stamps (its clock is 1.5 s ahead of the recorder's)."""
    file = shared_data() / "ws_captures" / "binance" / "usdm_btcusdt_20240718.gz"
    code, told = msb("import", file, home=tmp_path)
    assert code == 0 and told["issues"] == []
    added = {one["kind"]: one["added"] for one in told["imported"]}
    capture = read_capture([file])
    kinds = check_capture(capture, instruments_in(capture)).kinds
    assert (added["depth"], added["trades"], added["quotes"]) == (kinds["depth"], kinds["trades"], kinds["quote"]) == (3_327, 974, 7_113)
    assert next(one["days"] for one in told["imported"] if one["kind"] == "depth") == ["2024-07-18", "2024-07-19"]
    seconds = seconds_of(capture, instruments_in(capture))
    assert read_rows(tmp_path, Market("seconds", "binance_perp", "BTCUSDT")).rows.tobytes() == seconds.tobytes() and added["seconds"] == 178
    code, again = msb("import", file, home=tmp_path)
    assert code == 0 and all(one["added"] == 0 and one["differing"] == 0 for one in again["imported"])


def test_bars_of_imported_trades_are_those_of_the_capture(tmp_path: Path) -> None:
    from metastackerbandit.market.bar_ring import closed_bars
    from metastackerbandit.market.bar_terms import bar_terms
    from metastackerbandit.market.bars import BAR_FRAMES
    from metastackerbandit.market.settings import BarSettings

    file = shared_data() / "ws_captures" / "binance" / "usdm_btcusdt_20240718.gz"
    msb("import", file, home=tmp_path)
    capture = read_capture([file])
    (one,) = instruments_in(capture)
    bars = bars_of(capture, (one,), [bar_terms(one)], BarSettings())
    for place, frame in enumerate(BAR_FRAMES):
        expected = closed_bars(bars, 0, place)
        if len(expected):
            held = read_rows(tmp_path, Market(f"bars_{frame}", "binance_perp", "BTCUSDT")).rows
            names = expected.dtype.names or ()
            assert [name for name in names if held[name].tobytes() != expected[name].tobytes()] in ([], ["known_ns"])


def test_two_days_of_a_capture_close_the_bars_between_them(tmp_path: Path) -> None:
    folder = shared_data() / "ws_captures" / "binance"
    for day in ("20240808", "20240809"):
        assert msb("import", folder / f"spot_btcusdt_{day}.gz", "--market", "spot", home=tmp_path)[0] == 0
    bars = read_rows(tmp_path, Market("bars_1m", "binance_spot", "BTCUSDT")).rows
    minutes = bars["opened_ns"] // 60_000_000_000
    assert len(minutes) == 11 and (minutes[1:] - minutes[:-1] == 1).all()


def test_tables_are_imported_each_by_itself_and_their_issues_told(tmp_path: Path) -> None:
    folder = shared_data() / "trades"
    code, told = msb("import", folder / "binance_usdm_trxusdt_20250304_broken.csv.gz", folder / "binance_spot_trxusdt_20250304.csv.gz", home=tmp_path)
    assert code == 0
    counts = {(one["file"], one["added"]) for one in told["imported"] if one["kind"] == "trades"}
    assert counts == {("binance_usdm_trxusdt_20250304_broken.csv.gz", 9_999), ("binance_spot_trxusdt_20250304.csv.gz", 10_000)}
    assert [(issue["type"], issue["where"]) for issue in told["issues"]] == [("negative", "frame 1 (line 2)")]


@pytest.mark.parametrize("suffix", [".csv", ".zip"])
def test_archived_trades_and_candles_without_a_head_are_taken(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "binance_spot_1m"
    folder.mkdir()
    (folder / "ABCUSDT.csv").write_text("".join(f"{1672531200000 + n * 60000},2,3,1,2,10,0,20,5,4,8,0\n" for n in range(40)))
    code, told = msb("import", folder / "ABCUSDT.csv", home=tmp_path / "home")
    assert code == 0 and (told["imported"][0]["rows"], told["imported"][0]["frame"]) == (40, "1m")
    trades = "".join(f"{n},2.5,1,2.5,{1672531200000 + n},true,true\n" for n in range(5))
    path = folder / f"ABCUSDT-trades-2023-01-01{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("ABCUSDT-trades-2023-01-01.csv", trades)
    else:
        path.write_text(trades)
    code, told = msb("import", path, "--symbol", "ABCUSDT", home=tmp_path / "home")
    assert code == 0 and (told["imported"][0]["layout"], told["imported"][0]["added"]) == ("Binance archive trades", 5)


def test_an_unknown_table_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    good, bad = tmp_path / "capture.log", tmp_path / "x.csv"
    good.write_bytes(written(Venue(1, is_perp=True).frames(5, 3)))
    bad.write_text("alpha,beta\n1,2\n")
    code, told = msb("import", good, bad, home=tmp_path / "home")
    assert code == 4 and "alpha, beta" in told["error"]["what"] and "tardis quotes" in told["error"]["mend"]
    assert not (tmp_path / "home" / "market").exists()
    code, told = msb("import", tmp_path / "x_spot_5m", "--symbol", "ABC", home=tmp_path / "home")
    assert code in (2, 6)


def test_a_read_of_orders_is_as_good_from_columns(tmp_path: Path) -> None:
    """Rows of tables (here pictures of ten levels) come back from columns as they were read."""
    file = shared_data() / "book" / "binance_usdm_btcusdt_depth10_250ms_20230109.parquet"
    msb("import", file, home=tmp_path)
    held = read_rows(tmp_path, Market("depth", "binance_perp", "BTCUSDT"))
    capture = read_recorded([file])
    words = capture.text.view("<i8").reshape(len(held.rows), -1)
    assert words[:, 10:].reshape(-1, 2).tolist() == held.levels.tolist() and words[:, 6].tolist() == held.rows["exchange_ns"].tolist()


# -- sql ----------------------------------------------------------------------------------------------------------------


_TAPE = "{},{:.1f},0.{:03},1,{},true\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a capture's columns, and those of a tape of trades."""
    folder = tmp_path_factory.mktemp("sql")
    (folder / "capture.log").write_bytes(written(Venue(1, is_perp=True).frames(200, 3)))
    assert msb("import", folder / "capture.log", home=folder / "home")[0] == 0
    tape = folder / "binance_usdm_btcusdt.csv"
    tape.write_text(
        "id,price,qty,quote_qty,time,is_buyer_maker\n" + "".join(_TAPE.format(n, 100 + n / 10, n + 1, 1672531200000 + n * 900) for n in range(99))
    )
    assert msb("import", tape, home=folder / "home")[0] == 0
    return folder / "home"


def test_tables_and_columns_are_listed(home: Path) -> None:
    code, told = msb("sql", home=home)
    tables = {one["name"]: {column["name"] for column in one["columns"]} for one in told["tables"]}
    assert code == 0 and {"depth", "depth_levels", "trades", "quotes", "bars"} <= set(tables)
    assert {"venue", "market", "symbol", "day", "price", "quantity", "ticks", "tick", "traded_ns"} <= tables["trades"]


def test_a_query_is_answered_exactly(home: Path) -> None:
    held = read_rows(home, Market("trades", "binance_perp", "BTCUSDT"))
    code, told = msb("sql", "SELECT count(*) AS n, sum(lots) AS lots, max(price) AS high FROM trades WHERE symbol = 'BTCUSDT'", home=home)
    tick = float(held.tick_size)
    assert code == 0 and [column["name"] for column in told["columns"]] == ["n", "lots", "high"]
    (row,) = told["rows"]
    assert row[0] == len(held.rows) and int(row[1]) == int(held.rows["lots"].sum())
    assert row[2] == round(int(held.rows["ticks"].max()) * tick, 10)
    levels = read_rows(home, Market("depth", "binance_perp", "BTCUSDT"))
    code, told = msb("sql", "SELECT count(*) FROM depth_levels", home=home)
    assert told["rows"] == [[len(levels.levels)]]


@pytest.mark.parametrize(
    ("query", "code", "what", "mend"),
    [
        ("SELECT * FROM trade", 6, "no table trade", "did you mean trades"),
        ("SELECT pric FROM trades", 6, "no column pric", "price"),
        ("SELECT t.pric FROM trades t", 6, "no column pric", "price"),
        ("SELEC 1", 2, "syntax error", "SELECT"),
        ("SELECT 1; SELECT 2", 2, "only one SELECT", "SELECT"),
        ("COPY trades TO '{file}'", 2, "only one SELECT", "SELECT"),
        ("CREATE TABLE x AS SELECT 1", 2, "only one SELECT", "SELECT"),
        ("SET enable_external_access = true", 2, "only one SELECT", "SELECT"),
        ("ATTACH '{file}'", 2, "only one SELECT", "SELECT"),
        ("INSTALL httpfs", 2, "only one SELECT", "SELECT"),
        ("SELECT * FROM read_csv('{file}')", 4, "disabled", ""),
        ("SELECT * FROM read_parquet('{file}')", 4, "disabled", ""),
        ("SELECT * FROM read_text('{file}')", 4, "disabled", ""),
        ("SELECT * FROM glob('/*')", 4, "disabled", ""),
        ("SELECT * FROM '{file}'", 4, "disabled", ""),
        ("SELECT * FROM read_parquet('https://example.test/x.parquet')", 4, "", ""),
        ("SELECT CAST('x' AS INTEGER)", 4, "Could not convert", ""),
    ],
)
def test_what_sql_may_not_is_refused(home: Path, tmp_path: Path, query: str, code: int, what: str, mend: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("a\n1\n")
    found, told = msb("sql", query.format(file=file), home=home)
    assert found == code and what in told["error"]["what"] and mend in told["error"]["mend"], told
    assert told["error"]["mend"] and file.read_text() == "a\n1\n"


def test_an_empty_installation_says_so(tmp_path: Path) -> None:
    assert msb("sql", home=tmp_path) == (0, {"tables": []})
    code, told = msb("sql", "SELECT * FROM trades", home=tmp_path)
    assert code == 6 and "holds nothing yet" in told["error"]["what"]


def test_the_journal_and_candles_are_tables_too(tmp_path: Path) -> None:
    opened(tmp_path).close()
    folder = tmp_path / "binance_spot_5m"
    write(candle_table(50), folder / "BTCUSDT.parquet")
    assert msb("import", folder, home=tmp_path)[0] == 0
    _, told = msb("sql", home=tmp_path)
    assert {"candles", "fills", "ledger", "orders", "runs", "trips"} <= {one["name"] for one in told["tables"]}
    assert msb("sql", "SELECT count(*) FROM fills", home=tmp_path)[1]["rows"] == [[0]]
    assert msb("sql", "SELECT source, symbol, count(*) FROM candles GROUP BY ALL", home=tmp_path)[1]["rows"] == [["binance_spot_5m", "BTCUSDT", 50]]
