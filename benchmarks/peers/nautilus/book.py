"""NautilusTrader's client of Binance's USD-M streams at work on recorded frames: decoded, made into deltas, applied to its order book.

The functions are those of its data client, bound to an object that has no connection, message bus or log; what they hand on goes straight to the
book, as its data engine would do.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import captured
import msgspec
from nautilus_trader.adapters.binance.common.enums import BinanceAccountType
from nautilus_trader.adapters.binance.common.schemas import market as common
from nautilus_trader.adapters.binance.data import BinanceCommonDataClient
from nautilus_trader.adapters.binance.futures.data import BinanceFuturesDataClient
from nautilus_trader.adapters.binance.futures.schemas.market import BinanceFuturesTradeMsg
from nautilus_trader.common.component import LiveClock
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import OrderBookDeltas
from nautilus_trader.model.enums import BookType
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from serving import serve

VENUE = Venue("BINANCE")


class Quiet:
    """Stands where its log does; what goes wrong is not quiet."""

    def info(self, *said: Any) -> None:
        """Nothing is written."""

    debug = info

    def exception(self, said: str, error: Exception) -> None:
        raise error

    def error(self, said: str) -> None:
        raise RuntimeError(said)


class Replies:
    """Stands where its HTTP interface does: the snapshot is there once its frame has come."""

    def __init__(self) -> None:
        self.body = b""

    def __await__(self) -> Generator[None, None, None]:
        yield

    async def request_order_book_snapshot(self, instrument_id: InstrumentId, ts_init: int, limit: int | None = None) -> OrderBookDeltas:
        await self
        return msgspec.json.decode(self.body, type=common.BinanceDepth).parse_to_order_book_snapshot(instrument_id, ts_init)


class Feed:
    """Its client's functions with all that they need."""

    venue = VENUE
    _get_cached_instrument_id = BinanceCommonDataClient._get_cached_instrument_id
    _handle_ws_message = BinanceCommonDataClient._handle_ws_message
    _handle_book_diff_update = BinanceCommonDataClient._handle_book_diff_update
    _handle_book_ticker = BinanceCommonDataClient._handle_book_ticker
    _handle_trade = BinanceFuturesDataClient._handle_trade
    _order_book_snapshot_then_deltas = BinanceCommonDataClient._order_book_snapshot_then_deltas

    def __init__(self, instrument_id: InstrumentId) -> None:
        self._binance_account_type = BinanceAccountType.USDT_FUTURES
        self._clock, self._log, self._http_market = LiveClock(), Quiet(), Replies()
        self._instrument_ids: dict[str, InstrumentId] = {}
        self._book_depths: dict[InstrumentId, int | None] = {instrument_id: 1_000}
        self._book_buffer: dict[InstrumentId, list[Any]] = {}
        self._decoder_data_msg_wrapper = msgspec.json.Decoder(common.BinanceDataMsgWrapper)
        self._decoder_order_book_msg = msgspec.json.Decoder(common.BinanceOrderBookMsg)
        self._decoder_quote_msg = msgspec.json.Decoder(common.BinanceQuoteMsg)
        self._decoder_futures_trade_msg = msgspec.json.Decoder(BinanceFuturesTradeMsg)
        self._ws_handlers = {"@bookTicker": self._handle_book_ticker, "@trade": self._handle_trade, "@depth@": self._handle_book_diff_update}
        self.book = OrderBook(instrument_id, BookType.L2_MBP)
        self.changes: list[tuple[Any, ...]] = []
        self._has_snapshot = False

    def _handle_data(self, data: Any) -> None:
        if not isinstance(data, OrderBookDeltas):
            return
        book = self.book
        book.apply_deltas(data)
        if self._has_snapshot:
            told = (book.sequence, book.best_bid_price(), book.best_bid_size(), book.best_ask_price(), book.best_ask_size())
            self.changes.append(told)
        self._has_snapshot = True


def book(job: dict[str, Any]) -> Callable[[], Any]:
    """Frames read; a run takes them with a new feed."""
    frames = captured.read(job)
    instrument_id = InstrumentId(Symbol(job["symbol"] + "-PERP"), VENUE)

    def run() -> Any:
        feed = Feed(instrument_id)
        asking = feed._order_book_snapshot_then_deltas(instrument_id)
        asking.send(None)  # it has asked, and waits
        for is_reply, text in frames:
            if is_reply:
                feed._http_market.body = text
                try:
                    asking.send(None)
                except StopIteration:
                    continue
                raise RuntimeError("the snapshot came, and is still waited for")
            feed._handle_ws_message(text)
        sides = ([(level.price, level.size()) for level in side] for side in (feed.book.bids(), feed.book.asks()))
        return captured.told(job, feed.changes, *sides)

    return run


if __name__ == "__main__":
    serve({"book": book}, versions=("nautilus_trader",))
