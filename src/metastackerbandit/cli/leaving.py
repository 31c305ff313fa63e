"""`msb flatten` where no process runs: the run that left something is taken up under its own plan, only to leave what it holds and end in order."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metastackerbandit.domain.errors import NotFound

if TYPE_CHECKING:
    from metastackerbandit.storage.run_record import RunRow


def left(home: Path | None, url: str | None, why: str, who: str, *, is_shown: bool) -> dict[str, Any]:
    """Leave what the newest live run holds; the shape of `msb flatten --json`.

    Raises:
        NotFound: no live run left anything here.
    """
    from metastackerbandit.cli.taking_up import holds, newest_live
    from metastackerbandit.cli.trading import Traded, traded_live
    from metastackerbandit.cli.venues import market_named, venue_named
    from metastackerbandit.cli.wanted import Wanted
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.domain.timeframe import frame_name
    from metastackerbandit.storage.audit_log import keep_audit
    from metastackerbandit.storage.input_log import place_kept
    from metastackerbandit.storage.journal import Journal

    folder = home_folder(home, os.environ)
    with Journal.open(folder, create=False) as journal:
        view = newest_live(journal)
        if view is None or not holds(view):
            raise NotFound("no run on live data has left anything", where=str(folder), mend="`msb status` tells how the last one ended")
        row, place = view.row, place_kept(folder, view.row.run)
    venue, market = _where(row)
    entry = keep_audit(folder, time.time_ns(), who, "flatten", why)
    wanted = Wanted(
        home=folder,
        symbols=",".join(dict.fromkeys(row.symbols)),
        frames=",".join(frame_name(frame) for frame in dict.fromkeys(row.frames)),
        market=market,
        arm="buy_and_hold",  # nobody is asked: it trades no more
    )
    account = place is not None and place.has_account
    asked = Traded(venue_named(venue), market_named(market), url, 0.0, True, True, has_account=account, is_real=row.mode == "live", leaves=row.run)
    _, payload = traded_live(wanted, asked)
    return {"run": row.run, "word": "flatten", "audit": entry.number, "fills": payload["fills"], "left": payload["reconciliation_differences"]}


def left_text(payload: dict[str, Any]) -> str:
    """The same for a reader."""
    rest = f"; {len(payload['left'])} differences remain (`msb status`)" if payload["left"] else ""
    return f"run {payload['run']} was taken up and has left what it held{rest} (entry {payload['audit']} of the audit log)"


def _where(row: RunRow) -> tuple[str, str]:
    """Venue and market of a live run, as its source names them."""
    venue, _, rest = row.source.partition(" ")
    return venue, rest.partition(",")[0]
