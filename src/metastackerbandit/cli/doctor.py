"""`msb doctor`: whether an installation can trade, looked at piece by piece, with the mend of what cannot."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, SetFlags, answering, tell

if TYPE_CHECKING:
    from metastackerbandit.config.schema import Config

State = Literal["well", "look", "ill", "unknown"]
_LEAST_GIB = 1.0  # free where the journal is written
_LEAST_FILES = 256  # that a process may have open: a run has some forty
_FAR_S = 1.0  # that the venue's clock may be off: Binance refuses times a second ahead
_MARKS: dict[State, str] = {"well": "well   ", "look": "LOOK   ", "ill": "ILL    ", "unknown": "unknown"}


class Check(NamedTuple):
    """One look: what was looked at, how it is, in words, and the mend of what is not well. (A tuple: msgspec would be loaded before a verb runs.)"""

    name: str
    state: State
    what: str
    mend: str = ""


def doctor(
    venue: Annotated[str, typer.Option("--venue", help="loopback or binance.")] = "loopback",
    market: Annotated[str, typer.Option("--market", metavar="spot|perp", help="Which market of it.")] = "perp",
    url: Annotated[str | None, typer.Option("--url", help="Another address of the venue.", show_default=False)] = None,
    home: HomeFlag = None,
    sets: SetFlags = None,
    json: JsonFlag = False,
) -> None:
    """Look at configuration, disk, venue, clock, key, data, models, gates and logs; exit code 1 where something is ill."""
    with answering(json):
        from metastackerbandit.cli.market_data import config_of
        from metastackerbandit.cli.venues import market_named, venue_named
        from metastackerbandit.config.home import home_folder
        from metastackerbandit.domain.errors import MsbError

        folder, named, kind = home_folder(home, os.environ), venue_named(venue), market_named(market)
        checks: list[Check] = []
        try:
            config = config_of(home, sets)
            checks.append(Check("configuration", "well", "it is read, and every key is known"))
        except MsbError as error:
            checks.append(Check("configuration", "ill", error.what, error.mend))
            config = None
        checks += [_disk(folder), _files(), *_logs(folder), _data(folder, named.name, kind)]
        checks += [_looked("hard limits", lambda: _limits(folder), MsbError), _unlock(folder, named.name, kind)]
        checks += [_looked("models", lambda: _models(folder), MsbError), _looked("gates", lambda: _gates(folder), MsbError)]
        if config is not None:
            checks += asyncio.run(_venue(config, named, kind, url))
        ill = [one.name for one in checks if one.state == "ill"]
        payload = {"ok": not ill, "checks": [one._asdict() for one in checks]}
        lines = [f"{_MARKS[one.state]} {one.name:<14} {one.what}" + (f"\n{'':23}{one.mend}" if one.mend else "") for one in checks]
        tell(payload, "\n".join([*lines, f"ill: {', '.join(ill)}" if ill else "nothing is ill"]), json)
        if ill:
            raise typer.Exit(MsbError.exit_code)


def _disk(home: Path) -> Check:
    """Whether the journal has room."""
    there = next(path for path in (home, *home.absolute().parents) if path.exists())
    if not os.access(there, os.W_OK):
        return Check("disk", "ill", f"{there} cannot be written", "change its permissions, or name another --home")
    free = shutil.disk_usage(there).free / 2**30
    if free < _LEAST_GIB:
        return Check("disk", "ill", f"{free:.2f} GiB free in {there}", "free some: `msb data prune` takes raw logs away")
    return Check("disk", "well", f"{free:,.0f} GiB free in {there}")


def _files() -> Check:
    """Whether a run may open what it needs."""
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < _LEAST_FILES:
        return Check("open files", "ill", f"{most} are allowed", "ulimit -n 1024")
    return Check("open files", "well", f"{most:,} are allowed; {os.cpu_count()} processors")


def _logs(home: Path) -> list[Check]:
    """The journal's runs and the audit log's chain."""
    from metastackerbandit.cli.look import is_alive
    from metastackerbandit.domain.errors import MsbError, NotFound
    from metastackerbandit.storage.audit_log import read_audit
    from metastackerbandit.storage.journal import Journal
    from metastackerbandit.storage.standing import standing

    def journal() -> Check:
        try:
            with Journal.open(home, create=False) as held:
                found = standing(held, time.time_ns(), is_alive)
        except NotFound:
            return Check("journal", "unknown", "nothing has run here yet")
        if found.attention:
            return Check("journal", "look", "; ".join(found.attention[:3]), "`msb status` tells all")
        return Check("journal", "well", f"{found.state}; run {found.run} {found.last_state}")

    def audit() -> Check:
        return Check("audit log", "well", f"{len(read_audit(home)):,} entries, their chain is whole")

    return [_looked("journal", journal, MsbError), _looked("audit log", audit, MsbError)]


def _looked(name: str, look: Callable[[], Check], fault: type[Exception]) -> Check:
    """A look that may find something broken."""
    try:
        return look()
    except fault as error:
        return Check(name, "ill", str(error), getattr(error, "mend", ""))


def _data(home: Path, venue: str, market: str) -> Check:
    """Candles of the venue's market in the store."""
    from metastackerbandit.storage.store import leaf_folders, store_folder

    folders = [folder for folder in leaf_folders(store_folder(home)) if folder.name.startswith(f"{venue}_{market}_")]
    if not folders:
        return Check("data", "look", f"no candles of {venue} {market}", f"msb data download --venue {venue} --market {market}")
    said = [f"{folder.name}: {len(list(folder.glob('*.parquet')))} symbols" for folder in folders]
    return Check("data", "well", "; ".join(said))


