"""From the words of a command to an installation, its configuration, and the candles that are named; the one place that opens them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from metastackerbandit.cli.wanted import Wanted
from metastackerbandit.config.books import engine_settings
from metastackerbandit.config.home import home_folder
from metastackerbandit.config.loading import Loaded, load, load_home
from metastackerbandit.config.schema import Config
from metastackerbandit.config.waivers import refuse_waivers
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.errors import ConfigRefused, UsageError
from metastackerbandit.domain.recording import Recording
from metastackerbandit.storage.candles import load_recording


class Opened(NamedTuple):
    """An installation, its configuration with the flags over it, and the recording that they name."""

    home: Path
    config: Config
    recording: Recording


def opened(wanted: Wanted) -> Opened:
    """Read configuration and candles; nothing is written."""
    home, loaded = home_folder(wanted.home, os.environ), loaded_of(wanted)
    config = loaded.config
    refuse_waivers(config, loaded.sources, time.time_ns(), "paper")
    if not config.run.data:
        raise UsageError("no candles are named", where="--data", mend="give --data FOLDER, or set run.data in the configuration")
    return Opened(home, config, candles(wanted, config, time_ns(wanted.since, "--since"), time_ns(wanted.until, "--until")))


def loaded_of(wanted: Wanted) -> Loaded:
    """The configuration with the flags over it: the installation's, or the one that stands in its place."""
    options: dict[str, Any] = {
        "run.data": str(wanted.data) if wanted.data else None,
        "run.symbols": _listed(wanted.symbols),
        "run.frames": _listed(wanted.frames),
        "run.mood": str(wanted.mood) if wanted.mood else None,
        "run.arm": wanted.arm,
    }
    if wanted.instead is not None:
        return load([wanted.instead], os.environ, wanted.sets, options)
    return load_home(home_folder(wanted.home, os.environ), os.environ, wanted.sets, options)


def _listed(text: str | None) -> list[str] | None:
    """Names between commas; None where none is."""
    return [name.strip() for name in text.split(",") if name.strip()] or None if text else None


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
        mood=Path(config.run.mood).expanduser() if config.run.mood else None,
        outlier_return=config.market.outlier_return,
    )


def costs_of(config: Config, symbols: Sequence[str], frame: str) -> CostSettings:
    """What trading these symbols on a frame costs; symbols that share one model must cost alike, because its labels are net of cost."""
    found = {symbol: engine_settings(config, symbol, frame).costs for symbol in symbols}
    first = next(iter(found.values()))
    unlike = [symbol for symbol, costs in found.items() if costs != first]
    if unlike:
        what = f"{unlike[0]} costs other than {symbols[0]} on {frame}, where they share a model"
        raise ConfigRefused(what, where="symbols", mend=f"give the symbols of {frame} the same costs")
    return first


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
