"""From the words of a command to an installation, its configuration, and the candles that are named; the one place that opens them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from metastackerbandit.cli.wanted import Wanted
from metastackerbandit.config.books import engine_settings
from metastackerbandit.config.home import home_folder
from metastackerbandit.config.loading import Loaded, load, load_home
from metastackerbandit.config.schema import Config
from metastackerbandit.config.waivers import refuse_waivers
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.errors import ConfigRefused, DataRefused, NotFound, UsageError
from metastackerbandit.domain.recording import Recording
from metastackerbandit.storage.candles import load_recording

if TYPE_CHECKING:
    from metastackerbandit.domain.capture import Capture
    from metastackerbandit.runtime.capture_check import CheckedCapture


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
    if not config.run.data and not wanted.captures:
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


def config_of(home: Path | None, sets: Sequence[str] | None = None) -> Config:
    """The installation's configuration, with what --set says over it."""
    return load_home(home_folder(home, os.environ), os.environ, sets or ()).config


def _listed(text: str | None) -> list[str] | None:
    """Names between commas; None where none is."""
    return [name.strip() for name in text.split(",") if name.strip()] or None if text else None


def candles(wanted: Wanted, config: Config, since_ns: int | None, until_ns: int | None) -> Recording:
    """The recording that flags and configuration name, of one stretch of time."""
    from metastackerbandit.storage.replay_columns import is_replay_columns

    named = wanted.captures or (Path(config.run.data).expanduser(),)
    if any(is_replay_columns(path) for path in named):
        return _stored(wanted, config, named, since_ns, until_ns)
    if wanted.captures:
        return _captured(wanted, config, since_ns, until_ns)
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


def _stored(wanted: Wanted, config: Config, named: Sequence[Path], since_ns: int | None, until_ns: int | None) -> Recording:
    """The recording in an installation's columns."""
    from metastackerbandit.runtime.recorded.replaying import recording_of_columns

    if len(named) > 1:
        raise UsageError("stored columns are read alone", where=str(named[0]), mend="name one folder of columns, or the files of one capture")
    return recording_of_columns(named[0], config.run.symbols if wanted.symbols or not wanted.captures else (), since_ns, until_ns, wanted.instruments)


def _captured(wanted: Wanted, config: Config, since_ns: int | None, until_ns: int | None) -> Recording:
    """The recording in a capture's files: bars from trades, and the order book by the second."""
    from metastackerbandit.runtime.capture_check import check_capture
    from metastackerbandit.runtime.capture_recording import recording_of_capture, refuse_inverse
    from metastackerbandit.runtime.capture_rules import instruments_in
    from metastackerbandit.runtime.recorded.reading import read_recorded
    from metastackerbandit.storage.instruments import rules_of_capture

    capture = received_between(read_recorded(wanted.captures), since_ns, until_ns)
    seen = instruments_in(capture)
    known = [one.symbol for one in seen]
    chosen = list(config.run.symbols) if wanted.symbols else known
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise NotFound(f"no {unknown[0]} in the capture", where="--symbols", mend=f"it has {', '.join(known)}")
    wanted_ones = [one for one in seen if one.symbol in chosen]
    refuse_inverse(wanted_ones)
    checked = check_capture(capture, wanted_ones, config.quality)
    rules = [rules_of_capture(one, _price_in(checked, one.symbol), wanted.instruments, is_exact=capture.is_rows) for one in wanted_ones]
    notices = tuple(notice for _, told in rules for notice in told)
    return recording_of_capture(capture, [one for one, _ in rules], checked, config.quality, notices)


def _price_in(checked: CheckedCapture, symbol: str) -> float:
    """The best bid of a symbol's book at the capture's end."""
    from metastackerbandit.runtime.capture_recording import best_bid

    best = best_bid(checked, symbol)
    if best is None:
        what = f"there is no book of {symbol} at the end of the capture"
        raise DataRefused(what, where="msb replay", mend="give the file with its depth snapshot; `msb data check` tells what is wrong")
    return best


def received_between(capture: Capture, since_ns: int | None, until_ns: int | None) -> Capture:
    """The frames of a capture that were received between two times."""
    from msgspec import structs

    kept = np.ones(len(capture.received_ns), np.bool_)
    if since_ns is not None:
        kept &= capture.received_ns >= since_ns
    if until_ns is not None:
        kept &= capture.received_ns <= until_ns
    if not kept.any():
        raise UsageError("nothing was received in that time", where="--since, --until", mend="`msb data check` tells of the capture")
    lines = tuple(line for line, is_kept in zip(capture.lines, kept, strict=True) if is_kept) if capture.lines else ()
    return structs.replace(capture, **{name: getattr(capture, name)[kept] for name in ("starts", "ends", "received_ns", "asked")}, lines=lines)


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
