"""Recorded tables are recognised by their columns, read to the row, and what is wrong in them is told with its line."""

from __future__ import annotations

import bz2
import gzip
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused, NotFound, UsageError
from metastackerbandit.exchanges.continuity import APART
from metastackerbandit.runtime.book_feed import feeds_of, take_of
from metastackerbandit.runtime.capture_check import CheckedCapture, check_capture
from metastackerbandit.runtime.capture_rules import codec_in, instruments_in
from metastackerbandit.runtime.recorded.catalog import LAYOUTS
from metastackerbandit.runtime.recorded.reading import is_candles, is_recorded, layout_name, read_recorded
from metastackerbandit.runtime.recorded.steps import decimals_of, step_text, steps_of_values
from metastackerbandit.runtime.recorded.tables import Told, columns_of, read_table
from tests.covering import covers
from tests.shared import shared_data

RECORDER = "ws_captures/binance_recorder/"
HEAD = "TimestampOfReceive,Stream,EventType,EventTime,Symbol,FirstUpdateId,FinalUpdateId,IsAsk,Price,Quantity\n"


def checked(name: str, told: Told | None = None) -> CheckedCapture:
    capture = read_recorded([shared_data() / name], told)
    return check_capture(capture, instruments_in(capture))


def told(found: CheckedCapture) -> list[tuple[str, str]]:
    return [(issue.kind, issue.where) for issue in found.issues]


# -- decimals -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-(10**13), 10**13), min_size=1, max_size=20), st.integers(0, 8))
def test_decimals_become_the_steps_that_they_are(numbers: list[int], decimals: int) -> None:
    values = np.array([float(f"{number}e-{decimals}") for number in numbers])
    found = decimals_of(values)
    assert found <= decimals
    steps, bad = steps_of_values(values, decimals)
    assert steps.tolist() == numbers and not bad.any()
    steps, bad = steps_of_values(values, found)
    assert (steps * 10 ** (decimals - found)).tolist() == numbers and not bad.any()


def test_numbers_that_are_no_steps_are_told() -> None:
    steps, bad = steps_of_values(np.array([0.1, 0.15, np.nan, np.inf, 1e300]), 1)
    assert steps[0] == 1 and bad.tolist() == [False, True, True, True, True]
    assert (decimals_of(np.array([1 / 3])), decimals_of(np.array([])), step_text(0), step_text(3)) == (12, 0, "1", "0.001")


# -- the recorder's files -----------------------------------------------------------------------------------------------


@covers("2.034", "B16")
def test_the_clean_merged_recording_is_a_sound_book() -> None:
    found = checked(RECORDER + "usdm_trxusdt_merged_20250414_clean.csv.gz")
    assert (found.kinds, found.gaps, found.crossed, found.issues) == ({"depth": 157, "trades": 199}, 0, 0, ())
    assert (found.books[0]["state"], found.books[0]["applied"], found.books[0]["best"]) == ("live", 155, ["0.25450", "0.25451"])


def test_a_final_update_id_that_was_changed_is_a_gap_at_its_lines() -> None:
    """README: the id of one message was changed (lines 5667-5690); the author also edited a stamp and a mark above."""
    found = checked(RECORDER + "usdm_trxusdt_merged_20250414_broken.csv.gz")
    assert found.gaps == 1
    assert told(found) == [("row_differs", "line 146"), ("row_differs", "line 147"), ("gap", "TRXUSDT frame 9 (line 7,697)")]
    assert "frame 2 (line 5,667): changes are missing between them" in found.issues[2].what
    assert "TimestampOfReceiveUS is 1744580000000000" in found.issues[0].what


def test_the_broken_spot_recording_has_its_four_faults_told() -> None:
    """An event time of 0, a first update id one too high, and the last row's stamps moved to the next day."""
    found = checked(RECORDER + "spot_trxusdt_depth_20250304_broken.csv.gz")
    last = "frame 2,833 (line 10,001)"
    assert told(found) == [
        ("row_differs", "line 3"),
        ("gap", "TRXUSDT frame 4 (line 9)"),
        ("silence", last),
        ("stamps_apart", last),
        ("no_snapshot", "TRXUSDT"),
    ]
    assert "EventTime is 0, the other rows of its message say 1741046400062507" in found.issues[0].what


