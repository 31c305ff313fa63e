"""Files of several venues told apart by what stands in them, and the one instrument of each that is of the asset."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastackerbandit.domain.errors import DataRefused, InstrumentRefused, NotFound, OperatorError, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.runtime.venue_captures import asset_of, books_of_asset, captures_by_venue, named_in
from metastackerbandit.storage.captures import read_capture
from tests.exchanges.binance.venue import Venue, written
from tests.exchanges.hyperliquid.venue import pushed
from tests.shared import shared_data

RECORDED = {  # which venue's and market's each recorded file is; "": it does not tell
    "binance/spot_btcusdt_20240808.gz": "binance-spot",
    "binance/spot_btcusdt_20230405.gz": "binance-spot",  # without a snapshot
    "binance/usdm_btcusdt_20240719.gz": "binance-perp",
    "binance/usdm_btcusdt_20240808.gz": "binance-perp",
    "binance/cm_btcusd_perp_20240809.gz": "binance-inverse",
    "hyperliquid/btcusd_20250126.gz": "hyperliquid-perp",
    "cryptofeed/BINANCE.http.0.0.gz": "binance-spot",  # replies alone
    "cryptofeed/BINANCE_FUTURES.http.0.0.gz": "binance-perp",
    "cryptofeed/BINANCE.ws.1.0.gz": "binance-spot",
    "cryptofeed/BINANCE_FUTURES.ws.1.0.gz": "binance-perp",
    "cryptofeed/BINANCE_DELIVERY.ws.1.0.gz": "binance-inverse",
}


@pytest.mark.parametrize(("file", "name"), RECORDED.items())
def test_a_recorded_file_says_of_which_venue_it_is(file: str, name: str) -> None:
    assert named_in(read_capture([shared_data() / "ws_captures" / file])) == name


def kept(folder: Path, name: str, text: bytes) -> Path:
    path = folder / name
    path.write_bytes(text)
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A spot, a perpetual, another asset's perpetual, another venue's, and best prices alone, which do not say of which market they are."""
    made = {
        "spot": written(Venue(1, is_perp=False).frames(20, 3)),
        "perp": written(Venue(2, is_perp=True).frames(20, 3)),
        "eth": written(Venue(3, is_perp=True, symbol="ETHUSDT").frames(20, 3)),
        "euro": written(Venue(4, is_perp=True, symbol="BTCEUR").frames(20, 3)),
        "hyperliquid": written(pushed(20)),
        "bests": written([one for one in Venue(1, is_perp=False).frames(20, 3) if not (one.is_change or one.is_snapshot)]),
        "noise": b"nothing\n",
    }
    return {name: kept(tmp_path, f"{name}.log", text) for name, text in made.items()}


def test_files_of_one_venue_are_one_capture_and_of_several_one_each(files: dict[str, Path], tmp_path: Path) -> None:
    lines = files["spot"].read_bytes().splitlines(keepends=True)
    changes = kept(tmp_path, "changes.log", b"".join(line for line in lines if b"lastUpdateId" not in line))
    snapshot = kept(tmp_path, "snapshot.log", b"".join(line for line in lines if b"lastUpdateId" in line))
    assert list(captures_by_venue([files["spot"]])) == ["binance-spot"]
    assert list(captures_by_venue([files["spot"], files["bests"]])) == ["binance-spot"]  # what does not tell is of the only venue
    both = captures_by_venue([changes, files["perp"], snapshot, files["hyperliquid"]])
    assert list(both) == ["binance-spot", "binance-perp", "hyperliquid-perp"]
    whole = read_capture([files["spot"]])
    assert [both["binance-spot"].frame(n) for n in range(len(lines))] == [whole.frame(n) for n in range(len(lines))]
    assert len(both["binance-perp"].starts) == len(read_capture([files["perp"]]).starts)


@pytest.mark.parametrize("file", ["bests", "noise"])
def test_a_file_that_does_not_tell_its_venue_is_refused_beside_several(files: dict[str, Path], file: str) -> None:
    with pytest.raises(UsageError, match="the files are of binance-spot, binance-perp, and this one does not tell of which") as refused:
        captures_by_venue([files["spot"], files[file], files["perp"]])
    assert refused.value.where == str(files[file]) and "leave it out" in refused.value.mend


