"""How a live feed stands: its connections with their grades, who carries what, how long books were live, how connections took over."""

from __future__ import annotations

from msgspec import Struct

from metastackerbandit.runtime.health import HealthFacts
from metastackerbandit.runtime.health_grade import Grade
from metastackerbandit.runtime.live_feed import LiveFeed
from metastackerbandit.runtime.live_route import RouteFacts


class FeedStanding(Struct, frozen=True):
    """`connections` and `grades` by name; `active` are those that are taken from, `live` symbols whose books are live, `live_shares` of time since
    the start, in [0, 1]. `carriers` is the routing table: symbol -> stream -> the connection that it comes from now, "" for none. `routes` by plan.
    """

    connections: dict[str, HealthFacts]
    grades: dict[str, Grade]
    active: tuple[str, ...]
    live: tuple[str, ...]
    live_shares: dict[str, float]
    carriers: dict[str, dict[str, str]]
    routes: dict[str, RouteFacts]


def standing_of(feed: LiveFeed) -> FeedStanding:
    """How it stands now."""
    taken = [route.active for route in feed.routes]
    lines = feed.lines()
    carriers: dict[str, dict[str, str]] = {one.symbol: {} for one in feed.desk.instruments}
    for route in feed.routes:
        for symbol, word in route.plan.carries:
            carriers[symbol][word] = route.active.plan.name if route.active else ""
    return FeedStanding(
        connections=feed.health(),
        grades={line.plan.name: line.grading.grade for line in lines},
        active=tuple(line.plan.name for line in lines if line in taken),
        live=feed.live(),
        live_shares=feed.live_shares(),
        carriers=carriers,
        routes={route.plan.name: route.facts() for route in feed.routes},
    )
