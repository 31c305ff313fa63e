"""freqtrade's own look-ahead analysis, offline: recorded candles as its data, and a market list of ours in place of the venue's answer.

Work `lookahead`, job:

    {"candles": {"BTC/USDT": "/path.parquet"}, "timeframe": "1h", "rows": 2000, "strategies": ["Honest", "OneBarShift"],
     "from": 0, "trades": 20, "least": 10}

The answer maps each strategy of `strategies/` to what the tool wrote into its own export: `has_bias`, `total_signals`, `biased_entry_signals`,
`biased_exit_signals`, `biased_indicators`; null where it wrote nothing, because there were too few trades.

One thing is replaced: how markets are loaded. The tool asks the venue for them at its start; here each pair of the job is a spot market with
price steps of 0.01 and amount steps of 0.00001, and no fee is asked because one is given.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from freqtrade.exchange.exchange import Exchange
from freqtrade.main import main
from serving import serve

HERE = Path(__file__).parent
FIELDS = ("total_signals", "biased_entry_signals", "biased_exit_signals")


def _market(pair: str) -> dict[str, Any]:
    """A spot market as the exchange library describes one."""
    base, quote = pair.split("/")
    return {
        "id": base + quote,
        "symbol": pair,
        "base": base,
        "quote": quote,
        "baseId": base,
        "quoteId": quote,
        "type": "spot",
        "spot": True,
        "margin": False,
        "swap": False,
        "future": False,
        "option": False,
        "contract": False,
        "active": True,
        "taker": 0.001,
        "maker": 0.001,
        "percentage": True,
        "tierBased": False,
        "precision": {"amount": 1e-5, "price": 0.01},
        "limits": {"amount": {"min": 1e-5, "max": None}, "price": {"min": 0.01, "max": None}, "cost": {"min": 5.0, "max": None}, "leverage": {}},
        "info": {},
    }


def _offline(pairs: list[str]) -> None:
    """Markets from here, not from the venue."""

    def load(exchange: Any, reload: bool = False) -> None:
        exchange._api_async.set_markets([_market(pair) for pair in pairs])

    Exchange._load_async_markets = load


def lookahead(job: dict[str, Any]) -> Callable[[], Any]:
    """A user folder with candles and configuration; the run is the tool's own command."""
    folder = tempfile.TemporaryDirectory()
    home = Path(folder.name)
    data = home / "data" / "binance"
    data.mkdir(parents=True)
    span: list[int] = []
    for pair, path in job["candles"].items():
        frame = pd.read_parquet(path)[["open_time", "open", "high", "low", "close", "volume"]].rename(columns={"open_time": "date"})
        frame = frame.iloc[job.get("from", 0) :][: job["rows"]].reset_index(drop=True)
        frame["date"] = pd.to_datetime(frame["date"], utc=True)
        frame.to_feather(data / f"{pair.replace('/', '_')}-{job['timeframe']}.feather")
        span = [int(frame["date"].iloc[place].timestamp()) for place in (0, -1)]
    config = {
        "dry_run": True,
        "stake_currency": next(iter(job["candles"])).split("/")[1],
        "stake_amount": 1000,
        "fee": 0.001,
        "exchange": {"name": "binance", "pair_whitelist": list(job["candles"]), "enable_ws": False},
        "pairlists": [{"method": "StaticPairList"}],
        "entry_pricing": {"price_side": "other"},
        "exit_pricing": {"price_side": "other"},
    }
    (home / "config.json").write_text(json.dumps(config))
    _offline(list(job["candles"]))

    def run(folder: Any = folder) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in job["strategies"]:
            told = home / f"{name}.csv"
            told.unlink(missing_ok=True)
            arguments = ["lookahead-analysis", "--config", str(home / "config.json"), "--userdir", str(home), "--datadir", str(data)]
            arguments += ["--strategy", name, "--strategy-path", str(HERE / "strategies"), "--timeframe", job["timeframe"]]
            arguments += ["--timerange", f"{span[0]}-{span[1]}", "--pairs", *job["candles"]]
            arguments += ["--targeted-trade-amount", str(job["trades"]), "--minimum-trade-amount", str(job["least"])]
            arguments += ["--lookahead-analysis-exportfilename", str(told)]
            try:
                main(arguments)
            except SystemExit as ended:
                if ended.code not in (0, None):
                    raise RuntimeError(f"lookahead-analysis of {name} ended with {ended.code}") from None
            found[name] = _row(told)
        return found

    return run


def _row(path: Path) -> dict[str, Any] | None:
    """The tool's own line of the strategy."""
    if not path.exists():
        return None
    lines = list(csv.DictReader(path.open(newline="")))
    if not lines:
        return None
    (line,) = lines
    return {
        "has_bias": line["has_bias"] == "True",
        **{field: int(line[field]) for field in FIELDS},
        "biased_indicators": [name for name in line["biased_indicators"].split(",") if name],
    }


if __name__ == "__main__":
    serve({"lookahead": lookahead}, versions=("freqtrade", "ccxt"))
