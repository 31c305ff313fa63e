"""A venue's past over REST: its instruments' rules and their candles, window by window, within its budget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Literal

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import NotFound, RequestRefused, VenueError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import joined, rows
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.domain.timeframe import frame_ns
from metastackerbandit.domain.trading import RulesAsked, SymbolRules, TimeAsked, VenueTime
from metastackerbandit.exchanges.credentials import Credentials, Secret
from metastackerbandit.exchanges.orders import Asking, VenueOrders
from metastackerbandit.exchanges.rules import instrument_of
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.streams import MOST_FUNDING, VenueStreams, frame_word
from metastackerbandit.exchanges.transport.ports import Answer
from metastackerbandit.runtime.backoff import Backoff
from metastackerbandit.runtime.ports import Chance, LiveClock
from metastackerbandit.runtime.rest_desk import RestDesk
from metastackerbandit.runtime.settings import BackoffSettings


class Asked(Struct, frozen=True):
    """Whom to ask: a market of a venue, where it is, over which desk, and how patiently."""

    streams: VenueStreams
    orders: VenueOrders
    endpoints: EndpointSettings
    rest: RestDesk
    clock: LiveClock
    chance: Chance
    backoff: BackoffSettings
    tries: int


class Progress(Struct, frozen=True):
    """How far a download is: candles had of a symbol, of those that its span has room for."""

    symbol: str
    candles: int
    of: int


Show = Callable[[Progress], None]


async def venue_time(asked: Asked) -> VenueTime:
    """The venue's time. Raises VenueError."""
    return asked.orders.read_time((await _answered(asked, TimeAsked())).body)


async def venue_instruments(asked: Asked, symbols: Sequence[str]) -> tuple[Instrument, ...]:
    """The named instruments under the venue's own rules.

    Raises:
        NotFound: the venue has no such symbol, or it does not trade.
        InstrumentRefused: its steps do not fit whole money.
        VenueError: it did not answer.
    """
    listed = {one.symbol: one for one in asked.orders.read_rules((await _answered(asked, RulesAsked())).body)}
    made = []
    for symbol in symbols or sorted(listed):
        rules = listed.get(symbol)
        if rules is None or not rules.is_trading:
            what = f"{symbol} does not trade ({rules.status})" if rules is not None else f"there is no {symbol}"
            known = ", ".join(sorted(name for name, one in listed.items() if one.is_trading)[:12])
            raise NotFound(what, where=f"{asked.streams.venue.lower()} {asked.streams.market}", mend=f"it trades {known} ...")
        made.append(instrument_of(rules, _market(asked), asked.streams.venue, await _price(asked, rules)))
    return tuple(made)


async def past_candles(asked: Asked, one: Instrument, frame: str, from_ns: int, to_ns: int, show: Show) -> np.ndarray:
    """Whole candles (N,) in [from, to), where all have ended, oldest first; where the venue begins later, from there on. Raises VenueError."""
    length = frame_ns(frame)
    name = frame_word(length)
    found: list[np.ndarray] = []
    had, room, at_ns = 0, (to_ns - from_ns) // length, from_ns
    while at_ns < to_ns:
        until_ns = min(at_ns + asked.streams.most_klines * length, to_ns)
        request = asked.streams.klines(one, name, at_ns, until_ns, (until_ns - at_ns) // length, asked.endpoints)
        answer = await _patiently(asked, partial(asked.rest.ask, request))
        part = asked.streams.read_klines(answer.body, one, length, to_ns)
        part = part[(part["opened_ns"] >= at_ns) & (part["opened_ns"] < to_ns)]
        found.append(part)
        had += len(part)
        at_ns = until_ns
        show(Progress(one.symbol, had, room))
    return joined(found) if found else rows(Bar, 0)


async def past_funding(asked: Asked, one: Instrument, from_ns: int, to_ns: int) -> np.ndarray:
    """What was settled (K,) in [from, to], in the layout of FundingRow, oldest first; nothing on spot. Raises VenueError."""
    found: list[np.ndarray] = []
    while asked.streams.funding is not None and asked.streams.read_funding is not None and from_ns <= to_ns:
        answer = await _patiently(asked, partial(asked.rest.ask, asked.streams.funding(one, from_ns, to_ns, asked.endpoints)))
        part = asked.streams.read_funding(answer.body, one)
        found.append(part)
        if len(part) < MOST_FUNDING:
            break
        from_ns = int(part[-1]["at_ns"]) + 1_000_000
    return joined(found) if found else rows(FundingRow, 0)


async def _price(asked: Asked, rules: SymbolRules) -> Decimal:
    """About what an instrument costs now."""
    steps = f"{rules.tick_size:f}", f"{rules.lot_size:f}"
    one = Instrument(rules.symbol, rules.base, rules.quote, _market(asked), asked.streams.venue, *steps, steps[1], steps[1], "0")
    answer = await _patiently(asked, partial(asked.rest.ask, asked.streams.best(one, asked.endpoints)))
    return Decimal(repr(asked.streams.read_best(answer.body, one).ask))


def _market(asked: Asked) -> Literal["spot", "perp"]:
    return "perp" if asked.streams.market == "perp" else "spot"


async def _answered(asked: Asked, question: RulesAsked | TimeAsked) -> Answer:
    """The answer to a question that needs no account."""
    nobody = Asking(Credentials("", Secret("")), asked.endpoints, 0, 0)
    any_one = Instrument("", "", "", _market(asked), asked.streams.venue, "1", "1", "1", "1", "0")
    return await _patiently(asked, partial(asked.rest.ask, asked.orders.request(question, any_one, nobody)))


async def _patiently(asked: Asked, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask again, later each time, as often as is allowed; the last failure is raised."""
    waits = Backoff()
    for _ in range(asked.tries - 1):
        try:
            return await ask()
        except RequestRefused:
            raise
        except VenueError:
            await asked.clock.sleep(waits.wait_s(asked.backoff, asked.chance.random()))
    return await ask()