def _limits(home: Path) -> Check:
    """What no configuration can exceed; without it no real money is traded."""
    from metastackerbandit.config.hard_limits import MAKE, hard_limits, limits_file
    from metastackerbandit.domain.money import money_text

    if not limits_file(home, os.environ).exists():
        return Check("hard limits", "unknown", "none: no real money is traded", MAKE)
    limits = hard_limits(home, os.environ)
    position, gross = (money_text(money, limits.currency) for money in (limits.position, limits.gross))
    return Check("hard limits", "well", f"{position} {limits.currency} a symbol, {gross} in all, {limits.leverage} times at most")


def _unlock(home: Path, venue: str, market: str) -> Check:
    """Whether real money is unlocked, for whatever configuration."""
    from metastackerbandit.cli.unlock import unlock_line
    from metastackerbandit.storage.unlocks import Locked, standing_unlock, unlock_path

    found = standing_unlock(home, venue, market, time.time_ns())
    if isinstance(found, Locked):
        state: State = "look" if unlock_path(home, venue, market).exists() else "unknown"
        return Check("unlock", state, found.why, "`msb lock`, or `msb unlock` anew" if state == "look" else "")
    return Check("unlock", "look", unlock_line(found), "`msb lock` takes it back")


def _models(home: Path) -> Check:
    """Models that could trade."""
    from metastackerbandit.storage.registry import Registry

    registry = Registry(home / "models")
    series, promoted = registry.series(), registry.slots()
    if not series:
        return Check("models", "look", "none: rule arms can trade", "msb train learns from the candles in the store")
    return Check("models", "well", f"{len(series)} series, promoted for {len(promoted)} symbols and frames")


def _gates(home: Path) -> Check:
    """Whether every gate can be passed, as the last preflight found."""
    from metastackerbandit.storage.preflights import last_preflight

    last = last_preflight(home)
    if last is None:
        return Check("gates", "unknown", "nobody has judged them", "msb preflight replays days and looks at each")
    age_h = (time.time_ns() - last.at_ns) / 3.6e12
    words = f"preflight {age_h:,.1f} h ago: {len(last.errors)} errors, {last.warnings} warnings"
    return (
        Check("gates", "well", words) if last.is_ready else Check("gates", "ill", f"{words}: {', '.join(last.errors)}", "`msb preflight` tells each")
    )


async def _venue(config: Config, named: Any, market: Any, url: str | None) -> list[Check]:
    """Whether the venue answers, how far its clock is, and what its key may do."""
    from metastackerbandit.cli.account_key import reference_of, refuse_unsound
    from metastackerbandit.cli.downloading import asked_of
    from metastackerbandit.domain.errors import MsbError
    from metastackerbandit.exchanges.transport.aiohttp_rest import AiohttpRest
    from metastackerbandit.runtime.history import venue_time
    from metastackerbandit.runtime.ports import LoopClock

    clock = LoopClock()
    async with AiohttpRest(config.transport, clock.now_ns) as rest:
        try:
            sent = time.monotonic()
            told = await venue_time(asked_of(config, named, market, rest, url, tries=1))
            trip_ms = (time.monotonic() - sent) * 1e3
        except MsbError as error:
            mend = "`msb venue` starts it" if named.is_made else "check the network and [endpoints]"
            return [Check("venue", "ill", f"{named.name} does not answer: {error.what}", mend)]
        checks = [Check("venue", "well", f"{named.name} answers within {trip_ms:.0f} ms" + (" (SIMULATED)" if named.is_made else ""))]
        off_s = (told.now_ns - clock.now_ns()) / 1e9
        if told.rate != 1.0:
            checks.append(Check("clock", "well", f"its time runs {told.rate:g} times ours, and is measured"))
        elif abs(off_s) > _FAR_S:
            checks.append(Check("clock", "look", f"its clock is {off_s:+.3f} s off ours; runs measure it", "set this machine's clock by NTP"))
        else:
            checks.append(Check("clock", "well", f"its clock is {off_s:+.3f} s off ours"))
        is_real = bool(reference_of(named, config))
        if not (named.is_made or is_real):
            return [*checks, Check("key", "unknown", f"keys.{named.name}.perp names none: it is traded on paper")]
        try:
            key = await refuse_unsound(named, market, config, url, rest, is_real=is_real)
            return [*checks, Check("key", "well", f"{key.shown} can trade here and cannot withdraw")]
        except MsbError as error:
            return [*checks, Check("key", "ill", error.what, error.mend)]
