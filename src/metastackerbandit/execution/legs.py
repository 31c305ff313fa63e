"""One order as a venue has it, and what is known of it: sent or not, there or perhaps, how much of it is filled and how much of that was counted."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metastackerbandit.domain.rows import CANCELLED, EXPIRED, FILLED, REJECTED
from metastackerbandit.domain.user_events import Status

PLANNED, SENDING, UNSURE, THERE, OVER = 0, 1, 2, 3, 4
"""Not sent; under way; the venue was asked and did not say; the venue has it; it has ended."""

ENDS: dict[Status, int] = {
    "filled": FILLED,
    "canceled": CANCELLED,
    "partly_canceled": CANCELLED,
    "expired": EXPIRED,
    "rejected": REJECTED,
}


class Terms(Struct, frozen=True):
    """What governs the next step, in ns of the venue's time: before the same is asked again, until "no such order" is final (after sending), until
    unsent new risk is stale, until an untold fill is asked for. `resends` of an order not found. `cancels_first`: a leg is gone before another one
    takes its place, since it locks what it would sell, or since both could be filled.
    """

    retry_ns: int
    settle_ns: int
    stale_ns: int
    fills_ns: int
    resends: int
    cancels_first: bool


class Leg(Struct):
    """One order at the venue: `lots` (above 0) at `price` ticks (a trigger or a limit; 0: none), made for the wish `asked` (lots in all, price).

    `waits` while it is kept apart for a price, `became` the venue's number of the order that it was triggered into. `filled` is what the venue has
    said, `counted` what of it was reported, fill by fill. `ended` is one of domain.rows's last states. `is_leaving`: we want it gone. `is_noted`: its
    end is written down.
    """

    client_id: str
    lots: int
    price: int
    asked: tuple[int, int]
    waits: bool
    amends: bool
    state: int = PLANNED
    order_id: str = ""
    became: str = ""
    filled: int = 0
    counted: int = 0
    ended: int = 0
    is_leaving: bool = False
    is_given_up: bool = False
    is_noted: bool = False
    resent: int = 0
    sent_ns: int = 0
    due_ns: int = 0
    short_ns: int = 0

    @property
    def is_short(self) -> bool:
        """Whether fills are known of that were not told one by one."""
        return self.counted < self.filled

    def hear(
        self, status: Status | None, filled: int | None, order_id: str, became: str, at_ns: int, *, is_apart: bool = False, is_answer: bool = False
    ) -> None:
        """Take the venue's word; a late one changes nothing. `is_apart`: it is of the order that waits, and not of what it became.

        Where a leg is in doubt, only an end or an answer (`is_answer`) settles it: an event may have been under way since before. An unknown
        `status` (None) says only that the order is known there. What was given up and is there after all lives again.
        """
        if is_apart or not self.waits:
            self.order_id = self.order_id or order_id
        if became and not self.became:
            self.became, self.sent_ns = became, at_ns  # another order at the venue, which may not be there to be asked for at once
        if filled is not None and filled > self.filled:
            self.filled, self.short_ns = filled, at_ns
        if self.state == OVER and not self.is_given_up:
            return
        if status is None or (is_apart and self.became):
            self.state = self.state if self.state == UNSURE else THERE
        elif status in ENDS:
            self.end(ENDS[status])
            if status == "filled" and filled is None:
                self.filled, self.short_ns = self.lots, at_ns
        elif self.state != UNSURE or is_answer:
            self.state = THERE
        self.is_given_up = self.is_given_up and self.state == OVER

    def count(self, lots: int) -> None:
        """One fill more: it is there, or was. What is asked for is still asked for, since a fill does not say whether more may come."""
        self.counted += lots
        self.filled = max(self.filled, self.counted)
        if self.counted >= self.lots and not (self.amends and self.state == UNSURE):  # one in doubt may have been amended to more
            self.state, self.ended = OVER, FILLED
        elif self.state != UNSURE and (self.state != OVER or self.is_given_up):
            self.state = THERE
        self.is_given_up = False

    def end(self, how: int) -> None:
        """It is over. What was triggered may have been cut to the position, and is filled with less than it was sent for."""
        self.state, self.ended = OVER, how

    def doubt(self, now_ns: int) -> None:
        """Where it stands must be asked for, unless it is over."""
        if self.state in (SENDING, THERE):
            self.state, self.due_ns = UNSURE, now_ns


class Step(Struct, frozen=True):
    """What is to be done next about an order, and when (ns of the venue's time, at once where it has passed)."""

    what: Literal["send", "find", "cancel", "amend", "fills", "give_up"]
    leg: Leg
    at_ns: int
