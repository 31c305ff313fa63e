"""What is written down of orders at a venue before they are sent, so that an account is known again after its process was killed.

A leg is one order at the venue, of which an order of the engine that was amended may have several.
"""

from __future__ import annotations

from msgspec import Struct


class LegPlanned(Struct, frozen=True, tag="planned"):
    """A leg of the engine's `order` may be sent from now on: its name, and what it was made for."""

    order: int
    client_id: str
    lots: int
    price: int
    asked: tuple[int, int]


class LegLeaving(Struct, frozen=True, tag="leaving"):
    """Its cancellation may be sent from now on."""

    client_id: str


class LegOver(Struct, frozen=True, tag="over"):
    """It is over, and everything of it was told."""

    client_id: str


LegWord = LegPlanned | LegLeaving | LegOver
