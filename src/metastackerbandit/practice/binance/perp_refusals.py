"""Why Binance USD-M refuses: each word of the exchange as the venue's code and text, which can depend on the order that was asked for."""

from __future__ import annotations

from metastackerbandit.practice.binance.decimals import text8
from metastackerbandit.practice.replies import WireRefusal
from metastackerbandit.simulation.exchange_words import NewOrder, Refused
from metastackerbandit.simulation.listing import Listing, Sizes

TOLD: dict[Refused, tuple[int, str]] = {
    "price_filter": (-4002, "Price greater than max price."),
    "lot_size": (-4005, "Quantity greater than max quantity."),
    "market_lot_size": (-4005, "Quantity greater than max quantity."),
    "notional": (-4164, "Order's notional must be no smaller than {least} (unless you choose reduce only)."),
    "percent_price": (-4016, "Price is higher than mark price multiplier cap."),
    "max_num_orders": (-2025, "Reach max open order limit."),
    "max_num_algo_orders": (-4045, "Reach max stop order limit."),
    "max_position": (-2027, "Exceeded the maximum allowable position at current leverage."),
    "balance": (-2018, "Balance is insufficient."),
    "margin": (-2019, "Margin is insufficient."),
    "leverage": (-4028, "Leverage is not valid."),
    "reduce_only": (-2022, "ReduceOnly Order is rejected."),
    "would_take": (-5022, "Due to the order could not be executed as maker, the Post Only order will be rejected."),
    "would_trigger": (-2021, "Order would immediately trigger."),
    "not_whole": (-5021, "Due to the order could not be filled immediately, the FOK order has been rejected."),
    "duplicate": (-4116, "ClientOrderId is duplicated."),
    "closed": (-4140, "Invalid symbol status for opening position."),
    "unknown_order": (-2011, "Unknown order sent."),
    "no_change": (-5027, "No need to modify the order."),
    "open_orders": (-4047, "Margin type cannot be changed if there exists open orders."),
    "open_position": (-4048, "Margin type cannot be changed if there exists position."),
    "full": (-1008, "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."),
}
OVERLOADED = 503  # of -1008: the order did not reach the engine
SAME_MARGIN_TYPE = 400, -4046, "No need to change margin type."
SAME_POSITION_SIDE = 400, -4059, "No need to change position side."
ONE_WAY_ONLY = 400, -4531, "One position a symbol is kept here: hedge mode (dualSidePosition=true) is not offered."
WRONG_SIDE = 400, -4061, "Order's position side does not match user's setting."
NO_SUCH_KEY = 400, -1125, "This listenKey does not exist."
BAD_DEPTH = 400, -4021, "Depth limit is not valid: it is one of 5, 10, 20, 50, 100, 500, 1000."
BAD_GUARD = 400, -1130, "Data sent for parameter 'selfTradePreventionMode' is not valid."
USE_ALGO = 400, -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
NO_PRICE = 400, -4001, "Price less than 0."
NO_SIZE = 400, -4003, "Quantity less than or equal to zero."
OFF_TICK = 400, -4014, "Price not increased by tick size."
OFF_STEP = 400, -4023, "Quantity not increased by step size."
TOO_FINE = 400, -1111, "Precision is over the maximum defined for this asset."
BAD_CLIENT_ID = 400, -4015, "Client order id is not valid: it has 1 to 36 letters of A-Z a-z 0-9 . : / _ -"


def refused(code: int, msg: str) -> WireRefusal:
    """A refusal as most are."""
    return WireRefusal(400, code, msg)


def told(why: Refused) -> WireRefusal:
    """A word that is not about a new order's price or size."""
    code, msg = TOLD[why]
    return WireRefusal(OVERLOADED if why == "full" else 400, code, msg)


def of_order(why: Refused, wish: NewOrder, listing: Listing, sizes: Sizes) -> WireRefusal:
    """Why an order is refused: below or above what is allowed are told apart."""
    if why == "price_filter" and min(one for one in (wish.ticks, wish.trigger) if one) < listing.min_ticks:
        return refused(-4013, "Price less than min price.")
    if why == "lot_size" and wish.lots < sizes.min_lots:
        return refused(-4004, "Quantity less than min quantity.") if wish.lots else WireRefusal(*NO_SIZE)
    if why == "percent_price":
        high, low = (-4016, "Price is higher than mark price multiplier cap."), (-4024, "Price is lower than mark price multiplier floor.")
        return refused(*(low if wish.side else high))
    if why == "notional":
        return refused(-4164, TOLD["notional"][1].format(least=text8(sizes.least)))
    return told(why)
