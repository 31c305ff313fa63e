"""The account that the engine trades."""

from __future__ import annotations

from msgspec import Struct


class AccountSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Starting capital; every instrument of a run is quoted in its currency."""

    currency: str = "USDT"
    deposit: str = "10000"
