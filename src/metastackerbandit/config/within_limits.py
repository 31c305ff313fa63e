"""Settings held against the hard limits before a run begins: which of them would pass which limit, with both numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from metastackerbandit.config.books import engine_settings, traded_frames
from metastackerbandit.config.schema import Config
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.hard_limits import HardLimits
from metastackerbandit.domain.money import money_text


def refuse_excess(config: Config, symbols: Sequence[str], limits: HardLimits, unlocked: int) -> None:
    """Refuse settings that pass a limit from the start, all of them named; `unlocked` is what an unlock lets all positions be worth (money)."""
    found = list(excesses(config, symbols, limits, unlocked))
    if found:
        raise ConfigRefused("; ".join(found), where="hard limits", mend="lower the settings, or raise the limits where you mean it")


def excesses(config: Config, symbols: Sequence[str], limits: HardLimits, unlocked: int) -> Iterator[str]:
    """Each setting that exceeds a limit; amounts are what shares of account.deposit come to."""
    currency = config.account.currency
    if currency != limits.currency:
        yield f"account.currency is {currency}, and the limits are in {limits.currency}"
        return
    deposit, risk, leverage = Decimal(config.account.deposit), config.risk, config.orders.leverage
    books = {(symbol, frame): engine_settings(config, symbol, frame) for symbol in symbols for frame in traded_frames(config)}
    shares = {symbol: max(_exact(book.risk.max_symbol_exposure) for (of, _), book in books.items() if of == symbol) for symbol in symbols}
    position, share = deposit * max(shares.values()), min(_exact(risk.max_gross_exposure), sum(shares.values(), Decimal(0)))
    for name, amount, limit, money in (
        ("risk.max_symbol_exposure", position, "max_position", limits.position),
        ("risk.max_symbol_exposure", position, "max_order", limits.order),
        ("risk.max_gross_exposure", deposit * share, "max_gross", limits.gross),
        ("risk.max_gross_exposure", deposit * share, "the unlock's --max-notional", unlocked),
        ("risk.max_daily_loss", deposit * _exact(risk.max_daily_loss), "max_daily_loss", limits.daily_loss),
    ):
        if amount > Decimal(money_text(money, currency)):
            yield f"{name} of account.deposit comes to {_plain(amount)} {currency}, beyond {limit} = {money_text(money, currency)}"
    if leverage > limits.leverage:
        yield f"orders.leverage = {leverage} is beyond max_leverage = {limits.leverage}"
    if share > leverage:
        yield f"risk.max_gross_exposure lets positions be worth {_plain(share)} times the deposit, which orders.leverage = {leverage} cannot carry"
    orders = sum(book.execution.max_orders_a_day for book in books.values())
    if orders > limits.orders_a_day:
        yield f"execution.max_orders_a_day comes to {orders:,} over all books, beyond max_orders_a_day = {limits.orders_a_day:,}"


def _exact(value: float) -> Decimal:
    """A setting as it was written."""
    return Decimal(repr(value))


def _plain(value: Decimal) -> str:
    """An amount without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