def test_the_edited_spot_recording_is_silent_before_its_last_row() -> None:
    found = checked(RECORDER + "spot_trxusdt_depth_20250304_edited.csv.gz")
    assert told(found) == [("silence", "frame 2,833 (line 10,001)"), ("no_snapshot", "TRXUSDT")]
    assert "85,982.6 s" in found.issues[0].what and found.gaps == 0


def test_the_usdm_recording_lacks_its_snapshot_and_nothing_else() -> None:
    """Its README says that faults were put in; by ids, stamps, sizes and order of its 600 messages there is none."""
    found = checked(RECORDER + "usdm_trxusdt_depth_20250304_broken.csv.gz")
    assert told(found) == [("no_snapshot", "TRXUSDT")] and found.kinds == {"depth": 600}


@pytest.mark.parametrize(("name", "issues"), [("spot", []), ("usdm", []), ("usdm_broken", [("negative", "frame 1 (line 2)")])])
def test_trade_tapes_of_the_recorder(name: str, issues: list[tuple[str, str]]) -> None:
    file = f"trades/binance_{name.replace('_broken', '')}_trxusdt_20250304{'_broken' if 'broken' in name else ''}.csv.gz"
    found = checked(file)
    assert told(found) == issues and found.books[0]["trades"] == 10_000 - len(issues) and found.books[0]["trade_holes"] == 0


def test_depth_snapshots_of_the_recorder_are_two_books() -> None:
    found = checked("book/binance_spot_btcusdt_depth_snapshots_20250414.csv.gz")
    assert (found.kinds, found.resyncs, found.books[0]["levels"]) == ({"depth": 2}, 1, [5_000, 5_000])
    assert [kind for kind, _ in told(found)] == ["silence"]  # 23 hours lie between the two


# -- other layouts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "layout", "symbol", "venue", "steps", "kinds"),
    [
        ("trades/binance_spot_xrpeth_2019-10.parquet", "ccxt trades, table", "XRPETH", "BINANCE", ("0.00000001", "1"), {"trades": 12_477}),
        ("trades/binance_btcusdt_sample.parquet", "trades with buyer_maker", "BTCUSDT", "BINANCE", ("0.01", "0.000001"), {"trades": 2_001}),
        ("book/binance_depth_export/btcusdt-depth-snap.csv", "Binance depth export (T_DEPTH)", "BTCUSDT", "BINANCE", ("0.1", "0.001"), {"depth": 1}),
        ("book/tardis_samples/bitmex_trades_XBTUSD.csv", "tardis trades", "XBTUSD", "BITMEX", ("0.1", "1"), {"trades": 10}),
        ("book/tardis_samples/huobi-dm-swap_quotes_BTC-USD.csv", "tardis quotes", "BTC-USD", "HUOBI-DM-SWAP", ("0.1", "1"), {"quote": 10}),
        (
            "book/tardis_samples/deribit_incremental_book_L2_BTC-PERPETUAL.csv",
            "tardis incremental_book_L2", "BTC-PERPETUAL", "DERIBIT", ("0.1", "1"), {"depth": 1},
        ),
        (
            "book/tardis_samples/binance-futures_book_snapshot_25_BTCUSDT.csv",
            "tardis book_snapshot", "BTCUSDT", "BINANCE-FUTURES", ("0.01", "0.001"), {"depth": 10},
        ),
        (
            "book/binance_usdm_btcusdt_depth10_250ms_20230109.parquet",
            "pictures of the best levels", "BTCUSDT", "BINANCE", ("0.1", "0.001"), {"depth": 18_000},
        ),
    ],
)  # fmt: skip
def test_every_layout_is_recognised_and_read(name: str, layout: str, symbol: str, venue: str, steps: tuple[str, str], kinds: dict[str, int]) -> None:
    path = shared_data() / name
    assert is_recorded(path) and layout_name(path) == layout
    capture = read_recorded([path], Told(market="spot" if "sample.parquet" in name or "xrpeth" in name else "perp"))
    (one,) = instruments_in(capture)
    assert (one.symbol, one.venue, one.tick_size, one.lot_size) == (symbol, venue, *steps)
    found = check_capture(capture, (one,))
    assert (found.kinds, found.faults, found.gaps, found.crossed) == (kinds, {}, 0, 0)


