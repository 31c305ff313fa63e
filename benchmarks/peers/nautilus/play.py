"""NautilusTrader at work: rules over bars with fees, slippage, stop and target, and its trades told; funding is not charged by its venue.

Of bars alone NautilusTrader fills what a strategy sends at a bar's close at that same close. So the first price of each candle is given as a trade
of its own, a nanosecond after its open: `on_bar` decides, `on_trade_tick` sends, and the order fills at that trade's price. The candle itself comes
at its close, and its venue walks it from open to high to low to close. A job with `first_prices` 0 plays on bars alone.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import candles
import numpy as np
import pandas as pd
from following import KEEP, Following, barriers, slipped
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FillModel
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.indicators import DonchianChannel, SimpleMovingAverage
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import Bar, BarSpecification, BarType, BookOrder, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, BookType, OmsType, OrderSide, OrderType, PriceType
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy
from serving import serve

VENUE = Venue("SIM")
INSTRUMENT = InstrumentId(Symbol("COINUSDT-PERP"), VENUE)
PLENTY = 10**9  # lots offered at the price that a taker pays: no order is larger


def contract(job: dict[str, Any]) -> CryptoPerpetual:
    """A linear perpetual with the job's steps of price and quantity, and its fee for maker and taker."""
    fee = Decimal(str(job["fee_bps"])) / 10_000
    tick, step = Price.from_str(job["tick"]), Quantity.from_str(job["step"])
    return CryptoPerpetual(
        instrument_id=INSTRUMENT,
        raw_symbol=INSTRUMENT.symbol,
        base_currency=BTC,
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=tick.precision,
        size_precision=step.precision,
        price_increment=tick,
        size_increment=step,
        maker_fee=fee,
        taker_fee=fee,
        ts_event=0,
        ts_init=0,
    )


class Slipping(FillModel):
    """Offers takers a price that is worse by a share of the reference, rounded to a tick against them; makers get the venue's own treatment.

    The reference of a market order is the last price; that of a stop its trigger, as in the venue's own fills of stops on bars.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__()
        self.tick, self.slippage_bps = float(job["tick"]), job["slippage_bps"]

    def paid(self, price: float, side: int) -> int:
        """Ticks that a taker pays."""
        return slipped(round(price / self.tick), side, self.slippage_bps)

    def get_orderbook_for_fill_simulation(self, instrument: Any, order: Any, best_bid: Any, best_ask: Any) -> Any:
        if order.order_type == OrderType.LIMIT:
            return None
        buys = order.side == OrderSide.BUY
        stops = order.order_type == OrderType.STOP_MARKET
        reference = order.trigger_price if stops else best_ask if buys else best_bid
        price = Price(self.paid(float(reference), 1 if buys else -1) * self.tick, instrument.price_precision)
        book = OrderBook(instrument.id, BookType.L2_MBP)
        offered = Quantity(PLENTY * float(instrument.size_increment), instrument.size_precision)
        book.add(BookOrder(OrderSide.SELL if buys else OrderSide.BUY, price, offered, 1), 0, 0)
        return book


class Trading(Strategy):
    """Turns what a rule says at a close into orders at the next candle's first price; a subclass is the rule."""

    def __init__(
        self, job: dict[str, Any], instrument: CryptoPerpetual, bars: BarType, paid: Callable[[float, int], int], ended: Callable[[Any, float], None]
    ) -> None:
        super().__init__(StrategyConfig(strategy_id="PEER-001"))
        self.rule, self.instrument, self.bars, self.paid, self.ended = job["strategy"], instrument, bars, paid, ended
        self.tick, self.waits = float(job["tick"]), bool(job.get("first_prices", True))
        self.quantity = instrument.make_qty(float(Decimal(str(job["quantity"]))))
        self.following = Following(self.rule)
        self.wanted: int | None = None

    def word(self, bar: Bar) -> int:
        """What the rule says at this close."""
        raise NotImplementedError

    def ticks(self, price: Any) -> int:
        return round(float(price) / self.tick)

    def side(self) -> int:
        return int(self.portfolio.is_net_long(INSTRUMENT)) - int(self.portfolio.is_net_short(INSTRUMENT))

    def on_start(self) -> None:
        self.subscribe_bars(self.bars)
        self.subscribe_trade_ticks(INSTRUMENT)

    def on_bar(self, bar: Bar) -> None:
        side = self.side()
        wanted = self.following.wanted(side, self.word(bar))
        self.wanted = None if wanted == side else wanted
        if not self.waits:
            self.act(float(bar.close))

    def on_trade_tick(self, tick: TradeTick) -> None:
        self.act(float(tick.price))

    def act(self, price: float) -> None:
        """Send what was decided; orders sent now fill at `price`."""
        if self.wanted is None:
            return
        side, self.wanted = self.wanted, None
        self.cancel_all_orders(INSTRUMENT)
        self.close_all_positions(INSTRUMENT)
        if side:
            self.enter(side, price)

    def enter(self, side: int, price: float) -> None:
        """A market order; with stop and target as one bracket, with one of them as an order beside it, from the price that it is about to pay."""
        entering, leaving = (OrderSide.BUY, OrderSide.SELL) if side > 0 else (OrderSide.SELL, OrderSide.BUY)
        stop, target = (
            None if at is None else self.instrument.make_price(at * self.tick) for at in barriers(self.rule, side, self.paid(price, side))
        )
        make, quantity = self.order_factory, self.quantity
        if stop is not None and target is not None:
            self.submit_order_list(make.bracket(INSTRUMENT, entering, quantity, sl_trigger_price=stop, tp_price=target))
            return
        self.submit_order(make.market(INSTRUMENT, entering, quantity))
        if stop is not None:
            self.submit_order(make.stop_market(INSTRUMENT, leaving, quantity, stop, reduce_only=True))
        if target is not None:
            self.submit_order(make.limit(INSTRUMENT, leaving, quantity, target, reduce_only=True))

    def on_order_filled(self, event: Any) -> None:
        if event.order_type != OrderType.MARKET and self.wanted is None:  # else the word had changed before
            self.following.was_stopped(-1 if event.order_side == OrderSide.BUY else 1)

    def on_position_closed(self, event: Any) -> None:
        fees = sum(paid.as_double() for paid in self.cache.position(event.position_id).commissions())
        self.ended(event, fees)


