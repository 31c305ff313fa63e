"""An owner's own things at Binance USD-M by REST: balance, positions, settings, fees, income."""

from __future__ import annotations

from typing import Any

from metastackerbandit.practice.binance import perp_account
from metastackerbandit.practice.binance.perp_income import IncomeBook, income
from metastackerbandit.practice.binance.perp_refusals import ONE_WAY_ONLY, SAME_MARGIN_TYPE, SAME_POSITION_SIDE, refused, told
from metastackerbandit.practice.binance.perp_venue import PerpVenue, cut, limit, span
from metastackerbandit.practice.replies import Asked, Route, Routes, WireRefusal

DONE = {"code": 200, "msg": "success"}
MARGIN_TYPES = ("CROSSED", "ISOLATED")


class PerpOwn:
    """Handlers of accounts."""

    def __init__(self, venue: PerpVenue, book: IncomeBook) -> None:
        self.venue, self.exchange, self.book = venue, venue.exchange, book

    def routes(self) -> Routes:
        """Everything that answers here."""
        return {
            ("GET", "/fapi/v2/balance"): Route(self.balance, 5, "user"),
            ("GET", "/fapi/v3/balance"): Route(self.balance, 5, "user"),
            ("GET", "/fapi/v2/account"): Route(self.account_of_all, 5, "user"),
            ("GET", "/fapi/v3/account"): Route(self.account, 5, "user"),
            ("GET", "/fapi/v2/positionRisk"): Route(self.positions_of_all, 5, "user"),
            ("GET", "/fapi/v3/positionRisk"): Route(self.positions, 5, "user"),
            ("GET", "/fapi/v1/symbolConfig"): Route(self.settings, 5, "user"),
            ("GET", "/fapi/v1/accountConfig"): Route(self.account_settings, 5, "user"),
            ("GET", "/fapi/v1/leverageBracket"): Route(self.brackets, 1, "user"),
            ("GET", "/fapi/v1/commissionRate"): Route(self.fees, 20, "user"),
            ("GET", "/fapi/v1/income"): Route(self.income, 30, "user"),
            ("POST", "/fapi/v1/leverage"): Route(self.set_leverage, 1, "trade"),
            ("POST", "/fapi/v1/marginType"): Route(self.set_margin_type, 1, "trade"),
            ("GET", "/fapi/v1/positionSide/dual"): Route(lambda asked: {"dualSidePosition": False}, 30, "user"),
            ("POST", "/fapi/v1/positionSide/dual"): Route(self.set_position_side, 1, "trade"),
            ("GET", "/fapi/v1/multiAssetsMargin"): Route(lambda asked: {"multiAssetsMargin": False}, 30, "user"),
        }

    def balance(self, asked: Asked) -> Any:
        """The wallet."""
        return perp_account.balance(self.exchange, asked.owner, asked.now_ns)

    def account(self, asked: Asked) -> Any:
        """The wallet, margins, and the positions that are held or have orders."""
        return perp_account.account(self.exchange, self.venue.steps, asked.owner, asked.now_ns)

    def positions(self, asked: Asked) -> Any:
        """Positions that are held or have orders, of one symbol or of all."""
        wanted = self.venue.places(self.venue.maybe_symbol(asked.given))
        mine = [s for s in wanted if perp_account.is_told(self.exchange, asked.owner, s)]
        return [perp_account.position_risk(self.exchange, self.venue.steps, asked.owner, s) for s in mine]

    def account_of_all(self, asked: Asked) -> Any:
        """The older form of an account: positions of all symbols, with their settings."""
        told = perp_account.account(self.exchange, self.venue.steps, asked.owner, asked.now_ns)
        rows = [perp_account.older_position(self.exchange, self.venue.steps, asked.owner, s) for s in self.venue.places(None)]
        return {**self.account_settings(asked), **told, "positions": rows}

    def positions_of_all(self, asked: Asked) -> Any:
        """The older form of positions: all symbols, with their settings."""
        wanted = self.venue.places(self.venue.maybe_symbol(asked.given))
        return [perp_account.older_position_risk(self.exchange, self.venue.steps, asked.owner, s) for s in wanted]

    def settings(self, asked: Asked) -> Any:
        """Leverage and margin type, a list also of one symbol."""
        wanted = self.venue.places(self.venue.maybe_symbol(asked.given))
        return [perp_account.symbol_config(self.exchange, asked.owner, s) for s in wanted]

    def account_settings(self, asked: Asked) -> Any:
        """What an account may do."""
        may = dict.fromkeys(("canTrade", "canDeposit", "canWithdraw"), True)
        return {"feeTier": 0, **may, "dualSidePosition": False, "multiAssetsMargin": False, "tradeGroupId": -1, "updateTime": 0}

    def brackets(self, asked: Asked) -> Any:
        """Leverage by size, a list also of one symbol."""
        return [perp_account.leverage_bracket(self.exchange, s) for s in self.venue.places(self.venue.maybe_symbol(asked.given))]

    def fees(self, asked: Asked) -> Any:
        """What trading a symbol costs."""
        return perp_account.commission_rate(self.exchange, self.venue.symbol(asked.given))

    def income(self, asked: Asked) -> Any:
        """Rows of what was earned and paid, oldest first."""
        given, (first_ns, last_ns) = asked.given, span(asked.given)
        wanted, sort = self.venue.places(self.venue.maybe_symbol(given)), given.maybe("incomeType")
        rows = [one for one in self.book.of(asked.owner) if one.s in wanted and first_ns <= one.at_ns <= last_ns and sort in (None, one.sort)]
        return [income(one, self.venue.steps[one.s].symbol) for one in cut(rows, given, limit(given, 100, 1_000), by="startTime")]

    def set_leverage(self, asked: Asked) -> Any:
        """Another leverage of a symbol."""
        s, leverage = self.venue.symbol(asked.given), asked.given.whole("leverage")
        asked.given.settle()
        why = self.exchange.set_leverage(asked.owner, s, leverage, asked.now_ns)
        if why is not None:
            raise refused(-2028, "Leverage is smaller than permitted: insufficient margin balance.") if why.why == "margin" else told(why.why)
        return {"symbol": self.venue.steps[s].symbol, "leverage": leverage, "maxNotionalValue": perp_account.most_notional(self.exchange, s)}

    def set_margin_type(self, asked: Asked) -> Any:
        """Cross or isolated margin of a symbol."""
        s = self.venue.symbol(asked.given)
        word = asked.given.one_of("marginType", MARGIN_TYPES, None)
        asked.given.settle()
        why = self.exchange.set_isolated(asked.owner, s, word == "ISOLATED", asked.now_ns)
        if why is not None:
            raise WireRefusal(*SAME_MARGIN_TYPE) if why.why == "no_change" else told(why.why)
        return DONE

    def set_position_side(self, asked: Asked) -> Any:
        """One position a symbol is all there is: asking for it again changes nothing, and the other mode is refused."""
        asked.given.text("dualSidePosition")
        raise WireRefusal(*(ONE_WAY_ONLY if asked.given.flag("dualSidePosition") else SAME_POSITION_SIDE))
