"""Where venues are reached, and what a connection to them may take."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class EndpointSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses without a path; a test or a practice venue stands in by another one. Of streams there may be several, separated by commas: the first
    one's for the first connection, the others for those that stand by."""

    binance_spot_stream: str = "wss://stream.binance.com:9443, wss://data-stream.binance.vision"  # streams of Binance spot; the second of data only
    binance_spot_rest: str = "https://api.binance.com"  # requests of Binance spot
    binance_spot_socket: str = "wss://ws-api.binance.com:443"  # WebSocket API of Binance spot, which tells of the account
    binance_perp_stream: str = "wss://fstream.binance.com"  # streams of Binance USD-M
    binance_perp_rest: str = "https://fapi.binance.com"  # requests of Binance USD-M
    mexc_spot_stream: str = "wss://wbs-api.mexc.com"  # streams of MEXC spot
    mexc_spot_rest: str = "https://api.mexc.com"  # requests of MEXC spot
    hyperliquid_stream: str = "wss://api.hyperliquid.xyz"  # streams of Hyperliquid
    hyperliquid_rest: str = "https://api.hyperliquid.xyz"  # requests of Hyperliquid


class TransportSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Times and sizes of connections and requests."""

    connect_s: Annotated[float, Meta(gt=0, le=120)] = 10.0  # for name, network, TLS and handshake together
    request_s: Annotated[float, Meta(gt=0, le=120)] = 10.0  # for a whole answer; Binance itself gives up after 10
    most_frame_bytes: Annotated[int, Meta(ge=1_024, le=2**28)] = 2**22  # of one message; a depth change is 2 KB, 1,000 levels a side 60 KB
    most_body_bytes: Annotated[int, Meta(ge=1_024, le=2**30)] = 2**25  # of one answer; 5,000 levels a side are 0.5 MB


class VenueKeys(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the keys of a venue's accounts are, one a market; never the keys themselves."""

    perp: str = ""  # env:NAME_OF_KEY,NAME_OF_SECRET (variables), or file:PATH (two lines, readable by nobody else)


class KeySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of accounts, by reference: no key and no secret stands in a configuration."""

    binance: VenueKeys = VenueKeys()
    loopback: VenueKeys = VenueKeys()
    must_be_bound: bool = True  # refuse a key that works from any address: a stolen one would, too
