"""Lists of fills that are asked for: from the last one that a list told, so that none between two of them is missed, whatever the stream says."""

from __future__ import annotations

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.domain.trading import FillsAsked
from metastackerbandit.runtime.account_desk import AccountDesk
from metastackerbandit.runtime.order_view import OrderView

_LISTED_NS = 86_400 * SECOND_NS  # fills of a day are listed by every venue in one answer, however long ago it was


class FillLists:
    """Asks, and gives what it is told to the view. `since_ns` is the venue's time from which fills may be unknown to us."""

    def __init__(self, view: OrderView, account: AccountDesk, since_ns: int) -> None:
        self._view, self._account, self._since_ns = view, account, since_ns
        self._newest_trade: dict[str, str] = {}  # by symbol
        self._from_ns: dict[str, int] = {}  # by symbol, while no list has told a fill

    def reach_back(self, from_ns: int) -> None:
        """Fills since then may be unknown to us, too."""
        self._since_ns = min(self._since_ns, from_ns)

    async def fetch(self, one: Instrument) -> None:
        """Fills of a symbol since the last that a list told, page by page; while there was none, since a time that follows the venue's.

        Raises:
            RequestFailed, AnswerRefused: the venue did not answer; what was told before stands.
        """
        newest, from_ns = self._newest_trade.get(one.symbol, ""), self._from_ns.get(one.symbol, self._since_ns)
        while True:
            asked_ns = self._account.clock.now_ns()
            question = FillsAsked(newest, 0 if newest else from_ns)
            records = self._account.venue.read_fills(await self._account.told(question, one), one)
            self._view.fills(records)
            last = records[-1].fill.trade_id if records else newest
            if last != newest:
                newest = self._newest_trade[one.symbol] = last
            elif not newest and from_ns + _LISTED_NS < asked_ns:
                from_ns += _LISTED_NS  # a venue lists some days from the time that it is asked for
                continue
            if len(records) < self._account.venue.most_fills or last == question.from_trade:
                self._from_ns[one.symbol] = max(from_ns, asked_ns - _LISTED_NS)
                return
