"""A spot market that is served to a test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from metastackerbandit.practice.binance.spot_side import spot_side
from metastackerbandit.practice.side import Side
from tests.practice.serving import Client, served
from tests.practice.walking import Ground

V3 = "/api/v3"


def side_of(ground: Ground) -> Side:
    """The spot side on a ground."""
    return spot_side(ground.floor, ground.keys, ground.time, ground.faults, ground.hub, ground.settings)


def with_spot(test: Callable[[Client], Awaitable[None]], *, warm_s: float = 30.0, **terms: Any) -> None:
    """Run a test against a spot market that has traded for a while."""
    ground = Ground("spot", **terms)
    side = side_of(ground)
    ground.clock.turn(warm_s)
    ground.floor.advance(ground.time.now_ns())
    served(ground, [side], test)
