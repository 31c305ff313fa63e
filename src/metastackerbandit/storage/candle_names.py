"""What the names of a folder and its files say: symbol, market, venue, bar size."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from metastackerbandit.domain.errors import DataRefused, InstrumentRefused, NotFound
from metastackerbandit.domain.timeframe import FRAMES

Market = Literal["spot", "perp"]

SUFFIXES = (".parquet", ".csv", ".csv.gz")
QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "BTC", "ETH", "BNB")
VENUES = ("loopback", "binance", "bitfinex", "ftx", "mexc", "hyperliquid", "bybit", "okx", "kraken", "coinbase")

_MARKET_WORDS: dict[str, Market] = {"spot": "spot", "usdm": "perp", "perp": "perp", "futures": "perp", "swap": "perp"}
_NAME = re.compile(r"(?P<symbol>[A-Z0-9]+?(?:[-_/][A-Z]+)?)(?:[-_]\d{1,2}[MHD])?(?:[-_]\d{4}(?:-\d{2,4})*)?", re.IGNORECASE)


def symbol_of(path: Path) -> str:
    """BTCUSDT for BTCUSDT_2020-2024.parquet or btcusdt-1m-2024-01.csv.gz."""
    stem = path.name
    for suffix in (".csv.gz", ".csv", ".parquet"):
        stem = stem.removesuffix(suffix)
    named = _NAME.fullmatch(stem)
    return (named["symbol"] if named else stem).upper()


def files_by_symbol(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Every candle file of a leaf folder under its symbol, in order of name; a folder without any is refused."""
    if not folder.is_dir():
        raise NotFound("there is no such folder of candles", where=str(folder), mend="give a folder of parquet or csv files named by symbol")
    found: dict[str, tuple[Path, ...]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name.endswith(SUFFIXES) and not path.name.startswith("."):
            found[symbol_of(path)] = (*found.get(symbol_of(path), ()), path)
    if not found:
        inner = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_dir()))
        mend = f"give one of its folders: {inner}" if inner else "give a folder of parquet or csv files named by symbol"
        raise DataRefused("holds no candle files (.parquet, .csv, .csv.gz)", where=str(folder), mend=mend)
    return dict(sorted(found.items()))


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """A suggestion and the list, for a word that is not among those known."""
    known = sorted(words)
    close = difflib.get_close_matches(word.upper(), [one.upper() for one in known], 1)
    near = next((one for one in known if close and one.upper() == close[0]), "")
    listed = f"there are: {', '.join(known)}"
    return f"did you mean {near}? {listed}" if near else listed


def market_of(folder: Path, market: str | None) -> Market:
    """Spot or perp, from --market, else from the folder's name; refused where neither says."""
    if market is not None:
        word = market.lower()
        if word not in _MARKET_WORDS:
            raise DataRefused(f"unknown market {market!r}", where="--market", mend="use spot or perp")
        return _MARKET_WORDS[word]
    said = {kind for word, kind in _MARKET_WORDS.items() if word in folder.name.lower()}
    if len(said) != 1:
        raise DataRefused("the folder's name does not say spot or perp", where=str(folder), mend="give --market spot or --market perp")
    return said.pop()


def venue_of(folder: Path) -> str:
    """BINANCE for binance_usdm_5m; RECORDED where the name says none."""
    words = re.split(r"[^a-z0-9]+", folder.name.lower())
    return next((venue.upper() for venue in VENUES if venue in words), "RECORDED")


def frame_of(folder: Path) -> str | None:
    """The bar size that a folder's name states, or None."""
    words = re.split(r"[^a-z0-9]+", folder.name.lower())
    return next(("24h" if word == "1d" else word for word in words if word in FRAMES or word == "1d"), None)


def base_and_quote(symbol: str) -> tuple[str, str]:
    """BTC and USDT of BTCUSDT, BTC-USDT or BTC_USDT; a dash and PERP is quoted in USD."""
    parts = re.split(r"[-_/]", symbol)
    if len(parts) == 2 and all(parts):
        return (parts[0], "USD") if parts[1] in ("PERP", "SWAP") else (parts[0], parts[1])
    for quote in QUOTES:
        if len(parts) == 1 and symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote), quote
    mend = f"end it with one of {', '.join(QUOTES)}, or state it in --instruments FILE"
    raise InstrumentRefused("the symbol does not say what it is quoted in", where=symbol, mend=mend)
