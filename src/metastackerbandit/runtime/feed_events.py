"""What happens to live feeds, orders and the account, as rows for a journal and a screen."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

# What can happen -> how bad it is (domain.recording's words; "" for news).
HAPPENINGS = {
    "connecting": "",
    "connected": "",
    "closed": "medium",  # by whomever and with whatever code
    "stopped": "",  # by our own wish
    "switched": "medium",  # another connection is taken from
    "resumed": "",  # the first message of the connection that was switched to, and how long after the last one before
    "returned": "",  # the first connection is taken from again
    "rotating": "",  # a connection is replaced before the venue ends it
    "rotated": "",
    "rotation_failed": "medium",  # the new one did not come to stand or did not join; the old one goes on
    "uncarried": "high",  # no connection carries these streams
    "carried": "",
    "graded": "",  # a connection is green, yellow or red from now on
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
    "candle_differs": "high",  # the venue has another one than was heard and told
    "funding_failed": "medium",  # what was settled could not be asked for
    # of orders and the account
    "clock_known": "",
    "clock_step": "medium",
    "clock_off": "high",
    "clock_unknown": "medium",
    "order_unknown": "medium",  # the venue was asked and did not say whether it did
    "order_found": "",  # what was unknown is known
    "order_resent": "medium",
    "order_refused": "medium",
    "order_given_up": "high",  # not sent, or not known to be there after all tries
    "order_cut": "medium",  # to what we hold
    "order_stray": "high",  # of ours, and nobody here knows it
    "amend_refused": "medium",  # the former order stays
    "fee_unbooked": "medium",  # in a coin that is neither base nor quote
    "risk_waits": "",  # for what must stand before anything is sent
    "risk_held": "high",  # no new risk is sent
    "risk_free": "",
    "limit_refused": "high",  # an order of new risk would pass a hard limit, or nothing is unlocked
    "rules_changed": "high",  # of a symbol: no new risk is sent there
    "rules_back": "",
    "terms_set": "",  # leverage or margin mode of a symbol
    "account_live": "",
    "account_away": "high",
    "account_unread": "high",  # a message of the account could not be read
    "matched": "",
    "unmatched": "critical",  # our view and the venue's differ
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
