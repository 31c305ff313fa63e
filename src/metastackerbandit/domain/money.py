"""Money is an integer count of a currency's smallest unit here; rates are integers of 1e-8."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.domain.kernel import kernel

RATE_ONE = 100_000_000  # a rate of 1.0; venues state fees and funding with up to eight decimals
BPS_RATE = 10_000  # one basis point as a rate
BOUND = 2**62  # every product of price, quantity and unit stays below this

_FINE = {"BTC": 12, "ETH": 12, "BNB": 12}  # coins dear enough that 1e-8 of one is more than a price step is worth


def money_digits(currency: str) -> int:
    """Decimals of a currency's money unit: 8 for dollars and the like, 12 for dear coins."""
    return _FINE.get(currency, 8)


def money_of(text: str | Decimal | int, currency: str) -> int:
    """Exact amount in money units; more decimals than the currency has are refused."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise InstrumentRefused(f"{text!r} is not an amount of {currency}", mend="write a plain decimal number") from None
    units = amount
    if amount.is_finite():  # not scaleb, which rounds to the context's 28 digits
        sign, digits, exponent = amount.as_tuple()
        units = Decimal((sign, digits, int(exponent) + money_digits(currency)))
    if not units.is_finite() or units != units.to_integral_value():
        raise InstrumentRefused(f"{text} {currency} is finer than its money unit of 1e-{money_digits(currency)}", mend="round it")
    if abs(units) >= BOUND:
        raise InstrumentRefused(f"{text} {currency} does not fit 64-bit money", mend="use a smaller amount")
    return int(units)


def money_text(units: int, currency: str) -> str:
    """Money units as plain decimal text, without trailing zeros."""
    amount = Decimal(int(units)).scaleb(-money_digits(currency))
    text = format(amount, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def money_float(units: int, currency: str) -> float:
    """Money units as a float of whole currency, for statistics and display."""
    return int(units) / 10 ** money_digits(currency)


@kernel
def muldiv(a: int, b: int, c: int) -> int:
    """floor(a * b / c) for 0 <= a, b and 0 < c <= 2**62, exact although a * b may pass int64; the result must fit.

    Long multiplication by the bits of b with the remainder kept below c (a shift-and-add division).
    """
    if a == 0 or b == 0:
        return 0
    if a <= 9223372036854775807 // b:
        return a * b // c
    whole = a // c
    rest = a % c
    quotient = 0
    remainder = 0
    bit = 4611686018427387904  # 2**62
    while bit > 0:
        quotient = quotient * 2
        remainder = remainder * 2
        if remainder >= c:
            remainder -= c
            quotient += 1
        if b & bit:
            quotient += whole
            remainder += rest
        if remainder >= c:
            remainder -= c
            quotient += 1
        bit = bit // 2
    return quotient


@kernel
def opposes(a: int, b: int) -> bool:
    """Whether two quantities have opposite signs; their product could pass 64 bits."""
    return (a > 0 and b < 0) or (a < 0 and b > 0)


@kernel
def rate_up(amount: int, rate: int) -> int:
    """ceil(amount * rate / 1e8) for amount >= 0 and rate >= 0: what we pay is rounded against us."""
    whole = amount // 100_000_000
    rest = amount % 100_000_000
    return whole * rate + (rest * rate + 99_999_999) // 100_000_000


@kernel
def rate_signed(amount: int, rate: int) -> int:
    """amount * rate / 1e8 for amount >= 0 and a rate of either sign, rounded up: a payment is never understated, a receipt never overstated."""
    if rate >= 0:
        return rate_up(amount, rate)
    whole = amount // 100_000_000
    rest = amount % 100_000_000
    return -(whole * -rate + rest * -rate // 100_000_000)
