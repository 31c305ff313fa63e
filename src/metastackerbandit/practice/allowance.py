"""What a client may ask for: weight and requests by address, new orders by account, in windows that are aligned to the venue's clock.

Source: binance_spot "Rate limits" and "Unfilled order count" (2026-07). An order that is filled at all is given back to its account's counters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from metastackerbandit.domain.timeframe import DAY_NS, MILLI_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.practice.replies import WireRefusal
from metastackerbandit.practice.venue_time import VenueTime

Sort = Literal["REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS"]
_UNITS = {"SECOND": SECOND_NS, "MINUTE": MINUTE_NS, "DAY": DAY_NS}
_PATIENCE = 20  # requests beyond the limit in one window before an address is banned
_BAN_NS = 2 * MINUTE_NS


class Limit(Struct, frozen=True, rename="camel"):
    """So many in so many seconds, minutes or days; the wire's own form of it."""

    rate_limit_type: Sort
    interval: Literal["SECOND", "MINUTE", "DAY"]
    interval_num: int
    limit: int

    @property
    def span_ns(self) -> int:
        """Length of its window."""
        return self.interval_num * _UNITS[self.interval]

    @property
    def suffix(self) -> str:
        """Its window in names of headers, such as 1M."""
        return f"{self.interval_num}{self.interval[0]}"


class LimitWords(Struct, frozen=True):
    """What is said of -1003, with {limit} of which too much was used, and {until} when an address is banned."""

    too_many: str = (
        "Too much request weight used; current limit is {limit.limit} request weight per {limit.interval_num} {limit.interval}. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    banned: str = "Way too much request weight used; IP banned until {until}. Please use WebSocket Streams for live updates to avoid bans."


_SPOT = LimitWords()


class Allowance:
    """Counts what addresses and accounts have used of `limits`."""

    def __init__(self, limits: Iterable[Limit], time: VenueTime, words: LimitWords = _SPOT) -> None:
        self.limits, self._time, self._words = tuple(limits), time, words
        self._used: dict[tuple[Limit, str], tuple[int, int]] = {}  # by whom -> window, count
        self._beyond: dict[str, int] = {}
        self._banned: dict[str, int] = {}  # until, ns

    def used(self, limit: Limit, who: str) -> int:
        """What was used of a limit in the present window."""
        window, count = self._used.get((limit, who), (0, 0))
        return count if window == self._time.now_ns() // limit.span_ns else 0

    def charge(self, address: str, weight: int) -> None:
        """A request of an address; raises WireRefusal (429, 418) where it is one too many."""
        now_ns = self._time.now_ns()
        until = self._banned.get(address, 0)
        if now_ns < until:
            raise self.banned(until)
        for limit, amount in ((limit, 1 if limit.rate_limit_type == "RAW_REQUESTS" else weight) for limit in self._of_addresses()):
            if self.used(limit, address) + amount > limit.limit:
                raise self._beyond_limit(address, limit, now_ns)
            self._add(limit, address, amount)

    def give_back(self, address: str, weight: int) -> None:
        """Weight that a request did not cost after all (below zero: that it cost besides)."""
        for limit in self._of_addresses():
            if limit.rate_limit_type == "REQUEST_WEIGHT":
                self._add(limit, address, -weight)

    def charge_orders(self, owner: int, orders: int) -> None:
        """New orders of an account; raises WireRefusal where they are too many. Where the longest window is full, shorter ones do not grow."""
        for limit in sorted(self._of_accounts(), key=lambda one: -one.span_ns):
            if self.used(limit, str(owner)) + orders > limit.limit:
                msg = f"Too many new orders; current limit is {limit.limit} orders per {limit.interval_num} {limit.interval}."
                raise WireRefusal(429, -1015, msg, self._wait((self._time.now_ns() // limit.span_ns + 1) * limit.span_ns))
            self._add(limit, str(owner), orders)

    def filled(self, owner: int) -> None:
        """An order of an account has its first fill."""
        for limit in self._of_accounts():
            self._add(limit, str(owner), -1)

    def headers(self, address: str, owner: int = 0, *, orders: bool = False) -> dict[str, str]:
        """What has been used, as the venue says it beside an answer."""
        told: dict[str, str] = {}
        for limit in self._of_addresses():
            if limit.rate_limit_type == "REQUEST_WEIGHT":
                count = str(self.used(limit, address))
                told |= {f"X-MBX-USED-WEIGHT-{limit.suffix}": count, "X-MBX-USED-WEIGHT": count}
        for limit in self._of_accounts() if orders else ():
            told[f"X-MBX-ORDER-COUNT-{limit.suffix}"] = str(self.used(limit, str(owner)))
        return told

    def counted(self, address: str, owner: int, sorts: Iterable[Sort]) -> list[dict[str, str | int]]:
        """Limits of these sorts with their counts, as a WebSocket API tells them."""
        return [
            {
                "rateLimitType": one.rate_limit_type,
                "interval": one.interval,
                "intervalNum": one.interval_num,
                "limit": one.limit,
                "count": self.used(one, str(owner) if one.rate_limit_type == "ORDERS" else address),
            }
            for one in self.limits
            if one.rate_limit_type in sorts
        ]

    def too_many(self) -> WireRefusal:
        """What is said where the weight of a minute is used up."""
        limit = next(one for one in self.limits if one.rate_limit_type == "REQUEST_WEIGHT")
        msg = self._words.too_many.format(limit=limit)
        until = (self._time.now_ns() // limit.span_ns + 1) * limit.span_ns
        return WireRefusal(429, -1003, msg, self._wait(until), self._data(until))

    def banned(self, until_ns: int) -> WireRefusal:
        """What is said to an address that did not stop."""
        msg = self._words.banned.format(until=until_ns // MILLI_NS)
        return WireRefusal(418, -1003, msg, self._wait(until_ns), self._data(until_ns))

    def ban(self, address: str, span_ns: int = _BAN_NS) -> WireRefusal:
        """Ban an address from now on."""
        self._banned[address] = self._time.now_ns() + span_ns
        return self.banned(self._banned[address])

    def _beyond_limit(self, address: str, limit: Limit, now_ns: int) -> WireRefusal:
        """One too many: once or a few times a warning, then a ban."""
        self._beyond[address] = self._beyond.get(address, 0) + 1
        if self._beyond[address] > _PATIENCE:
            self._beyond[address] = 0
            return self.ban(address)
        return self.too_many()

    def _add(self, limit: Limit, who: str, amount: int) -> None:
        self._used[limit, who] = self._time.now_ns() // limit.span_ns, max(self.used(limit, who) + amount, 0)

    def _wait(self, until_ns: int) -> Mapping[str, str]:
        """How long to be silent: whole seconds of the client's clock, at least one."""
        return {"Retry-After": str(max(1, math.ceil(self._time.wall_until_s(until_ns))))}

    def _data(self, until_ns: int) -> Mapping[str, object]:
        return {"data": {"serverTime": self._time.told_ms(), "retryAfter": until_ns // MILLI_NS}}

    def _of_addresses(self) -> list[Limit]:
        return [one for one in self.limits if one.rate_limit_type != "ORDERS"]

    def _of_accounts(self) -> list[Limit]:
        return [one for one in self.limits if one.rate_limit_type == "ORDERS"]
