"""`msb data record`: live streams of a venue into a raw log, with the books followed beside, so that what is lost is known at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metastackerbandit.config.schema import Config
    from metastackerbandit.domain.instrument import Instrument
    from metastackerbandit.runtime.live_feed import FeedSettings
    from metastackerbandit.runtime.recorder import Progress, Recorded

_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_FINEST = "0.00000001"  # the step of an instrument whose rules are not known: finer than any price of these venues


def seconds_of(text: str, flag: str) -> float:
    """A length of time such as 90s, 5m, 2h or 1d, in seconds; UsageError otherwise."""
    from metastackerbandit.domain.errors import UsageError

    match = _SPAN.fullmatch(text.strip())
    if match is None or not float(match[1]):
        raise UsageError(f"{text!r} is no length of time", where=flag, mend="write a number and s, m, h or d, such as 5m")
    return float(match[1]) * _UNITS[match[2]]


def feed_settings(config: Config, venue: str, market: str, url: str | None, rest_url: str | None) -> FeedSettings:
    """The tables that a feed reads, with the addresses of this venue and market exchanged where others are given."""
    from msgspec import structs

    from metastackerbandit.runtime.live_feed import FeedSettings

    base = "hyperliquid" if venue == "HYPERLIQUID" else f"{venue.lower()}_{market}"
    given = {f"{base}_stream": url, f"{base}_rest": rest_url}
    endpoints = structs.replace(config.endpoints, **{name: value.rstrip("/") for name, value in given.items() if value is not None})
    return FeedSettings(config.live, config.backoff, config.quality, config.transport, endpoints, config.health)


def instruments_named(symbols: Sequence[str], market: str, venue: str) -> tuple[Instrument, ...]:
    """Instruments by their symbols: with the rules that are shipped, else in the finest steps, which any price is a multiple of."""
    from metastackerbandit.domain.errors import UsageError
    from metastackerbandit.domain.instrument import Instrument
    from metastackerbandit.storage.instruments import shipped_rules

    if not symbols or len(set(symbols)) != len(symbols):
        raise UsageError(f"symbols {', '.join(symbols) or '(none)'}", where="--symbols", mend="name each symbol once, and at least one")
    rules = (_FINEST, _FINEST, _FINEST, _FINEST, "0", "inferred")
    return tuple(shipped_rules(one, market, venue) or Instrument(one, one, "", market, venue, *rules) for one in symbols)  # type: ignore[arg-type]


def record_payload(
    config: Config,
    *,
    venue: str,
    market: str,
    symbols: Sequence[str],
    streams: Sequence[str],
    out: Path,
    seconds: float,
    url: str | None,
    rest_url: str | None,
    show: Callable[[Progress], None],
) -> dict[str, Any]:
    """Record, and the shape of `msb data record --json`."""
    import asyncio
    from datetime import UTC, datetime

    import uvloop

    from metastackerbandit.exchanges.catalog import streams_of
    from metastackerbandit.storage.raw_log import RawLog

    settings = feed_settings(config, venue, market, url, rest_url)
    instruments = instruments_named(symbols, market, venue)
    streams_of(venue, market).sockets(instruments, streams, settings.endpoints)  # refuses what cannot be asked for, before anything is made
    log = RawLog(out / f"{venue.lower()}_{market}_{datetime.now(UTC):%Y%m%dT%H%M%S}", config.raw_log)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            recorded = runner.run(_recorded(instruments, streams, log, settings, seconds, show))
    finally:
        log.close()
    return _payload(recorded, venue, market, symbols, streams, log.folder)


async def _recorded(
    instruments: Sequence[Instrument], streams: Sequence[str], log: Any, settings: FeedSettings, seconds: float, show: Callable[[Progress], None]
) -> Recorded:
    """Record until the time is over or somebody presses Ctrl-C."""
    import asyncio
    import signal

    from metastackerbandit.runtime.recorder import record

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    try:
        return await record(instruments, streams, log, settings, seconds=seconds, stop=stop, show=show)
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)


def _payload(recorded: Recorded, venue: str, market: str, symbols: Sequence[str], streams: Sequence[str], file: Path) -> dict[str, Any]:
    done = recorded.progress
    return {
        "venue": venue.lower(),
        "market": market,
        "symbols": list(symbols),
        "streams": list(streams),
        "files": [file],
        "seconds": done.seconds,
        "frames": done.frames,
        "bytes": done.bytes_in,
        "gaps": done.gaps,
        "live": list(done.live),
        "interrupted": recorded.is_interrupted,
        "events": recorded.happened,
        "connections": recorded.connections,
        "issues": [
            {"type": issue.kind, "severity": issue.severity, "where": issue.where, "what": issue.what, "count": issue.count}
            for issue in recorded.issues
        ],
    }


def record_text(payload: dict[str, Any]) -> str:
    """The same for a reader."""
    live = ", ".join(payload["live"]) or "none"
    lines = [
        f"{payload['venue']} {payload['market']}: {payload['frames']:,} frames, {payload['bytes']:,} bytes in {payload['seconds']:,.1f} s"
        + (", stopped by hand" if payload["interrupted"] else ""),
        f"{payload['gaps']:,} gaps; books live at the end: {live}",
    ]
    for name, facts in payload["connections"].items():
        late = (
            f", {facts.latency_p50_ms:,.1f} ms behind the venue's stamp (median, both clocks as they are)" if facts.latency_p50_ms is not None else ""
        )
        lines.append(f"{name}: {facts.frames:,} frames, {facts.attempts:,} attempts, {facts.drops:,} drops{late}")
    lines += [f"{issue['severity']:8} {issue['type']}: {issue['where']}: {issue['what']}" for issue in payload["issues"][:20]]
    if len(payload["issues"]) > 20:
        lines.append(f"and {len(payload['issues']) - 20:,} more (--json has all)")
    return "\n".join([*lines, f"kept in {payload['files'][0]}; `msb data check {payload['files'][0]}` looks at it"])


class Shown:
    """Progress on stderr, one line that is written over; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()

    def __call__(self, done: Progress) -> None:
        if self._is_shown:
            live = f"{len(done.live)} live"
            line = f"{done.seconds:7.1f} s  {done.frames:,} frames  {done.bytes_in / 2**20:,.1f} MiB  {done.gaps} gaps  {live}"
            sys.stderr.write(f"\r{line:<78}")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._is_shown:
            sys.stderr.write("\n")
