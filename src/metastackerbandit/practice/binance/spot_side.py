"""Binance's spot market as a side of the venue: REST under /api/v3, streams under /ws and /stream, requests under /ws-api/v3."""

from __future__ import annotations

from metastackerbandit.practice.allowance import Allowance
from metastackerbandit.practice.binance.amounts import amounts_of
from metastackerbandit.practice.binance.key_rights import rights_routes
from metastackerbandit.practice.binance.spot_account import SpotAccount, account_routes
from metastackerbandit.practice.binance.spot_api import SpotApi
from metastackerbandit.practice.binance.spot_info import LIMITS
from metastackerbandit.practice.binance.spot_market import SpotMarket, market_routes
from metastackerbandit.practice.binance.spot_streams import SpotStreams
from metastackerbandit.practice.binance.spot_tickers import SpotTickers, ticker_routes
from metastackerbandit.practice.binance.spot_trading import SpotTrading, trading_routes
from metastackerbandit.practice.binance.spot_user import SpotNews
from metastackerbandit.practice.connection import Manners
from metastackerbandit.practice.desk import Desk
from metastackerbandit.practice.doorkeeper import Doorkeeper
from metastackerbandit.practice.faults import Faults
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.hub import Family, Hub
from metastackerbandit.practice.keys import KeyRing
from metastackerbandit.practice.rules_change import RulesChange
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.side import Side
from metastackerbandit.practice.snapshots import Snapshots
from metastackerbandit.practice.user_log import UserLog
from metastackerbandit.practice.venue_time import VenueTime

MANNERS = Manners(ping_s=20.0, silence_s=60.0, messages=5)
FAMILY = "spot"


def spot_side(floor: Floor, keys: KeyRing, time: VenueTime, faults: Faults, hub: Hub, settings: PracticeSettings) -> Side:
    """Serve a floor as Binance spot."""
    exchange = floor.exchange
    amounts = [amounts_of(one, sizes) for one, sizes in zip(exchange.listings, exchange.sizes, strict=True)]
    allowance, snapshots, log = Allowance(LIMITS, time), Snapshots(floor, faults, hub, FAMILY), UserLog(settings.queue)
    desk = Desk(floor, Doorkeeper(keys, time), allowance, time, faults, settings)
    tickers = SpotTickers(floor, amounts)
    market, trading = SpotMarket(floor, amounts, LIMITS, time, snapshots), SpotTrading(floor, amounts)
    floor.listeners.append(SpotNews(floor, amounts, log, trading.cancel_ids).hear)
    account = SpotAccount(floor, amounts, keys, allowance)
    routes = {
        **market_routes(market),
        **ticker_routes(tickers),
        **trading_routes(trading),
        **account_routes(account),
        **rights_routes(keys),
    }
    api = SpotApi(desk, routes, hub, log, time, faults)
    return Side(
        "spot",
        desk,
        routes,
        MANNERS,
        {"": Family(FAMILY, SpotStreams(floor, amounts, tickers).opened)},
        {"/ws-api/v3": api.talk},
        (snapshots.act, RulesChange(floor).act, api.act),
    )
