"""`msb events`: what happened to a live run, in order: connections that ended and took over, books, orders in doubt, rules, clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell
from metastackerbandit.cli.looking import RunArgument

if TYPE_CHECKING:
    from metastackerbandit.runtime.feed_events import FeedEvent


def events(
    run: RunArgument = "last",
    what: Annotated[str | None, typer.Option("--what", metavar="WORD", help="Only events of this word.", show_default=False)] = None,
    most: Annotated[int, typer.Option("--most", help="The newest so many.", min=1)] = 50,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """What happened to a live run, the newest last."""
    with answering(json):
        from metastackerbandit.cli.looking import journal_of
        from metastackerbandit.domain.errors import UsageError
        from metastackerbandit.runtime.event_log import event_log_path, read_events
        from metastackerbandit.runtime.feed_events import HAPPENINGS

        if what is not None and what not in HAPPENINGS:
            raise UsageError(f"no event {what!r}", where="--what", mend=f"there are {', '.join(sorted(HAPPENINGS))}")
        with journal_of(home) as journal:
            view = journal.run(run)
        found = [one for one in read_events(event_log_path(view.home, view.row.run)) if what in (None, one.what)]
        told = [_as_json(one) for one in found[-most:]]
        tell({"run": view.row.run, "of": len(found), "events": told}, "\n".join(map(_line, told)) or "nothing has happened", json)


def _as_json(one: FeedEvent) -> dict[str, Any]:
    from metastackerbandit.domain.quality import time_text

    named = {"what": one.what, "severity": one.severity, "connection": one.connection, "symbol": one.symbol, "words": one.words, "count": one.count}
    return {"at_ns": one.at_ns, "at": time_text(one.at_ns), **named}


def _line(one: dict[str, Any]) -> str:
    where = " ".join(text for text in (one["connection"], one["symbol"]) if text)
    return f"{one['at']}  {one['what']:<16} {where:<16} {one['words']}".rstrip()