class SmaCross(Trading):
    """Long while the fast average of closes is above the slow one, short while below; as before while they are equal."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.fast, self.slow = (SimpleMovingAverage(self.rule[name]) for name in ("fast", "slow"))
        self.last = 0

    def word(self, bar: Bar) -> int:
        close = self.ticks(bar.close)  # whole numbers, so that equal averages are equal
        self.fast.update_raw(close)
        self.slow.update_raw(close)
        if not self.slow.initialized:
            return 0
        self.last = int(np.sign(self.fast.value - self.slow.value)) or self.last
        return self.last


class Breakout(Trading):
    """Long at a close above the highest high of the bars before, short below the lowest low; else as it is."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.channel = DonchianChannel(self.rule["length"])

    def word(self, bar: Bar) -> int:
        known, highest, lowest = self.channel.initialized, self.channel.upper, self.channel.lower
        self.channel.handle_bar(bar)
        if not known:
            return 0
        close = bar.close.as_double()
        if close > highest:
            return 1
        return -1 if close < lowest else KEEP


def events(seen: candles.Candles, tick: float, instrument: CryptoPerpetual, bars: BarType, first_prices: bool) -> list[Any]:
    """Each candle as its first price, where asked for, and at its close the bar; in order of time."""
    frame_ns = bars.spec.get_interval_ns()
    prices = {name: getattr(seen, name) * tick for name in ("open", "high", "low", "close")}
    frame = pd.DataFrame({**prices, "volume": seen.volume}, index=pd.to_datetime(seen.opened_ns + frame_ns, utc=True))
    told: list[Any] = []
    for number, (at, bar) in enumerate(zip(seen.opened_ns.tolist(), BarDataWrangler(bars, instrument).process(frame), strict=True)):
        if first_prices:
            size = max(Quantity(bar.volume.as_double() / 4, instrument.size_precision), instrument.size_increment)
            told.append(TradeTick(INSTRUMENT, bar.open, size, AggressorSide.NO_AGGRESSOR, TradeId(str(number)), at + 1, at + 1))
        told.append(bar)
    return told


def preparing(rule: type[Trading]) -> Callable[[dict[str, Any]], Callable[[], Any]]:
    """The kind of work that follows one rule: an engine is built and given its data before, a run adds the strategy and plays."""

    def prepare(job: dict[str, Any]) -> Callable[[], Any]:
        seen, instrument = candles.read(job), contract(job)
        bars = BarType(INSTRUMENT, BarSpecification.from_timedelta(pd.Timedelta(int(np.diff(seen.opened_ns).min())), PriceType.LAST))
        quiet = LoggingConfig(bypass_logging=True)
        engine = BacktestEngine(BacktestEngineConfig(logging=quiet, run_analysis=False, risk_engine=RiskEngineConfig(bypass=True)))
        venue = Slipping(job)
        engine.add_venue(
            VENUE,
            OmsType.NETTING,
            AccountType.MARGIN,
            starting_balances=[Money(job["cash"], USDT)],
            default_leverage=Decimal(100),
            fill_model=venue,
        )
        engine.add_instrument(instrument)
        engine.add_data(events(seen, float(job["tick"]), instrument, bars, bool(job.get("first_prices", True))), sort=False)

        def run() -> Any:
            return candles.told(job, play(rule, job, engine, instrument, bars, venue, seen.opened_ns), seen.opened_ns)

        return run

    return prepare


def play(
    rule: type[Trading], job: dict[str, Any], engine: BacktestEngine, instrument: CryptoPerpetual, bars: BarType, venue: Slipping, opened_ns: Any
) -> list[list[float]]:
    """One run of the engine -> its closed positions in ticks and lots."""
    tick, step, money = float(job["tick"]), float(job["step"]), candles.money_of(job)
    rows: list[list[float]] = []

    def ended(event: Any, fees: float) -> None:
        first, last = (int(np.searchsorted(opened_ns, at - 1, "right")) - 1 for at in (event.ts_opened, event.ts_closed))
        side = 1 if event.entry == OrderSide.BUY else -1
        paid, got = float(event.avg_px_open) / tick, float(event.avg_px_close) / tick
        profit = event.realized_pnl.as_double() / money
        rows.append([first, last, side, round(float(event.peak_qty) / step), paid, got, fees / money, 0.0, profit])

    engine.reset()
    engine.clear_strategies()
    engine.add_strategy(rule(job, instrument, bars, venue.paid, ended))
    engine.run()
    return rows


if __name__ == "__main__":
    serve({"sma_cross": preparing(SmaCross), "breakout": preparing(Breakout)}, versions=("nautilus_trader",))
