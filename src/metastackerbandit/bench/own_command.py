"""The command itself on recorded candles, as a user runs it: what benchmarks of whole verbs are made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from metastackerbandit.domain.errors import DataRefused, Fault

FOLDER, SYMBOL = "binance_usdm_5m", "BTCUSDT"


def recorded_candles(data: Path | None) -> Path:
    """The folder of recorded five-minute candles.

    Raises:
        DataRefused: it is not at hand; a model of made candles would say nothing.
    """
    candles = None if data is None else data / FOLDER
    if candles is None or not (candles / f"{SYMBOL}.parquet").is_file():
        raise DataRefused(f"no recorded candles of {SYMBOL}", where="--data", mend=f"name the folder that holds {FOLDER}/{SYMBOL}.parquet")
    return candles


def told(verb: str, candles: Path, home: Path, frame: str, *more: str) -> str:
    """What `msb VERB` says as JSON of the candles of one symbol and frame, in a home of its own.

    Raises:
        Fault: it ended with something else than 0.
    """
    words = [verb, "--data", str(candles), "--symbols", SYMBOL, "--frames", frame, "--home", str(home), *more, "--json"]
    done = subprocess.run([sys.executable, "-m", "metastackerbandit", *words], capture_output=True, text=True)
    if done.returncode:
        raise Fault(f"msb {verb} ended with {done.returncode}: {done.stderr[-500:]}", where="benchmark of the command")
    return done.stdout
