"""Binance USD-M as a side of the venue: answers under /fapi, streams behind /public, /market and /private, requests by WebSocket at /ws-fapi/v1.

Streams without one of the three doors carry books and best prices only, as the venue's own since 2026-04-23. Where a spot market is served by the
same process, those addresses are spot's: list spot first.
"""

from __future__ import annotations

from collections.abc import Mapping

from metastackerbandit.practice.allowance import Allowance
from metastackerbandit.practice.api_talk import ApiTalk
from metastackerbandit.practice.binance.key_rights import rights_routes
from metastackerbandit.practice.binance.perp_algo import PerpAlgo
from metastackerbandit.practice.binance.perp_api import methods_of
from metastackerbandit.practice.binance.perp_asked import PerpAsked
from metastackerbandit.practice.binance.perp_income import IncomeBook
from metastackerbandit.practice.binance.perp_keys import ListenKeys
from metastackerbandit.practice.binance.perp_listing import LIMIT_WORDS, LIMITS
from metastackerbandit.practice.binance.perp_live import market_stream, public_stream
from metastackerbandit.practice.binance.perp_own import PerpOwn
from metastackerbandit.practice.binance.perp_private import private_stream
from metastackerbandit.practice.binance.perp_public import PerpPublic
from metastackerbandit.practice.binance.perp_refusals import TOLD
from metastackerbandit.practice.binance.perp_trade import PerpTrade
from metastackerbandit.practice.binance.perp_venue import PerpVenue
from metastackerbandit.practice.connection import Connection, Manners
from metastackerbandit.practice.desk import Desk, Ways
from metastackerbandit.practice.doorkeeper import Doorkeeper
from metastackerbandit.practice.faults import Faults
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.practice.hub import Family, Hub
from metastackerbandit.practice.keys import KeyRing
from metastackerbandit.practice.rules_change import RulesChange
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.side import Side
from metastackerbandit.practice.snapshots import Snapshots
from metastackerbandit.practice.user_log import UserLog
from metastackerbandit.practice.venue_time import VenueTime

MANNERS = Manners(ping_s=180.0, silence_s=600.0, messages=10, unsolicited_pongs_count=True)
# Status 503 has two texts and no code: one by which an order's state is not known, one by which nothing was done. Filled orders stay counted.
WAYS = Ways(
    unknown=(503, 0, "Unknown error, please check your request or try again later."),
    refused=(503, 0, "Service Unavailable."),
    rejected=(400, *TOLD["margin"]),
    gives_back=False,
)


def perp_side(floor: Floor, funding: FundingBoard, keys: KeyRing, time: VenueTime, faults: Faults, hub: Hub, settings: PracticeSettings) -> Side:
    """Serve a floor of perpetuals as Binance USD-M."""
    venue, listen_keys, log, income = PerpVenue(floor, funding), ListenKeys(), UserLog(settings.queue), IncomeBook(settings.fills)
    desk = Desk(floor, Doorkeeper(keys, time), Allowance(LIMITS, time, LIMIT_WORDS), time, faults, settings, WAYS)
    public = Family("usdm public", lambda name: public_stream(venue, name))
    trade, snapshots = PerpTrade(venue), Snapshots(floor, faults, hub, public.name)
    floor.listeners += [lambda event: log.add(event.owner, event), income.hear]
    floor.clocks.append(trade.look)
    answers = (PerpPublic(venue, time, snapshots), trade, PerpAsked(venue), PerpAlgo(trade), PerpOwn(venue, income), listen_keys)
    own = {place: route for one in answers for place, route in one.routes().items()}
    routes = {**own, **rights_routes(keys)}

    def talk(connection: Connection, query: Mapping[str, str]) -> ApiTalk:
        return ApiTalk(connection, desk, methods_of(routes), lambda: hub.emit_urgent(time.now_ns()), lambda: None)

    return Side(
        name="usdm",
        desk=desk,
        routes=routes,
        manners=MANNERS,
        families={
            "/public": public,
            "/market": Family("usdm market", lambda name: market_stream(venue, name)),
            "/private": Family("usdm private", lambda name: private_stream(venue, log, listen_keys, name)),
            "": public,
        },
        talks={"/ws-fapi/v1": talk},
        acts=(snapshots.act, RulesChange(floor).act, listen_keys.act),
    )
