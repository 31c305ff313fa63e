"""The venues that a command can name: how each is spoken to, where it is, and of what lineage its market is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from metastackerbandit.config.schema import Config
    from metastackerbandit.exchanges.settings import EndpointSettings

Market = Literal["spot", "perp"]
LOOPBACK_KEY, LOOPBACK_SECRET = "loopback" * 8, "simulated" * 7 + "s"  # guard nothing: it is on this machine, and its money is made up
REFUSED_KEYS = {name: name * 8 for name in ("withdraw", "readonly", "anywhere")}  # that `run --live` must refuse; the same secret
PORT = 8_787  # where the loopback exchange listens when nobody says otherwise


class Venue(NamedTuple):
    """A venue by the name that users give it. `codec` is the venue whose protocol it speaks; `is_made` says that its market is simulated."""

    name: str
    codec: str
    is_made: bool


_KNOWN = (Venue("loopback", "BINANCE", True), Venue("binance", "BINANCE", False))


def venue_named(name: str) -> Venue:
    """A venue by its name; UsageError where it cannot be traded."""
    from metastackerbandit.domain.errors import UsageError

    found = next((one for one in _KNOWN if one.name == name.lower()), None)
    if found is None:
        raise UsageError(f"no venue {name!r} to trade on", where="--venue", mend=f"the venues are {', '.join(one.name for one in _KNOWN)}")
    return found


def market_named(name: str) -> Market:
    """spot or perp; UsageError otherwise."""
    from metastackerbandit.domain.errors import UsageError

    known: Market
    for known in ("spot", "perp"):
        if known == name.lower():
            return known
    raise UsageError(f"no market {name!r}", where="--market", mend="it is spot or perp")


def endpoints_of(venue: Venue, config: Config, url: str | None) -> EndpointSettings:
    """Where a venue is: the configured addresses, or one address for all of it."""
    from msgspec import structs

    if url is None and not venue.is_made:
        return config.endpoints
    base = (url or f"http://127.0.0.1:{PORT}").rstrip("/")
    socket = base.replace("http", "ws", 1)
    changed = {
        name: base if name.endswith("_rest") else socket for name in config.endpoints.__struct_fields__ if name.startswith(venue.codec.lower())
    }
    return structs.replace(config.endpoints, **changed)
