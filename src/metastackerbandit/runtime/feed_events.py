"""What happens to a live feed, as rows for a journal and a screen."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

# What can happen -> how bad it is (domain.recording's words; "" for news).
HAPPENINGS = {
    "connecting": "",
    "connected": "",
    "closed": "medium",  # by whomever and with whatever code
    "stopped": "",  # by our own wish
    "not_connected": "medium",
    "silent": "medium",  # nothing came for too long, or no answer to a ping
    "waiting": "",  # for a snapshot
    "live": "",
    "gap": "high",
    "stale": "high",
    "snapshot_failed": "medium",
    "snapshot_old": "low",
    "broken": "high",
    "refused": "high",  # the venue does not take a message of ours
    "audited": "",
    "differs": "critical",
    "audit_failed": "low",
    "dropped": "high",
    "candle_failed": "medium",  # one that was not heard whole could not be asked for
}


class FeedEvent(Struct, frozen=True):
    """One thing that happened: a word of HAPPENINGS, when (UTC ns), on which connection or to which symbol ("" for none), in words, and a number."""

    at_ns: int
    what: str
    connection: str
    symbol: str
    words: str
    count: int = 0

    @property
    def severity(self) -> str:
        """How bad it is, "" for news."""
        return HAPPENINGS[self.what]


Tell = Callable[[FeedEvent], None]
