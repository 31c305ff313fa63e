"""Recorded candles load exactly, or are refused with what, where and the mend."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import DataRefused, MsbError, NotFound, OperatorError, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.recording import Recording
from metastackerbandit.features.batch import features_over
from metastackerbandit.features.catalog import NAMES
from metastackerbandit.storage.candles import load_recording
from tests.covering import covers
from tests.shared import shared_data
from tests.storage.candle_making import MINUTE_MS, START_MS, candle_table, with_stamps, write

START_NS = START_MS * 1_000_000
FIVE_NS = 5 * MINUTE_MS * 1_000_000
COLUMNS = ("open", "high", "low", "close")


def load(folder: Path, symbols: tuple[str, ...] | None = None, **more: Any) -> Recording:
    return load_recording(folder, symbols, market=more.pop("market", None), instruments_file=more.pop("instruments_file", None), **more)


def loaded_table(table: pl.DataFrame, folder: Path, name: str = "BTCUSDT.parquet", **more: Any) -> Recording:
    write(table, folder / name)
    return load(folder, **more)


def floats_of(ticks: np.ndarray[Any, Any], instrument: Instrument) -> list[float]:
    tick = Decimal(instrument.tick_size)
    return [float(int(one) * tick) for one in ticks]


@settings(deadline=None, max_examples=40)
@given(
    ticks=st.lists(st.integers(1, 10**7), min_size=2, max_size=40),
    decimals=st.integers(0, 7),
    ending=st.sampled_from([".parquet", ".csv", ".csv.gz"]),
)
def test_every_recorded_price_maps_back_to_the_same_float(ticks: list[int], decimals: int, ending: str) -> None:
    prices = [float(Decimal(one).scaleb(-decimals)) for one in ticks]
    times = pl.Series(START_MS + MINUTE_MS * np.arange(len(ticks))).cast(pl.Datetime("ms", "UTC"))
    table = pl.DataFrame({"open_time": times, **dict.fromkeys(COLUMNS, prices), "volume": 1.0})
    with tempfile.TemporaryDirectory() as made:
        recording = loaded_table(table, Path(made) / "venue_spot", f"ABCUSDT{ending}")
    for name in COLUMNS:
        assert floats_of(recording.bars[0][name], recording.instruments[0]) == prices


@settings(deadline=None, max_examples=60)
@given(
    content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "ignore"))),
    ending=st.sampled_from([".parquet", ".csv", ".csv.gz"]),
)
def test_garbage_is_refused_with_a_typed_error(content: bytes, ending: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "x_spot" / f"BTCUSDT{ending}"
        path.parent.mkdir()
        path.write_bytes(content)
        with pytest.raises(DataRefused) as refused:
            load(path.parent)
        assert refused.value.what and refused.value.where and refused.value.mend


@settings(deadline=None, max_examples=80)
@given(
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
    ending=st.sampled_from([".parquet", ".csv"]),
)
def test_a_damaged_file_loads_or_is_refused_and_nothing_else(places: list[tuple[float, int]], ending: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        path = write(candle_table(), Path(made) / "x_spot" / f"BTCUSDT{ending}")
        content = bytearray(path.read_bytes())
        for place, byte in places:
            content[int(place * len(content))] = byte
        path.write_bytes(content)
        try:
            load(path.parent)
        except OperatorError as error:
            assert error.exit_code in (4, 6) and error.mend


CELLS = st.one_of(
    st.sampled_from(["", "nan", "inf", "-1", "0", "abc", "1e400", "1_0", "٣", " 5 ", "1e-320"]), st.floats().map(str), st.integers().map(str)
)


@settings(deadline=None, max_examples=80)
@given(row=st.integers(0, 9), column=st.sampled_from(["open_time", *COLUMNS, "volume"]), cell=CELLS)
def test_any_text_in_any_cell_loads_or_is_refused(row: int, column: str, cell: str) -> None:
    table = with_stamps(candle_table(10)).with_columns(pl.all().cast(pl.String))
    cells = table[column].to_list()
    cells[row] = cell
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "x_spot" / "BTCUSDT.csv"
        path.parent.mkdir()
        table.with_columns(pl.Series(column, cells)).write_csv(path)
        try:
            recording = load(path.parent)
        except OperatorError as error:
            assert error.what and error.where and error.mend
        else:
            bars = recording.bars[0]
            assert (np.diff(bars["opened_ns"]) > 0).all()
            assert (bars["low"] > 0).all() and (bars["high"] <= recording.instruments[0].rules().max_ticks).all()


BROKEN: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "a missing price": (
        lambda t: t.with_columns(pl.when(pl.col("close") == t["close"][7]).then(None).otherwise(pl.col("close")).alias("close")),
        "row 8",
    ),
    "a price of zero": (lambda t: put(t, "low", 7, 0.0), "row 8"),
    "an infinite price": (lambda t: put(t, "high", 7, math.inf), "row 8"),
    "a high below the close": (lambda t: put(t, "high", 7, 1.0), "row 8"),
    "a low above the open": (lambda t: put(t, "low", 7, 10_000.0), "row 8"),
    "a negative volume": (lambda t: put(t, "volume", 7, -1.0), "row 8"),
    "rows out of order": (lambda t: pl.concat([t[:7], t[8:9], t[7:8], t[9:]]), "row 9"),
    "a time twice": (lambda t: pl.concat([t[:8], t[7:]]), "row 9"),
    "a time off the clock": (lambda t: put(t, "open_time", 7, t["open_time"].dt.offset_by("7s")[7]), "row 8"),
    "a time long ago": (lambda t: put(t, "open_time", 0, t["open_time"].dt.offset_by("-30y")[0]), "row 1"),
}


def put(table: pl.DataFrame, column: str, row: int, value: Any) -> pl.DataFrame:
    cells = table[column].to_list()
    cells[row] = value
    return table.with_columns(pl.Series(column, cells, dtype=table[column].dtype))


@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_row_is_refused_with_its_place(damage: str, tmp_path: Path) -> None:
    broken, place = BROKEN[damage]
    with pytest.raises(DataRefused) as refused:
        loaded_table(broken(candle_table()), tmp_path / "x_spot")
    said = f"{refused.value.where} {refused.value.what}"
    assert place in said and "BTCUSDT.parquet" in said and refused.value.mend


def test_text_among_numbers_is_refused_with_the_text(tmp_path: Path) -> None:
    table = with_stamps(candle_table()).with_columns(pl.col("close").cast(pl.String))
    with pytest.raises(DataRefused, match="close 'twelve' is not a number") as refused:
        loaded_table(put(table, "close", 4, "twelve"), tmp_path / "x_spot", "BTCUSDT.parquet")
    assert "row 5" in refused.value.where


def test_times_that_are_no_times_are_refused_with_the_text(tmp_path: Path) -> None:
    table = candle_table().with_columns(open_time=pl.lit("yesterday").cast(pl.Categorical))
    with pytest.raises(DataRefused, match="open_time 'yesterday' is not a time"):
        loaded_table(table, tmp_path / "x_spot")


def test_every_problem_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    table = put(put(candle_table(), "low", 3, -1.0), "volume", 9, -1.0)
    with pytest.raises(DataRefused, match=r"2 problems.*row 4.*row 10"):
        loaded_table(table, tmp_path / "x_spot")


@covers("A15")
def test_the_takers_side_of_recorded_candles_is_what_buyers_took() -> None:
    """A predecessor had A and B of its fills the wrong way round.

    Buying takers lift prices: within a minute they correlate to .43 to .59 on every day.
    """
    recording = load(shared_data() / "klines" / "binance_usdm_1m_full", ("ALGOUSDT",))
    (bars,) = (bars[:20_000] for bars in recording.bars)
    assert recording.has_flow == (True,)
    traded = bars["volume"] > 0
    assert (bars["taker_volume"][traded] >= 0).all() and (bars["taker_volume"][traded] <= bars["volume"][traded] * (1 + 1e-9)).all()
    imbalance = 2.0 * bars["taker_volume"][traded] / bars["volume"][traded] - 1.0
    moved = np.log(bars["close"][traded] / bars["open"][traded])
    assert np.corrcoef(imbalance, moved)[0, 1] > 0.4
    features = features_over(bars, bars["closed_ns"][0] - bars["opened_ns"][0], None, has_volume=True, has_flow=True)
    column = features.values[:, NAMES.index("taker_imbalance")][traded]
    known = np.isfinite(column)
    assert known.sum() > 10_000 and column[known] == pytest.approx(imbalance[known])


def test_a_missing_column_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=r"lacks column close.*did you mean closed"):
        loaded_table(candle_table().rename({"close": "closed"}), tmp_path / "x_spot")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_stamps_of_any_unit_are_recognised_and_said(unit: str, tmp_path: Path) -> None:
    write(candle_table(), tmp_path / "x_spot" / "BTCUSDT.parquet")
    plain = load(tmp_path / "x_spot")
    stamped = loaded_table(with_stamps(candle_table(), unit), tmp_path / "y_spot")
    assert plain.bars[0].tobytes() == stamped.bars[0].tobytes()
    assert any(f"read as {unit}" in notice for notice in stamped.notices) == (unit != "ms")


@pytest.mark.parametrize("pattern", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.000+00:00", "%Y-%m-%d %H:%M"])
def test_written_times_are_read(pattern: str, tmp_path: Path) -> None:
    table = candle_table().with_columns(pl.col("open_time").dt.strftime(pattern)).rename({"open_time": "Date"})
    recording = loaded_table(table, tmp_path / "x_spot")
    assert recording.bars[0]["opened_ns"][0] == START_NS


@covers("A44")
def test_times_of_another_zone_become_utc(tmp_path: Path) -> None:
    table = candle_table().with_columns(pl.col("open_time").dt.convert_time_zone("Asia/Kolkata").dt.strftime("%Y-%m-%dT%H:%M:%S%z"))
    assert loaded_table(table, tmp_path / "x_spot").bars[0]["opened_ns"][0] == START_NS


def test_seconds_stored_as_milliseconds_are_refused(tmp_path: Path) -> None:
    table = with_stamps(candle_table(), "s").with_columns(pl.col("open_time").cast(pl.Datetime("ms", "UTC")))
    with pytest.raises(DataRefused, match="look like s stored as ms"):
        loaded_table(table, tmp_path / "x_spot")


def test_mixed_units_are_refused(tmp_path: Path) -> None:
    table = pl.concat([with_stamps(candle_table(10), "s"), with_stamps(candle_table(10))])
    with pytest.raises(DataRefused, match="mixes units: ms, s"):
        loaded_table(table, tmp_path / "x_spot")


def test_mixed_bar_sizes_are_refused(tmp_path: Path) -> None:
    later = START_MS + 100 * 5 * MINUTE_MS
    table = pl.concat([candle_table(100), candle_table(60, step_ms=MINUTE_MS, start_ms=later)])
    with pytest.raises(DataRefused, match="mixes steps"):
        loaded_table(table, tmp_path / "x_spot")
    write(candle_table(40), tmp_path / "y_spot" / "BTCUSDT.csv")
    write(candle_table(40, step_ms=MINUTE_MS), tmp_path / "y_spot" / "ETHUSDT.csv")
    with pytest.raises(DataRefused, match="mixes steps: BTCUSDT 5m, ETHUSDT 1m"):
        load(tmp_path / "y_spot")


def test_bars_that_are_no_timeframe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="3m apart"):
        loaded_table(candle_table(step_ms=3 * MINUTE_MS, start_ms=START_MS), tmp_path / "x_spot")


def test_a_gap_is_an_issue_with_its_count_and_span(tmp_path: Path) -> None:
    table = candle_table(40)
    recording = loaded_table(pl.concat([table[:10], table[13:]]), tmp_path / "x_spot")
    gap = next(issue for issue in recording.issues if issue.kind == "gap")
    assert gap.count == 3 and "15m" in gap.what and gap.where.startswith("BTCUSDT 2023-11-14T23:05:00Z")
    assert recording.base_ns == FIVE_NS and len(recording.bars[0]) == 37


def test_a_bar_is_known_when_it_closes(tmp_path: Path) -> None:
    bars = loaded_table(candle_table(), tmp_path / "x_spot").bars[0]
    assert (bars["closed_ns"] == bars["opened_ns"] + FIVE_NS).all() and (bars["known_ns"] == bars["closed_ns"]).all()
    assert (bars["parts"] == 1).all() and (bars["parts_due"] == 1).all()


def test_a_file_without_volume_loads_and_says_so(tmp_path: Path) -> None:
    recording = loaded_table(candle_table().drop("volume"), tmp_path / "x_spot")
    assert recording.has_volume == (False,) and np.isnan(recording.bars[0]["volume"]).all()


def test_files_of_one_symbol_are_joined_and_equal_overlap_counts_once(tmp_path: Path) -> None:
    table = candle_table(60)
    write(table[20:], tmp_path / "x_spot" / "BTCUSDT_2024.csv")
    write(table[:30], tmp_path / "x_spot" / "BTCUSDT_2023.parquet")
    whole = loaded_table(table, tmp_path / "y_spot")
    joined = load(tmp_path / "x_spot")
    assert joined.bars[0].tobytes() == whole.bars[0].tobytes() and joined.digest == whole.digest
    assert any("10 equal candles" in notice for notice in joined.notices)


def test_contradicting_overlap_is_refused(tmp_path: Path) -> None:
    table = candle_table(60)
    write(table[:30], tmp_path / "x_spot" / "BTCUSDT_2023.parquet")
    write(put(table, "volume", 25, 7_777.0)[20:], tmp_path / "x_spot" / "BTCUSDT_2024.parquet")
    with pytest.raises(DataRefused, match=r"BTCUSDT_2023.parquet has volume .* BTCUSDT_2024.parquet 7777"):
        load(tmp_path / "x_spot")


def test_an_unknown_symbol_is_not_found_with_a_suggestion(tmp_path: Path) -> None:
    write(candle_table(), tmp_path / "x_spot" / "BTCUSDT.parquet")
    with pytest.raises(NotFound, match="did you mean BTCUSDT"):
        load(tmp_path / "x_spot", ("BTCUSD",))
    with pytest.raises(UsageError, match="named twice"):
        load(tmp_path / "x_spot", ("BTCUSDT", "btcusdt"))
    with pytest.raises(NotFound):
        load(tmp_path / "nowhere_spot")


def test_a_folder_that_does_not_say_its_market_asks_for_it(tmp_path: Path) -> None:
    write(candle_table(), tmp_path / "candles" / "BTCUSDT.parquet")
    with pytest.raises(DataRefused, match="--market"):
        load(tmp_path / "candles")
    assert load(tmp_path / "candles", market="perp").instruments[0].id == "BTC-USDT.PERP.RECORDED"


def test_a_span_is_cut_at_opens_and_closes(tmp_path: Path) -> None:
    write(candle_table(30), tmp_path / "x_spot" / "BTCUSDT.parquet")
    cut = load(tmp_path / "x_spot", since_ns=START_NS + 1, until_ns=START_NS + 10 * FIVE_NS)
    assert list(cut.bars[0]["opened_ns"]) == [START_NS + place * FIVE_NS for place in range(1, 10)]
    with pytest.raises(DataRefused, match="no candles in the span"):
        load(tmp_path / "x_spot", since_ns=START_NS + 99 * FIVE_NS)


def test_one_row_takes_its_length_from_the_folder_or_the_flag(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="one time alone"):
        loaded_table(candle_table(1), tmp_path / "x_spot")
    assert load(tmp_path / "x_spot", base_frame="5m").base_ns == FIVE_NS
    assert loaded_table(candle_table(1), tmp_path / "x_spot_5m").base_ns == FIVE_NS


def test_the_digest_follows_everything_that_is_read(tmp_path: Path) -> None:
    one = loaded_table(candle_table(), tmp_path / "x_spot")
    again = loaded_table(candle_table(), tmp_path / "y_spot", "BTCUSDT.csv")
    assert one.digest == again.digest and len(one.digest) == 24
    assert loaded_table(candle_table(), tmp_path / "x_perp").digest != one.digest
    assert loaded_table(put(candle_table(), "volume", 3, 9.5), tmp_path / "z_spot").digest != one.digest


def settlements(folder: Path, rates: list[float], marks: list[float | None] | None = None, name: str = "BTCUSDT.parquet") -> Path:
    times = pl.Series(START_MS + 60 * MINUTE_MS * np.arange(len(rates))).cast(pl.Datetime("ms", "UTC"))
    table = pl.DataFrame({"time": times, "funding_rate": rates})
    folder.mkdir(parents=True, exist_ok=True)
    (table if marks is None else table.with_columns(pl.Series("mark_price", marks))).write_parquet(folder / name)
    return folder


def test_funding_becomes_exact_rates_and_nearest_ticks_within_the_span(tmp_path: Path) -> None:
    write(candle_table(30), tmp_path / "x_perp" / "BTCUSDT.parquet")
    folder = settlements(tmp_path / "funding", [0.0001, -0.00016799, 0.00000001, 0.5], [None, 100.004, 99.996, 100.0])
    recording = load(tmp_path / "x_perp", funding=folder)
    rows = recording.funding[0]
    assert rows is not None
    assert list(rows["rate"]) == [10_000, -16_799, 1] and list(rows["at_ns"]) == [START_NS + place * 12 * FIVE_NS for place in range(3)]
    assert list(rows["mark"]) == [0, 10_000, 10_000]
    assert recording.digest != load(tmp_path / "x_perp").digest


def test_funding_files_that_share_settlements_are_joined(tmp_path: Path) -> None:
    write(candle_table(30), tmp_path / "x_perp" / "BTCUSDT.parquet")
    folder = settlements(tmp_path / "funding", [0.0001, 0.0002], [None, 100.0])
    settlements(folder, [0.0001, 0.0002, 0.0003], name="BTCUSDT_2023.parquet")
    rows = load(tmp_path / "x_perp", funding=folder).funding[0]
    assert rows is not None and list(rows["rate"]) == [10_000, 20_000, 30_000] and list(rows["mark"]) == [0, 10_000, 0]
    settlements(folder, [0.0001, 0.0009], name="BTCUSDT_2023.parquet")
    with pytest.raises(DataRefused, match="disagree about the funding rate"):
        load(tmp_path / "x_perp", funding=folder)


def test_funding_that_is_no_fraction_or_has_no_use_is_refused(tmp_path: Path) -> None:
    write(candle_table(30), tmp_path / "x_perp" / "BTCUSDT.parquet")
    with pytest.raises(DataRefused, match="rate above 50 %"):
        load(tmp_path / "x_perp", funding=settlements(tmp_path / "funding", [1.0, 0.01]))
    with pytest.raises(UsageError, match="spot pays no funding"):
        load(tmp_path / "x_perp", market="spot", funding=tmp_path / "funding")


# -- the recordings themselves -----------------------------------------------------------------------------------------

SMALL = [
    ("binance_spot_1h", ("PEPEUSDT", "KITEUSDT", "LINKUSDT")),
    ("binance_spot_30m", None),
    ("binance_spot_5m", ("KITEUSDT", "TAOUSDT")),
    ("binance_spot_1m", ("BTCUSDT",)),
    ("binance_usdm_1h", ("BTCUSDT", "DOGEUSDT", "SOLUSDT")),
    ("binance_usdm_30m", None),
    ("binance_usdm_5m", ("HYPEUSDT", "PIPPINUSDT")),
    ("binance_usdm_1m_2023", ("TRXUSDT",)),
    ("binance_usdm_1m_2025", ("LAYERUSDT",)),
    ("binance_usdm_1m_full", ("LINKUSDT",)),
    ("binance_usdm_1m_listings", None),
    ("bitfinex_spot_1m", ("LTCUSD", "ETHUSD")),
    ("ftx_perp_1m", None),
]


@pytest.mark.parametrize(("name", "symbols"), SMALL, ids=[name for name, _ in SMALL])
def test_every_price_of_a_recorded_folder_maps_back_to_the_same_float(name: str, symbols: tuple[str, ...] | None) -> None:
    folder = shared_data() / "klines" / name
    recording = load(folder, symbols)
    for instrument, bars in zip(recording.instruments, recording.bars, strict=True):
        held = pl.concat([pl.read_parquet(path).select("open_time", *COLUMNS) for path in sorted(folder.glob(f"{instrument.symbol}*.parquet"))])
        held = held.unique("open_time", keep="first", maintain_order=True).sort("open_time")
        assert len(held) == len(bars)
        assert instrument.rules().max_ticks >= 10 * bars["high"].max()
        for column in COLUMNS:
            prices, places = np.unique(held[column].to_numpy(), return_index=True)
            sample = slice(None, None, max(1, len(prices) // 2_000))
            assert floats_of(bars[column][places][sample], instrument) == list(prices[sample])


def test_every_recorded_folder_loads_or_is_refused_with_a_typed_reason() -> None:
    for folder in sorted(path for path in (shared_data() / "klines").iterdir() if path.is_dir()):
        try:
            files = sorted(folder.glob("*.parquet"), key=lambda path: path.stat().st_size)
            load(folder, (files[0].name.split("_")[0].removesuffix(".parquet"),) if files else None)
        except MsbError as error:
            assert folder.name == "lean_samples" and "crypto" in error.mend


def test_recorded_funding_beside_the_candles_is_found() -> None:
    recording = load(shared_data() / "klines" / "binance_usdm_30m")
    rows = recording.funding[0]
    assert rows is not None and len(rows) == 2_100 and (np.diff(rows["at_ns"]) > 0).all() and (rows["mark"] > 0).any()


def test_quote_volume_of_ftx_becomes_base_volume() -> None:
    folder = shared_data() / "klines" / "ftx_perp_1m"
    held = pl.read_parquet(folder / "BTC-PERP_2022-01.parquet")
    recording = load(folder)
    assert np.array_equal(recording.bars[0]["volume"], (held["volume"] / held["close"]).to_numpy())
    assert recording.instruments[0].id == "BTC-USD.PERP.FTX"