def test_freqtrade_s_public_trades_need_their_symbol() -> None:
    path = shared_data() / "trades" / "freqtrade_orderflow_public_trades.csv.gz"
    with pytest.raises(UsageError, match="of which symbol it is") as raised:
        read_recorded([path], Told(market="spot"))
    assert "--symbol" in raised.value.mend
    capture = read_recorded([path], Told(symbol="ethusdt", market="spot"))
    assert check_capture(capture, instruments_in(capture)).books[0]["trades"] == 1_000
    assert capture.instruments[0].tick_size == "0.01"


@covers("2.034")
def test_the_pictures_of_the_best_levels_are_a_book_that_is_never_crossed() -> None:
    """BTCUSDT perpetual, 2023-01-09: 18,000 pictures of ten levels, each the whole of what is known."""
    path = shared_data() / "book" / "binance_usdm_btcusdt_depth10_250ms_20230109.parquet"
    capture, table = read_recorded([path]), pl.read_parquet(path)
    instruments = instruments_in(capture)
    found = check_capture(capture, instruments)
    assert (found.books[0]["state"], found.books[0]["applied"], found.crossed, found.issues) == ("live", 18_000, 0, ())
    last = table.row(-1, named=True)
    assert found.books[0]["best"] == [f"{last['bid_px_0']:.1f}", f"{last['ask_px_0']:.1f}"] and found.books[0]["levels"] == [10, 10]


# -- order by order -----------------------------------------------------------------------------------------------------


@covers("2.034")
def test_orders_of_bitstamp_add_up_to_the_venue_s_own_best_levels(tmp_path: Path) -> None:
    """2015-05-01, the first 30,000 lines, begun without a book: the venue's own top-20 pictures are the oracle."""
    with bz2.open(shared_data() / "ws_captures" / "bitstamp" / "btcusd_l3_20150501.log.bz2", "rb") as file:
        lines = [file.readline() for _ in range(30_000)]
    path = tmp_path / "orders.log"
    path.write_bytes(b"".join(lines))
    assert is_recorded(path) and layout_name(path) == "log of Bitstamp's orders"
    capture = read_recorded([path])
    assert [issue.kind for issue in capture.issues] == ["partial_book"]
    assert agreement(capture) == (2_682, 2_627, 2_628)  # the rest are of the first minutes, when most orders are not known yet


def agreement(capture: Capture) -> tuple[int, int, int]:
    """Of the venue's pictures: how many, at how many best prices and sizes are the book's, at how many the prices are."""
    instruments = instruments_in(capture)
    codec = codec_in(capture, instruments)
    market, take = feeds_of(instruments, codec=codec), take_of(codec.venue)
    book, decoded = market.book, market.decoded
    pictures = equal = prices = 0
    for place in range(len(capture.starts)):
        frame = capture.text[capture.starts[place] : capture.ends[place]]
        if take(frame, len(frame), capture.received_ns[place], -1, market) == 1 and market.feeds[0]["verdict"] == APART:
            pictures += 1
            row = book.row[0]
            best = [side[0, count - 1].tolist() if count else [0, 0] for side, count in ((book.bids, row["bids"]), (book.asks, row["asks"]))]
            own = [decoded.bids[0].tolist(), decoded.asks[0].tolist()]
            equal += best == own
            prices += [side[0] for side in best] == [side[0] for side in own]
    return pictures, equal, prices


def test_the_table_of_orders_is_the_log(tmp_path: Path) -> None:
    """The table was made of the log, its amounts cut to 1e-8 one too low now and then: its book messages are the log's but for that."""
    with bz2.open(shared_data() / "ws_captures" / "bitstamp" / "btcusd_l3_20150501.log.bz2", "rb") as file:
        lines = [file.readline() for _ in range(5_000)]
    (tmp_path / "orders.log").write_bytes(b"".join(line for line in lines if b"order_book" not in line and b" trade " not in line))
    table = pl.read_parquet(shared_data() / "book" / "bitstamp_btcusd_orders_20150501.parquet")
    table.head(sum(b"order_book" not in line and b" trade " not in line for line in lines)).write_parquet(tmp_path / "orders.parquet")
    by_log, by_table = (read_recorded([tmp_path / name]) for name in ("orders.log", "orders.parquet"))
    ours, theirs = by_log.text.view("<i8"), by_table.text.view("<i8")
    assert len(ours) == len(theirs) and by_log.starts.tolist() == by_table.starts.tolist()
    assert (ours - theirs).min() >= 0 and (ours - theirs).max() <= 20  # so many orders at a level
    heads = by_log.starts // 8
    assert all((ours[heads + place] == theirs[heads + place]).all() for place in range(10))
    assert by_log.received_ns.tolist() == by_table.received_ns.tolist()


