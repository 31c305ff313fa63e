"""What an owner has at Binance USD-M, as its REST answers tell it: balance, account, positions, settings, brackets and fees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metastackerbandit.domain.money import RATE_ONE
from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.decimals import text8
from metastackerbandit.practice.binance.perp_text import Steps, share
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.perp_money import PerpMoney


def entry(cost: int, lots: int, steps: Steps) -> str:
    """A position's mean entry price. The break-even price is told as the same: the exchange does not keep fees by position."""
    if not lots:
        return "0.0"
    size = abs(lots) * steps.lot
    return text8((abs(cost) * 10**steps.size_digits + size // 2) // size)


def cross_wallet(money: PerpMoney, owner: int) -> int:
    """The wallet without what is set aside for isolated positions."""
    return money.wallets[owner] - sum(one.set_aside for one in money.held[owner] if one.is_isolated)


def liquidation_ticks(exchange: Exchange, owner: int, s: int) -> int:
    """The mark price at which what backs a position is its maintenance margin, in ticks; 0 where no price does that.

    A cross position is backed by the wallet and by the results of the others, less their maintenance margins.
    """
    money, held = exchange.perp, exchange.perp.held[owner][s]
    if not held.lots:
        return 0
    backing = held.set_aside
    if not held.is_isolated:
        others = (n for n, one in enumerate(money.held[owner]) if n != s and one.lots and not one.is_isolated)
        backing = cross_wallet(money, owner) + sum(money.unrealized(owner, n) - money.maintenance(owner, n) for n in others)
    kept = held.lots * RATE_ONE - abs(held.lots) * exchange.listings[s].maintenance
    return max((held.cost - backing) * RATE_ONE // (kept * exchange.sizes[s].unit), 0)


def balance(exchange: Exchange, owner: int, now_ns: int) -> list[dict[str, Any]]:
    """GET /fapi/v3/balance."""
    money = exchange.perp
    free = text8(max(money.available(owner), 0))
    return [
        {
            "accountAlias": f"owner{owner}",
            "asset": money.asset,
            "balance": text8(money.wallets[owner]),
            "crossWalletBalance": text8(cross_wallet(money, owner)),
            "crossUnPnl": text8(_unrealized(exchange, owner, is_isolated=False)),
            "availableBalance": free,
            "maxWithdrawAmount": free,
            "marginAvailable": True,
            "updateTime": now_ns // MILLI_NS,
        }
    ]


def account(exchange: Exchange, steps: Sequence[Steps], owner: int, now_ns: int) -> dict[str, Any]:
    """GET /fapi/v3/account."""
    money, listed = exchange.perp, range(len(exchange.listings))
    unrealized = _unrealized(exchange, owner, is_isolated=False) + _unrealized(exchange, owner, is_isolated=True)
    margins = [money.initial_margin(owner, s) for s in listed]
    own = [position_margin(exchange, owner, s) for s in listed]
    free = text8(max(money.available(owner), 0))
    totals = {
        "initialMargin": text8(sum(margins)),
        "maintMargin": text8(sum(money.maintenance(owner, s) for s in listed)),
        "walletBalance": text8(money.wallets[owner]),
        "unrealizedProfit": text8(unrealized),
        "marginBalance": text8(money.wallets[owner] + unrealized),
        "positionInitialMargin": text8(sum(own)),
        "openOrderInitialMargin": text8(sum(margins) - sum(own)),
        "crossWalletBalance": text8(cross_wallet(money, owner)),
        "crossUnPnl": text8(_unrealized(exchange, owner, is_isolated=False)),
    }
    top = {f"total{name[0].upper()}{name[1:]}": text for name, text in totals.items()}
    asset = {"asset": money.asset, **totals, "availableBalance": free, "maxWithdrawAmount": free, "updateTime": now_ns // MILLI_NS}
    return {
        **top,
        "availableBalance": free,
        "maxWithdrawAmount": free,
        "assets": [asset],
        "positions": [_position(exchange, steps, owner, s) for s in listed if is_told(exchange, owner, s)],
    }


def position_risk(exchange: Exchange, steps: Sequence[Steps], owner: int, s: int) -> dict[str, Any]:
    """One position of GET /fapi/v3/positionRisk."""
    held, one = exchange.perp.held[owner][s], steps[s]
    buys, sells = _resting(exchange, owner, s)
    worth = _position(exchange, steps, owner, s)
    return {
        **{name: worth[name] for name in ("symbol", "positionSide", "positionAmt")},
        "entryPrice": entry(held.cost, held.lots, one),
        "breakEvenPrice": entry(held.cost, held.lots, one),
        "markPrice": one.price(exchange.marks[s]),
        "unRealizedProfit": worth["unrealizedProfit"],
        "liquidationPrice": one.price(liquidation_ticks(exchange, owner, s)),
        **{name: worth[name] for name in ("isolatedMargin", "notional")},
        "marginAsset": exchange.perp.asset,
        **{name: worth[name] for name in ("isolatedWallet", "initialMargin", "maintMargin")},
        "positionInitialMargin": text8(position_margin(exchange, owner, s)),
        "openOrderInitialMargin": text8(exchange.perp.initial_margin(owner, s) - position_margin(exchange, owner, s)),
        "adl": 0,
        "bidNotional": text8(buys),
        "askNotional": text8(sells),
        "updateTime": held.updated_ns // MILLI_NS,
    }


def older_position(exchange: Exchange, steps: Sequence[Steps], owner: int, s: int) -> dict[str, Any]:
    """One position of GET /fapi/v2/account."""
    held = exchange.perp.held[owner][s]
    return {
        **_position(exchange, steps, owner, s),
        "entryPrice": entry(held.cost, held.lots, steps[s]),
        "breakEvenPrice": entry(held.cost, held.lots, steps[s]),
        "leverage": str(held.leverage),
        "isolated": held.is_isolated,
        "maxNotional": most_notional(exchange, s),
    }


def older_position_risk(exchange: Exchange, steps: Sequence[Steps], owner: int, s: int) -> dict[str, Any]:
    """One position of GET /fapi/v2/positionRisk."""
    held = exchange.perp.held[owner][s]
    return {
        **position_risk(exchange, steps, owner, s),
        "leverage": str(held.leverage),
        "marginType": "isolated" if held.is_isolated else "cross",
        "isAutoAddMargin": "false",
        "maxNotionalValue": most_notional(exchange, s),
    }


def is_told(exchange: Exchange, owner: int, s: int) -> bool:
    """Whether an instrument stands among an owner's positions: something is held, or an order is open."""
    return exchange.perp.held[owner][s].lots != 0 or bool(exchange.orders.open(owner, s))


def symbol_config(exchange: Exchange, owner: int, s: int) -> dict[str, Any]:
    """One instrument of GET /fapi/v1/symbolConfig."""
    held = exchange.perp.held[owner][s]
    return {
        "symbol": exchange.listings[s].instrument.symbol,
        "marginType": "ISOLATED" if held.is_isolated else "CROSSED",
        "isAutoAddMargin": False,
        "leverage": held.leverage,
        "maxNotionalValue": most_notional(exchange, s),
    }


def most_notional(exchange: Exchange, s: int) -> str:
    """What a position can be worth at most: the largest order at the largest price; brackets are not graded."""
    sizes = exchange.sizes[s]
    return text8(sizes.max_lots * sizes.max_ticks * sizes.unit)


def leverage_bracket(exchange: Exchange, s: int) -> dict[str, Any]:
    """One instrument of GET /fapi/v1/leverageBracket: one bracket for all sizes."""
    listing = exchange.listings[s]
    bracket = {
        "bracket": 1,
        "initialLeverage": listing.most_leverage,
        "notionalCap": float(most_notional(exchange, s)),
        "notionalFloor": 0.0,
        "maintMarginRatio": float(share(listing.maintenance)),
        "cum": 0.0,
    }
    return {"symbol": listing.instrument.symbol, "notionalCoef": 1.0, "brackets": [bracket]}


def commission_rate(exchange: Exchange, s: int) -> dict[str, Any]:
    """GET /fapi/v1/commissionRate."""
    listing = exchange.listings[s]
    return {
        "symbol": listing.instrument.symbol,
        "makerCommissionRate": share(listing.maker),
        "takerCommissionRate": share(listing.taker),
        "rpiCommissionRate": share(listing.maker),
    }


def position_margin(exchange: Exchange, owner: int, s: int) -> int:
    """What a position takes of its instrument's margin, without the orders that rest."""
    return -(-abs(exchange.perp.notional(owner, s)) // exchange.perp.held[owner][s].leverage)


def _position(exchange: Exchange, steps: Sequence[Steps], owner: int, s: int) -> dict[str, Any]:
    """One position of GET /fapi/v3/account."""
    money, held = exchange.perp, exchange.perp.held[owner][s]
    return {
        "symbol": steps[s].symbol,
        "positionSide": "BOTH",
        "positionAmt": steps[s].size(held.lots),
        "unrealizedProfit": text8(money.unrealized(owner, s)),
        "isolatedMargin": text8(held.set_aside + money.unrealized(owner, s) if held.is_isolated else 0),
        "notional": text8(money.notional(owner, s)),
        "isolatedWallet": text8(held.set_aside if held.is_isolated else 0),
        "initialMargin": text8(money.initial_margin(owner, s)),
        "maintMargin": text8(money.maintenance(owner, s)),
        "updateTime": held.updated_ns // MILLI_NS,
    }


def _unrealized(exchange: Exchange, owner: int, *, is_isolated: bool) -> int:
    """The unrealized results of an owner's cross, or isolated, positions."""
    return sum(exchange.perp.unrealized(owner, s) for s, one in enumerate(exchange.perp.held[owner]) if one.is_isolated == is_isolated)


def _resting(exchange: Exchange, owner: int, s: int) -> tuple[int, int]:
    """What the orders that rest are worth, to buy and to sell."""
    worth = [0, 0]
    for order in exchange.orders.open(owner, s):
        if not order.waits:
            worth[order.wish.side] += order.left * order.wish.ticks * exchange.sizes[s].unit
    return worth[0], worth[1]
