"""What a key may do, as Binance tells it on an address that all of its markets share."""

from __future__ import annotations

from typing import Any

from metastackerbandit.practice.keys import KeyRing
from metastackerbandit.practice.replies import Asked, Route, Routes

_NEVER = ("enableInternalTransfer", "enableMargin", "permitsUniversalTransfer", "enableVanillaOptions", "enablePortfolioMarginTrading")


def rights_routes(keys: KeyRing) -> Routes:
    """Each market lists it, so that a venue of perpetuals alone answers too."""

    def restrictions(asked: Asked) -> dict[str, Any]:
        key = keys.find(asked.api_key)
        trades = key is not None and key.may_trade
        return {
            "ipRestrict": key is not None and key.is_bound,
            "createTime": 0,
            "enableReading": True,
            "enableSpotAndMarginTrading": trades,
            "enableFutures": trades,
            "enableWithdrawals": key is not None and key.may_withdraw,
            **dict.fromkeys(_NEVER, False),
        }

    return {("GET", "/sapi/v1/account/apiRestrictions"): Route(restrictions, 1, "user")}