def test_the_instruments_of_the_asset_are_chosen(files: dict[str, Path]) -> None:
    captures = captures_by_venue([files["spot"], files["perp"], files["hyperliquid"]])
    for symbol in (None, "btc", "BTCUSDT", "BTCUSDT,BTC"):
        books = books_of_asset(captures, symbol)
        assert [(one.name, one.instrument.symbol) for one in books] == [
            ("binance-spot", "BTCUSDT"),
            ("binance-perp", "BTCUSDT"),
            ("hyperliquid-perp", "BTC"),
        ]


@pytest.mark.parametrize(
    ("names", "symbol", "error", "what"),
    [
        (("spot", "eth"), None, DataRefused, "different assets: binance-spot BTCUSDT; binance-perp ETHUSDT"),
        (("spot", "eth"), "BTC", DataRefused, "it has no BTC: it has ETHUSDT"),
        (("spot", "perp"), "XRP", NotFound, "no XRP in the captures"),
        (("spot", "eth"), "BTCUSDT,ETHUSDT", UsageError, "--symbol names 2 assets: BTC, ETH"),
        (("spot", "euro"), None, DataRefused, "not quoted in the same money: binance-spot BTCUSDT; binance-perp BTCEUR"),
        (("spot", "perp", "euro"), None, UsageError, "binance-perp has 2 instruments of BTC: BTCUSDT, BTCEUR"),
    ],
)
def test_what_does_not_go_together_is_told(
    files: dict[str, Path], names: tuple[str, ...], symbol: str | None, error: type[OperatorError], what: str
) -> None:
    with pytest.raises(error) as refused:
        books_of_asset(captures_by_venue([files[name] for name in names]), symbol)
    assert what in refused.value.what and refused.value.where and refused.value.mend


def test_of_several_assets_one_must_be_named(files: dict[str, Path], tmp_path: Path) -> None:
    ether = kept(tmp_path, "ether.log", files["eth"].read_bytes().replace(b'"pu"', b'"xx"').replace(b'"e":"bookTicker"', b'"x":1'))
    captures = captures_by_venue([files["spot"], ether, files["perp"], files["eth"]])
    assert list(captures) == ["binance-spot", "binance-perp"]
    with pytest.raises(UsageError, match="all captures have 2 assets") as refused:
        books_of_asset(captures, None)
    assert refused.value.mend == "choose with --symbol: BTC, ETH"
    assert [one.instrument.symbol for one in books_of_asset(captures, "ETH")] == ["ETHUSDT", "ETHUSDT"]


def test_recorded_inverse_contracts_are_not_added_to_others() -> None:
    """2024-08-08: a lot of COIN-M is 100 USD, whatever the price."""
    folder = shared_data() / "ws_captures" / "binance"
    captures = captures_by_venue([folder / "spot_btcusdt_20240808.gz", folder / "cm_btcusd_perp_20240808.gz"])
    with pytest.raises(InstrumentRefused, match="BTCUSD_PERP is an inverse contract") as refused:
        books_of_asset(captures, None)
    assert "cm_btcusd_perp" in refused.value.where and "leave it out" in refused.value.mend


def test_a_name_says_what_it_is_of() -> None:
    def one(symbol: str, venue: str, base: str = "", quote: str = "") -> Instrument:
        return Instrument(symbol, base or symbol, quote, "spot", venue, "0.1", "1", "1", "1", "0")

    assert asset_of(one("BTCUSDT", "BINANCE")) == ("BTC", "USDT")
    assert asset_of(one("BTC", "HYPERLIQUID", quote="USDC")) == ("BTC", "USDC")
    assert asset_of(one("kPEPE", "HYPERLIQUID")) == ("KPEPE", "USD")
    assert asset_of(one("PURR/USDC", "HYPERLIQUID")) == ("PURR", "USDC")
    assert asset_of(one("BTCUSD", "BITSTAMP", "BTC", "USD")) == ("BTC", "USD")
    assert asset_of(one("STRANGE", "BINANCE")) == ("STRANGE", "")
