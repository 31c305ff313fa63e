"""The life of an order as an explicit state machine; a report it does not allow is a fault."""

from __future__ import annotations

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import CANCELLED, EXPIRED, FILLED, NEW, PARTLY_FILLED, REJECTED, SENT, WORKING

ILLEGAL = -1

LEGAL: dict[int, tuple[int, ...]] = {
    NEW: (SENT,),
    SENT: (WORKING, PARTLY_FILLED, FILLED, CANCELLED, REJECTED, EXPIRED),
    WORKING: (PARTLY_FILLED, FILLED, CANCELLED, EXPIRED),
    PARTLY_FILLED: (PARTLY_FILLED, FILLED, CANCELLED, EXPIRED),
    FILLED: (),
    CANCELLED: (),
    REJECTED: (),
    EXPIRED: (),
}
"""The legal next states; the kernel below is tested against this table, every pair."""


@kernel
def advance(state: int, report: int, filled: int, more: int, lots: int) -> int:
    """Next state after a report (one of rows.STATES), or ILLEGAL.

    `filled` lots so far, `more` in this report, `lots` the order's, all >= 0. A fill report's state follows from quantities.
    """
    if state >= FILLED:
        return -1
    if report == PARTLY_FILLED or report == FILLED:
        if state == NEW or more <= 0 or filled + more > lots:
            return -1
        return FILLED if filled + more == lots else PARTLY_FILLED
    if more != 0:
        return -1
    if report == SENT:
        return SENT if state == NEW else -1
    if report == WORKING:
        return WORKING if state == SENT else -1
    if report == REJECTED:
        return REJECTED if state == SENT else -1
    if (report == CANCELLED or report == EXPIRED) and state != NEW:
        return report
    return -1
