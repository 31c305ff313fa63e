"""The key of an account: that of the loopback exchange guards nothing and is known, any other is read by its reference when it is needed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from metastackerbandit.cli.venues import LOOPBACK_KEY, LOOPBACK_SECRET, Venue

if TYPE_CHECKING:
    from metastackerbandit.cli.venues import Market
    from metastackerbandit.config.schema import Config
    from metastackerbandit.exchanges.credentials import Credentials
    from metastackerbandit.exchanges.transport.ports import Rest


def reference_of(venue: Venue, config: Config) -> str:
    """Where the key of a venue's account in perpetuals is, "" where nobody said."""
    return (config.keys.loopback if venue.is_made else config.keys.binance).perp


def credentials_of(venue: Venue, config: Config, *, is_real: bool) -> Credentials:
    """The account's key; where its money is treated as real (`is_real`), the one that the configuration refers to. Raises ConfigRefused."""
    from metastackerbandit.config.key_references import read_key
    from metastackerbandit.exchanges.credentials import Credentials, Secret

    if venue.is_made and not is_real:
        return Credentials(LOOPBACK_KEY, Secret(LOOPBACK_SECRET))
    key, secret = read_key(reference_of(venue, config), f"keys.{venue.name}.perp", os.environ)
    return Credentials(key, Secret(secret))


async def refuse_unsound(venue: Venue, market: Market, config: Config, url: str | None, rest: Rest, *, is_real: bool) -> Credentials:
    """The account's key, after the venue's own page of it was read; nothing is changed there.

    Raises:
        ConfigRefused: there is no key, or its rights are too wide or too narrow.
        VenueError: the venue did not say.
    """
    from metastackerbandit.cli.venues import endpoints_of
    from metastackerbandit.domain.instrument import Instrument
    from metastackerbandit.runtime.account_desk import open_account
    from metastackerbandit.runtime.account_terms import refuse_rights, rights_of
    from metastackerbandit.runtime.ports import LoopClock

    one = Instrument("BTCUSDT", "BTC", "USDT", market, venue.codec, "0.1", "0.001", "0.001", "1", "5")
    key = credentials_of(venue, config, is_real=is_real)
    desk = open_account(one, rest, key, endpoints_of(venue, config, url), LoopClock(), config.orders, lambda event: None)
    await desk.clock.measure()
    refuse_rights(await rights_of(desk, one), one, needs_bound=is_real and config.keys.must_be_bound)
    return key
