"""The hard limits file: what no configuration can exceed where real money is traded; it is read whole, or refused.

<home>/hard_limits.toml, or the file that MSB_HARD_LIMITS names. It stands beside the configuration and not in it, so that no flag, rollout or
`msb set` reaches it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from metastackerbandit.config.files import read_whole
from metastackerbandit.config.problems import closest
from metastackerbandit.domain.errors import ConfigRefused, InstrumentRefused
from metastackerbandit.domain.hard_limits import HardLimits
from metastackerbandit.domain.money import money_of

VARIABLE = "MSB_HARD_LIMITS"
MAKE = "`msb init --hard-limits` writes a commented one"
_AMOUNTS = ("max_position", "max_gross", "max_order", "max_daily_loss")
_COUNTS = ("max_leverage", "max_orders_a_day")
_KEYS = ("currency", *_AMOUNTS, *_COUNTS)
MOST_LEVERAGE = 125  # that any venue here grants

TEMPLATE = """\
# Hard limits of this installation where real money is traded. No setting, flag, variable or rollout can exceed them; every order of new risk is
# held against them right before it is sent. Reductions, stops and targets always go. All of them must stand here.
# They are a guard and no target: begin with what you can lose without thinking about it.

currency = "USDT"       # of the amounts below; every traded symbol is quoted in it
max_position = 100      # what the position in one symbol may be worth, orders on their way counted as filled
max_gross = 200         # what all positions together may be worth, whichever side they are on
max_order = 100         # what one order of new risk may be worth
max_leverage = 1        # that the account may be set to, of any symbol (orders.leverage)
max_orders_a_day = 50   # orders of new risk in a UTC day, over all symbols and runs
max_daily_loss = 20     # lost in a UTC day, open positions with it: then no new risk is taken until the next
"""


def limits_file(home: Path, environment: Mapping[str, str]) -> Path:
    """Where the limits are."""
    named = environment.get(VARIABLE, "")
    return Path(named).expanduser() if named else home / "hard_limits.toml"


def hard_limits(home: Path, environment: Mapping[str, str]) -> HardLimits:
    """The limits. Raises ConfigRefused where there is no file, or anything in it is missing, unknown, or no amount."""
    file = limits_file(home, environment)
    if not file.exists():
        raise ConfigRefused("there are no hard limits, so no real money is traded", where=str(file), mend=MAKE)
    try:
        told = tomllib.loads(read_whole(file).decode(), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigRefused(f"it is no TOML: {error}", where=str(file), mend=MAKE) from None
    for name in told:
        if name not in _KEYS:
            meant = closest(name, _KEYS)
            raise ConfigRefused(f"unknown limit {name!r}", where=str(file), mend=f"did you mean {meant}?" if meant else f"it has {', '.join(_KEYS)}")
    lacking = [name for name in _KEYS if name not in told]
    if lacking:
        raise ConfigRefused(f"{lacking[0]} is not limited", where=str(file), mend=f"all of {', '.join(_KEYS)} must stand there; {MAKE}")
    currency = told["currency"]
    if not (isinstance(currency, str) and currency.isalnum()):
        raise ConfigRefused(f"currency = {currency!r} is none", where=str(file), mend='such as currency = "USDT"')
    amounts = {name: _amount(told[name], name, currency, file) for name in _AMOUNTS}
    counts = {name: _count(told[name], name, file) for name in _COUNTS}
    return HardLimits(
        currency=currency,
        position=amounts["max_position"],
        gross=amounts["max_gross"],
        order=amounts["max_order"],
        leverage=counts["max_leverage"],
        orders_a_day=counts["max_orders_a_day"],
        daily_loss=amounts["max_daily_loss"],
    )


def _amount(value: Any, name: str, currency: str, file: Path) -> int:
    """An amount above 0 as money."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        try:
            money = money_of(value, currency)
        except InstrumentRefused as error:
            raise ConfigRefused(f"{name}: {error.what}", where=str(file), mend=error.mend) from None
        if money > 0:
            return money
    raise ConfigRefused(f"{name} = {value!r} is no amount above 0", where=str(file), mend=f"such as {name} = 100")


def _count(value: Any, name: str, file: Path) -> int:
    """A whole number of at least 1."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        if name != "max_leverage" or value <= MOST_LEVERAGE:
            return value
        raise ConfigRefused(f"{name} = {value} is more than any venue grants", where=str(file), mend=f"{MOST_LEVERAGE} at most")
    raise ConfigRefused(f"{name} = {value!r} is no whole number above 0", where=str(file), mend=f"such as {name} = 1")