# -- Binance's archive --------------------------------------------------------------------------------------------------

TRADES = ["100,3.5,2.25,7.875,1672531200000,True", "101,3.51,1.0,3.51,1672531200500,False"]
SUMS = ["7,3.5,2.25,100,102,1672531200000,true", "8,3.51,1.0,103,103,1672531200500,false"]


@pytest.mark.parametrize("is_headed", [True, False])
@pytest.mark.parametrize("best", ["", ",True"])
@pytest.mark.parametrize("suffix", [".csv", ".zip"])
@pytest.mark.parametrize(
    ("lines", "head", "name"),
    [
        (TRADES, "id,price,qty,quote_qty,time,is_buyer_maker", "Binance archive trades"),
        (SUMS, "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker", "Binance archive aggTrades"),
    ],
)
def test_the_archive_is_read_with_and_without_a_head(
    tmp_path: Path, is_headed: bool, best: str, suffix: str, lines: list[str], head: str, name: str
) -> None:
    text = "\n".join([*([head + (",is_best_match" if best else "")] if is_headed else []), *(line + best for line in lines)]) + "\n"
    path = tmp_path / f"ABCUSDT-trades-2023-01{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("ABCUSDT-trades-2023-01.csv", text)
    else:
        path.write_text(text)
    assert layout_name(path) == name
    capture = read_recorded([path], Told(market="spot", symbol="ABCUSDT"))
    words = capture.text.view("<i8").reshape(2, -1)
    ids = [[100, 100], [101, 101]] if lines is TRADES else [[100, 102], [103, 103]]
    assert words[:, 2:4].tolist() == ids
    assert words[:, 6:9].tolist() == [[350, 225, -1], [351, 100, 1]]
    assert capture.lines == ((2, 3) if is_headed else (1, 2))


# -- what is not so -----------------------------------------------------------------------------------------------------


def test_an_unknown_layout_is_refused_with_its_columns_and_those_that_are_known(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("alpha,beta\n1,2\n")
    assert not is_recorded(path) and not is_candles(path)
    with pytest.raises(DataRefused, match="no known layout has the columns alpha, beta") as raised:
        read_recorded([path])
    assert all(layout.name in raised.value.mend for layout in LAYOUTS)


def test_rows_that_cannot_be_used_are_told_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "binance_spot_abcusdt.csv"
    path.write_text(
        "id,price,qty,quote_qty,time,is_buyer_maker\n1,x,1,1,1672531200000,true\n2,2,0,0,1672531200000,true\n3,2,1,2,1672531200000,true\n"
    )
    capture = read_recorded([path])
    assert [(issue.kind, issue.where) for issue in capture.issues] == [("broken_row", "line 2"), ("broken_row", "line 3")]
    assert (len(capture.starts), capture.lines) == (1, (4,))
    path.write_text("id,price,qty,quote_qty,time,is_buyer_maker\n1,x,1,1,1672531200000,true\n")
    with pytest.raises(DataRefused, match="not one row can be used"):
        read_recorded([path])


def test_files_that_are_no_tables_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_table(tmp_path / "x.csv", Told())
    broken = tmp_path / "x.csv.gz"
    broken.write_bytes(gzip.compress(b"id,price\n" * 500)[:30])
    assert columns_of(broken) == ()
    with pytest.raises(DataRefused, match="cannot be read as a table"):
        read_table(broken, Told())
    (tmp_path / "y.csv").write_text(HEAD)
    with pytest.raises(DataRefused, match="has no rows"):
        read_table(tmp_path / "y.csv", Told())


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_a_recorder_s_file_with_any_bytes_in_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes) -> None:
    row = "1741046400062959,abcusdt@depth@100ms,depthUpdate,1741046400062507,ABCUSDT,{n},{n},0,0.2311,5\n"
    text = (HEAD + "".join(row.format(n=n) for n in range(1, 4))).encode()
    path = tmp_path_factory.mktemp("fuzz") / "spot_abcusdt.csv"
    path.write_bytes(text[:at] + noise + text[at + len(noise) :])
    try:
        capture = read_recorded([path])
        check_capture(capture, instruments_in(capture))
    except (DataRefused, UsageError, NotFound):
        pass
