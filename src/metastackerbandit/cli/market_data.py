"""From the words of a command to an installation, its configuration, and the candles that are named; the one place that opens them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from metastackerbandit.cli.wanted import Wanted
from metastackerbandit.config.home import home_folder
from metastackerbandit.config.loading import load_home
from metastackerbandit.config.schema import Config
from metastackerbandit.config.waivers import refuse_waivers
from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.recording import Recording
from metastackerbandit.storage.candles import load_recording


class Opened(NamedTuple):
    """An installation, its configuration with the flags over it, and the recording that they name."""

    home: Path
    config: Config
    recording: Recording


def opened(wanted: Wanted) -> Opened:
    """Read configuration and candles; nothing is written."""
    home = home_folder(wanted.home, os.environ)
    symbols = [name.strip() for name in wanted.symbols.split(",") if name.strip()] if wanted.symbols else None
    options: dict[str, Any] = {
        "run.data": str(wanted.data) if wanted.data else None,
        "run.symbols": symbols or None,
        "run.frame": wanted.frame,
        "run.arm": wanted.arm,
    }
    loaded = load_home(home, os.environ, wanted.sets, options)
    config = loaded.config
    refuse_waivers(config, loaded.sources, time.time_ns(), "paper")
    if not config.run.data:
        raise UsageError("no candles are named", where="--data", mend="give --data FOLDER, or set run.data in the configuration")
    return Opened(home, config, candles(wanted, config, time_ns(wanted.since, "--since"), time_ns(wanted.until, "--until")))


def candles(wanted: Wanted, config: Config, since_ns: int | None, until_ns: int | None) -> Recording:
    """The recording that flags and configuration name, of one stretch of time."""
    return load_recording(
        Path(config.run.data).expanduser(),
        config.run.symbols or None,
        market=wanted.market,
        instruments_file=wanted.instruments,
        since_ns=since_ns,
        until_ns=until_ns,
        funding=wanted.funding,
        outlier_return=config.market.outlier_return,
    )


def time_ns(text: str | None, where: str) -> int | None:
    """A UTC date or time as ns."""
    if text is None:
        return None
    from datetime import UTC, datetime

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a date or time", where=where, mend="write it as 2025-01-31 or 2025-01-31T12:00") from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return int(at.timestamp()) * 1_000_000_000
