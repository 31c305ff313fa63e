"""What both of Binance's markets call things alike, and the refusals that both word alike."""

from __future__ import annotations

import re

from metastackerbandit.domain.user_events import Status
from metastackerbandit.practice.replies import Parameters
from metastackerbandit.simulation.matching import GUARD_BOTH, GUARD_MAKER, GUARD_NONE, GUARD_TAKER
from metastackerbandit.simulation.queues import BUY, SELL

SIDES = {BUY: "BUY", SELL: "SELL"}
GUARDS = {GUARD_NONE: "NONE", GUARD_TAKER: "EXPIRE_TAKER", GUARD_MAKER: "EXPIRE_MAKER", GUARD_BOTH: "EXPIRE_BOTH"}
GUARDED = {word: guard for guard, word in GUARDS.items()}
GUARD = "EXPIRE_MAKER"  # where none is named
CLIENT_ID = re.compile(r"[.A-Za-z:/0-9_-]{1,36}")
STATUSES: dict[Status, str] = {
    "new": "NEW",
    "partly_filled": "PARTIALLY_FILLED",
    "filled": "FILLED",
    "canceled": "CANCELED",
    "partly_canceled": "CANCELED",
    "expired": "EXPIRED",
    "rejected": "REJECTED",
}

BAD_SIDE = 400, -1117, "Invalid side."
BAD_TYPE = 400, -1116, "Invalid orderType."
BAD_LAST = 400, -1115, "Invalid timeInForce."
BAD_INTERVAL = 400, -1120, "Invalid interval."
NO_SUCH_SYMBOL = 400, -1121, "Invalid symbol."
NO_SUCH_ORDER = 400, -2013, "Order does not exist."
NOT_OPEN = 400, -2011, "Unknown order sent."

_SIDED = {word: side for side, word in SIDES.items()}


def side_in(given: Parameters) -> int:
    """The side that a request names."""
    return _SIDED[given.one_of("side", _SIDED, BAD_SIDE)]
